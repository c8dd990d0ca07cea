"""The pace of the screen: a stream of changes cut into batches, so that a fast run costs few repaints a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from bullpen_api.v1 import event_pb2

from bullpen_tui.port import WatchItem

BATCH_SECONDS = 0.1
"""Shortest time between two batches of changes: ten repaints a second are as many as an eye follows."""
STEP_SECONDS = 0.3
"""Shortest time before a batch of nothing but steps and previews: bars need not be smooth, and each repaint is sent
over somebody's line."""
PREVIEW_BYTES = 25_000
"""What previews may cost a second on a terminal that is drawn cell by cell."""
CELL_BYTES = 44
"""What one cell of half blocks costs: two colours and a sign."""

Moving = event_pb2.Progress | event_pb2.Preview | event_pb2.Bookmark


async def batches(
    items: AsyncIterator[WatchItem], seconds: float = BATCH_SECONDS, step_seconds: float | None = None
) -> AsyncIterator[list[WatchItem]]:
    """Cuts a stream into batches at least `seconds` apart, those of steps alone at least `step_seconds`.

    The first item after a pause is given at once, so that a key press shows its effect without delay. In a batch only
    the last progress and the last preview of each candidate are left, at the place of the last one.
    """
    calm = STEP_SECONDS * seconds / BATCH_SECONDS if step_seconds is None else step_seconds
    clock = asyncio.get_running_loop().time
    waiting: list[WatchItem] = []
    arrived = asyncio.Event()
    ended = False

    async def drain() -> None:
        nonlocal ended
        try:
            async for item in items:
                waiting.append(item)
                arrived.set()
        finally:
            ended = True
            arrived.set()

    async def happens(until: float) -> None:
        """Waits for something that is no step, the end, or the time."""
        try:
            async with asyncio.timeout_at(until):
                while not ended and all(isinstance(item, Moving) for item in waiting):
                    await arrived.wait()
                    arrived.clear()
        except TimeoutError:
            pass

    reader = asyncio.create_task(drain())
    given = float("-inf")
    try:
        while True:
            await arrived.wait()
            arrived.clear()
            if waiting and clock() < given + calm:
                await happens(given + calm)
            if waiting:
                batch = latest(waiting)
                waiting.clear()
                given = clock()
                yield batch
            if ended and not waiting:
                break
            await asyncio.sleep(seconds)
        await reader
    finally:
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)


def latest(items: Sequence[WatchItem]) -> list[WatchItem]:
    """Leaves out what a later item of the same batch makes needless."""
    kept: list[WatchItem] = []
    seen: set[tuple[str, str]] = set()
    for item in reversed(items):
        key: tuple[str, str] | None = None
        if isinstance(item, event_pb2.Progress | event_pb2.Preview):
            key = (type(item).__name__, item.candidate)
        elif isinstance(item, event_pb2.Bookmark):
            key = ("Bookmark", "")
        if key is not None:
            if key in seen:
                continue
            seen.add(key)
        kept.append(item)
    kept.reverse()
    return kept


class PicturePace:
    """When the next moving picture may be drawn, so that its bytes stay within `PREVIEW_BYTES` a second."""

    def __init__(self) -> None:
        self._free_at = float("-inf")

    def wait(self, now: float) -> float:
        """Seconds until another may be drawn."""
        return max(0.0, self._free_at - now)

    def drawn(self, cells: int, now: float) -> None:
        """One of so many cells was drawn."""
        self._free_at = now + cells * CELL_BYTES / PREVIEW_BYTES
