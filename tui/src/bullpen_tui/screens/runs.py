"""Runs of a project, newest first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from bullpen_api.v1 import run_pb2
from textual import on
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget

from bullpen_tui import words
from bullpen_tui.mirror import leaf
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.screens.run_actions import RunActions
from bullpen_tui.widgets.rows import Column, Row, RowTable
from bullpen_tui.widgets.said import entitle

TIMES_SECONDS = 5.0
"""How often "2 h ago" is looked at again."""

RUN_COLUMNS = (
    Column("run", minimum=18, weight=3),
    Column("stage", minimum=10, weight=1, drop=6),
    Column("status", width=10),
    Column("jobs", width=6, right=True),
    Column("pictures", width=8, right=True, drop=2),
    Column("QA", width=7, right=True, drop=3),
    Column("started", width=10, right=True, drop=4),
    Column("took", width=8, right=True, drop=5),
)


def run_row(run: run_pb2.Run, now: float) -> Row:
    """One run as a row for `RUN_COLUMNS`."""
    figures = run.figures
    rate = figures.qa_pass_rate if figures.HasField("qa_pass_rate") else None
    failed = words.text((f" ✗{figures.jobs_failed}", words.BAD)) if figures.jobs_failed else Content("")
    return Row(
        run.name,
        (
            Content(leaf(run.name)),
            words.text((run.spec.stage, words.QUIET)),
            words.mark(words.run_state(run)),
            words.text(f"{figures.jobs_done}/{figures.jobs}", failed),
            words.text(f"{figures.candidates_done}", (f"/{figures.candidates}", words.FAINT)),
            words.quality_cell(rate),
            words.text((words.ago(run.start_time or run.create_time, now), words.QUIET)),
            words.text((words.took(run.start_time, run.end_time, now), words.QUIET)),
        ),
    )


def run_text(run: run_pb2.Run) -> str:
    """A run for a filter."""
    return f"{run.name} {run.spec.stage} {words.run_state(run)[2]}".casefold()


class RunsScreen(RunActions, StudioScreen):
    """The list. Enter opens a run."""

    place: ClassVar[str] = "runs"

    def body(self) -> Iterable[Widget]:
        """One table."""
        with Vertical(classes="pane", id="runs-pane"):
            yield RowTable(RUN_COLUMNS, empty="Reading…", dom_id="runs")

    def on_mount(self) -> None:
        """Keeps the times going."""
        super().on_mount()
        self.set_interval(TIMES_SECONDS, self.draw)

    @on(RowTable.EndNeared)
    def _read_more(self) -> None:
        self.studio.reading.more_runs(self.studio.project)

    def draw(self) -> None:
        """Draws the rows in place."""
        project = self.studio.project
        entitle(self.query_one("#runs-pane"), f"{leaf(project)} · runs" if project else "Runs")
        if project:
            self.studio.reading.runs(project)
        table = self.query_one("#runs", RowTable)
        if project:
            table.set_empty(
                words.text("Nothing was run in this project yet.\n\n", ("r", "bold $accent"), " composes a run.")
            )
        elif self.studio.listed:
            table.set_empty(
                words.text("There is no project yet.\n\n", ("1", "bold $accent"), " goes to the projects to make one.")
            )
        now = self.studio.now()
        table.set_items(self.snapshot.runs_of(project), lambda run: run_row(run, now), run_text)

    @property
    def run_name(self) -> str:
        """The run under the cursor."""
        return self.query_one("#runs", RowTable).cursor_key or ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what works on the run under the cursor."""
        if action == "open":
            return bool(self.run_name)
        if action == "compose":
            return bool(self.studio.project)
        return self.check_run_action(action)

    def action_open(self) -> None:
        """Opens the run under the cursor."""
        if self.run_name:
            self.studio.open_run(self.run_name)

    def action_compose(self) -> None:
        """Composes a run of the project."""
        from bullpen_tui.screens.compose import ComposeScreen

        self.studio.push_screen(ComposeScreen(self.studio.project))
