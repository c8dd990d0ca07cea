"""Tasks: everything that is being made or waits, over all projects, with the time left; what to stop or let wait."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from bullpen_api.v1 import queue_pb2, run_pb2
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget

from bullpen_tui import messages as say
from bullpen_tui import words
from bullpen_tui.exports import words as exported
from bullpen_tui.exports.desk import GOING, is_export
from bullpen_tui.mirror import leaf, project_of
from bullpen_tui.reading import EVERYWHERE
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.screens.run_actions import RunActions
from bullpen_tui.screens.task_exports import TaskExports
from bullpen_tui.widgets.rows import Column, Row, RowTable
from bullpen_tui.widgets.said import Said

AGAIN_SECONDS = 2.0
COLUMNS = (
    Column("run", minimum=16, weight=2),
    Column("project", minimum=10, weight=1),
    Column("status", width=10),
    Column("done", width=14),
    Column("left", width=8, right=True),
    Column("begins", width=8, right=True, drop=1),
)


def task_row(run: run_pb2.Run, place: queue_pb2.QueuedRun | None, done: int) -> Row:
    """One unfinished run. `done` counts its finished candidates in the mirror."""
    figures = run.figures
    made = max(done, figures.candidates_done)
    bar = words.text(words.bar(made, figures.candidates, 6), f" {made}/{figures.candidates}")
    left = words.clock(words.seconds_of(figures.time_left)) if figures.HasField("time_left") else words.DASH
    begins = words.DASH
    if place is not None and place.HasField("time_to_end"):
        left = words.clock(words.seconds_of(place.time_to_end))
    if place is not None and place.HasField("time_to_start") and run.state == run_pb2.Run.STATE_QUEUED:
        begins = words.clock(words.seconds_of(place.time_to_start))
    return Row(
        run.name,
        (
            Content(leaf(run.name)),
            words.text((leaf(project_of(run.name)), words.QUIET)),
            words.mark(words.run_state(run)),
            bar,
            words.text(left),
            words.text((begins, words.QUIET)),
        ),
    )


def queue_line(queue: queue_pb2.Queue | None) -> Content:
    """The queue as a whole."""
    if queue is None:
        return words.text(("Reading…", words.QUIET))
    parts = [words.text(("‖ paused: nothing more begins", words.WARN))] if queue.paused else []
    parts += [
        words.text((f"{queue.running_jobs}", words.STRONG), (" being made", words.QUIET)),
        words.text((f"{queue.waiting_jobs}", words.STRONG), (" wait", words.QUIET)),
    ]
    if queue.paused_jobs:
        parts.append(words.text((f"{queue.paused_jobs}", words.STRONG), (" paused", words.QUIET)))
    if queue.HasField("time_left") and queue.waiting_jobs + queue.running_jobs:
        parts.append(
            words.text(
                (f"about {words.clock(words.seconds_of(queue.time_left))}", words.STRONG), (" left", words.QUIET)
            )
        )
    line = Content("   ").join(parts)
    if queue.hindrance:
        # A line of its own, as long as it needs to be: nothing goes on before somebody has read it.
        line = Content("\n").join([line, words.text((f"⚑ {queue.hindrance}", words.WARN))])
    return line


class TasksScreen(RunActions, TaskExports, StudioScreen):
    """The list. Enter opens a run or begins an export again, `x` stops either, `p` lets a run wait."""

    place: ClassVar[str] = "tasks"

    def body(self) -> Iterable[Widget]:
        """The queue's line, then the runs."""
        with Vertical(classes="pane", id="queue-pane") as pane:
            pane.border_title = "Queue"
            yield Said(dom_id="queue")
        with Vertical(classes="pane", id="tasks-pane") as pane:
            pane.border_title = "Tasks"
            yield RowTable(COLUMNS, empty="Nothing is being made, and nothing waits.", dom_id="tasks")

    def on_mount(self) -> None:
        """Asks again now and then: estimates change without an event."""
        super().on_mount()
        self.set_interval(AGAIN_SECONDS, self._again)
        self._again()

    def _again(self) -> None:
        if self.is_current:
            self.studio.reading.queue()

    def draw(self) -> None:
        """Draws the rows in place."""
        self.studio.reading.runs(EVERYWHERE)
        self.studio.reading.exports()
        queue = self.snapshot.answer("queue", queue_pb2.Queue)
        self.query_one("#queue", Said).say(queue_line(queue))
        places = {one.run: one for one in queue.runs} if queue is not None else {}
        going = [run for run in self.snapshot.runs.values() if run.state not in words.ENDED_RUNS]
        going.sort(key=lambda run: (run.state != run_pb2.Run.STATE_RUNNING, _turn(places.get(run.name)), run.name))
        seen = self.snapshot.finished
        rows = [task_row(run, places.get(run.name), seen.get(run.name, 0)) for run in going]
        desk = self.snapshot.exports
        rows += [exported.task_row(one, desk.progress.get(one.name)) for one in desk.tasks()]
        self.query_one("#tasks", RowTable).set_rows(rows)

    @property
    def run_name(self) -> str:
        """The run under the cursor."""
        key = self.query_one("#tasks", RowTable).cursor_key or ""
        return "" if is_export(key) else key

    @property
    def export_name(self) -> str:
        """The export under the cursor."""
        key = self.query_one("#tasks", RowTable).cursor_key or ""
        return key if is_export(key) else ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what works on the run under the cursor."""
        if not self.is_mounted:
            return True
        export = self.the_export
        if action == "open" and export is not None:
            return True
        if action == "cancel_job" and export is not None:
            return export.state in GOING
        if action in ("open", "cancel_job", "advise"):
            return bool(self.run_name)
        return self.check_run_action(action)

    def action_open(self) -> None:
        """Opens the run under the cursor, or begins the export again."""
        if self.export_name:
            self.open_export()
        elif self.run_name:
            self.studio.open_run(self.run_name)

    def action_cancel_job(self) -> None:
        """Asks, then stops what is under the cursor."""
        if self.export_name:
            self.stop_export()
        else:
            self.action_cancel_run()

    def action_advise(self) -> None:
        """Compares the devices for the run under the cursor."""
        from bullpen_tui.screens.advice import AdviceDialog

        self.studio.push_screen(AdviceDialog((self.run_name,)))

    def action_pause_queue(self) -> None:
        """Begins nothing more, or goes on."""
        queue = self.snapshot.answer("queue", queue_pb2.Queue)
        self.studio.errands.pause_queue(queue is None or not queue.paused, self)

    def on_queue_paused(self, message: say.QueuePaused) -> None:
        """Says what the queue does now."""
        paused = "Nothing more begins; what runs goes on to its end." if message.queue.paused else "The queue goes on."
        self.notify(paused)
        self.studio.reading.queue()


def _turn(place: queue_pb2.QueuedRun | None) -> int:
    return place.position if place is not None and place.position else 1 << 30
