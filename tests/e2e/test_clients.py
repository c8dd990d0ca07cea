"""R07: clients come and go; the work goes on, and whoever comes back sees everything that was missed, in order."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from bullpen_api.v1 import asset_pb2, event_pb2, run_pb2, system_pb2
from bullpen_client import Reconnected, Session, watch

from tests.support.daemon import Daemon
from tests.support.pictures import write_picture
from tests.support.studio import ENDED, Studio, spec
from tests.support.watching import WatchChecker, check_watch, collect

pytestmark = pytest.mark.e2e


async def test_r07_client_that_dropped_sees_what_it_missed(studio: Studio, daemon: Daemon) -> None:
    """A client that loses its connection in the middle of a run resumes, and has every event once and in order."""
    project = await studio.universe(scenes=4)
    checker = WatchChecker(0, project)
    async with Session(daemon.home) as first:
        run = await studio.start(project, "steps=5 step_ms=10", candidates=2)
        stream = first.events.Watch(event_pb2.WatchRequest(parent=project, after_revision=0))
        async for item in stream:
            checker.take(item)
            if item.event.kind == "candidate.succeeded":
                break
    await studio.logged(run)
    async with Session(daemon.home) as second:
        stream = second.events.Watch(event_pb2.WatchRequest(parent=project, after_revision=checker.seen))
        resumed = WatchChecker(checker.seen, project)
        async for item in stream:
            resumed.take(item)
            if item.event.kind == "run.logged":
                break
    joined = WatchChecker(0, project, events=[*checker.events, *resumed.events])
    joined.complete(daemon.home)
    assert [event.kind for event in joined.events].count("candidate.succeeded") == 8


async def test_r07_watch_goes_on_over_a_restart(tmp_path: Path) -> None:
    """The client library's watch outlives the daemon: over its restart no event is lost and none comes twice."""
    with Daemon(tmp_path / "home") as daemon:
        async with Session(daemon.home) as session:
            studio = Studio(session, tmp_path)
            project = await studio.universe(scenes=2)
            run = await studio.start(project, "steps=5 step_ms=200", candidates=2)
            checker, reconnected, restarted = WatchChecker(0, project), 0, False
            async for item in watch(session, project, 0):
                if isinstance(item, Reconnected):
                    reconnected += 1
                if not isinstance(item, event_pb2.Event):
                    continue
                checker.take(event_pb2.WatchResponse(event=item))
                if item.kind == "candidate.succeeded" and not restarted:
                    restarted = True
                    await asyncio.to_thread(daemon.stop)
                    await asyncio.to_thread(daemon.start)
                if item.subject == run.name and item.kind == "run.logged":
                    break
            assert reconnected == 1
            checker.complete(daemon.home)
            assert checker.events[-1].run.state == run_pb2.Run.STATE_SUCCEEDED


async def test_r07_run_asked_for_by_a_client_that_left_is_made_or_never_was(studio: Studio, daemon: Daemon) -> None:
    """A client that goes away while its CreateRun is answered leaves no run that is durable and never worked on."""
    project = await studio.universe(scenes=1)

    async def ask_and_leave(number: int) -> None:
        async with Session(daemon.home) as session:
            call = session.runs.CreateRun(run_pb2.CreateRunRequest(parent=project, spec=spec(seed=number)))
            task = asyncio.ensure_future(call)
            for _ in range(number):
                await studio.session.system.GetInfo(system_pb2.GetInfoRequest())
            call.cancel()
            await asyncio.gather(task, return_exceptions=True)

    for number in range(48):
        await ask_and_leave(number % 24)
    last = await studio.run(project)
    answer = await studio.session.runs.ListRuns(run_pb2.ListRunsRequest(parent=project))
    assert answer.runs[0].name == last.name
    assert len(answer.runs) > 1, "some were accepted before their client left"
    assert all(run.state in ENDED for run in answer.runs), "every accepted run before the last one was worked on"


async def test_r07_import_of_a_client_that_left_is_whole_or_nothing(studio: Studio, daemon: Daemon) -> None:
    """A client that goes away while its picture is taken in leaves no file without an asset."""
    project = await studio.project()
    folder = studio.folder / "left"
    paths = [write_picture(folder / f"{number}.png", number, 200, 200) for number in range(24)]

    async def import_and_leave(path: Path, calls: int) -> None:
        async with Session(daemon.home) as session:
            call = session.assets.ImportAsset(asset_pb2.ImportAssetRequest(parent=project, path=str(path)))
            task = asyncio.ensure_future(call)
            for _ in range(calls):
                await session.system.GetInfo(system_pb2.GetInfoRequest())
            call.cancel()
            await asyncio.gather(task, return_exceptions=True)

    await asyncio.gather(*(import_and_leave(path, number) for number, path in enumerate(paths)))
    await studio.picture(project, 99)
    listed = await studio.session.assets.ListAssets(asset_pb2.ListAssetsRequest(parent=project))
    files = {path.stem for path in (daemon.home / project / "assets").rglob("*.png")}
    assert files == {asset.sha256 for asset in listed.assets}


async def test_r07_many_watchers_see_the_same(studio: Studio, daemon: Daemon) -> None:
    """Eight watchers of one project, begun at different moments, all have the same events of the run."""
    project = await studio.universe(scenes=2)
    run = await studio.start(project, "steps=3 step_ms=5", candidates=2)
    ended = asyncio.ensure_future(studio.logged(run))
    sessions = [Session(daemon.home) for _ in range(8)]
    try:
        for session in sessions:
            await session.__aenter__()
        last = (await ended).revision
        checkers = await asyncio.gather(
            *(
                collect(
                    session.events.Watch(event_pb2.WatchRequest(parent=project, after_revision=0)),
                    WatchChecker(0, project),
                    last,
                )
                for session in sessions
            )
        )
    finally:
        for session in sessions:
            await session.close()
    assert all(checker.events == checkers[0].events for checker in checkers)
    await check_watch(studio.session, daemon.home, project)
