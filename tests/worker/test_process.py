"""The worker as a real process: its start, its end, and what it survives."""

from __future__ import annotations

import asyncio
import os
import signal
import struct
import sys
from pathlib import Path

import pytest
from bullpen_api.worker.v1 import link_pb2

from tests.worker.driver import OUTCOME, PATIENCE, job, scripted, worker


async def test_a_job_runs_from_frame_to_picture(tmp_path: Path) -> None:
    """Configure, RunJob, a raw picture on the disk, JobEnded."""
    async with worker(**scripted()) as started:
        ready = started.heard[0].ready
        assert (ready.pid, ready.engine) == (started.process.pid, "scripted")
        started.send(run_job=job(tmp_path, "scripted: steps=2 size=5x3"))
        made = await started.until("candidate_ready")
        assert len(Path(made.raw_path).read_bytes()) == 5 * 3 * 3
        assert (await started.until("job_ended")).outcome == OUTCOME.OUTCOME_SUCCEEDED


async def test_cancel_stops_a_long_job_within_a_step(tmp_path: Path) -> None:
    """At most the step under way is finished after the cancel was read; the process is ready for the next job."""
    async with worker(**scripted(), heartbeat_seconds=3600) as started:
        started.send(run_job=job(tmp_path, "scripted: steps=10000 step_ms=20"))
        await started.until("step_done", step=3)
        started.send(cancel_job=link_pb2.CancelJob(job="job", attempt=1))
        started.send(ping=link_pb2.Ping())  # answered at once: by then the cancel has been read
        assert (await started.until("job_ended")).outcome == OUTCOME.OUTCOME_CANCELED
        said = [str(frame.WhichOneof("body")) for frame in started.heard]
        read = max((at for at, body in enumerate(said) if body == "heartbeat"), default=len(said))
        assert said[read:].count("step_done") <= 2
        started.send(run_job=job(tmp_path, "scripted: steps=1", name="next"))
        assert (await started.until("job_ended", job="next")).outcome == OUTCOME.OUTCOME_SUCCEEDED


async def test_a_change_reaches_a_running_job(tmp_path: Path) -> None:
    """The candidate tells the change and the step that it took effect at."""
    async with worker(**scripted()) as started:
        gate = tmp_path / "go"
        started.send(run_job=job(tmp_path, f"scripted: steps=200 step_ms=200 quick_after={gate}"))
        await started.until("step_done", step=2)
        started.send(tune_job=link_pb2.TuneJob(job="job", attempt=1, guidance_scale=4.5))
        for _ in range(3):
            await started.until("step_done")
        gate.touch()
        made = await started.until("candidate_ready")
        (change,) = made.changes
        assert change.guidance_scale == 4.5
        assert 3 <= change.step <= 200


async def test_a_crash_ends_the_process_and_nothing_else_is_said(tmp_path: Path) -> None:
    """The daemon learns of it by the end of the process; a picture that was finished before is whole."""
    async with worker(**scripted()) as started:
        started.send(run_job=job(tmp_path, "scripted: steps=2 crash_at=2 candidate=2", seeds=(1, 2)))
        made = await started.until("candidate_ready")
        assert len(Path(made.raw_path).read_bytes()) == 8 * 8 * 3
        assert await started.exit_status() == -signal.SIGKILL


async def test_a_hung_worker_beats_without_progress(tmp_path: Path) -> None:
    """Heartbeats go on while a step hangs, and their counter stands still: that is how the daemon knows."""
    async with worker(**scripted(), heartbeat_seconds=0.02) as started:
        started.send(run_job=job(tmp_path, "scripted: steps=2 hang_at=2"))
        await started.until("step_done", step=1)
        await started.until("heartbeat")
        beats = [await started.until("heartbeat") for _ in range(4)]
        assert len({beat.progress for beat in beats}) == 1
        assert beats[0].memory_used_bytes > 1_000_000


@pytest.mark.parametrize(
    "script", ["scripted: steps=1", "scripted: steps=2 hang_at=1", "scripted: steps=9 step_ms=60000"]
)
async def test_the_end_of_the_link_ends_the_process(tmp_path: Path, script: str) -> None:
    """Idle, hung or in the middle of a minute-long step: without a daemon there is no worker."""
    async with worker(**scripted()) as started:
        started.send(run_job=job(tmp_path, script))
        await started.until("step_done", step=0, phase="denoising")
        started.hang_up()
        async with asyncio.timeout(30):
            assert await started.process.wait() == 0


async def test_quit_ends_the_process_at_once(tmp_path: Path) -> None:
    """Quit finishes nothing, also while a step runs."""
    async with worker(**scripted()) as started:
        started.send(run_job=job(tmp_path, "scripted: steps=1 hang_at=1"))
        started.send(quit=link_pb2.Quit())
        assert await started.exit_status() == 0


async def test_ping_is_answered_while_a_step_runs(tmp_path: Path) -> None:
    """A heartbeat comes on request even where none is due."""
    async with worker(**scripted()) as started:
        started.send(run_job=job(tmp_path, "scripted: steps=1 hang_at=1"))
        started.send(ping=link_pb2.Ping())
        assert (await started.until("heartbeat")).memory_used_bytes > 0


async def test_ctrl_c_in_the_terminal_does_not_stop_a_worker(tmp_path: Path) -> None:
    """The daemon decides when its workers end; the terminal's signal reaches all of them."""
    async with worker(**scripted()) as started:
        started.process.send_signal(signal.SIGINT)
        started.send(run_job=job(tmp_path, "scripted: steps=1"))
        assert (await started.until("job_ended")).outcome == OUTCOME.OUTCOME_SUCCEEDED


@pytest.mark.parametrize("garbage", [struct.pack(">I", 1 << 30), struct.pack(">I", 4) + b"\xff" * 4, b"\0\0"])
async def test_a_broken_link_ends_the_process_with_an_error(garbage: bytes) -> None:
    """Oversize, garbage and cut frames are not guessed at."""
    async with worker(**scripted()) as started:
        started.send_bytes(garbage)
        started.hang_up()
        assert await started.exit_status() == 1


async def test_the_first_frame_has_to_be_configure() -> None:
    """A worker that was not told what it is does nothing."""
    async with worker() as started:
        started.send(quit=link_pb2.Quit())
        assert await started.exit_status() == 1


async def test_an_unknown_engine_is_said_in_words() -> None:
    """A Log frame names what is wrong, then the process ends with its own status."""
    async with worker() as started:
        started.send(configure=link_pb2.Configure(role=link_pb2.Configure.ROLE_DEVICE, engine="steam"))
        said = await started.until("log")
        assert said.event == "engine_unavailable"
        assert "steam" in said.fields["message"]
        assert await started.exit_status() == 3


async def test_a_worker_dies_with_its_parent() -> None:
    """A killed daemon leaves no worker behind, on Linux even where another process holds the link open."""
    script = (
        "import subprocess, sys\n"
        "reading, writing = map(int, sys.argv[1:])\n"
        "subprocess.Popen([sys.executable, '-m', 'bullpen_worker'], stdin=reading, stdout=writing).wait()\n"
    )
    to_worker, our_end = os.pipe()
    our_reading, from_worker = os.pipe()
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(to_worker), str(from_worker), pass_fds=(to_worker, from_worker)
    )
    os.close(from_worker)
    configure = link_pb2.ToWorker(configure=link_pb2.Configure(**scripted())).SerializeToString()
    os.write(our_end, struct.pack(">I", len(configure)) + configure)
    (length,) = struct.unpack(">I", await asyncio.to_thread(os.read, our_reading, 4))
    assert link_pb2.FromWorker.FromString(os.read(our_reading, length)).WhichOneof("body") == "ready"
    parent.kill()
    await parent.wait()
    if not sys.platform.startswith("linux"):
        os.close(our_end)
    # The worker held the only other writing end: its death ends the stream.
    async with asyncio.timeout(PATIENCE):
        assert await asyncio.to_thread(os.read, our_reading, 1) == b""
    for fd in {to_worker, our_reading, our_end if sys.platform.startswith("linux") else to_worker}:
        os.close(fd)


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        (("bullpen_worker.process", "bullpen_worker.engines.scripted.engine"), {"torch", "numpy", "PIL", "diffusers"}),
        (("bullpen_worker.process", "bullpen_worker.post"), {"torch", "diffusers", "transformers"}),
    ],
)
async def test_workers_load_only_the_libraries_of_their_role(modules: tuple[str, ...], absent: set[str]) -> None:
    """A scripted worker needs neither torch nor picture libraries, a post worker no torch."""
    script = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0
    assert not absent & set(out.decode().split())


async def test_a_missing_library_is_said_with_its_remedy(tmp_path: Path) -> None:
    """Without torch the worker names what to install, instead of dying with a traceback."""
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError('No module named \\'torch\\'')\n")
    async with worker(environment={"PYTHONPATH": str(tmp_path)}) as started:
        configure = link_pb2.Configure(role=link_pb2.Configure.ROLE_DEVICE, engine="torch", device="cpu")
        started.send(configure=configure)
        said = await started.until("log")
        assert said.fields["reason"] == "DEVICE_UNAVAILABLE"
        assert "bullpen[starter]" in said.fields["remedy"]
        assert await started.exit_status() == 3


async def test_a_step_that_waits_for_a_file_ends_with_it(tmp_path: Path) -> None:
    """Tests hold a job that way: a minute-long step is over at once when the file is there."""
    gate = tmp_path / "go"
    async with worker(**scripted()) as started:
        started.send(run_job=job(tmp_path, f"scripted: steps=2 step_ms=600000 decode_ms=600000 quick_after={gate}"))
        await started.until("step_done", step=0, phase="denoising")
        gate.touch()
        assert (await started.until("job_ended")).outcome == OUTCOME.OUTCOME_SUCCEEDED
