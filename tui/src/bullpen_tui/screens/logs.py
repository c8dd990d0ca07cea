"""Logs: the journal, what happened to which run, picture or model; and what the daemon says of its own work. Live."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget

from bullpen_tui import words
from bullpen_tui.daemonlog import LEVELS, LogLine
from bullpen_tui.mirror import leaf
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.screens.log_rows import JOURNAL_COLUMNS, LOG_COLUMNS, entry_row, entry_text, log_row, log_text
from bullpen_tui.snapshot import Entry
from bullpen_tui.widgets.chrome import FilterLine
from bullpen_tui.widgets.lister import Lister
from bullpen_tui.widgets.rows import RowTable
from bullpen_tui.widgets.said import Said, entitle
from bullpen_tui.widgets.tabs import TabLine

JOURNAL, LOG = 0, 1


class LogsScreen(StudioScreen):
    """The table follows what happens until the person moves away from its end; `f` follows again."""

    place: ClassVar[str] = "logs"
    tabs = ("journal", "daemon")

    def __init__(self) -> None:
        super().__init__()
        self.following = True
        self.least = 1
        """The least severe level of the daemon's log that is shown."""
        self._run = ""
        self._reading = False

    def about(self, run: str) -> None:
        """Begins with what happened to a run."""
        self._run = run

    def body(self) -> Iterable[Widget]:
        """Tabs, a table for each, and the whole line under the cursor."""
        yield TabLine()
        with Vertical(classes="pane", id="logs-pane"):
            yield RowTable(
                JOURNAL_COLUMNS,
                empty="Nothing happened yet. What is done here or by others shows at once.",
                dom_id="logs",
            )
            yield RowTable(LOG_COLUMNS, empty="Reading what the daemon says…", dom_id="daemon-log")
            yield Said(dom_id="log-words", classes="below")

    def on_mount(self) -> None:
        """Reads what happened before, and narrows to the run that the person came from."""
        self.query_one("#daemon-log").display = False
        super().on_mount()
        if self._run:
            line = self.query_one(FilterLine)
            line.add_class("-shown")
            line.value = leaf(self._run)

    def on_unmount(self) -> None:
        """Nobody looks any more."""
        if self._reading:
            self.studio.reading.leave_log()

    @property
    def _table(self) -> RowTable:
        return self.query_one("#logs" if self.tab_open == JOURNAL else "#daemon-log", RowTable)

    def tab_opened(self) -> None:
        """Shows the other table, under the same filter."""
        for number, name in enumerate(("#logs", "#daemon-log")):
            self.query_one(name).display = number == self.tab_open
        self._table.set_filter(self.query_one(FilterLine).value)
        self._table.focus()
        self._tell_line()

    def draw(self) -> None:
        """Draws the lines, and goes with them while it follows."""
        table = self._table
        if self.tab_open == JOURNAL:
            self.studio.reading.past()
            table.set_items(self.snapshot.journal, entry_row, entry_text)
        else:
            self._draw_log(table)
        if self.following:
            table.action_last()
        shown, every = table.count
        state = "following" if self.following else "standing still, f follows"
        count = str(shown) if shown == every else f"{shown} of {every}"
        title = "Journal" if self.tab_open == JOURNAL else f"Daemon · {LEVELS[self.least]} and above"
        self.query_one(TabLine).open(self.tabs, self.tab_open)
        entitle(self.query_one("#logs-pane"), f"{title} · {count} · {state}")

    def _draw_log(self, table: RowTable) -> None:
        if not self._reading and self.studio.connected:
            self._reading = True
            self.studio.reading.log()
        log = self.snapshot.log
        lines = log.lines if self.least == 1 else tuple(one for one in log.lines if one.level >= self.least)
        table.set_items(lines, log_row, log_text)
        if log.last:
            writes = f"The daemon writes {LEVELS[log.least]} and above; the setting log.level changes that."
            table.set_empty(Content(f"It said nothing of this level.\n{writes}" if log.least else "It said nothing."))

    def narrow(self, text: str) -> None:
        """Leaves lines that have these words, and stays at the end."""
        self._table.set_filter(text)
        self.draw()

    @on(Lister.Moved)
    def _other(self) -> None:
        self._tell_line()

    def _tell_line(self) -> None:
        """The whole line under the cursor, below the table."""
        key = self._table.cursor_key
        rows: list[Content] = []
        if self.tab_open == JOURNAL:
            if (entry := next((one for one in reversed(self.snapshot.journal) if one.name == key), None)) is not None:
                rows = [words.text((entry.subject, words.FAINT)), Content(entry.said)]
        elif (line := next((one for one in reversed(self.snapshot.log.lines) if one.name == key), None)) is not None:
            rows = [words.text((f"{line.component} {line.event}", words.FAINT)), Content(line.said)]
            rows += [words.text((row, words.FAINT)) for row in line.traceback.splitlines()[-4:]]
        self.query_one("#log-words", Said).say(words.lines(rows))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A line opens where there is a screen for what it is about; levels are those of the daemon's log."""
        if action == "log_level":
            return self.tab_open == LOG
        return self._opens != "" if action == "open" and self.is_mounted else True

    @property
    def _opens(self) -> str:
        key = self._table.cursor_key
        log, journal = self.snapshot.log.lines, self.snapshot.journal
        lines: Sequence[Entry | LogLine] = journal if self.tab_open == JOURNAL else log
        found = next((one for one in reversed(lines) if one.name == key), None)
        return found.subject if found is not None and "/runs/" in found.subject else ""

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

    def action_log_level(self) -> None:
        """The next level, after the last one all again."""
        self.least = self.least % 4 + 1
        self.draw()

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
