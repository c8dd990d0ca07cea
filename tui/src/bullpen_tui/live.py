"""The live connection: reaches the daemon, feeds the mirror by list-then-watch, follows the figures of the machine.

It runs beside the screens and tells the application what happened by messages; it draws nothing and decides nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bullpen_api.v1 import queue_pb2
from bullpen_client.errors import BullpenError, TokenInvalid
from bullpen_client.watch import Reconnected, Reconnecting
from textual.message import Message

from bullpen_tui import messages as say
from bullpen_tui.mirror import Change, Happened, Listed
from bullpen_tui.pacing import batches
from bullpen_tui.port import Daemon, Dial, WatchItem, sentence

RETRY_SECONDS = 2.0
METRICS_SECONDS = 1.0
PATIENT_ATTEMPTS = 5
"""Attempts after which the banner says how a person starts a daemon."""

Post = Callable[[Message], object]


class Live:
    """Tasks of the connection. `post` brings a message to the application."""

    def __init__(self, dial: Dial, post: Post) -> None:
        self._dial = dial
        self._post = post
        self.painted = asyncio.Event()
        """Set by the application when the last batch of changes is on the screen."""

    async def follow(self) -> None:
        """Reaches the daemon and follows it, for ever."""
        daemon = await self._reach()
        figures = asyncio.create_task(self._follow_metrics(daemon))
        broken = False
        try:
            while True:
                try:
                    listing = await daemon.projects()
                    if broken:
                        self._post(say.ConnectionMended())
                    broken = False
                    projects = Listed(tuple(listing.projects), listing.revision)
                    self._post(say.ChangesArrived((projects,)))
                    async for batch in batches(daemon.watch(listing.revision)):
                        await self._post_batch(batch)
                except BullpenError as error:
                    broken = True
                    self._post(say.ConnectionBroke(error, 0))
                await asyncio.sleep(RETRY_SECONDS)
        finally:
            figures.cancel()
            await asyncio.gather(figures, return_exceptions=True)

    async def _reach(self) -> Daemon:
        while True:
            try:
                daemon = await self._dial()
                info = await daemon.info()
            except BullpenError as error:
                self._post(say.DaemonMissed(error))
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self._post(say.DaemonReached(daemon, info))
                return daemon

    async def _follow_metrics(self, daemon: Daemon) -> None:
        while True:
            try:
                async for metrics in daemon.metrics(METRICS_SECONDS):
                    self._post(say.MetricsArrived(metrics))
            except BullpenError:
                # The watch tells the person; figures simply stand still meanwhile.
                pass
            await asyncio.sleep(RETRY_SECONDS)

    async def _post_batch(self, batch: list[WatchItem]) -> None:
        """Posts a batch and waits until it is painted: a terminal that is slow gets fewer pictures, never old ones."""
        changes: list[Change] = []
        for item in batch:
            if isinstance(item, Reconnecting):
                self._post(say.ConnectionBroke(item.error, item.attempt))
            elif isinstance(item, Reconnected):
                self._post(say.ConnectionMended())
            elif not isinstance(item, queue_pb2.Queue):  # is not asked for: the tasks read it
                changes.append(Happened(item))
        if changes:
            self.painted.clear()
            self._post(say.ChangesArrived(tuple(changes)))
            await self.painted.wait()


def trouble(error: BullpenError, attempt: int, key: str = "") -> str:
    """What a lost connection means and what to do, for the banner. `key` starts a daemon; none may be set for it."""
    if isinstance(error, TokenInvalid):
        return (
            "The daemon does not know the token of this studio any more: it was started anew or the token was taken "
            "back. Leave with q and open the studio again; over a forwarded socket, copy run/endpoint.json anew first."
        )
    patience = f" {key or ': and “start daemon”'} starts one." if attempt >= PATIENT_ATTEMPTS else ""
    return (
        "The connection to the daemon is lost and is being taken up again; what you see may be old. "
        f"{sentence(error)}{patience}"
    )


def stranger(version: str, own: str) -> str:
    """What to say of a daemon of another version; nothing where both are of one contract or it cannot be told."""
    try:
        theirs, ours = (tuple(int(part) for part in one.split(".")[:2]) for one in (version, own))
    except ValueError:
        return ""
    if theirs > ours:
        return (
            f"The daemon is {version}, newer than this studio ({own}): what is new in it is not shown. "
            "Update bullpen here to see it."
        )
    if theirs < ours:
        return (
            f"The daemon is {version}, older than this studio ({own}): some screens may be refused. "
            "`bullpen daemon stop` and opening the studio again starts the new one."
        )
    return ""
