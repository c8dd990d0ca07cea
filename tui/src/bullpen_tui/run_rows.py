"""A run in rows: the headline, a row for each picture, and as many candidates in it as have room. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from bullpen_api.v1 import bible_pb2, event_pb2, run_pb2
from textual.content import Content

from bullpen_tui import words
from bullpen_tui.snapshot import Snapshot, leaf
from bullpen_tui.widgets.layout import GAP, Column, Row

LABEL = 12
"""Cells that the scene has at least where there is little room."""
SHORT = 4
"""Cells of a candidate that is its mark and its star alone."""
REST = 5
"""Cells of the count of those that have no room."""


def scene_label(job: run_pb2.Job, scene: bible_pb2.Scene | None) -> Content:
    """`04 Rooftop`, or the path of the picture for a run over a folder."""
    if scene is not None:
        return words.text((f"{scene.ordinal:02} ", words.FAINT), scene.title or leaf(scene.name))
    return Content(job.source_path or leaf(job.scene) or leaf(job.name))


def job_cell(job: run_pb2.Job) -> Content:
    """Mark of the job, with its place in the queue or the number of its attempt where they say something."""
    sign = words.mark(words.state(words.JOB_MARKS, job.state), word=False)
    if job.state == run_pb2.Job.STATE_QUEUED and job.position:
        return words.text(sign, (f" #{job.position}", words.FAINT))
    if job.attempt > 1:
        return words.text(sign, (f" ×{job.attempt}", words.WARN))
    if job.parent_job:
        return words.text(sign, (" ↻", words.ACCENT))
    return sign


@dataclass(frozen=True)
class Shape:
    """How the candidates of a run stand in its rows: how many are shown, and in how many cells each."""

    shown: int
    cells: int
    left_out: int = 0

    @property
    def columns(self) -> list[Column]:
        """Scene, job, candidates, and how many more there are."""
        title = {12: "candidate {}", 8: "cand. {}"}.get(self.cells, "{}")
        return [
            Column("scene", minimum=16 if self.cells == 12 else LABEL, weight=4),
            Column("job", width=4),
            *(Column(title.format(number), minimum=self.cells) for number in range(1, self.shown + 1)),
            *([Column("more", width=REST)] if self.left_out else []),
        ]


def shape(wide: int, room: int) -> Shape:
    """The shape of rows with `wide` candidates in `room` cells: with scores where that fits, else by their marks."""
    for cells in (12, 8, SHORT):
        needed = (16 if cells == 12 else LABEL) + 4 + GAP + wide * (cells + GAP)
        if needed <= room:
            return Shape(wide, cells)
    shown = max(1, (room - LABEL - 4 - GAP - REST - GAP) // (SHORT + GAP))
    return Shape(min(shown, wide), SHORT, max(0, wide - shown))


def short_cell(candidate: run_pb2.Candidate, progress: event_pb2.Progress | None) -> Content:
    """A candidate by its mark, and its star where it was accepted."""
    whole = words.candidate_cell(candidate, progress)
    if progress is not None and progress.steps:
        return words.text((f"{100 * progress.step // progress.steps:>2}%", words.ACCENT))
    star = words.text((" ★", words.ACCENT)) if candidate.accepted else Content("")
    return words.text(whole[:1], star)


def job_row(snapshot: Snapshot, job: run_pb2.Job, form: Shape) -> Row:
    """A job of a run as a row for the columns of a shape: scene, job, then its candidates."""
    cells = [scene_label(job, snapshot.scenes.get(job.scene)), job_cell(job)]
    candidates = snapshot.candidates_of(job.name)
    if job.error.reason and not candidates:
        cells.append(words.text((job.error.message, words.BAD)))
    cell = short_cell if form.cells == SHORT else words.candidate_cell
    for candidate in candidates[: form.shown]:
        cells.append(cell(candidate, snapshot.progress.get(candidate.name)))
    if more := candidates[form.shown :] if form.left_out else []:
        star = ("★", words.ACCENT) if any(one.accepted for one in more) else ""
        cells.append(words.text((f"+{len(more)}", words.QUIET), star))
    return Row(job.name, tuple(cells))


def headline(run: run_pb2.Run, seen: int, now: float, room: int) -> Content:
    """Name at the left; state, pictures and time at the right.

    `seen` counts the finished candidates in the mirror, which are newer than the run's own figures.
    """
    figures = run.figures
    done = max(figures.candidates_done, seen)
    left = words.text((leaf(run.name), words.STRONG), ("  " + run.spec.stage, words.ACCENT))
    if run.parent_run:
        left = words.text(left, (f"  retries {leaf(run.parent_run)}", words.FAINT))
    parts = [words.mark(words.run_state(run))]
    parts.append(words.text(f"{done}/{figures.candidates}"))
    if run.state not in words.ENDED_RUNS:
        parts.append(words.bar(done, figures.candidates, 10))
        if figures.HasField("time_left"):
            parts.append(words.text(f"{words.clock(words.seconds_of(figures.time_left))} left"))
    else:
        if figures.accepted:
            parts.append(words.text(("★ ", words.ACCENT), f"{figures.accepted}"))
        parts.append(words.text((words.took(run.start_time, run.end_time, now), words.QUIET)))
    right = Content("  ").join(parts)
    return words.text(left, " " * max(2, room - left.cell_length - right.cell_length), right)
