"""`bullpen cancel`, `bullpen tune` and `bullpen accept`: acting on what runs and deciding what wins."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import click
from bullpen_api.v1 import control_pb2, run_pb2
from bullpen_client import errors, names

from bullpen_cli import output
from bullpen_cli.board import ENDED, JOB_ENDED
from bullpen_cli.command import Command, State, Whole, pass_state
from bullpen_cli.paging import everything
from bullpen_cli.resolve import checked, run_named

if TYPE_CHECKING:
    from bullpen_client import Session

_ACTIVE = (run_pb2.Run.STATE_QUEUED, run_pb2.Run.STATE_RUNNING)
Target = run_pb2.Run | run_pb2.Job


def cancel_targets(state: State, target: str, *, everything_active: bool) -> None:
    """Cancels one run or job, or every active run, and says what became of each."""
    checked(target)

    async def body(session: Session) -> list[tuple[Target, bool]]:
        if everything_active:
            request = run_pb2.ListRunsRequest(parent="projects/-", states=_ACTIVE)
            active = (await everything(session.runs.ListRuns, request, "runs"))[0]
            return [(await session.runs.CancelRun(run_pb2.CancelRunRequest(name=run.name)), False) for run in active]
        return [await _stop(session, await run_named(session, target))]

    stopped = state.with_session(body, start=False)
    if state.json:
        output.emit({"canceled": [output.as_dict(one) for one, _ in stopped]})
        return
    for one, had_ended in stopped:
        word = output.state_name(one).lower()
        output.say(f"{one.name}  " + (f"had already ended ({word}); nothing to stop" if had_ended else word))
    if not stopped:
        output.say("Nothing was running.", style="dim")


async def _stop(session: Session, name: str) -> tuple[Target, bool]:
    """Cancels a run or a job; gives it with whether it had ended before."""
    before: Target
    after: Target
    if names.kind_of(name) == "jobs":
        before = await session.runs.GetJob(run_pb2.GetJobRequest(name=name))
        after = await session.runs.CancelJob(run_pb2.CancelJobRequest(name=name))
        return after, before.state in JOB_ENDED and before.state == after.state
    before = await session.runs.GetRun(run_pb2.GetRunRequest(name=name))
    after = await session.runs.CancelRun(run_pb2.CancelRunRequest(name=name))
    return after, before.state in ENDED


@click.command(
    cls=Command,
    examples=["bullpen cancel last", "bullpen cancel projects/harbor_lights/runs/…", "bullpen cancel --all"],
)
@click.argument("target", metavar="RUN_OR_JOB", required=False)
@click.option("--all", "everything_active", is_flag=True, help="Every run that has not ended.")
@pass_state
def cancel(state: State, target: str | None, everything_active: bool) -> None:
    """Stop a run or a job within one denoising step; finished candidates stay."""
    if bool(target) == everything_active:
        raise click.UsageError("name a run or a job, or give --all.")
    cancel_targets(state, target or "", everything_active=everything_active)


@click.command(
    cls=Command,
    examples=[
        "bullpen tune projects/harbor_lights/runs/…/jobs/… --guidance 9",
        "bullpen tune last/j-001 --steps 40",
    ],
)
@click.argument("job")
@click.option("--guidance", type=float, help="How strongly the instruction acts.")
@click.option("--image-guidance", type=float, help="How strongly the picture to start from acts.")
@click.option("--steps", type=Whole(1, 200), help="Steps in all; those that are done stay done.")
@click.option("--strength", type=float, help="How far from the source to noise, for candidates that have not begun.")
@pass_state
def tune(
    state: State,
    job: str,
    guidance: float | None,
    image_guidance: float | None,
    steps: int | None,
    strength: float | None,
) -> None:
    """Change a running job from its next denoising step on, and say when it took effect."""
    if all(value is None for value in (guidance, image_guidance, steps, strength)):
        raise click.UsageError("give --guidance, --image-guidance, --steps or --strength.")
    checked(job, "jobs")
    request = control_pb2.ControlRequest(
        guidance_scale=guidance, image_guidance_scale=image_guidance, steps=steps, strength=strength
    )

    async def requests() -> AsyncIterator[control_pb2.ControlRequest]:
        yield request

    async def body(session: Session) -> list[control_pb2.ControlResponse]:
        request.name = await run_named(session, job)
        stream = session.control.Control(requests())
        return [item async for item in stream if item.WhichOneof("item") in ("taken", "refused")]

    answers = state.with_session(body, start=False)
    for answer in answers:
        if answer.HasField("refused"):
            kind = errors.BY_REASON.get(answer.refused.reason, errors.BullpenError)
            raise kind(answer.refused.message, remedy=answer.refused.remedy)
    for answer in answers:
        if state.json:
            output.emit(answer.taken)
        elif answer.taken.step:
            output.say(f"{answer.taken.candidate}: changed before step {answer.taken.step}")
        else:
            output.say(f"{request.name}: changed from the next candidate on")


@click.command(
    cls=Command,
    examples=[
        "bullpen accept last/j-001/c-2 --reason 'better light'",
        "bullpen accept r-0006-characters/j-001/c-2",
        "bullpen accept projects/harbor_lights/runs/…/jobs/…/candidates/…",
    ],
)
@click.argument("candidate")
@click.option("--reason", default="", help="Kept with the decision.")
@pass_state
def accept(state: State, candidate: str, reason: str) -> None:
    """Take a candidate as the picture of its scene and stage.

    CANDIDATE is a full name, RUN/JOB/CANDIDATE as `bullpen runs lineage` prints it, or last/JOB/CANDIDATE.
    """
    checked(candidate, "candidates")

    async def body(session: Session) -> run_pb2.Candidate:
        request = run_pb2.AcceptCandidateRequest(name=await run_named(session, candidate), reason=reason)
        try:
            return await session.runs.AcceptCandidate(request)
        except errors.ResourceNotFound as missing:
            run, _, rest = request.name.partition("/jobs/")
            where = f"`bullpen runs jobs {run}`" if rest else "`bullpen runs jobs RUN`"
            missing.remedy = f"{where} shows the names that can be accepted."
            raise

    taken = state.with_session(body)
    if state.json:
        output.emit(taken)
    else:
        output.say(f"accepted {taken.name}" + (f" ({taken.accept_reason})" if taken.accept_reason else ""))
