"""R02: the daemon is killed at any moment; on restart finished work is kept, unfinished work is done, none twice."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest
from bullpen_api.v1 import asset_pb2, event_pb2, run_pb2, system_pb2
from bullpen_client import Session, errors

from tests.support.daemon import Daemon, survivors
from tests.support.studio import Studio, held
from tests.support.watching import check_watch, journal

pytestmark = pytest.mark.faults

SCENES, CANDIDATES, KILLS = 8, 2, 8
WORKERS_GONE_SECONDS = 30.0


async def until(session: Session, project: str, after: int, events: int, calls: int) -> None:
    """Returns some events and then some calls later: a moment that a seed chooses, not a clock."""
    async for item in session.events.Watch(event_pb2.WatchRequest(parent=project, after_revision=after)):
        events -= item.HasField("event")
        if events <= 0 or item.event.kind == "run.logged":
            break
    for _ in range(calls):
        await session.system.GetInfo(system_pb2.GetInfoRequest())


def kill(daemon: Daemon) -> None:
    """Kills the daemon, and sees its workers gone in time."""
    workers = daemon.workers()
    daemon.kill()
    assert survivors(workers, WORKERS_GONE_SECONDS) == []


async def test_r02_kill_at_random_moments_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Killed at eight moments of one run and restarted each time, the daemon finishes it as if nothing had been.

    No accepted job is lost, no candidate doubled, no file without an asset, no worker left behind.
    """
    chance = random.Random(20)
    daemon = Daemon(tmp_path / "home")
    daemon.start()
    try:
        async with Session(daemon.home) as session:
            studio = Studio(session, tmp_path)
            project = await studio.universe(SCENES)
            run = await studio.start(project, "steps=3 step_ms=5", CANDIDATES)
        after = run.revision
        for _ in range(KILLS):
            async with Session(daemon.home) as session:
                await until(session, project, after, chance.randint(1, 5), chance.randint(0, 12))
            after = journal(daemon.home)[-1][0]
            await asyncio.to_thread(kill, daemon)
            await asyncio.to_thread(daemon.start)
        async with Session(daemon.home) as session:
            studio = Studio(session, tmp_path)
            ended = await studio.logged(run)
            await nothing_lost_or_doubled(studio, daemon, project, ended)
            watched = await check_watch(session, daemon.home, project, [run.revision, after])
        assert [event.kind for event in watched.events].count("run.succeeded") == 1
        assert any(event.kind == "job.requeued" for event in watched.events), "some kill met work under way"
    finally:
        daemon.stop()


async def nothing_lost_or_doubled(studio: Studio, daemon: Daemon, project: str, run: run_pb2.Run) -> None:
    """Holds a finished run, its files and its journal against each other."""
    assert run.state == run_pb2.Run.STATE_SUCCEEDED
    assert (run.figures.jobs_done, run.figures.candidates_done) == (SCENES, SCENES * CANDIDATES)
    candidates = await studio.candidates(run)
    assert len({candidate.asset for candidate in candidates}) == SCENES * CANDIDATES
    made = Counter(subject for _, kind, subject in journal(daemon.home, project) if kind == "candidate.succeeded")
    assert made == Counter(candidate.name for candidate in candidates)
    request = asset_pb2.ListAssetsRequest(parent=project, page_size=500)
    registered = {asset.sha256 for asset in (await studio.session.assets.ListAssets(request)).assets}
    folder = daemon.home / project
    files = [path for path in (folder / "assets").rglob("*") if path.is_file()]
    assert {path.stem for path in files} == registered
    assert len(files) == 2 * len(registered), "each content has its sidecar, and nothing else is there"
    assert {path.stem for path in (folder / "thumbnails").rglob("*.webp")} == registered
    assert list((daemon.home / "tmp").iterdir()) == []
    log = json.loads(Path(run.log_path).read_text())
    assert log["state"] == "SUCCEEDED"


async def test_r02_finished_candidates_are_not_made_again(tmp_path: Path) -> None:
    """A job that was interrupted after its second candidate goes on with its third."""
    daemon = Daemon(tmp_path / "home")
    daemon.start()
    try:
        async with Session(daemon.home) as session:
            studio = Studio(session, tmp_path)
            project = await studio.universe(1)
            gate = tmp_path / "go"
            run = await studio.start(project, f"candidate=3 {held(gate)}", 4)
            second = f"{run.name}/jobs/j-001/candidates/c-2"
            await studio.event(second, run.revision, "candidate.succeeded")
            before = {each.name: each for each in await studio.candidates(run) if each.asset}
        await asyncio.to_thread(kill, daemon)
        gate.touch()
        await asyncio.to_thread(daemon.start)
        async with Session(daemon.home) as session:
            studio = Studio(session, tmp_path)
            ended = await studio.logged(run)
            after = {each.name: each for each in await studio.candidates(ended)}
            (job,) = await studio.jobs(ended)
    finally:
        daemon.stop()
    assert ended.state == run_pb2.Run.STATE_SUCCEEDED
    assert job.attempt == 2
    for name, candidate in before.items():
        assert after[name].asset == candidate.asset
        assert after[name].end_time == candidate.end_time


async def test_r02_log_that_was_not_written_is_made_up_for(tmp_path: Path) -> None:
    """A daemon that died between a run's end and its log writes the log after its next start."""
    daemon = Daemon(tmp_path / "home")
    daemon.start()
    try:
        async with Session(daemon.home) as session:
            studio = Studio(session, tmp_path)
            run = await studio.run(await studio.universe(1))
        daemon.kill()
        Path(run.log_path).unlink()
        with sqlite3.connect(daemon.home / "bullpen.sqlite3") as connection:
            connection.execute("UPDATE runs SET log_path = ''")
        connection.close()
        daemon.start()
        async with Session(daemon.home) as session:
            again = await Studio(session, tmp_path).logged(run)
    finally:
        daemon.stop()
    assert again.log_path == run.log_path
    assert Path(run.log_path).is_file()


async def test_r02_orderly_stop_keeps_what_waits(tmp_path: Path) -> None:
    """SIGTERM lets what runs come to its end or go back to the queue; after the next start the rest is done."""
    daemon = Daemon(tmp_path / "home")
    daemon.start()
    try:
        async with Session(daemon.home) as session:
            studio = Studio(session, tmp_path)
            project = await studio.universe(3)
            gate = tmp_path / "go"
            run = await studio.start(project, held(gate), 1)
            await studio.progress(run, lambda progress: progress.step >= 1)
            gate.touch()
            workers = daemon.workers()
        assert daemon.stop() == 0
        assert survivors(workers, 0.0) == []
        assert not (daemon.home / "run" / "endpoint.json").exists()
        assert not (daemon.home / "run" / "bullpend.sock").exists()
        daemon.start()
        async with Session(daemon.home) as session:
            ended = await Studio(session, tmp_path).logged(run)
    finally:
        daemon.stop()
    assert ended.state == run_pb2.Run.STATE_SUCCEEDED
    assert ended.figures.candidates_done == 3


async def test_r02_shutdown_now_does_not_wait(tmp_path: Path) -> None:
    """Shutdown with `now` ends the daemon in the middle of a picture, which is made again after the next start."""
    daemon = Daemon(tmp_path / "home")
    daemon.start()
    try:
        async with Session(daemon.home) as session:
            studio = Studio(session, tmp_path)
            run = await studio.start(await studio.universe(1), "steps=4000 step_ms=20")
            await studio.progress(run, lambda progress: progress.step >= 1)
            await session.system.Shutdown(system_pb2.ShutdownRequest(now=True))
            assert await asyncio.to_thread(daemon.wait) == 0
        said = {line["event"]: line["timestamp"] for line in map(json.loads, daemon.log().splitlines())}
        took = datetime.fromisoformat(said["daemon.stopped"]) - datetime.fromisoformat(said["daemon.stopping"])
        assert took.total_seconds() < 9.0, "an orderly stop would have waited ten seconds for the picture"
        daemon.start()
        async with Session(daemon.home) as session:
            studio = Studio(session, tmp_path)
            await studio.event(f"{run.name}/jobs", run.revision, "job.requeued")
            canceled = await session.runs.CancelRun(run_pb2.CancelRunRequest(name=run.name))
    finally:
        daemon.stop()
    assert canceled.state == run_pb2.Run.STATE_CANCELED


async def test_r02_calls_of_a_dead_daemon_are_said_to_be_unanswered(tmp_path: Path) -> None:
    """A call that meets nobody says so at once and plainly; after a restart the same session goes on."""
    daemon = Daemon(tmp_path / "home")
    daemon.start()
    try:
        async with Session(daemon.home) as session:
            daemon.kill()
            with pytest.raises(errors.DaemonUnavailable):
                await session.system.GetInfo(system_pb2.GetInfoRequest())
            daemon.start()
            assert (await session.system.GetInfo(system_pb2.GetInfoRequest())).pid == daemon.pid
    finally:
        daemon.stop()
