"""The log over the socket: tail, filter, follow, resumption over a restart, and readers that are too slow."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from bullpen_api.v1 import log_pb2, project_pb2, run_pb2
from bullpen_client import Session, errors
from bullpen_client.log import watch_log
from bullpen_client.watch import Backoff, Reconnected, Reconnecting

from tests.support.daemon import Daemon
from tests.support.studio import Studio

pytestmark = pytest.mark.e2e
LEVEL = log_pb2.LogEntry.Level


async def refuse(session: Session, run: str) -> None:
    """Has the daemon refuse a call, which it says in its log."""
    with pytest.raises(errors.BullpenError):
        await session.runs.GetRun(run_pb2.GetRunRequest(name=run))


async def tail(session: Session, **fields: object) -> list[log_pb2.LogEntry]:
    """What the log has now."""
    request = log_pb2.WatchLogRequest(**fields)  # type: ignore[arg-type]  # fields by name
    return [entry async for message in session.logs.WatchLog(request) for entry in message.entries]


async def test_the_tail_is_what_happened(session: Session, studio: Studio) -> None:
    """The start, a run and a refusal are in it, numbered in their order, and no token."""
    run = await studio.run(await studio.universe(scenes=1))
    await refuse(session, "projects/none/runs/none")
    entries = await tail(session)
    assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
    said = {entry.event: entry for entry in entries}
    assert said["daemon.serving"].component == "daemon"
    assert said["run.created"].subject == run.name
    assert said["rpc.refused"].fields["reason"] == "PROJECT_NOT_FOUND"
    assert all(entry.time.seconds for entry in entries)
    assert session.endpoint.token not in str(entries)


async def test_filters_and_the_length_of_the_tail(session: Session, studio: Studio) -> None:
    """By level, component, project and run; a tail of two has the last two that pass, one of none is empty."""
    project = await studio.universe(scenes=1)
    one, other = await studio.run(project), await studio.run(project)
    await refuse(session, f"{project}/runs/none")
    assert {entry.component for entry in await tail(session, components=["rpc"])} == {"rpc"}
    about = await tail(session, parent=one.name)
    assert about
    assert all(one.name in (entry.subject, *entry.fields.values()) for entry in about)
    assert {one.name, other.name} <= {entry.subject for entry in await tail(session, parent=project)}
    assert await tail(session, level=LEVEL.LEVEL_ERROR) == []
    assert await tail(session, tail=2) == (await tail(session))[-2:]
    assert await tail(session, tail=0) == []


async def test_following_brings_what_comes(session: Session) -> None:
    """The first message comes at once, says what is written, and then each refusal arrives."""
    request = log_pb2.WatchLogRequest(tail=0, follow=True, components=["rpc"])
    stream = aiter(session.logs.WatchLog(request))
    first = await anext(stream)
    assert not first.entries
    assert first.least == LEVEL.LEVEL_INFO
    for number in range(3):
        await refuse(session, f"projects/none-{number}/runs/none")
    seen: list[str] = []
    while len(seen) < 3:
        message = await anext(stream)
        seen += [entry.fields["message"] for entry in message.entries]
        assert message.last >= message.entries[-1].number
    assert "none-0" in seen[0]
    assert "none-2" in seen[2]


async def test_a_wrong_tail_is_refused(session: Session) -> None:
    """The field is named, and where older entries are."""
    with pytest.raises(errors.FieldInvalid, match="0 to 4000") as refused:
        await tail(session, tail=5000)
    assert refused.value.field == "tail"


async def test_a_restart_loses_nothing(tmp_path: Path) -> None:
    """A follower of a daemon that is killed goes on with the next one: each number once, in order."""
    with Daemon(tmp_path / "home") as daemon:
        async with Session(daemon.home) as session:
            numbers: list[int] = []
            again = asyncio.Event()
            served = asyncio.Event()

            async def follow() -> None:
                backoff = Backoff(first=0.02, longest=0.1)
                async for item in watch_log(session, log_pb2.WatchLogRequest(follow=True), backoff=backoff):
                    if isinstance(item, Reconnecting):
                        again.set()
                    elif not isinstance(item, Reconnected):
                        assert not item.missed
                        numbers.extend(entry.number for entry in item.entries)
                        if again.is_set() and any(entry.event == "daemon.serving" for entry in item.entries):
                            served.set()

            task = asyncio.create_task(follow())
            await session.projects.ListProjects(project_pb2.ListProjectsRequest())
            daemon.kill()
            await asyncio.wait_for(again.wait(), 60)
            await asyncio.to_thread(daemon.start)
            await asyncio.wait_for(served.wait(), 60)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert numbers == list(range(1, len(numbers) + 1))
            assert len(numbers) >= 2
