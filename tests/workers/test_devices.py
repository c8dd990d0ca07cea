"""Device workers: started, spoken to, watched, and each kind of misbehaviour ends with a reason in words."""

from __future__ import annotations

import asyncio
import os
import signal

import psutil
import pytest
import structlog
from bullpen_api.worker.v1 import link_pb2
from bullpend.workers.model import Lost, WorkerState
from structlog.testing import capture_logs

from tests.workers.scene import PATIENCE, run_job, supervised


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_a_job_runs_and_is_answered() -> None:
    """Ready comes first, then the answers to a job, marked with its attempt."""
    async with supervised("good") as (supervisor, heard):
        await supervisor.start_device("devices/cpu")
        ready = (await heard.body("ready")).ready
        assert supervisor.send("devices/cpu", run_job("jobs/1", attempt=4))
        ended = (await heard.body("job_ended")).job_ended
        assert (ended.job, ended.attempt, ended.outcome) == ("jobs/1", 4, link_pb2.JobEnded.OUTCOME_SUCCEEDED)
        status = supervisor.status("devices/cpu")
        assert status is not None
        assert (status.pid, status.state, status.ready) == (ready.pid, WorkerState.READY, ready)
        await heard.body("heartbeat")
    assert not alive(ready.pid)


async def test_two_devices_are_told_apart() -> None:
    """Each device has a worker of its own; what is heard names it."""
    async with supervised("good") as (supervisor, heard):
        for device in ("devices/cpu", "devices/cuda-0"):
            await supervisor.start_device(device)
            supervisor.send(device, run_job(f"{device}/job"))
        await heard.until(lambda f: not isinstance(f, Lost) and f.job_ended.job == "devices/cpu/job")
        await heard.until(lambda f: not isinstance(f, Lost) and f.job_ended.job == "devices/cuda-0/job")
        for device, frame in heard.all:
            if not isinstance(frame, Lost) and frame.HasField("job_ended"):
                assert frame.job_ended.job == f"{device}/job"


async def test_starting_twice_starts_once() -> None:
    """A device whose worker lives keeps it."""
    async with supervised("good") as (supervisor, heard):
        await supervisor.start_device("devices/cpu")
        await heard.body("ready")
        first = supervisor.status("devices/cpu")
        await supervisor.start_device("devices/cpu")
        second = supervisor.status("devices/cpu")
        assert first is not None
        assert second is not None
        assert first.pid == second.pid


@pytest.mark.parametrize(
    ("behaviour", "changes", "words"),
    [
        ("exit-at-once", {}, "exited with status 3: ModuleNotFoundError: No module named 'engine'"),
        ("garbage", {}, "sent something that is no frame"),
        ("huge", {}, "over the limit"),
        ("early", {}, "spoke before it was ready"),
        ("closes", {}, "closed its standard output and stayed"),
        ("never-ready", {"ready_seconds": 0.3}, "was not ready within 0.3 s"),
        ("silent", {"hung_seconds": 0.3}, "hung: no heartbeat for 0.3 s"),
    ],
)
async def test_misbehaviour_ends_a_worker_in_words(behaviour: str, changes: dict[str, object], words: str) -> None:
    """A worker that breaks the agreement is killed, its loss is heard once with the reason, and it is gone."""
    async with supervised(behaviour, **changes) as (supervisor, heard):
        await supervisor.start_device("devices/cpu")
        status = supervisor.status("devices/cpu")
        assert status is not None
        assert words in await heard.lost()
        assert not alive(status.pid)
        assert supervisor.status("devices/cpu") is None
        assert not supervisor.send("devices/cpu", run_job("jobs/1"))
        assert sum(isinstance(frame, Lost) for _, frame in heard.all) == 1


async def test_a_device_that_finishes_nothing_is_hung_though_its_heart_beats() -> None:
    """Only a job at work can stall: an idle device with the same heartbeats is left alone."""
    async with supervised("stalled", stalled_seconds=0.3) as (supervisor, heard):
        await supervisor.start_device("devices/cpu")
        supervisor.send("devices/cpu", run_job("jobs/1"))
        await heard.body("job_ended")
        await heard.beats(8)
        assert not any(isinstance(frame, Lost) for _, frame in heard.all)
        supervisor.send("devices/cpu", run_job("jobs/2", prompt="wait"))
        assert "finished nothing for 0.3 s" in await heard.lost()


async def test_a_long_job_that_moves_is_left_alone() -> None:
    """Progress in the heartbeats, twenty a second, keeps a job alive beyond the time to stall."""
    async with supervised("good", stalled_seconds=2.5) as (supervisor, heard):
        await supervisor.start_device("devices/cpu")
        supervisor.send("devices/cpu", run_job("jobs/1", prompt="wait"))
        await heard.beats(60)
        cancel = link_pb2.CancelJob(job="jobs/1", attempt=1)
        supervisor.send("devices/cpu", link_pb2.ToWorker(cancel_job=cancel))
        assert (await heard.body("job_ended")).job_ended.outcome == link_pb2.JobEnded.OUTCOME_CANCELED


async def test_a_worker_killed_from_outside_is_lost_with_the_signal() -> None:
    """A signal is told by its name, and the device can be started again."""
    async with supervised("good") as (supervisor, heard):
        await supervisor.start_device("devices/cpu")
        pid = (await heard.body("ready")).ready.pid
        os.kill(pid, signal.SIGSEGV)
        assert "was killed by SIGSEGV" in await heard.lost()
        heard.all.clear()
        await supervisor.start_device("devices/cpu")
        assert (await heard.body("ready")).ready.pid != pid


async def test_a_kill_is_told_with_its_reason() -> None:
    """Whoever kills a worker gives the reason that is heard; killing nobody does nothing."""
    async with supervised("stubborn") as (supervisor, heard):
        supervisor.kill("devices/cpu", "nobody there")
        await supervisor.start_device("devices/cpu")
        await heard.body("ready")
        supervisor.kill("devices/cpu", "did not stop")
        supervisor.kill("devices/cpu", "a second thought")
        assert await heard.lost() == "did not stop"


async def test_a_program_that_does_not_exist_is_a_loss() -> None:
    """A worker that cannot be started is heard as lost; nothing is raised."""
    async with supervised("good", command=("/nonexistent/python",)) as (supervisor, heard):
        await supervisor.start_device("devices/cpu")
        assert "could not be started" in await heard.lost()


async def test_a_worker_that_reads_nothing_never_blocks_the_loop() -> None:
    """Sending returns at once however much waits, and at the bound the worker is killed."""
    async with supervised("deaf", max_unsent_bytes=1 << 20) as (supervisor, heard):
        await supervisor.start_device("devices/cpu")
        await heard.body("ready")
        large = run_job("jobs/1", prompt="wait" * 100_000)
        while supervisor.send("devices/cpu", large):
            pass
        assert await heard.lost() == "does not read what it is sent"


async def test_a_flood_on_standard_error_is_bounded_and_harmless() -> None:
    """Thousands of lines become at most the bound in the log, and the worker goes on."""
    with capture_logs() as logs:
        async with supervised("flood") as (supervisor, heard):
            await supervisor.start_device("devices/cpu")
            await heard.body("ready")
            supervisor.send("devices/cpu", run_job("jobs/1"))
            await heard.body("job_ended")
    lines = [entry for entry in logs if entry["event"] == "worker_stderr"]
    assert 200 <= len(lines) <= 202
    assert lines[0]["worker"] == "cpu"
    assert "more lines were dropped" in lines[-1]["line"]


async def test_closing_takes_less_than_two_seconds_even_with_a_stubborn_worker() -> None:
    """Workers that ignore Quit are killed; nothing is heard of an orderly end; a second close does nothing."""
    async with supervised("stubborn") as (supervisor, heard):
        await supervisor.start_device("devices/cpu")
        pid = (await heard.body("ready")).ready.pid
        loop = asyncio.get_running_loop()
        before = loop.time()
        await supervisor.close()
        assert loop.time() - before < 2.0
        assert not alive(pid)
        await supervisor.close()
        assert not any(isinstance(frame, Lost) for _, frame in heard.all)


async def test_frames_written_just_before_death_are_heard() -> None:
    """What a worker said last is not lost with it: the answers come before its loss."""
    async with supervised("good") as (supervisor, heard):
        await supervisor.start_device("devices/cpu")
        await heard.body("ready")
        for number in range(200):
            supervisor.send("devices/cpu", run_job(f"jobs/{number}"))
        supervisor.send("devices/cpu", link_pb2.ToWorker(quit=link_pb2.Quit()))
        assert await heard.lost() == "exited with status 0"
        ended = [f for _, f in heard.all if not isinstance(f, Lost) and f.HasField("job_ended")]
        assert len(ended) == 200
        assert isinstance(heard.all[-1][1], Lost)


def test_it_works_on_uvloop() -> None:
    """The same on the loop that the daemon uses: a job, a loss with its last frames, an orderly end."""
    import uvloop

    async def scene() -> None:
        async with asyncio.timeout(PATIENCE), supervised("good") as (supervisor, heard):
            await supervisor.start_device("devices/cpu")
            await supervisor.start_device("devices/cuda-0")
            pid = (await heard.body("ready")).ready.pid
            supervisor.send("devices/cpu", run_job("jobs/1"))
            await heard.body("job_ended")
            os.kill(pid, signal.SIGKILL)
            assert "SIGKILL" in await heard.lost()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scene())
    structlog.reset_defaults()
