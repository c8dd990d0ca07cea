"""R03: workers crash, hang and run out of memory; the job is tried again or fails with a reason, the others go on."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from bullpen_api.v1 import model_pb2, run_pb2, system_pb2
from bullpen_client import Session

from tests.support.daemon import Daemon
from tests.support.studio import Studio, held, spec
from tests.support.watching import check_watch

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that is quicker to notice a hang than usual, and not so quick that a busy machine looks like one."""
    settings = {"worker.heartbeat_seconds": 0.1, "worker.hang_seconds": 5.0}
    with Daemon(tmp_path_factory.mktemp("d") / "home", settings) as running:
        yield running


async def device(studio: Studio) -> model_pb2.Device:
    """The scripted device as it is now."""
    (one,) = (await studio.session.devices.ListDevices(model_pb2.ListDevicesRequest())).devices
    return one


async def test_r03_crash_is_tried_again(studio: Studio, daemon: Daemon) -> None:
    """A worker that dies in the middle of a picture costs an attempt, not the job; made candidates are kept."""
    project = await studio.universe(scenes=1)
    run = await studio.run(project, "steps=4 candidate=2 crash_at=2 faults_until=1", candidates=3)
    assert run.state == run_pb2.Run.STATE_SUCCEEDED
    (job,) = await studio.jobs(run)
    assert job.attempt == 2
    assert len({candidate.asset for candidate in job.candidates}) == 3
    watched = await check_watch(studio.session, daemon.home, project)
    kinds = [event.kind for event in watched.events]
    assert kinds.count("job.requeued") == 1
    assert kinds.count("candidate.succeeded") == 3


async def test_r03_poison_job_is_held_and_the_others_go_on(studio: Studio) -> None:
    """A job over which three workers died is held with the reason; the other jobs of the run are made."""
    project = await studio.universe(scenes=3)
    wanted = spec()
    wanted.instruction = "scripted: {mood}"
    wanted.variables["mood"] = "steps=2"
    poison = spec("crash_at=1")
    del poison.scenes.scenes[:]
    poison.scenes.scenes.append(f"{project}/scenes/s1")
    bad = await studio.create(project, poison)
    good = await studio.create(project, wanted)
    held = await studio.logged(bad)
    assert held.state == run_pb2.Run.STATE_FAILED
    assert held.error.reason == "WORKER_LOST"
    (job,) = await studio.jobs(held)
    assert (job.state, job.attempt) == (run_pb2.Job.STATE_HELD, 3)
    assert "3 workers" in job.error.message
    assert job.error.remedy
    assert (await studio.logged(good)).state == run_pb2.Run.STATE_SUCCEEDED


async def test_r03_stopped_worker_is_killed_and_its_job_tried_again(studio: Studio) -> None:
    """A worker that no longer moves at all, as in a driver's dead lock, is killed; the job is made by the next one."""
    project = await studio.universe(scenes=1)
    gate = studio.folder / "go"
    run = await studio.start(project, held(gate))
    await studio.progress(run, lambda progress: progress.step >= 2)
    worker = psutil.Process((await device(studio)).worker_pid)
    worker.send_signal(signal.SIGSTOP)
    gate.touch()
    ended = await studio.logged(run)
    assert ended.state == run_pb2.Run.STATE_SUCCEEDED
    (job,) = await studio.jobs(ended)
    assert job.attempt == 2
    assert not worker.is_running()
    assert (await device(studio)).worker_pid != worker.pid


async def test_r03_out_of_memory_is_tried_once_more_and_then_named(studio: Studio) -> None:
    """Lack of device memory is tried once more with room made; where it stays, the job fails with that reason."""
    project = await studio.universe(scenes=1)
    passing = await studio.run(project, "oom_at=1 faults_until=1")
    assert passing.state == run_pb2.Run.STATE_SUCCEEDED
    assert (await studio.jobs(passing))[0].attempt == 2
    lasting = await studio.run(project, "oom_at=1")
    assert lasting.state == run_pb2.Run.STATE_FAILED
    assert lasting.error.reason == "DEVICE_OUT_OF_MEMORY"
    assert lasting.error.remedy
    assert (await studio.jobs(lasting))[0].attempt == 2
    assert (await studio.run(project)).state == run_pb2.Run.STATE_SUCCEEDED


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("fail_at=2", "ENGINE_FAILED"),
        ("unreadable", "PICTURE_UNREADABLE"),
        ("disk_full", "DISK_FULL"),
        ("no_such_directive=1", "ENGINE_FAILED"),
    ],
)
async def test_r03_engine_errors_have_a_reason(studio: Studio, words: str, reason: str) -> None:
    """What goes wrong inside the engine fails that job at once with its reason, and the worker lives on."""
    project = await studio.universe(scenes=1)
    assert (await studio.run(project)).state == run_pb2.Run.STATE_SUCCEEDED
    before = (await device(studio)).worker_pid
    run = await studio.run(project, words)
    (job,) = await studio.jobs(run)
    assert (job.state, job.attempt) == (run_pb2.Job.STATE_FAILED, 1)
    assert (job.error.reason, run.error.reason) == (reason, reason)
    assert job.error.message
    assert job.error.remedy
    assert "Traceback" not in job.error.message
    assert (await device(studio)).worker_pid == before


async def test_r03_hang_inside_a_step_can_be_canceled(studio: Studio, tmp_path: Path) -> None:
    """A step that never ends does not outlive the cancel: the worker is killed after its grace, the device comes back.

    Its heartbeat goes on, so that no hang is seen; only the cancel ends it.
    """
    project = await studio.universe(scenes=1)
    run = await studio.start(project, "steps=5 hang_at=2")
    await studio.progress(run, lambda progress: progress.step >= 1)
    call = studio.session.runs.CancelRun(run_pb2.CancelRunRequest(name=run.name))
    ended = await studio.logged(run)
    assert (await call).state in (run_pb2.Run.STATE_RUNNING, run_pb2.Run.STATE_CANCELED)
    assert ended.state == run_pb2.Run.STATE_CANCELED
    assert (await studio.run(project)).state == run_pb2.Run.STATE_SUCCEEDED


async def test_r03_post_workers_that_die_under_load_are_replaced(studio: Studio, daemon: Daemon) -> None:
    """Workers that are killed again and again while many clients call are replaced, and no call meets a fault."""
    project = await studio.project()
    done = asyncio.Event()

    async def call_on() -> None:
        while not done.is_set():
            async with Session(daemon.home) as session:
                for _ in range(20):
                    await session.system.GetInfo(system_pb2.GetInfoRequest())

    callers = [asyncio.create_task(call_on()) for _ in range(3)]
    try:
        for number in range(5):
            for worker in daemon.workers():
                with contextlib.suppress(psutil.NoSuchProcess):
                    worker.kill()
            await studio.picture(project, 100 + number)
    finally:
        done.set()
        await asyncio.gather(*callers)
    log = daemon.log()
    assert "SIGSEGV" not in log
    assert "rpc.fault" not in log
    assert "dispatch.fault" not in log
