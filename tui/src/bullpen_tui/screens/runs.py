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
from bullpen_tui.mirror import Listed, leaf
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.screens.run_actions import RunActions
from bullpen_tui.widgets.rows import Column, Row, RowTable

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
            words.mark(words.RUN_MARKS[run.state]),
            words.text(f"{figures.jobs_done}/{figures.jobs}", failed),
            words.text(f"{figures.candidates_done}", (f"/{figures.candidates}", words.FAINT)),
            words.quality_cell(rate),
            words.text((words.ago(run.start_time or run.create_time, now), words.QUIET)),
            words.text((words.took(run.start_time, run.end_time, now), words.QUIET)),
        ),
    )


class RunsScreen(RunActions, StudioScreen):
    """The list. Enter opens a run."""

    place: ClassVar[str] = "runs"

    def __init__(self) -> None:
        super().__init__()
        self._more = ""

    def body(self) -> Iterable[Widget]:
        """One table."""
        with Vertical(classes="pane", id="runs-pane"):
            yield RowTable(RUN_COLUMNS, empty="Reading…", dom_id="runs")

    def on_mount(self) -> None:
        """Reads the runs when this project is seen for the first time, and keeps the times going."""
        super().on_mount()
        self.set_interval(5.0, self.draw)
        self._read_first()

    def _read_first(self) -> None:
        project = self.studio.project
        if project and self.studio.first_look(f"runs {project}"):
            self.studio.fetch(self._page(project, ""), group=f"runs {project}")

    async def _page(self, project: str, token: str) -> Listed:
        page = await self.studio.daemon.runs(project, token)
        self._more = page.next_page_token
        return Listed(tuple(page.runs), page.revision)

    @on(RowTable.EndNeared)
    def _read_more(self) -> None:
        if self._more:
            token, self._more = self._more, ""
            self.studio.fetch(self._page(self.studio.project, token), group="more runs")

    def draw(self) -> None:
        """Draws the rows in place."""
        project = self.studio.project
        self.query_one("#runs-pane").border_title = f"{leaf(project)} · runs" if project else "Runs"
        self._read_first()
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
        table.set_rows([run_row(run, now) for run in self.snapshot.runs_of(project)])

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
