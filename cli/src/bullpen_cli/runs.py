"""`bullpen runs`: what ran, what runs, and going on with it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import click
from bullpen_api.v1 import run_pb2
from bullpen_client import names

from bullpen_cli import control, history, output, plan, quality, queue, results
from bullpen_cli.board import label
from bullpen_cli.command import Group, State, Whole, pass_state
from bullpen_cli.failure import INTERRUPTED
from bullpen_cli.follow import load
from bullpen_cli.paging import everything
from bullpen_cli.resolve import run_named
from bullpen_cli.run import CHANGES, finding_kind, finish, tell_how_to_come_back

if TYPE_CHECKING:
    from bullpen_client import Session

_STATES = {name.removeprefix("STATE_").lower(): number for name, number in run_pb2.Run.State.items() if number}


@click.group(
    cls=Group,
    examples=[
        "bullpen runs list",
        "bullpen runs show last",
        "bullpen runs qa last",
        "bullpen runs follow projects/harbor_lights/runs/…",
        "bullpen runs retry last",
    ],
)
def runs() -> None:
    """Runs of all projects. RUN is a full name, an id, PROJECT/ID, or `last`."""


runs.add_command(history.log_command)
runs.add_command(history.ingest_command)
runs.add_command(history.lineage_command)


@runs.command("list", examples=["bullpen runs list", "bullpen runs list --project harbor_lights --state failed"])
@click.option("--project", metavar="SLUG", default="-", help="Only this project.")
@click.option("--state", "states", multiple=True, type=click.Choice(list(_STATES)), help="Only runs in this state.")
@click.option("--limit", type=Whole(1), default=30, show_default=True, help="At most so many.")
@pass_state
def list_runs(state: State, project: str, states: tuple[str, ...], limit: int) -> None:
    """List runs, newest first."""

    async def body(session: Session) -> list[run_pb2.Run]:
        request = run_pb2.ListRunsRequest(parent=names.project(project), states=[_STATES[name] for name in states])
        return (await everything(session.runs.ListRuns, request, "runs", limit=limit))[0]

    found = state.with_session(body)
    if state.json:
        output.emit({"runs": [output.as_dict(run) for run in found]})
        return
    output.table(
        ("run", "stage", "state", "pictures", "candidates", "accepted", "QA pass", "device", "made"),
        (
            (
                run.name,
                run.spec.stage,
                output.state_text(output.state_name(run)),
                f"{run.figures.jobs_done}/{run.figures.jobs}",
                f"{run.figures.candidates_done}/{run.figures.candidates}",
                run.figures.accepted,
                output.percent(run.figures, "qa_pass_rate"),
                output.span(run.figures.device_seconds),
                output.moment(run.create_time),
            )
            for run in found
        ),
        empty="There are no such runs. `bullpen run --project P --stage S --all-scenes` starts one.",
        right=("pictures", "candidates", "accepted", "QA pass", "device"),
    )


@runs.command("show", examples=["bullpen runs show last", "bullpen runs show projects/harbor_lights/runs/…"])
@click.argument("run")
@pass_state
def show_run(state: State, run: str) -> None:
    """Show one run: winners, figures, and where things lie."""

    async def body(session: Session) -> None:
        board, _ = await load(session, await run_named(session, run))
        found = await results.winners(session, board)
        if state.json:
            output.emit(results.as_dict(board, found))
            return
        results.show(board, found)
        made_by = f"{board.run.model}, {plan.sampling_words(board.run.sampling)}, seed {board.run.seed}"
        output.say(f"model         {made_by}", wrap=14)

    state.with_session(body)


@runs.command("jobs", examples=["bullpen runs jobs last"])
@click.argument("run")
@pass_state
def list_jobs(state: State, run: str) -> None:
    """List a run's jobs with every candidate and its rank."""

    async def body(session: Session) -> list[run_pb2.Job]:
        return list((await load(session, await run_named(session, run)))[0].jobs.values())

    found = state.with_session(body)
    if state.json:
        output.emit({"jobs": [output.as_dict(job) for job in found]})
        return
    _show_jobs(found)


def _show_jobs(jobs: list[run_pb2.Job]) -> None:
    """Writes the jobs and candidates, by the names that `bullpen accept` takes: whole in a pipe, short in a terminal,
    below the run that they go on from.
    """
    rows: list[tuple[object, ...]] = []
    for job in jobs:
        state = output.state_text(output.state_name(job))
        rows.append((label(job), state, job.attempt, "", "", job.error.message, job.name))
        for candidate in job.candidates:
            star = "★ " if candidate.accepted else ""
            rows.append(
                (
                    "",
                    output.state_text(output.state_name(candidate)),
                    "",
                    candidate.rank or "–",
                    (f"{star}{_findings(candidate.quality)}" if candidate.asset else "–")
                    + (" ⚑ stale" if candidate.HasField("stale") else ""),
                    candidate.rank_reason.partition(": ")[0],  # the figures that follow are those of the QA column
                    candidate.name,
                )
            )
    columns = ("name", "picture", "state", "attempt", "rank", "QA", "why")
    listed = [(row[-1], *row[:-1]) for row in rows]
    if output.console().is_terminal and jobs:
        run = names.parse(jobs[0].name).parent
        listed = [("/".join(str(row[0]).split("/")[5::2]), *row[1:]) for row in listed]
        output.say(run, style="bold")
    output.table(columns, listed, right=("attempt", "rank"), whole=("name",))
    if output.console().is_terminal and jobs:
        short = f"{names.ident(run)}/{listed[-1][0]}"
        output.note(f"commands take a name with its run before it, such as {short}")


def _findings(quality: run_pb2.QualityReport) -> str:
    return f"{quality.hard_failures} hard, {quality.soft_warnings} soft"


@runs.command("qa", examples=["bullpen runs qa last", "bullpen runs qa projects/harbor_lights/runs/…/jobs/j-001"])
@click.argument("run")
@pass_state
def show_quality(state: State, run: str) -> None:
    """Show what was found in the pictures of a run. RUN may also be a job or a candidate, with every value."""

    async def body(session: Session) -> None:
        summary, titles = await quality.load(session, await run_named(session, run))
        if state.json:
            output.emit(summary)
        else:
            quality.show(summary, titles)

    state.with_session(body)


@runs.command("follow", examples=["bullpen runs follow last"])
@click.argument("run")
@pass_state
def follow_run(state: State, run: str) -> int:
    """Come back to a run and see it to its end. Ctrl-C leaves it going."""
    reached: list[str] = []

    async def body(session: Session) -> int:
        reached.append(await run_named(session, run))
        return await finish(state, session, reached[0])

    try:
        return state.with_session(body)
    except KeyboardInterrupt:
        for name in reached:
            tell_how_to_come_back(name)
        return INTERRUPTED


@runs.command(
    "retry",
    examples=[
        "bullpen runs retry last",
        "bullpen runs retry last --finding identity,style",
        "bullpen runs retry p/r-0004-style/jobs/j-002",
    ],
)
@click.argument("run", metavar="RUN_OR_JOB")
@click.option("--finding", "findings", metavar="A,B", default="", help="The pictures where this was found instead.")
@click.option("--change", type=click.Choice(list(CHANGES)), default="seed", help="With --finding: what changes.")
@click.option("--detach", is_flag=True, help="Start and come back at once.")
@pass_state
def retry_run(state: State, run: str, findings: str, change: str, detach: bool) -> int:
    """Make the failed, held and canceled jobs of an ended run again, or its flagged pictures; or one such job alone."""
    started: list[str] = []
    kinds = [finding_kind(name.strip()) for name in findings.split(",")] if findings else []

    async def body(session: Session) -> int:
        name = await run_named(session, run)
        made: run_pb2.Run | run_pb2.Job
        if names.kind_of(name) == "jobs":
            if kinds:
                raise click.UsageError("--finding is for runs: name the run, not one of its jobs.")
            one = run_pb2.RetryJobRequest(name=name, request_id=str(uuid.uuid4()))
            made = await session.runs.RetryJob(one)
        else:
            request = run_pb2.RetryRunRequest(
                name=name,
                request_id=str(uuid.uuid4()),
                findings=kinds,
                change=CHANGES[change] if kinds else run_pb2.AutomaticRetry.CHANGE_UNSPECIFIED,
            )
            made = await session.runs.RetryRun(request)
        started.append(names.parse(made.name).upto("runs"))
        if detach:
            if state.json:
                output.emit(made)
            else:
                output.say(f"started {made.name}")
            return 0
        return await finish(state, session, started[0])

    try:
        return state.with_session(body)
    except KeyboardInterrupt:
        for name in started:
            tell_how_to_come_back(name)
        return INTERRUPTED


@runs.command("cancel", examples=["bullpen runs cancel last"])
@click.argument("run")
@pass_state
def cancel_run(state: State, run: str) -> None:
    """Stop a run within one denoising step; finished candidates stay."""
    control.cancel_targets(state, run, everything_active=False)


queue.add_to(runs)
