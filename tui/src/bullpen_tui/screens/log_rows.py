"""Lines of the journal and of the daemon's log as rows, with the text that a filter looks at. Pure."""

from __future__ import annotations

import time

from textual.content import Content

from bullpen_tui import words
from bullpen_tui.daemonlog import LEVELS, LogLine, short
from bullpen_tui.snapshot import Entry
from bullpen_tui.widgets.rows import Column, Row

JOURNAL_COLUMNS = (
    Column("time", width=8),
    Column("what", minimum=16, weight=1),
    Column("of", minimum=16, weight=2),
    Column("", minimum=16, weight=4),
)
LOG_COLUMNS = (
    Column("time", width=8),
    Column("level", width=9),
    Column("by", width=11, drop=1),
    Column("what", minimum=14, weight=1),
    Column("", minimum=16, weight=4),
)
_ENDS = {
    "failed": words.BAD,
    "held": words.WARN,
    "canceled": words.WARN,
    "accepted": words.GOOD,
    "succeeded": words.GOOD,
}
_MARKS = {1: ("·", words.FAINT), 2: ("✓", words.QUIET), 3: ("!", words.WARN), 4: ("✗", words.BAD)}


def _clock(seconds: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(seconds)) if seconds else words.DASH


def entry_row(entry: Entry) -> Row:
    """One line of the journal."""
    style = _ENDS.get(entry.kind.rsplit(".", 1)[-1], "$foreground")
    return Row(
        entry.name,
        (
            words.text((_clock(entry.time), words.FAINT)),
            words.text((entry.kind or "changed", style)),
            words.text((short(entry.subject), words.QUIET)),
            Content(" ".join(entry.said.split())),
        ),
    )


def entry_text(entry: Entry) -> str:
    """A line of the journal for a filter."""
    return f"{entry.kind} {entry.subject} {entry.said}".casefold()


def log_row(line: LogLine) -> Row:
    """One line of the daemon's log: its level by shape and colour."""
    sign, style = _MARKS[line.level]
    strong = style if line.level > 2 else "$foreground"
    return Row(
        line.name,
        (
            words.text((_clock(line.time), words.FAINT)),
            words.text((f"{sign} {LEVELS[line.level]}", style)),
            words.text((line.component, words.QUIET)),
            words.text((line.event, strong)),
            words.text((line.said, words.QUIET)),
        ),
    )


def log_text(line: LogLine) -> str:
    """A line of the daemon's log for a filter."""
    return line.text
