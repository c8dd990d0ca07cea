"""Following a run live: bars on a terminal, one line per finished picture elsewhere. Everything goes to stderr."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from bullpen_api.v1 import event_pb2, run_pb2
from bullpen_client import names
from bullpen_client import watch as watch_journal

from bullpen_cli import output
from bullpen_cli.board import Board, label
from bullpen_cli.paging import everything

if TYPE_CHECKING:
    from bullpen_client import Session
    from bullpen_client.watch import Item
    from rich.console import RenderableType

# Seconds that an ended run may take for its log and its contact sheet.
LOG_PATIENCE = 10.0
_BAR = 18
_ROWS = 14


async def load(session: Session, run: str) -> tuple[Board, int]:
    """The board of a run as it is now, and the revision to watch after."""
    jobs, revision = await everything(session.runs.ListJobs, run_pb2.ListJobsRequest(parent=run), "jobs")
    return Board.of(await session.runs.GetRun(run_pb2.GetRunRequest(name=run)), jobs), revision


async def follow(session: Session, run: str) -> Board:
    """Shows a run until it has ended; gives its last state. Comes back at once when it has ended already."""
    board, revision = await load(session, run)
    if board.complete:
        return board
    project = names.project_of(run)
    stream = watch_journal(session, project, revision, progress=True, queue=True)
    show = _live if sys.stderr.isatty() else _lines
    await show(board, _to_the_end(board, stream))
    return (await load(session, run))[0]


async def _to_the_end(board: Board, stream: AsyncIterator[Item]) -> AsyncIterator[list[str]]:
    """What each fact has to tell, until the run is complete. An ended run gets a while for its log and sheet."""
    loop = asyncio.get_running_loop()
    deadline: float | None = None
    while not board.complete:
        if board.ended and deadline is None:
            deadline = loop.time() + LOG_PATIENCE
        left = None if deadline is None else max(0.0, deadline - loop.time())
        try:
            item = await asyncio.wait_for(anext(stream), left)
        except TimeoutError:
            return
        yield board.apply(item)


async def _lines(board: Board, told: AsyncIterator[list[str]]) -> None:
    output.note(f"{names.ident(board.run.name)}: {output.count(board.candidates, 'candidate')}", style=None)
    async for texts in told:
        for text in texts:
            output.note(text, style=None)


async def _live(board: Board, told: AsyncIterator[list[str]]) -> None:
    from rich.live import Live

    out = output.console(stderr=True)
    with Live(render(board), console=out, refresh_per_second=8, transient=True) as live:
        async for texts in told:
            for text in texts:
                if " candidate " not in text and text != board.standing:
                    live.console.print(text, style="yellow")
            live.update(render(board))


def bar(done: float, total: float, width: int = _BAR) -> str:
    """A bar of `width` signs."""
    filled = round(width * min(1.0, done / total)) if total > 0 else 0
    return "▰" * filled + "▱" * (width - filled)


def render(board: Board) -> RenderableType:
    """The run as lines: a head with the whole, then the jobs that are at work or next."""
    from rich.console import Group
    from rich.text import Text

    run = board.run
    glyph, style = output.GLYPHS.get(output.state_name(run), ("·", ""))
    done, total = board.candidates_done, board.candidates
    left = f"  {output.span(run.figures.time_left)} left" if run.figures.HasField("time_left") else ""
    head = Text.assemble(
        (f"{glyph} {names.ident(run.name)}", style or ""),
        f"  {run.spec.stage}  {bar(done, total)} {done}/{total}{left}",
    )
    if board.reconnecting:
        head.append("  connection lost, trying again", style="yellow")
    rows = [head]
    busy = [job for job in board.jobs.values() if job.state == run_pb2.Job.STATE_RUNNING]
    for job in busy[:_ROWS]:
        rows.append(_job_line(board, job))
    waiting = sum(job.state == run_pb2.Job.STATE_QUEUED for job in board.jobs.values())
    if waiting:
        rows.append(Text(f"  ◌ {waiting} waiting", style="dim"))
    if board.standing:
        rows.append(Text(f"  {board.standing}", style="yellow"))
    return Group(*rows)


def _job_line(board: Board, job: run_pb2.Job) -> Any:
    from rich.text import Text

    text = Text(f"  {label(job):<24.24}")
    for candidate in job.candidates:
        progress = board.progress.get(candidate.name)
        if progress is not None:
            text.append("  " + _progress(progress), style="cyan")
        else:
            glyph, style = output.GLYPHS.get(output.state_name(candidate), ("·", ""))
            text.append(f"  {glyph}", style=style)
    return text


def _progress(progress: event_pb2.Progress) -> str:
    if progress.phase and progress.phase != "denoising":
        return progress.phase
    left = f" {output.span(progress.time_left)}" if progress.HasField("time_left") else ""
    return f"{bar(progress.step, progress.steps, 8)} {progress.step}/{progress.steps}{left}"
