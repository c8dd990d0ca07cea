"""Keeps the figures of projects fresh: what an event made old is read again, at most once in a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bullpen_client.errors import BullpenError

from bullpen_tui import messages as say
from bullpen_tui.mirror import Listed

if TYPE_CHECKING:
    from bullpen_tui.app import StudioApp

FRESHEN_SECONDS = 1.0
"""Figures of a project that have become old are read again at most this often."""


class Figures:
    """Reads the figures of one studio's projects again."""

    def __init__(self, studio: StudioApp) -> None:
        self._studio = studio

    def begin(self) -> None:
        """Looks from now on, as long as the studio is open."""
        self._studio.set_interval(FRESHEN_SECONDS, self._freshen)

    def _freshen(self) -> None:
        studio = self._studio
        if studio.connected and not studio.lost and studio.snapshot.stale_projects:
            reading = self._read(sorted(studio.snapshot.stale_projects), studio.snapshot.revision)
            studio.run_worker(reading, group="figures", exclusive=True)

    async def _read(self, names: list[str], revision: int) -> None:
        for name in names:
            try:
                project = await self._studio.daemon.project(name)
            except BullpenError:
                # The figures stay marked as old and are asked for again.
                continue
            self._studio.post_message(say.ChangesArrived((Listed((project,), revision),)))
