"""M5: the queue is seen, paused, resumed and put in another order, durably."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from bullpen_api.v1 import event_pb2, queue_pb2, run_pb2
from bullpen_client import Session, errors

from tests.support.daemon import Daemon
from tests.support.studio import PATIENCE, Studio, held, spec
from tests.support.watching import check_watch

pytestmark = pytest.mark.e2e

FRONT = queue_pb2.QueuePlace(front=True)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon of this file's own: its queue is paused again and again."""
    with Daemon(tmp_path_factory.mktemp("d") / "home", {"scheduler.queue_limit": 40}) as running:
        yield running


@pytest.fixture(autouse=True)
async def _queue_goes_on(studio: Studio) -> AsyncIterator[None]:
    yield
    await studio.session.queue.ResumeQueue(queue_pb2.ResumeQueueRequest())


async def waiting(studio: Studio, parent: str = "") -> list[queue_pb2.QueuedJob]:
    """What waits, in its order, read in pages of two."""
    found: list[queue_pb2.QueuedJob] = []
    token = ""
    while True:
        request = queue_pb2.ListQueuedJobsRequest(parent=parent, page_size=2, page_token=token)
        page = await studio.session.queue.ListQueuedJobs(request)
        found += page.jobs
        token = page.next_page_token
        if not token:
            return found


async def pause(studio: Studio, now: bool = False) -> queue_pb2.Queue:
    """Pauses the queue."""
    return await studio.session.queue.PauseQueue(queue_pb2.PauseQueueRequest(now=now))


async def resume(studio: Studio) -> queue_pb2.Queue:
    """Lets the queue go on."""
    return await studio.session.queue.ResumeQueue(queue_pb2.ResumeQueueRequest())


def short(jobs: list[queue_pb2.QueuedJob]) -> list[tuple[int, str]]:
    """(position, run/job) of each."""
    return [(job.position, "/".join(job.job.split("/")[3::2])) for job in jobs]


async def test_m5_paused_queue_begins_nothing(studio: Studio, daemon: Daemon) -> None:
    """Jobs that are accepted while the queue is paused wait; after the resume they are made. Asking twice is fine."""
    project = await studio.universe(2)
    assert (await pause(studio)).paused
    assert (await pause(studio)).paused
    run = await studio.start(project)
    seen = await studio.session.queue.GetQueue(queue_pb2.GetQueueRequest())
    assert (seen.waiting_jobs, seen.running_jobs, seen.paused_jobs, seen.limit) == (2, 0, 0, 40)
    assert seen.start_policy == queue_pb2.Queue.START_POLICY_AS_IT_WAS
    assert [(place.run, place.position, place.waiting_jobs) for place in seen.runs] == [(run.name, 1, 2)]
    assert not seen.HasField("time_left"), "nobody knows when a paused queue will be done"
    assert not (await resume(studio)).paused
    assert (await studio.logged(run)).state == run_pb2.Run.STATE_SUCCEEDED
    watched = await check_watch(studio.session, daemon.home, "")
    kinds = [event.kind for event in watched.events if event.subject == "queue"]
    assert kinds == ["queue.paused", "queue.resumed"]


async def test_m5_pause_now_gives_back_what_runs(studio: Studio) -> None:
    """With `now` the running picture stops within a step and is begun anew later; what was finished stays."""
    project = await studio.universe(1)
    run = await studio.start(project, "steps=3000 step_ms=20", candidates=2)
    await studio.progress(run, lambda progress: progress.step >= 2)
    await pause(studio, now=True)
    await studio.event(f"{run.name}/jobs/j-001", run.revision, "job.requeued")
    (job,) = await studio.jobs(run)
    assert (job.state, job.attempt, job.position) == (run_pb2.Job.STATE_QUEUED, 1, 1)
    await studio.session.runs.CancelRun(run_pb2.CancelRunRequest(name=run.name))
    assert (await studio.logged(run)).state == run_pb2.Run.STATE_CANCELED, "what waits can be canceled while it waits"


async def test_m5_paused_run_lets_others_pass(studio: Studio) -> None:
    """A run that is paused in the middle stops within a step and keeps its finished candidates; another run is made
    meanwhile; resumed, it goes on where it was.
    """
    project, other = await studio.universe(1), await studio.universe(1)
    gate = studio.folder / "go"
    run = await studio.start(project, f"candidate=2 {held(gate)}", candidates=3)
    first = f"{run.name}/jobs/j-001/candidates/c-1"
    await studio.event(first, run.revision, "candidate.succeeded")
    paused = await studio.session.queue.PauseRun(queue_pb2.PauseRunRequest(name=run.name))
    assert paused.paused
    assert (await studio.run(other)).state == run_pb2.Run.STATE_SUCCEEDED
    gate.touch()
    (job,) = await studio.jobs(run)
    assert (job.state, job.position) == (run_pb2.Job.STATE_QUEUED, 0)
    made = {each.name: each.asset for each in job.candidates if each.asset}
    assert first in made
    assert not (await studio.session.queue.ResumeRun(queue_pb2.ResumeRunRequest(name=run.name))).paused
    ended = await studio.logged(run)
    assert ended.state == run_pb2.Run.STATE_SUCCEEDED
    after = {each.name: each.asset for each in await studio.candidates(ended)}
    assert made.items() <= after.items()
    with pytest.raises(errors.StateConflict):
        await studio.session.queue.PauseRun(queue_pb2.PauseRunRequest(name=run.name))


async def test_m5_paused_job_waits_alone(studio: Studio) -> None:
    """One job of a run waits, the others are made; it is not resumed by itself while its run is paused."""
    project = await studio.universe(3)
    await pause(studio)
    run = await studio.start(project)
    second = f"{run.name}/jobs/j-002"
    assert (await studio.session.queue.PauseJob(queue_pb2.PauseJobRequest(name=second))).paused
    assert short(await waiting(studio, project)) == [
        (1, f"{run.name.split('/')[-1]}/j-001"),
        (2, f"{run.name.split('/')[-1]}/j-003"),
        (0, f"{run.name.split('/')[-1]}/j-002"),
    ]
    await resume(studio)
    await studio.event(f"{run.name}/jobs/j-003", run.revision, "job.succeeded")
    await studio.session.queue.PauseRun(queue_pb2.PauseRunRequest(name=run.name))
    with pytest.raises(errors.StateConflict) as refused:
        await studio.session.queue.ResumeJob(queue_pb2.ResumeJobRequest(name=second))
    assert refused.value.remedy
    await studio.session.queue.ResumeRun(queue_pb2.ResumeRunRequest(name=run.name))
    (place,) = (await studio.session.queue.GetQueue(queue_pb2.GetQueueRequest())).runs
    assert (place.position, place.waiting_jobs, place.paused_jobs) == (0, 0, 1)
    await studio.session.queue.ResumeJob(queue_pb2.ResumeJobRequest(name=second))
    assert (await studio.logged(run)).state == run_pb2.Run.STATE_SUCCEEDED


async def test_m5_runs_and_jobs_are_moved(studio: Studio) -> None:
    """To the front, before and after another one; the order is shown, and holds when the queue goes on."""
    project = await studio.universe(2)
    await pause(studio)
    first, second, third = [await studio.start(project, seed=seed) for seed in (1, 2, 3)]
    names = {run.name: letter for run, letter in ((first, "a"), (second, "b"), (third, "c"))}

    async def order() -> list[str]:
        found = await waiting(studio, project)
        assert [job.position for job in found] == list(range(1, len(found) + 1))
        return [names[job.job.rsplit("/jobs/", 1)[0]] + job.job[-1] for job in found]

    assert await order() == ["a1", "a2", "b1", "b2", "c1", "c2"]
    await studio.session.queue.MoveRun(queue_pb2.MoveRunRequest(name=third.name, place=FRONT))
    assert await order() == ["c1", "c2", "a1", "a2", "b1", "b2"]
    after = queue_pb2.QueuePlace(after=first.name)
    await studio.session.queue.MoveJob(queue_pb2.MoveJobRequest(name=f"{third.name}/jobs/j-001", place=after))
    assert await order() == ["c2", "a1", "a2", "c1", "b1", "b2"]
    before = queue_pb2.QueuePlace(before=f"{first.name}/jobs/j-002")
    moved = await studio.session.queue.MoveJob(queue_pb2.MoveJobRequest(name=f"{second.name}/jobs/j-002", place=before))
    assert moved.position == 3
    assert await order() == ["c2", "a1", "b2", "a2", "c1", "b1"]
    await studio.session.queue.PrioritizeRun(queue_pb2.PrioritizeRunRequest(name=second.name, priority=5))
    assert await order() == ["b2", "b1", "c2", "a1", "a2", "c1"]
    await resume(studio)
    for run in (first, second, third):
        assert (await studio.logged(run)).state == run_pb2.Run.STATE_SUCCEEDED
    began = [
        event.subject
        for event in (await check_watch(studio.session, studio_home(studio), project)).events
        if event.kind == "job.started"
    ]
    assert [names[job.rsplit("/jobs/", 1)[0]] + job[-1] for job in began] == ["b2", "b1", "c2", "a1", "a2", "c1"]


def studio_home(studio: Studio) -> Path:
    """The home behind a studio's session."""
    return studio.session.home


async def test_m5_moves_that_make_no_sense_are_refused(studio: Studio) -> None:
    """Across projects, beside itself, beside what has ended, with no or two places: typed, and nothing is moved."""
    project, other = await studio.universe(1), await studio.universe(1)
    done = await studio.run(project)
    await pause(studio)
    mine, hers = await studio.start(project), await studio.start(other)
    urgent = await studio.start(project, seed=9)
    await studio.session.queue.PrioritizeRun(queue_pb2.PrioritizeRunRequest(name=urgent.name, priority=1))
    order = short(await waiting(studio))
    place = queue_pb2.QueuePlace
    wrong: list[tuple[queue_pb2.QueuePlace, type[errors.BullpenError], str]] = [
        (place(before=hers.name), errors.FieldInvalid, "place.before"),
        (place(after=f"{hers.name}/jobs/j-001"), errors.FieldInvalid, "place.after"),
        (place(before=mine.name), errors.FieldInvalid, "place.before"),
        (place(before=done.name), errors.StateConflict, "place.before"),
        (place(before=urgent.name), errors.StateConflict, "place.before"),
        (place(before=f"{project}/runs/none"), errors.ResourceNotFound, "place.before"),
        (place(before="nonsense"), errors.FieldInvalid, "place.before"),
        (place(), errors.ExactlyOneOf, "place"),
        (place(front=True, before=urgent.name), errors.ExactlyOneOf, "place"),
    ]
    for where, kind, field in wrong:
        with pytest.raises(kind) as refused:
            await studio.session.queue.MoveRun(queue_pb2.MoveRunRequest(name=mine.name, place=where))
        assert refused.value.field == field
        assert refused.value.remedy
    with pytest.raises(errors.StateConflict):
        await studio.session.queue.MoveRun(queue_pb2.MoveRunRequest(name=done.name, place=FRONT))
    with pytest.raises(errors.ResourceNotFound):
        await studio.session.queue.PauseJob(queue_pb2.PauseJobRequest(name=f"{mine.name}/jobs/j-009"))
    assert short(await waiting(studio)) == order
    await resume(studio)
    for run in (mine, hers, urgent):
        assert (await studio.logged(run)).state == run_pb2.Run.STATE_SUCCEEDED


async def test_m5_projects_take_turns_and_earlier_stages_go_first(studio: Studio) -> None:
    """Two projects alternate however much the first one brought; a later stage lets the earlier one pass."""
    mine, hers = await studio.universe(3), await studio.universe(1)
    await studio.run(mine)
    await pause(studio)
    later = await studio.start(mine, stage="time")
    earlier = await studio.start(mine, seed=8)
    quick = await studio.start(hers)
    stages = {later.name: "later", earlier.name: "earlier", quick.name: "hers"}
    order = [stages[job.job.rsplit("/jobs/", 1)[0]] for job in await waiting(studio)]
    assert order == ["earlier", "hers", "earlier", "earlier", "later", "later", "later"]
    await resume(studio)
    for run in (later, earlier, quick):
        await studio.logged(run)


async def test_m5_full_queue_refuses_in_words(studio: Studio) -> None:
    """A run that does not fit is refused as a whole, with the limit; paused jobs count."""
    project = await studio.universe(15)
    await pause(studio)
    runs = [await studio.start(project, seed=seed) for seed in (1, 2)]
    await studio.session.queue.PauseRun(queue_pb2.PauseRunRequest(name=runs[0].name))
    with pytest.raises(errors.QueueFull) as refused:
        await studio.create(project, spec(seed=3))
    assert str(refused.value) == "The queue takes 40 jobs; 30 wait or run, and this run has 15."
    assert "scheduler.queue_limit" in refused.value.remedy
    for run in runs:
        await studio.session.runs.CancelRun(run_pb2.CancelRunRequest(name=run.name))


async def test_m5_the_stream_says_where_everything_stands(studio: Studio) -> None:
    """Who watches the queue is told at once and with each change, with positions and, once measured, estimates."""
    project = await studio.universe(3)
    await studio.run(project, "steps=2 step_ms=5")
    await pause(studio)
    request = event_pb2.WatchRequest(parent=project, queue=True)
    async with asyncio.timeout(PATIENCE):
        seen = (item.queue async for item in studio.session.events.Watch(request) if item.HasField("queue"))
        assert (await anext(seen)).paused
        gate = studio.folder / "go"
        run = await studio.start(project, held(gate))
        while not (queue := await anext(seen)).runs:
            pass
        assert (queue.runs[0].run, queue.runs[0].position, queue.runs[0].waiting_jobs) == (run.name, 1, 3)
        assert not queue.runs[0].HasField("time_to_start")
        await resume(studio)
        while not (queue := await anext(seen)).running_jobs:
            pass
        assert queue.runs[0].time_to_end.ToTimedelta() > queue.runs[0].time_to_start.ToTimedelta()
        assert queue.HasField("time_left")
        gate.touch()
        while (await anext(seen)).waiting_jobs:
            pass
        await seen.aclose()
    await studio.logged(run)


@pytest.mark.parametrize(
    ("policy", "paused_before", "paused_after"),
    [("as-it-was", True, True), ("run", True, False), ("paused", False, True)],
)
async def test_m5_start_policy_decides_after_a_restart(
    tmp_path: Path, policy: str, paused_before: bool, paused_after: bool
) -> None:
    """Killed and started again, the queue is as it was, goes on, or waits, as the setting says; pauses of runs and
    another order are kept in any case.
    """
    daemon = Daemon(tmp_path / "home", {"scheduler.start_policy": policy})
    daemon.start()
    try:
        async with Session(daemon.home) as session:
            studio = Studio(session, tmp_path)
            project = await studio.universe(1)
            await pause(studio)
            last, first, held = [await studio.start(project, seed=seed) for seed in (1, 2, 3)]
            await session.queue.MoveRun(queue_pb2.MoveRunRequest(name=first.name, place=FRONT))
            await session.queue.PauseRun(queue_pb2.PauseRunRequest(name=held.name))
            if not paused_before:
                await session.queue.PauseRun(queue_pb2.PauseRunRequest(name=last.name))
                await session.queue.PauseRun(queue_pb2.PauseRunRequest(name=first.name))
                await resume(studio)
        await asyncio.to_thread(daemon.kill)
        await asyncio.to_thread(daemon.start)
        async with Session(daemon.home) as session:
            studio = Studio(session, tmp_path)
            assert (await session.queue.GetQueue(queue_pb2.GetQueueRequest())).paused == paused_after
            if paused_after:
                for run in (last, first) if not paused_before else ():
                    await session.queue.ResumeRun(queue_pb2.ResumeRunRequest(name=run.name))
                shown = [job.job.rsplit("/jobs/", 1)[0] for job in await waiting(studio)]
                assert shown == [first.name, last.name, held.name]
                await resume(studio)
            for run in (first, last):
                assert (await studio.logged(run)).state == run_pb2.Run.STATE_SUCCEEDED
            assert (await session.runs.GetRun(run_pb2.GetRunRequest(name=held.name))).paused
            began = [
                e.subject for e in (await check_watch(session, daemon.home, project)).events if e.kind == "job.started"
            ]
            assert [job.rsplit("/jobs/", 1)[0] for job in began] == [first.name, last.name]
    finally:
        daemon.stop()
