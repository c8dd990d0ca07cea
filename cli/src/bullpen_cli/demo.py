"""`bullpen demo`: a whole comic run with the embedded starter, from nothing to contact sheets."""

from __future__ import annotations

import sys
import time
import uuid
from typing import TYPE_CHECKING, Any

import click
import grpc
from bullpen_api.v1 import export_pb2, project_pb2, run_pb2
from bullpen_client import errors, names

from bullpen_cli import exporting, output, results
from bullpen_cli.board import Board
from bullpen_cli.command import Command, State, Whole, pass_state
from bullpen_cli.failure import INTERRUPTED, OK
from bullpen_cli.follow import follow
from bullpen_cli.run import tell_how_to_come_back
from bullpen_cli.universe import SAMPLE, Universe, bring_in, sample

if TYPE_CHECKING:
    from bullpen_client import Session

# Enough to see what the studio does, and done before the coffee is; the others are left to whoever watches.
SCENES = 6


async def _one_stage(
    session: Session, parent: str, stage: str, scenes: list[str], candidates: int, started: list[str]
) -> Board:
    """Plans, starts and follows one stage over some scenes."""
    spec = run_pb2.RunSpec(
        stage=stage,
        candidates=candidates,
        scenes=run_pb2.SceneSelection(scenes=scenes),
        acceptance=run_pb2.RunSpec.ACCEPTANCE_BEST,
    )
    plan = await session.runs.PlanRun(run_pb2.PlanRunRequest(parent=parent, spec=spec))
    made = await session.runs.CreateRun(
        run_pb2.CreateRunRequest(parent=parent, spec=spec, plan_digest=plan.digest, request_id=str(uuid.uuid4()))
    )
    started.append(made.name)
    board = await follow(session, made.name)
    if board.run.state != run_pb2.Run.STATE_SUCCEEDED:
        raise _stage_failed(stage, board)
    return board


def _stage_failed(stage: str, board: Board) -> errors.BullpenError:
    error = board.run.error
    state = output.state_name(board.run).lower()
    return errors.make(
        error.reason or "STATE_CONFLICT",
        f"The stage {stage} ended {state}. {error.message}".strip(),
        code=grpc.StatusCode.ABORTED,
        metadata={"run": board.run.name, "remedy": error.remedy or f"See `bullpen runs jobs {board.run.name}`."},
    )


async def play(
    session: Session, universe: Universe, most: int | None, candidates: int, started: list[str]
) -> tuple[list[Board], project_pb2.Project, export_pb2.Export]:
    """Brings the universe in, takes its first `most` scenes through every stage of the manifest, in its order, and
    binds what came of them as a comic book.
    """
    output.note(f"bringing in {universe.said['title']}", style=None)
    parent = await bring_in(session, universe)
    stages = (await session.runs.ListStages(run_pb2.ListStagesRequest())).stages
    scenes = [names.scene(parent, scene["slug"]) for scene in universe.said["scenes"][:most]]
    boards = []
    for number, stage in enumerate(stages, 1):
        output.note(f"stage {number} of {len(stages)}: {stage.title or names.ident(stage.name)}", style="bold")
        boards.append(await _one_stage(session, parent, names.ident(stage.name), scenes, candidates, started))
    output.note("binding the comic book", style="bold")
    book = await _bound(session, parent, scenes)
    return boards, await session.projects.GetProject(project_pb2.GetProjectRequest(name=parent)), book


async def _bound(session: Session, parent: str, scenes: list[str]) -> export_pb2.Export:
    """Exports the scenes as a comic book into the project's own folder."""
    spec = export_pb2.ExportSpec(format=export_pb2.ExportSpec.FORMAT_CBZ, scenes=scenes)
    request = export_pb2.CreateExportRequest(parent=parent, spec=spec, request_id=str(uuid.uuid4()))
    made = await exporting.follow(session, await session.exports.CreateExport(request), quiet=True)
    if made.state != export_pb2.Export.STATE_SUCCEEDED:
        raise exporting.came_to_nothing(made)
    return made


def summary(
    boards: list[Board], project: project_pb2.Project, book: export_pb2.Export, seconds: float
) -> dict[str, Any]:
    """The outcome as the one object that `--json` ends with."""
    figures = [board.run.figures for board in boards]
    measured = [(f.qa_pass_rate, f.candidates_done) for f in figures if f.HasField("qa_pass_rate")]
    weight = sum(count for _, count in measured)
    return {
        "project": names.ident(project.name),
        "runs": len(boards),
        "jobs": sum(f.jobs for f in figures),
        "candidates": sum(f.candidates_done for f in figures),
        "accepted": sum(f.accepted for f in figures),
        "assets": project.figures.assets,
        "exports": [*(path for board in boards for path in results.exports(board.run)), book.path],
        "seconds": round(seconds, 3),
        "qa_pass_rate": round(sum(rate * count for rate, count in measured) / weight, 4) if weight else None,
    }


def _show(boards: list[Board], outcome: dict[str, Any], state: State, scenes: int) -> None:
    rows = []
    for board in boards:
        f = board.run.figures
        rate = output.percent(f, "qa_pass_rate")
        rows.append((board.run.spec.stage, f"{f.candidates_done}", f"{f.accepted}/{f.jobs}", rate, board.run.name))
    output.table(
        ("stage", "candidates", "accepted", "QA pass", "run"), rows, right=("candidates", "accepted", "QA pass")
    )
    output.say(f"{outcome['candidates']} candidates in {output.span(outcome['seconds'])}", style="bold")
    output.say(f"pictures       {state.home / 'projects' / outcome['project'] / 'assets'}")
    for path in outcome["exports"]:
        kind = "comic book" if path.endswith(".cbz") else "run log"
        output.say(f"{'contact sheet' if path.endswith(results.SHEET) else kind:<14} {path}")
    if scenes > SCENES and outcome["jobs"] < scenes * len(boards):
        output.note(f"{SCENES} of {scenes} scenes are drawn; `bullpen demo --all-scenes` takes them all")


@click.command(
    cls=Command,
    examples=[
        "bullpen demo                        all stages, then the studio opens on the project",
        "bullpen demo --headless             the same without the studio",
        "bullpen demo --sample paper_garden  another story in another style",
        "bullpen demo --headless --json      ends with one JSON object on stdout",
    ],
)
@click.option("--headless", is_flag=True, help="Do not open the studio at the end.")
@click.option("--candidates", type=Whole(1), default=2, show_default=True, help="Candidates of each picture.")
@click.option("--sample", "name", default=SAMPLE, show_default=True, metavar="NAME", help="Which sample universe.")
@click.option("--all-scenes", is_flag=True, help=f"Take every scene of the universe, not only the first {SCENES}.")
@pass_state
def demo(state: State, headless: bool, candidates: int, name: str, all_scenes: bool) -> int:
    """Make a whole comic run with the embedded starter.

    Starts the daemon, brings in a sample universe, takes its first scenes through every stage, binds a comic book of
    them, and says where all that lies. May be run again: the universe is kept, new runs are made.
    """
    begun = time.monotonic()
    universe = sample(name)
    most = None if all_scenes else SCENES
    started: list[str] = []

    async def body(session: Session) -> tuple[list[Board], project_pb2.Project, export_pb2.Export]:
        return await play(session, universe, most, candidates, started)

    try:
        boards, project, book = state.with_session(body)
    except KeyboardInterrupt:
        if started:
            tell_how_to_come_back(started[-1])
        return INTERRUPTED
    outcome = summary(boards, project, book, time.monotonic() - begun)
    if state.json:
        output.emit(outcome)
        return OK
    _show(boards, outcome, state, len(universe.said["scenes"]))
    if headless or not (sys.stdin.isatty() and sys.stdout.isatty()):
        output.note(f"`bullpen tui --project {outcome['project']}` opens the studio on it")
        return OK
    from bullpen_cli.studio import open_studio

    return open_studio(state.home, outcome["project"], "auto")
