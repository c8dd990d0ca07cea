"""R01: what runs is stopped within a step, what is finished stays; and parameters change while a picture is made."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest
from bullpen_api.v1 import run_pb2
from bullpen_client import errors

from tests.support.daemon import Daemon
from tests.support.studio import Studio, held
from tests.support.watching import check_watch, journal

pytestmark = pytest.mark.e2e


async def cancel(studio: Studio, run: run_pb2.Run) -> run_pb2.Run:
    """Cancels a run."""
    return await studio.session.runs.CancelRun(run_pb2.CancelRunRequest(name=run.name))


async def test_r01_run_stops_within_a_step(studio: Studio, daemon: Daemon) -> None:
    """A canceled run answers when it is stopped, long before its next steps, and the device is free again."""
    project = await studio.universe(scenes=2)
    run = await studio.start(project, "steps=900 step_ms=100", candidates=2)
    await studio.progress(run, lambda progress: progress.step >= 1)
    began = time.monotonic()
    canceled = await cancel(studio, run)
    took = time.monotonic() - began
    assert canceled.state == run_pb2.Run.STATE_CANCELED
    assert took < 45.0, "one step of 100 ms, and what a busy machine adds; a candidate takes ninety seconds"
    assert all(job.state == run_pb2.Job.STATE_CANCELED for job in await studio.jobs(run))
    assert all(each.state == run_pb2.Candidate.STATE_CANCELED for each in await studio.candidates(run))
    assert (await studio.run(project)).state == run_pb2.Run.STATE_SUCCEEDED
    assert list((daemon.home / "tmp").iterdir()) == []


async def test_r01_finished_candidates_stay(studio: Studio, daemon: Daemon) -> None:
    """Candidates that were finished before the cancel keep their pictures and their places."""
    project = await studio.universe(scenes=1)
    run = await studio.start(project, f"candidate=3 {held(studio.folder / 'never')}", candidates=5)
    await studio.event(f"{run.name}/jobs/j-001/candidates/c-2", run.revision, "candidate.succeeded")
    await cancel(studio, run)
    ended = await studio.logged(run)
    candidates = await studio.candidates(run)
    kept = [each for each in candidates if each.state == run_pb2.Candidate.STATE_SUCCEEDED]
    assert len(kept) == 2
    assert ended.figures.candidates_done == len(kept)
    assert all(each.rank for each in kept)
    for each in kept:
        assert await studio.content(each.asset)
    assert json.loads(Path(ended.log_path).read_text())["state"] == "CANCELED"
    await check_watch(studio.session, daemon.home, project)


async def test_r01_second_cancel_changes_nothing(studio: Studio, daemon: Daemon) -> None:
    """Canceling what has ended, also many times at once, is no error and writes nothing."""
    project = await studio.universe(scenes=1)
    run = await studio.start(project, "steps=2000 step_ms=50")
    first = await asyncio.gather(*(cancel(studio, run) for _ in range(5)))
    assert {each.state for each in first} == {run_pb2.Run.STATE_CANCELED}
    ended = await studio.logged(run)
    before = journal(daemon.home, project)
    again = await cancel(studio, run)
    assert (again.state, again.revision) == (run_pb2.Run.STATE_CANCELED, ended.revision)
    (job,) = await studio.jobs(run)
    await studio.session.runs.CancelJob(run_pb2.CancelJobRequest(name=job.name))
    assert journal(daemon.home, project) == before
    done = await studio.run(project)
    assert (await cancel(studio, done)).state == run_pb2.Run.STATE_SUCCEEDED


async def test_r01_one_job_stops_and_the_others_go_on(studio: Studio) -> None:
    """Canceling a job, running or waiting, leaves the other jobs of its run alone."""
    project = await studio.universe(scenes=3)
    gate = studio.folder / "go"
    run = await studio.start(project, held(gate))
    jobs = await studio.jobs(run)
    waiting = await studio.session.runs.CancelJob(run_pb2.CancelJobRequest(name=jobs[2].name))
    assert waiting.state == run_pb2.Job.STATE_CANCELED
    await studio.progress(run, lambda progress: progress.candidate.startswith(jobs[0].name) and progress.step >= 1)
    running = await studio.session.runs.CancelJob(run_pb2.CancelJobRequest(name=jobs[0].name))
    assert running.state == run_pb2.Job.STATE_CANCELED
    gate.touch()
    ended = await studio.logged(run)
    assert ended.state == run_pb2.Run.STATE_PARTIAL
    assert [job.state for job in await studio.jobs(run)] == [
        run_pb2.Job.STATE_CANCELED,
        run_pb2.Job.STATE_SUCCEEDED,
        run_pb2.Job.STATE_CANCELED,
    ]


async def test_r01_canceling_what_does_not_exist_is_named(studio: Studio) -> None:
    """An unknown run or job is said to be unknown."""
    project = await studio.project()
    with pytest.raises(errors.ResourceNotFound):
        await studio.session.runs.CancelRun(run_pb2.CancelRunRequest(name=f"{project}/runs/r-0009-style"))
    with pytest.raises(errors.ResourceNotFound):
        await studio.session.runs.CancelJob(run_pb2.CancelJobRequest(name=f"{project}/runs/r-1/jobs/j-001"))


async def test_j04_tuning_becomes_part_of_the_recipe(studio: Studio) -> None:
    """A change made while a picture is denoised acts from the next step, is in its recipe, and is replayed."""
    project = await studio.universe(scenes=1)
    gate = studio.folder / "go"
    run = await studio.start(project, held(gate, steps=80, step_ms=500))
    await studio.progress(run, lambda progress: progress.step >= 2)
    (job,) = await studio.jobs(run)
    await studio.session.runs.TuneJob(run_pb2.TuneJobRequest(name=job.name, guidance_scale=3.5))
    told = await studio.progress(run, lambda progress: True)
    await studio.progress(run, lambda progress: progress.step >= told.step + 2)
    gate.touch()
    ended = await studio.logged(run)
    (done,) = (await studio.session.runs.GetJob(run_pb2.GetJobRequest(name=job.name))).candidates
    (change,) = json.loads(done.recipe_json)["changes"]
    assert change["guidance_scale"] == 3.5
    assert 2 < change["step"] <= 80
    log = Path(ended.log_path).read_text()
    replayed = await studio.logged(await studio.session.runs.ReplayRun(run_pb2.ReplayRunRequest(run_log=log)))
    (again,) = (await studio.session.runs.ListJobs(run_pb2.ListJobsRequest(parent=replayed.name))).jobs
    (copy,) = (await studio.session.runs.GetJob(run_pb2.GetJobRequest(name=again.name))).candidates
    assert json.loads(copy.recipe_json)["changes"] == [change]


async def test_j04_tuning_is_refused_where_it_cannot_act(studio: Studio) -> None:
    """Only a running job can be tuned, by numbers within their bounds."""
    project = await studio.universe(scenes=1)
    run = await studio.start(project, "steps=2000 step_ms=20")
    (job,) = await studio.jobs(run)
    await studio.progress(run, lambda progress: progress.step >= 1)
    for wrong in (
        run_pb2.TuneJobRequest(name=job.name),
        run_pb2.TuneJobRequest(name=job.name, guidance_scale=-1),
        run_pb2.TuneJobRequest(name=job.name, guidance_scale=float("inf")),
        run_pb2.TuneJobRequest(name=job.name, image_guidance_scale=float("nan")),
    ):
        with pytest.raises(errors.FieldInvalid):
            await studio.session.runs.TuneJob(wrong)
    await cancel(studio, run)
    with pytest.raises(errors.StateConflict):
        await studio.session.runs.TuneJob(run_pb2.TuneJobRequest(name=job.name, guidance_scale=2))
