"""Reads what the gallery has in view: pages that are missing or old, and the whole in figures.

A page is asked for once at a time. While pictures come by the dozen, what is in view is read again at most every
`AGAIN_SECONDS`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from bullpen_client.errors import BullpenError, SearchInvalid

from bullpen_tui import messages as say
from bullpen_tui.gallery.window import PAGE, Look, Paged, Slip, Slipped, Summed
from bullpen_tui.mirror import Listed

if TYPE_CHECKING:
    from bullpen_tui.app import StudioApp

AGAIN_SECONDS = 0.5


class GalleryReading:
    """Reads for the gallery of one studio."""

    def __init__(self, studio: StudioApp) -> None:
        self._studio = studio
        self._asked: dict[tuple[Look, int], float] = {}
        self._counted: dict[Look, float] = {}
        self._named: set[str] = set()
        self._waits = False

    def forget(self) -> None:
        """The daemon is another one."""
        self._asked.clear()
        self._counted.clear()
        self._named.clear()

    def look(self, look: Look, indices: Iterable[int]) -> None:
        """Has everything read that is wanted for these places."""
        if not self._studio.connected or not look.project:
            return
        window = self._studio.snapshot.gallery
        if window.refused == look:
            return
        fresh = window.look != look or not window.known
        for number in [0] if fresh else window.wanted(indices):
            self._page(look, number)
        if not fresh and window.counted < max(window.moved, 0):
            self._sum(look)

    def named(self, names: Iterable[str]) -> None:
        """Has pictures read that another one tells of, once each; they come into the mirror."""
        for name in names:
            if self._studio.connected and name not in self._named:
                self._named.add(name)
                self._one(name)

    def _one(self, name: str) -> None:
        daemon = self._studio.daemon

        def missed(error: BullpenError) -> say.CallMissed:
            self._named.discard(name)
            return say.CallMissed(error)

        self._studio.ask(
            lambda: daemon.asset(name),
            lambda asset: say.ChangesArrived((Listed((asset,)),)),
            refused=missed,
            group=f"asset {name}",
        )

    def _page(self, look: Look, number: int) -> None:
        now, key = time.monotonic(), (look, number)
        asked = self._asked.get(key)
        if asked is not None and (asked < 0 or now - asked < AGAIN_SECONDS):
            self._later(asked)
            return
        self._asked = {one: when for one, when in self._asked.items() if one[0] == look}
        self._asked[key] = -1.0
        daemon = self._studio.daemon

        async def read() -> Paged:
            try:
                answer = await daemon.find_assets(look.project, look.search, look.in_trash, number * PAGE, PAGE)
            finally:
                self._asked[key] = time.monotonic()
            return Paged(look, number, tuple(answer.assets), bool(answer.next_page_token), answer.revision)

        self._studio.ask(
            read,
            lambda paged: say.ChangesArrived((paged,)),
            refused=lambda error: _refused(look, error),
            group=f"gallery {number}",
            latest_only=True,
        )

    def _sum(self, look: Look) -> None:
        now = time.monotonic()
        asked = self._counted.get(look)
        if asked is not None and (asked < 0 or now - asked < AGAIN_SECONDS):
            self._later(asked)
            return
        self._counted = {look: -1.0}
        daemon = self._studio.daemon

        async def read() -> Summed:
            try:
                answer = await daemon.sum_assets(look.project, look.search, look.in_trash)
            finally:
                self._counted[look] = time.monotonic()
            return Summed(look, answer.total_size, tuple(answer.facets), answer.revision)

        self._studio.ask(
            read,
            lambda summed: say.ChangesArrived((summed,)),
            refused=lambda error: _refused(look, error),
            group="gallery sum",
            latest_only=True,
        )

    def _later(self, asked: float) -> None:
        """Draws once more when it may be asked again; an answer that is under way draws by itself."""
        if asked >= 0 and not self._waits:
            self._waits = True
            self._studio.set_timer(AGAIN_SECONDS, self._again)

    def _again(self) -> None:
        self._waits = False
        self._studio.draw()


def _refused(look: Look, error: BullpenError) -> say.ChangesArrived | say.CallRefused:
    if not isinstance(error, SearchInvalid):
        return say.CallRefused(error)
    column, length = (int(error.metadata.get(key, "1")) for key in ("column", "length"))
    return say.ChangesArrived((Slipped(look, Slip(error.message, column, length)),))
