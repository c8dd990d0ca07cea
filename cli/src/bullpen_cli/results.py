"""What a run ended with: the winner of each job, and where pictures, contact sheet and log lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bullpen_api.v1 import asset_pb2, run_pb2
from bullpen_client import errors, names

from bullpen_cli import output
from bullpen_cli.board import Board, label

if TYPE_CHECKING:
    from bullpen_client import Session

SHEET = "contact-sheet.png"


@dataclass(frozen=True)
class Winner:
    """A job with the candidate that stands for it, if any; `path` is on the daemon's machine."""

    job: run_pb2.Job
    candidate: run_pb2.Candidate | None
    path: str


def winner_of(job: run_pb2.Job) -> run_pb2.Candidate | None:
    """The accepted candidate, else the one ranked first, else None."""
    accepted = [candidate for candidate in job.candidates if candidate.accepted]
    ranked = sorted((c for c in job.candidates if c.rank), key=lambda candidate: candidate.rank)
    return next(iter([*accepted, *ranked]), None)


async def winners(session: Session, board: Board) -> list[Winner]:
    """The winners of a run's jobs, in their order."""
    found = []
    for job in board.jobs.values():
        candidate = winner_of(job)
        path = ""
        if candidate is not None and candidate.asset:
            try:
                path = (await session.assets.GetAsset(asset_pb2.GetAssetRequest(name=candidate.asset))).path
            except errors.ResourceNotFound:
                path = "(the picture is gone)"
        found.append(Winner(job, candidate, path))
    return found


def exports(run: run_pb2.Run) -> list[str]:
    """Paths of contact sheet and log. Where the run's folder can be seen from here, only what exists."""
    if not run.log_path:
        return []
    log = Path(run.log_path)
    paths = [log.with_name(SHEET), log]
    return [str(path) for path in paths if not log.parent.is_dir() or path.is_file()]


def as_dict(board: Board, found: list[Winner]) -> dict[str, Any]:
    """The outcome as JSON: the run, its winners, its exports."""
    return {
        "run": output.as_dict(board.run),
        "winners": [
            {
                "job": winner.job.name,
                "scene": winner.job.scene,
                "state": output.state_name(winner.job),
                "candidate": winner.candidate.name if winner.candidate else "",
                "accepted": bool(winner.candidate and winner.candidate.accepted),
                "asset": winner.candidate.asset if winner.candidate else "",
                "path": winner.path,
            }
            for winner in found
        ],
        "exports": exports(board.run),
    }


def _quality(candidate: run_pb2.Candidate) -> str:
    quality = candidate.quality
    if quality.hard_failures:
        return "✗ " + "; ".join(finding.message for finding in quality.findings)
    return f"⚑ {output.count(quality.soft_warnings, 'warning')}" if quality.soft_warnings else "✓"


def show(board: Board, found: list[Winner]) -> None:
    """Writes the outcome of a run on stdout."""
    run = board.run
    output.table(
        ("picture", "state", "winner", "QA", "seed"),
        (
            (
                label(winner.job),
                output.state_text(output.state_name(winner.job)),
                _standing(winner.job, winner.candidate),
                _quality(winner.candidate) if winner.candidate else winner.job.error.message or "–",
                winner.candidate.seed if winner.candidate else "–",
            )
            for winner in found
        ),
        right=("seed",),
    )
    placed = [(label(winner.job), winner.path) for winner in found if winner.path]
    if placed:
        output.details(placed)  # lines of their own, which a narrow terminal does not cut into pieces
        output.say()
    figures = run.figures
    output.say(
        f"{run.name}  {output.state_name(run).lower()}: {figures.jobs_done}/{figures.jobs} pictures, "
        f"{figures.candidates_done}/{figures.candidates} candidates, {figures.accepted} accepted, "
        f"{output.span(figures.device_seconds)} of device time",
        wrap=2,
    )
    if is_replay(run):
        output.say(f"replay of     {run.parent_run}")
        if not run.figures.accepted:
            output.say(
                " " * 14 + "a replay accepts nothing for scenes; `bullpen accept` takes a candidate by hand", wrap=14
            )
    elif run.parent_run:
        output.say(f"retry of      {run.parent_run}")
        if any(_was_passed_over(run, winner) for winner in found):
            output.say(
                " " * 14 + "where nothing better came, or you chose, the picture that was accepted stays", wrap=14
            )
            output.say(" " * 14 + "`bullpen accept` takes a candidate by hand", wrap=14)
    if run.error.message:
        output.say(f"✗ {run.error.message}", style="red")
        if run.error.remedy:
            output.say(f"  remedy  {run.error.remedy}")
    for path in exports(run):
        title = "contact sheet" if path.endswith(SHEET) else "run log"
        output.say(f"{title:<14}{path}")


def _was_passed_over(run: run_pb2.Run, winner: Winner) -> bool:
    """Whether the best candidate of a picture that was made again did not take the place of the one before."""
    if winner.candidate is None or run.spec.acceptance == run_pb2.RunSpec.ACCEPTANCE_MANUAL:
        return False
    return winner.job.state == run_pb2.Job.STATE_SUCCEEDED and not winner.candidate.accepted


def is_replay(run: run_pb2.Run) -> bool:
    """Whether a run repeats a log: it comes from another run and was made without a plan."""
    return bool(run.parent_run) and not run.plan_digest


def _standing(job: run_pb2.Job, candidate: run_pb2.Candidate | None) -> str:
    if candidate is None:
        return "–"
    number = names.ident(candidate.name)
    if candidate.accepted:
        return f"{number} ★ by hand" if candidate.accepted_by_hand else f"{number} ★"
    return f"{number} ({'not accepted' if job.state == run_pb2.Job.STATE_SUCCEEDED else 'best so far'})"
