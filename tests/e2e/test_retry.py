"""Making pictures again because of what was found in them: by itself within a budget, and as a set by hand."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from bullpen_api.v1 import quality_pb2, run_pb2
from bullpen_client import Session, errors

from tests.support.daemon import Daemon
from tests.support.studio import Studio, spec

pytestmark = pytest.mark.e2e
BLANK = run_pb2.Finding.KIND_BLANK
STRENGTH = run_pb2.AutomaticRetry.CHANGE_STRENGTH


def wanted(words: str, budget: int = 3, per_picture: int = 2, **more: object) -> run_pb2.RunSpec:
    """A run of the scripted model that is told to retry on blank pictures."""
    made = spec(words, candidates=2)
    made.sampling.guidance_scale = 10.0
    retry = run_pb2.AutomaticRetry(findings=[BLANK], budget=budget, most_per_picture=per_picture)
    for name, value in more.items():
        setattr(retry, name, value)
    made.auto_retry.CopyFrom(retry)
    return made


async def test_j05_retry_by_itself_keeps_to_its_budget(studio: Studio) -> None:
    """Two blank pictures, three retries: each linked to its parent, with the reason; then the run ends."""
    project = await studio.universe(2)
    plan = await studio.session.runs.PlanRun(run_pb2.PlanRunRequest(parent=project, spec=wanted("blank")))
    assert "AUTO_RETRY" in [finding.code for finding in plan.findings]
    run = await studio.logged(await studio.create(project, wanted("blank")))
    jobs = await studio.jobs(run)
    assert (run.state, run.figures.jobs, len(jobs)) == (run_pb2.Run.STATE_SUCCEEDED, 5, 5)
    assert run.figures.candidates_done == 10
    again = [job for job in jobs if job.parent_job]
    names = {job.name for job in jobs}
    assert len(again) == 3
    for job in again:
        assert job.parent_job in names - {job.name}
        assert "flat tone" in job.retry_reason
        assert "of 3" in job.retry_reason
        assert not job.HasField("sampling")
    seeds = [candidate.seed for job in jobs for candidate in job.candidates]
    assert len(set(seeds)) == len(seeds)
    request = quality_pb2.GetQualitySummaryRequest(name=run.name)
    summary = await studio.session.quality.GetQualitySummary(request)
    assert [job.retry_reason for job in summary.jobs] == [job.retry_reason for job in jobs]
    log = json.loads(Path(run.log_path).read_text())
    assert [job["parent_job"] for job in log["jobs"]] == [job.parent_job for job in jobs]


async def test_j05_nothing_is_retried_without_being_asked(studio: Studio) -> None:
    """Off by default; on, only what was named; a picture without the finding is made once."""
    project = await studio.universe(1)
    assert (await studio.run(project, "blank")).figures.jobs == 1
    other = wanted("blank")
    other.auto_retry.findings[:] = [run_pb2.Finding.KIND_CHROMA]
    assert (await studio.logged(await studio.create(project, other))).figures.jobs == 1
    assert (await studio.logged(await studio.create(project, wanted("")))).figures.jobs == 1
    # The better one of two is not blank, so the picture is not.
    assert (await studio.logged(await studio.create(project, wanted("blank candidate=1")))).figures.jobs == 1


async def test_j05_retry_with_another_strength_is_in_recipe_and_replay(studio: Studio) -> None:
    """What acts on the finding is moved, kept with the job, and repeated by a replay to the byte."""
    project = await studio.universe(1)
    run = await studio.logged(await studio.create(project, wanted("blank", change=STRENGTH)))
    jobs = await studio.jobs(run)
    assert [job.sampling.guidance_scale for job in jobs] == [0.0, 8.0, 6.4]
    assert "guidance_scale 10 → 8" in jobs[1].retry_reason
    whole = await studio.session.runs.GetJob(run_pb2.GetJobRequest(name=jobs[2].name))
    assert json.loads(whole.candidates[0].recipe_json)["sampling"]["guidance_scale"] == 6.4
    log = Path(run.log_path).read_text()
    again = await studio.logged(await studio.session.runs.ReplayRun(run_pb2.ReplayRunRequest(run_log=log)))
    assert again.figures.jobs == 3
    repeated = await studio.jobs(again)
    assert [job.sampling.guidance_scale for job in repeated] == [0.0, 8.0, 6.4]
    assert [c.asset for job in repeated for c in job.candidates] == [c.asset for job in jobs for c in job.candidates]


async def test_j05_retry_survives_the_daemon(studio: Studio, daemon: Daemon) -> None:
    """Killed after the first picture, the daemon goes on with the retries that are durable, and none is doubled."""
    project = await studio.universe(1)
    run = await studio.create(project, wanted("blank step_ms=20"))
    await studio.event(run.name, run.revision, "job.retrying")
    daemon.kill()
    daemon.start()
    async with Session(daemon.home) as session:  # the token is another one
        again = Studio(session, studio.folder)
        jobs = await again.jobs(await again.logged(run))
    assert [job.state for job in jobs] == [run_pb2.Job.STATE_SUCCEEDED] * 3
    assert [job.parent_job for job in jobs] == ["", jobs[0].name, jobs[1].name]


async def test_j06_flagged_pictures_are_retried_as_a_set(studio: Studio) -> None:
    """Those of an ended run in whose best picture it was found, in a run of their own, with other seeds."""
    project = await studio.universe(2)
    run = await studio.run(project, "blank")
    session = studio.session
    request = run_pb2.RetryRunRequest(name=run.name, findings=[BLANK], change=STRENGTH)
    again = await studio.logged(await session.runs.RetryRun(request))
    assert again.parent_run == run.name
    old, new = await studio.jobs(run), await studio.jobs(again)
    assert [job.parent_job for job in new] == [job.name for job in old]
    assert all(job.retry_reason for job in new)
    assert not {c.seed for job in old for c in job.candidates} & {c.seed for job in new for c in job.candidates}
    request.findings[:] = [run_pb2.Finding.KIND_CHROMA]
    with pytest.raises(errors.StateConflict) as nothing:
        await session.runs.RetryRun(request)
    assert nothing.value.field == "findings"
    request.findings[:] = [run_pb2.Finding.KIND_UNSPECIFIED]
    with pytest.raises(errors.FieldInvalid) as unnamed:
        await session.runs.RetryRun(request)
    assert unnamed.value.field == "findings[0]"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"budget": 0}, "auto_retry.budget"),
        ({"budget": 101}, "auto_retry.budget"),
        ({"per_picture": 6}, "auto_retry.most_per_picture"),
        ({"change": 9}, "auto_retry.change"),
    ],
)
async def test_j05_retry_out_of_bounds_is_refused(studio: Studio, change: dict[str, int], field: str) -> None:
    """By the path of the field, before anything is planned."""
    project = await studio.universe(1)
    with pytest.raises(errors.FieldInvalid) as refused:
        await studio.create(project, wanted("blank", **change))
    assert refused.value.field == field
    none = spec()
    none.auto_retry.budget = 1
    with pytest.raises(errors.FieldInvalid) as unnamed:
        await studio.create(project, none)
    assert unnamed.value.field == "auto_retry.findings"


async def test_one_job_is_retried_while_its_run_goes_on(studio: Studio) -> None:
    """A canceled job is made again in a run of its own with its seeds, linked to it, and only once."""
    project = await studio.universe(3)
    session = studio.session
    run = await studio.create(project, spec("step_ms=30 steps=2000", candidates=2))
    first, *_, last = await studio.jobs(run)
    with pytest.raises(errors.StateConflict) as early:
        await session.runs.RetryJob(run_pb2.RetryJobRequest(name=last.name))
    assert "has not ended" in early.value.message
    await session.runs.CancelJob(run_pb2.CancelJobRequest(name=last.name))
    request = run_pb2.RetryJobRequest(name=last.name, request_id="again")
    again = await session.runs.RetryJob(request)
    assert (await session.runs.RetryJob(request)).name == again.name, "one request, one job"
    going = await session.runs.GetRun(run_pb2.GetRunRequest(name=run.name))
    assert going.state in (run_pb2.Run.STATE_QUEUED, run_pb2.Run.STATE_RUNNING)
    assert again.parent_job == last.name
    assert again.retry_reason == "It was canceled."
    assert [c.seed for c in again.candidates] == [c.seed for c in last.candidates]
    with pytest.raises(errors.StateConflict) as twice:
        await session.runs.RetryJob(run_pb2.RetryJobRequest(name=last.name, request_id="other"))
    assert again.name in twice.value.message
    await session.runs.CancelRun(run_pb2.CancelRunRequest(name=run.name))
    name = again.name.split("/jobs/")[0]
    made = await session.runs.GetRun(run_pb2.GetRunRequest(name=name))
    assert (made.parent_run, made.figures.jobs) == (run.name, 1)
    await session.runs.CancelRun(run_pb2.CancelRunRequest(name=name))
    made_again = await session.runs.RetryJob(run_pb2.RetryJobRequest(name=first.name))
    await session.runs.CancelRun(run_pb2.CancelRunRequest(name=made_again.name.split("/jobs/")[0]))


async def test_of_two_who_retry_a_job_at_once_one_does(studio: Studio) -> None:
    """The others are told which job makes it again."""
    project = await studio.universe(1)
    run = await studio.create(project, spec("step_ms=30 steps=2000"))
    (job,) = await studio.jobs(run)
    await studio.session.runs.CancelJob(run_pb2.CancelJobRequest(name=job.name))

    async def retry() -> run_pb2.Job | str:
        try:
            return await studio.session.runs.RetryJob(run_pb2.RetryJobRequest(name=job.name))
        except errors.StateConflict as refused:
            return refused.message

    answers = await asyncio.gather(*(retry() for _ in range(4)))
    (made,) = [answer for answer in answers if isinstance(answer, run_pb2.Job)]
    refused = [answer for answer in answers if isinstance(answer, str)]
    assert len(refused) == 3
    assert all(made.name in message for message in refused)
    await studio.session.runs.CancelRun(run_pb2.CancelRunRequest(name=made.name.split("/jobs/")[0]))


async def test_what_succeeded_or_is_not_there_is_not_retried(studio: Studio) -> None:
    """A finished job is a conflict that says what to do instead; an unknown one is not found."""
    project = await studio.universe(1)
    (job,) = await studio.jobs(await studio.run(project, ""))
    with pytest.raises(errors.StateConflict) as done:
        await studio.session.runs.RetryJob(run_pb2.RetryJobRequest(name=job.name))
    assert "new run" in done.value.remedy
    with pytest.raises(errors.ResourceNotFound):
        await studio.session.runs.RetryJob(run_pb2.RetryJobRequest(name=f"{job.name}9"))
    with pytest.raises(errors.FieldInvalid):
        await studio.session.runs.RetryJob(run_pb2.RetryJobRequest(name="projects/p"))
