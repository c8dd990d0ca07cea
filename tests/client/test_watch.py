"""Watching without a gap, over broken streams and restarts."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from bullpen_api.v1 import event_pb2, project_pb2
from bullpen_client import Backoff, Reconnected, Reconnecting, Session, errors, watch

from tests.support.fake_daemon import FakeDaemon, Refusal

QUICK = Backoff(first=0.001, longest=0.01)


def write(daemon: FakeDaemon, count: int) -> None:
    for _ in range(count):
        daemon.publish("project.changed", "projects/p", project=project_pb2.Project(name="projects/p"))


async def until(stream: AsyncIterator[Any], kind: type, count: int = 1) -> list[Any]:
    """Reads until `count` items of a kind have come; gives all that came."""
    came: list[Any] = []
    async for item in stream:
        came.append(item)
        if sum(isinstance(one, kind) for one in came) == count:
            return came
    raise AssertionError("the stream ended")


def revisions(items: list[Any]) -> list[int]:
    return [item.revision for item in items if isinstance(item, event_pb2.Event)]


async def test_everything_after_a_revision_comes_in_order(session: Session, daemon: FakeDaemon) -> None:
    """The journal after the revision first, then what happens."""
    write(daemon, 5)
    stream = watch(session, after_revision=2)
    first = await until(stream, event_pb2.Bookmark)
    write(daemon, 2)
    assert revisions(first + await until(stream, event_pb2.Event, 2)) == [3, 4, 5, 6, 7]


async def test_without_a_revision_it_begins_now(session: Session, daemon: FakeDaemon) -> None:
    """Only what happens from the call on."""
    write(daemon, 3)
    stream = watch(session)
    await until(stream, event_pb2.Bookmark)
    write(daemon, 1)
    assert revisions(await until(stream, event_pb2.Event)) == [4]


@pytest.mark.parametrize(
    "refusal",
    [
        None,
        Refusal("WATCHER_TOO_SLOW", grpc.StatusCode.RESOURCE_EXHAUSTED),
        Refusal("SHUTTING_DOWN", grpc.StatusCode.UNAVAILABLE),
    ],
)
async def test_a_broken_stream_goes_on_where_it_was(
    session: Session, daemon: FakeDaemon, refusal: Refusal | None
) -> None:
    """Events written while the stream was broken arrive once, between the two markers and what follows."""
    stream = watch(session, after_revision=0, backoff=QUICK)
    write(daemon, 2)
    before = await until(stream, event_pb2.Event, 2)
    daemon.drop_watchers(refusal)
    write(daemon, 2)
    after = await until(stream, event_pb2.Event, 2)
    assert revisions(before + after) == [1, 2, 3, 4]
    markers = [type(item) for item in after if isinstance(item, Reconnecting | Reconnected)]
    assert markers == [Reconnecting, Reconnected]


async def test_a_restart_is_lived_through(session: Session, daemon: FakeDaemon) -> None:
    """The daemon goes, writes more before it serves again with another token; nothing is missed or doubled."""
    stream = watch(session, after_revision=0, backoff=QUICK)
    write(daemon, 2)
    before = await until(stream, event_pb2.Event, 2)
    await daemon.stop()
    away = await until(stream, Reconnecting, 2)
    assert [item.attempt for item in away if isinstance(item, Reconnecting)] == [1, 2]
    write(daemon, 3)
    await daemon.start()
    after = await until(stream, event_pb2.Event, 3)
    assert revisions(before + away + after) == [1, 2, 3, 4, 5]
    assert any(isinstance(item, Reconnected) and item.revision == 2 for item in after)


async def test_duplicates_are_dropped(session: Session, daemon: FakeDaemon) -> None:
    """An event that was seen is not given again."""
    stream = watch(session, after_revision=0)
    write(daemon, 1)
    await until(stream, event_pb2.Bookmark)
    daemon.tell(event_pb2.WatchResponse(event=daemon.journal[0]))
    write(daemon, 1)
    assert revisions(await until(stream, event_pb2.Event)) == [2]


async def test_progress_comes_only_when_asked_for(session: Session, daemon: FakeDaemon) -> None:
    """Progress is passed on as it is."""
    stream = watch(session, after_revision=0, progress=True)
    await until(stream, event_pb2.Bookmark)
    daemon.tell(event_pb2.WatchResponse(progress=event_pb2.Progress(candidate="c", step=3)))
    (item,) = await until(stream, event_pb2.Progress)
    assert item.step == 3


async def test_what_no_reconnection_mends_is_raised(session: Session, daemon: FakeDaemon) -> None:
    """A revision of another journal ends the watch."""
    stream = watch(session, after_revision=99)
    with pytest.raises(errors.RevisionUnknown):
        await anext(stream)


async def test_attempts_may_be_bounded(session: Session, daemon: FakeDaemon) -> None:
    """After the last attempt the last error is raised."""
    stream = watch(session, after_revision=0, backoff=Backoff(first=0.001, longest=0.002, attempts=3))
    await until(stream, event_pb2.Bookmark)
    await daemon.stop()
    came = await until(stream, Reconnecting, 3)
    assert [item.attempt for item in came] == [1, 2, 3]
    with pytest.raises(errors.DaemonUnavailable):
        await anext(stream)


def test_pauses_grow_up_to_a_bound() -> None:
    """0.1, 0.2, 0.4 … and never more than the longest."""
    backoff = Backoff(first=0.1, longest=1.0)
    assert [backoff.delay(n) for n in (1, 2, 3, 4, 5, 50)] == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]


async def test_leaving_the_loop_ends_the_call(session: Session, daemon: FakeDaemon) -> None:
    """A watcher that goes away is forgotten by the daemon."""
    stream = watch(session, after_revision=0)
    await until(stream, event_pb2.Bookmark)
    assert len(daemon.watchers) == 1
    await stream.aclose()  # type: ignore[attr-defined]
    async with asyncio.timeout(60):
        await daemon.alone.wait()
