"""The supervisor with the worker program itself: both ends of the link belong to one version, and must fit."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from bullpen_api.worker.v1 import link_pb2
from bullpend import errors
from bullpend.workers.model import WorkerSettings
from bullpend.workers.probe import SCRIPTED
from bullpend.workers.supervisor import Supervisor

from tests.workers.scene import PATIENCE, Heard

DEVICE = SCRIPTED.name


def run_job(job: str, prompt: str, out_folder: Path) -> link_pb2.ToWorker:
    return link_pb2.ToWorker(
        run_job=link_pb2.RunJob(
            job=job,
            attempt=1,
            model=link_pb2.ModelRef(name="models/x"),
            prompt=prompt,
            width=8,
            height=8,
            candidates=[link_pb2.CandidateTask(name=f"{job}/candidates/1", seed=1)],
            out_folder=str(out_folder),
        )
    )


async def test_a_scripted_job_is_made_canceled_and_its_hang_noticed(tmp_path: Path) -> None:
    """One job is made, one is stopped between steps, and one that hangs costs the worker its life."""
    heard = Heard()
    settings = WorkerSettings(heartbeat_seconds=0.05, stalled_seconds=2.0, hung_seconds=30)
    async with Supervisor(settings, [SCRIPTED], heard) as supervisor, asyncio.timeout(3 * PATIENCE):
        await supervisor.start_device(DEVICE)
        ready = (await heard.body("ready")).ready
        status = supervisor.status(DEVICE)
        assert status is not None
        assert (ready.engine, ready.pid) == ("scripted", status.pid)

        supervisor.send(DEVICE, run_job("jobs/1", "scripted: steps=2", tmp_path))
        picture = (await heard.body("candidate_ready")).candidate_ready
        assert Path(picture.raw_path).stat().st_size == 8 * 8 * 3
        assert (await heard.body("job_ended")).job_ended.outcome == link_pb2.JobEnded.OUTCOME_SUCCEEDED

        heard.all.clear()
        supervisor.send(DEVICE, run_job("jobs/2", "scripted: steps=100000 step_ms=5", tmp_path))
        await heard.body("step_done")
        cancel = link_pb2.CancelJob(job="jobs/2", attempt=1)
        supervisor.send(DEVICE, link_pb2.ToWorker(cancel_job=cancel))
        assert (await heard.body("job_ended")).job_ended.outcome == link_pb2.JobEnded.OUTCOME_CANCELED

        supervisor.send(DEVICE, run_job("jobs/3", "scripted: steps=3 hang_at=2", tmp_path))
        assert "finished nothing for 2 s" in await heard.lost()


async def test_an_engine_that_cannot_work_here_is_lost_in_words() -> None:
    """A device that the engine cannot use ends the worker before it is ready."""
    heard = Heard()
    nowhere = [type(SCRIPTED)("devices/odd", "cpu", "cpu", "odd", "no-such-engine", "for tests")]
    async with Supervisor(WorkerSettings(), nowhere, heard) as supervisor, asyncio.timeout(PATIENCE):
        await supervisor.start_device("devices/odd")
        assert "exited with status 3" in await heard.lost()


async def test_a_post_worker_answers_and_refuses(tmp_path: Path) -> None:
    """A task that can be done is done; one that cannot is the typed error."""
    async with Supervisor(WorkerSettings(post_workers=1), [], Heard()) as supervisor, asyncio.timeout(3 * PATIENCE):
        (tmp_path / "no.png").write_text("no picture")
        inspect = link_pb2.InspectPictures(paths=[str(tmp_path / "no.png")])
        done = await supervisor.run_task(link_pb2.Task(inspect_pictures=inspect))
        assert done.pictures_inspected.pictures[0].failure.reason == "PICTURE_UNREADABLE"
        task = link_pb2.ImportPicture(
            path=str(tmp_path / "no.png"),
            assets_folder=str(tmp_path / "assets"),
            thumbnails_folder=str(tmp_path / "thumbnails"),
            sidecar_json="{}",
        )
        with pytest.raises(errors.PictureUnreadable):
            await supervisor.run_task(link_pb2.Task(import_picture=task))
