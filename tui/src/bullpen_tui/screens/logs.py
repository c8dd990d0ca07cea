"""Logs: the journal of the daemon, live: what happened to which run, picture or model, the newest at the end."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget

from bullpen_tui import words
from bullpen_tui.mirror import leaf
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.snapshot import Entry
from bullpen_tui.widgets.chrome import FilterLine
from bullpen_tui.widgets.lister import Lister
from bullpen_tui.widgets.rows import Column, Row, RowTable
from bullpen_tui.widgets.said import Said, entitle

COLUMNS = (
    Column("time", width=8),
    Column("what", minimum=16, weight=1),
    Column("of", minimum=16, weight=2),
    Column("", minimum=16, weight=4),
)
_STYLES = {
    "failed": words.BAD,
    "held": words.WARN,
    "canceled": words.WARN,
    "accepted": words.GOOD,
    "succeeded": words.GOOD,
}


def short(subject: str) -> str:
    """A resource name without the words that all of them have: `r-0002-time/jobs/3` gives `r-0002-time 3`."""
    parts = subject.split("/")
    return " ".join(parts[3::2] if len(parts) > 3 else parts[1::2]) or subject


def entry_row(entry: Entry) -> Row:
    """One line of the journal."""
    clock = time.strftime("%H:%M:%S", time.localtime(entry.time)) if entry.time else words.DASH
    style = _STYLES.get(entry.kind.rsplit(".", 1)[-1], "$foreground")
    return Row(
        entry.name,
        (
            words.text((clock, words.FAINT)),
            words.text((entry.kind or "changed", style)),
            words.text((short(entry.subject), words.QUIET)),
            Content(" ".join(entry.said.split())),
        ),
    )


def entry_text(entry: Entry) -> str:
    """A line for a filter."""
    return f"{entry.kind} {entry.subject} {entry.said}".casefold()


class LogsScreen(StudioScreen):
    """The table follows what happens until the person moves away from its end; `f` follows again."""

    place: ClassVar[str] = "logs"

    def __init__(self) -> None:
        super().__init__()
        self.following = True
        self._run = ""

    def about(self, run: str) -> None:
        """Begins with what happened to a run."""
        self._run = run

    def body(self) -> Iterable[Widget]:
        """Table, and the whole line under the cursor."""
        with Vertical(classes="pane", id="logs-pane"):
            yield RowTable(
                COLUMNS, empty="Nothing happened yet. What is done here or by others shows at once.", dom_id="logs"
            )
            yield Said(dom_id="log-words", classes="below")

    def on_mount(self) -> None:
        """Reads what happened before, and narrows to the run that the person came from."""
        super().on_mount()
        if self._run:
            line = self.query_one(FilterLine)
            line.add_class("-shown")
            line.value = leaf(self._run)

    @property
    def _table(self) -> RowTable:
        return self.query_one("#logs", RowTable)

    def draw(self) -> None:
        """Draws the lines, and goes with them while it follows."""
        self.studio.reading.past()
        table = self._table
        table.set_items(self.snapshot.journal, entry_row, entry_text)
        if self.following:
            table.action_last()
        shown, every = table.count
        state = "following" if self.following else "standing still, f follows"
        pane = self.query_one("#logs-pane")
        entitle(pane, f"Journal · {shown if shown == every else f'{shown} of {every}'} · {state}")

    def narrow(self, text: str) -> None:
        """Leaves lines that have these words, and stays at the end."""
        super().narrow(text)
        self.draw()

    @on(Lister.Moved)
    def _other(self) -> None:
        table = self._table
        key = table.cursor_key
        entry = next((one for one in reversed(self.snapshot.journal) if one.name == key), None)
        rows = [words.text((entry.subject, words.FAINT)), Content(entry.said)] if entry is not None else []
        self.query_one("#log-words", Said).say(words.lines(rows))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A line opens where there is a screen for what it is about."""
        return self._opens != "" if action == "open" and self.is_mounted else True

    @property
    def _opens(self) -> str:
        key = self._table.cursor_key
        entry = next((one for one in reversed(self.snapshot.journal) if one.name == key), None)
        return entry.subject if entry is not None and "/runs/" in entry.subject else ""

    def action_open(self) -> None:
        """Opens the run, or the review of the picture."""
        from bullpen_tui.screens.review import ReviewScreen

        subject = self._opens
        if "/jobs/" in subject:
            run, job = subject.split("/jobs/")[0], subject.split("/candidates/")[0]
            self.studio.reading.jobs_once(run)
            self.studio.push_screen(ReviewScreen(run, job))
        elif subject:
            self.studio.open_run(subject)

    def action_follow(self) -> None:
        """Follows what happens, or stands still."""
        self.following = not self.following
        self.draw()

    def action_row_up(self) -> None:
        """One row up, and no longer with what happens."""
        self.following = False
        super().action_row_up()
        self.draw()

    def action_row_first(self) -> None:
        """To the first row, and no longer with what happens."""
        self.following = False
        super().action_row_first()
        self.draw()

    def action_row_last(self) -> None:
        """To the end, and with what happens from there."""
        self.following = True
        super().action_row_last()
        self.draw()
