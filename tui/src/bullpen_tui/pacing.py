"""The pace of the screen: a stream of changes cut into batches, so that a fast run costs ten repaints a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from bullpen_api.v1 import event_pb2

from bullpen_tui.port import WatchItem

BATCH_SECONDS = 0.1
"""Shortest time between two batches of changes: ten repaints a second are as many as an eye follows."""


async def batches(items: AsyncIterator[WatchItem], seconds: float = BATCH_SECONDS) -> AsyncIterator[list[WatchItem]]:
    """Cuts a stream into batches at least `seconds` apart.

    The first item after a pause is given at once, so that a key press shows its effect without delay. In a batch only
    the last progress and the last preview of each candidate are left, at the place of the last one.
    """
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

    reader = asyncio.create_task(drain())
    try:
        while True:
            await arrived.wait()
            arrived.clear()
            if waiting:
                batch = latest(waiting)
                waiting.clear()
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
