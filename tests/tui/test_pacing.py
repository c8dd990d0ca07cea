"""The pace: few repaints, nothing durable lost, no delay after a pause."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from bullpen_api.v1 import event_pb2
from bullpen_client.errors import DaemonUnavailable
from bullpen_client.watch import Reconnected
from bullpen_tui.pacing import CELL_BYTES, PREVIEW_BYTES, PicturePace, batches, latest
from bullpen_tui.port import WatchItem


def step(number: int, candidate: str = "c") -> event_pb2.Progress:
    return event_pb2.Progress(candidate=candidate, step=number)


async def stream(*items: WatchItem) -> AsyncIterator[WatchItem]:
    for item in items:
        yield item


def test_only_the_last_progress_of_each_candidate_is_left() -> None:
    """Two candidates that move at once both show; their older steps do not."""
    assert latest([step(1), step(1, "d"), step(2), step(3)]) == [step(1, "d"), step(3)]


def test_durable_events_are_never_left_out() -> None:
    """Events keep their number and their order."""
    first, second = event_pb2.Event(revision=1), event_pb2.Event(revision=2)
    assert latest([first, step(1), first, second, step(2)]) == [first, first, second, step(2)]


def test_markers_of_the_connection_stay() -> None:
    """A reconnection is told even when the batch is full of progress."""
    assert latest([step(1), Reconnected(4), step(2)]) == [Reconnected(4), step(2)]


async def test_a_burst_is_one_batch() -> None:
    """A hundred steps that wait together are one repaint."""
    got = [batch async for batch in batches(stream(*(step(n) for n in range(100))), 0.0)]
    assert got[-1][-1] == step(99)
    assert sum(len(batch) for batch in got) <= 2


async def test_the_first_item_does_not_wait() -> None:
    """After a pause the effect of a key press is shown at once, not at the next beat."""
    never = asyncio.Event()

    async def slow() -> AsyncIterator[WatchItem]:
        yield step(1)
        await never.wait()

    beats = batches(slow(), 3600.0)
    assert await asyncio.wait_for(anext(beats), 60) == [step(1)]
    await beats.aclose()  # type: ignore[attr-defined]


async def test_an_error_of_the_stream_comes_through() -> None:
    """What ends the watch is told, after what came before it."""

    async def breaking() -> AsyncIterator[WatchItem]:
        yield step(1)
        raise DaemonUnavailable("gone")

    beats = batches(breaking(), 0.0)
    assert await anext(beats) == [step(1)]
    with pytest.raises(DaemonUnavailable):
        await anext(beats)


async def test_steps_alone_wait_for_their_time_and_an_event_does_not() -> None:
    """After a batch of steps the next one waits; something durable brings it along at once."""
    more = asyncio.Event()
    never = asyncio.Event()

    async def steps() -> AsyncIterator[WatchItem]:
        yield step(1)
        await more.wait()
        yield step(2)
        yield event_pb2.Event(revision=1)
        await never.wait()

    beats = batches(steps(), 0.0, 3600.0)
    assert await anext(beats) == [step(1)]
    waiting = asyncio.ensure_future(anext(beats))
    more.set()
    assert await asyncio.wait_for(waiting, 60) == [step(2), event_pb2.Event(revision=1)]
    await beats.aclose()  # type: ignore[attr-defined]


def test_a_moving_picture_stays_within_its_bytes() -> None:
    """The larger a picture, the longer the next one waits; over a minute no more bytes than were given."""
    pace = PicturePace()
    assert pace.wait(0.0) == 0.0
    pace.drawn(100, 0.0)
    small = pace.wait(0.0)
    pace.drawn(1000, 0.0)
    assert pace.wait(0.0) == pytest.approx(10 * small)
    now, cells = 0.0, 0
    while now < 60.0:
        now += pace.wait(now)
        pace.drawn(1500, now)
        cells += 1500
    assert cells * CELL_BYTES <= 61 * PREVIEW_BYTES + 1500 * CELL_BYTES
