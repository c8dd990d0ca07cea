"""`bullpen queue`: what waits, in which order, and deciding otherwise; also `bullpen runs pause` and its kin."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click
from bullpen_api.v1 import queue_pb2, run_pb2
from bullpen_client import names

from bullpen_cli import output
from bullpen_cli.command import Group, State, Whole, pass_state
from bullpen_cli.paging import everything
from bullpen_cli.resolve import run_named

if TYPE_CHECKING:
    from bullpen_client import Session

Target = run_pb2.Run | run_pb2.Job


@click.group(
    cls=Group,
    examples=[
        "bullpen queue show",
        "bullpen queue pause --now",
        "bullpen queue resume",
        "bullpen queue move last --front",
        "bullpen queue move p/r-0007-style --before p/r-0004-style",
    ],
)
def queue() -> None:
    """What waits for a device. Priorities come first; projects take turns; within a project things can be moved."""


@queue.command("show", examples=["bullpen queue show", "bullpen queue show --json"])
@pass_state
def show_queue(state: State) -> None:
    """Show whether the queue is paused, and where each run stands in it."""

    async def body(session: Session) -> queue_pb2.Queue:
        return await session.queue.GetQueue(queue_pb2.GetQueueRequest())

    tell_queue(state, state.with_session(body, start=False))


def tell_queue(state: State, found: queue_pb2.Queue) -> None:
    """Writes the queue as a whole."""
    if state.json:
        output.emit(found)
        return
    how = "paused" if found.paused else "going"
    jobs = f"{output.count(found.waiting_jobs, 'job')} waiting, {found.running_jobs} running"
    paused = f", {found.paused_jobs} paused" if found.paused_jobs else ""
    left = f"; done in about {output.span(found.time_left)}" if found.HasField("time_left") and found.runs else ""
    output.say(f"The queue is {how}: {jobs}{paused}{left}.", style="yellow" if found.paused else None)
    if found.hindrance:
        output.say(found.hindrance, style="yellow")
    if not found.runs:
        return
    output.table(
        ("place", "run", "waiting", "paused", "priority", "begins in", "done in"),
        (
            (
                place.position or "–",
                place.run,
                place.waiting_jobs,
                place.paused_jobs or "",
                place.priority or "",
                output.span(place.time_to_start if place.HasField("time_to_start") else None),
                output.span(place.time_to_end if place.HasField("time_to_end") else None),
            )
            for place in found.runs
        ),
        right=("place", "waiting", "paused", "priority", "begins in", "done in"),
    )


@queue.command("list", examples=["bullpen queue list", "bullpen queue list --project harbor_lights"])
@click.option("--project", metavar="SLUG", default="-", help="Only this project.")
@click.option("--limit", type=Whole(1), default=50, show_default=True, help="At most so many.")
@pass_state
def list_queue(state: State, project: str, limit: int) -> None:
    """List the jobs that wait, in the order in which they are to begin; paused ones last."""

    async def body(session: Session) -> list[queue_pb2.QueuedJob]:
        request = queue_pb2.ListQueuedJobsRequest(parent=names.project(project))
        return (await everything(session.queue.ListQueuedJobs, request, "jobs", limit=limit))[0]

    found = state.with_session(body, start=False)
    if state.json:
        output.emit({"jobs": [output.as_dict(job) for job in found]})
        return
    output.table(
        ("place", "job", "priority", "model", "begins in"),
        (
            (
                "paused" if job.paused else job.position,
                job.job,
                job.priority or "",
                job.model,
                output.span(job.time_to_start if job.HasField("time_to_start") else None),
            )
            for job in found
        ),
        empty="Nothing waits.",
        right=("place", "priority", "begins in"),
    )


@queue.command("pause", examples=["bullpen queue pause", "bullpen queue pause --now"])
@click.option("--now", is_flag=True, help="Also stop what runs within one step; unfinished pictures are begun anew.")
@pass_state
def pause_queue(state: State, now: bool) -> None:
    """Begin nothing more until the queue is resumed."""

    async def body(session: Session) -> queue_pb2.Queue:
        return await session.queue.PauseQueue(queue_pb2.PauseQueueRequest(now=now))

    tell_queue(state, state.with_session(body, start=False))


@queue.command("resume", examples=["bullpen queue resume"])
@pass_state
def resume_queue(state: State) -> None:
    """Go on; runs and jobs that were paused themselves stay paused."""

    async def body(session: Session) -> queue_pb2.Queue:
        return await session.queue.ResumeQueue(queue_pb2.ResumeQueueRequest())

    tell_queue(state, state.with_session(body, start=False))


@queue.command(
    "move", examples=["bullpen queue move last --front", "bullpen queue move p/r-0007-style --after p/r-0004-style"]
)
@click.argument("target", metavar="RUN_OR_JOB")
@click.option("--front", is_flag=True, help="Before everything of its project, which also gets the next turn.")
@click.option("--before", metavar="RUN_OR_JOB", default="", help="Before this run or job of the same project.")
@click.option("--after", metavar="RUN_OR_JOB", default="", help="Behind this run or job of the same project.")
@pass_state
def move(state: State, target: str, front: bool, before: str, after: str) -> None:
    """Give the waiting jobs of a run, or one job, another place."""
    if sum((front, bool(before), bool(after))) != 1:
        raise click.UsageError("give one of --front, --before and --after.")
    move_target(state, target, front=front, before=before, after=after)


def move_target(state: State, target: str, *, front: bool = False, before: str = "", after: str = "") -> None:
    """Moves a run or a job and says where it stands now."""

    async def body(session: Session) -> Target:
        place = queue_pb2.QueuePlace(
            front=front,
            before=await run_named(session, before) if before else "",
            after=await run_named(session, after) if after else "",
        )
        name = await run_named(session, target)
        if names.kind_of(name) == "jobs":
            return await session.queue.MoveJob(queue_pb2.MoveJobRequest(name=name, place=place))
        return await session.queue.MoveRun(queue_pb2.MoveRunRequest(name=name, place=place))

    _tell(state, state.with_session(body, start=False), "moved")


def pause_target(state: State, target: str, *, paused: bool) -> None:
    """Pauses or resumes a run or a job."""

    async def body(session: Session) -> Target:
        name = await run_named(session, target)
        service = session.queue
        if names.kind_of(name) == "jobs":
            if paused:
                return await service.PauseJob(queue_pb2.PauseJobRequest(name=name))
            return await service.ResumeJob(queue_pb2.ResumeJobRequest(name=name))
        if paused:
            return await service.PauseRun(queue_pb2.PauseRunRequest(name=name))
        return await service.ResumeRun(queue_pb2.ResumeRunRequest(name=name))

    _tell(state, state.with_session(body, start=False), "paused" if paused else "resumed")


def prioritize_target(state: State, target: str, priority: int) -> None:
    """Gives a run another priority."""

    async def body(session: Session) -> Target:
        name = await run_named(session, target)
        return await session.queue.PrioritizeRun(queue_pb2.PrioritizeRunRequest(name=name, priority=priority))

    _tell(state, state.with_session(body, start=False), f"priority {priority}")


def _tell(state: State, done: Target, word: str) -> None:
    if state.json:
        output.emit(done)
    else:
        output.say(f"{done.name}  {word}")


def add_to(runs: Group) -> None:
    """Gives `bullpen runs` the commands that are about a run's place and pauses."""

    def command(name: str, words: str, act: Callable[[State, str], None]) -> None:
        @runs.command(name, help=words, examples=[f"bullpen runs {name} last"])
        @click.argument("target", metavar="RUN_OR_JOB")
        @pass_state
        def run_it(state: State, target: str) -> None:
            act(state, target)

    command(
        "pause",
        "Let a run or a job wait: it stops within one step, and what is finished stays.",
        lambda state, target: pause_target(state, target, paused=True),
    )
    command(
        "resume",
        "Let a paused run or job go on.",
        lambda state, target: pause_target(state, target, paused=False),
    )
    command(
        "front",
        "Put a run or a job before everything else of its project.",
        lambda state, target: move_target(state, target, front=True),
    )

    @runs.command("priority", examples=["bullpen runs priority last 5"])
    @click.argument("run")
    @click.argument("number", type=Whole(-1000, 1000))
    @pass_state
    def priority(state: State, run: str, number: int) -> None:
        """Give a run another priority; larger goes first, 0 is usual."""
        prioritize_target(state, run, number)
