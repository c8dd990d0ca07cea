"""Tables in a terminal: no name is broken, however narrow it is."""

from __future__ import annotations

import io
import re
import sys

import pytest
from bullpen_cli import output, tables
from hypothesis import given
from hypothesis import strategies as st

NAME = "projects/harbor_lights/runs/r-0013-characters"
WORDS = st.text(st.sampled_from("ab– "), max_size=30)


class Terminal(io.StringIO):
    """Text that says it is a terminal."""

    def isatty(self) -> bool:
        """It is."""
        return True


def shown(monkeypatch: pytest.MonkeyPatch, columns: int, *rows: tuple[str, ...], whole: tuple[str, ...] = ()) -> str:
    """A table of three columns as a terminal of so many columns shows it."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    monkeypatch.setattr(sys, "stdout", stream)
    output.table(("run", "why", "made"), rows, whole=whole)
    return re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())


def test_what_fits_is_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sentences give way to names, and are broken between words."""
    text = shown(monkeypatch, 80, (NAME, "less drift from the references than the next", "07:41"))
    assert NAME in text
    assert "run " in text.splitlines()[1]
    assert max(map(len, text.splitlines())) <= 80
    assert "references" in text


def test_what_does_not_fit_stands_below_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name whole on a line of its own, then what the columns say of it; what says nothing is left out."""
    text = shown(monkeypatch, 48, (NAME, "less drift", "2026-11-21"), (NAME, "–", "2026-11-22"))
    lines = [line.rstrip() for line in text.splitlines()]
    assert lines == [NAME, "  why less drift · made 2026-11-21", NAME, "  made 2026-11-22"]


def test_a_sign_stands_before_the_name() -> None:
    """A number or an arrow in the first column is no name; a column that is to stay whole is one."""
    assert tables.blocks(("", "where", "note"), [("→", "cpu", "fits")], ()) == [("→ cpu", "note fits")]
    assert tables.blocks(("state", "method"), [("done", "a.B/C")], ("method",)) == [("a.B/C", "state done")]
    assert tables.blocks(("a", "b"), [("", "–")], ()) == [("", "")]


def test_whole_columns_are_not_broken_at_blanks(monkeypatch: pytest.MonkeyPatch) -> None:
    """They keep their line; where that does not fit either, the row becomes lines."""
    row = ("a", "one two three four", "five six seven eight")
    assert "one two three four" in shown(monkeypatch, 40, row, whole=("why",))
    assert shown(monkeypatch, 24, row, whole=("why",)).splitlines()[0].rstrip() == "one two three four"


@given(st.lists(st.tuples(WORDS, WORDS, WORDS), max_size=4), st.integers(10, 90))
def test_columns_fit_and_hold_their_words(rows: list[tuple[str, str, str]], room: int) -> None:
    """Whatever the cells are: together no wider than the room, none narrower than its longest word."""
    columns = ("a", "bb", "ccc")
    found = tables.widths(columns, rows, room, ())
    longest = [
        max((len(word) for text in (column, *(row[number] for row in rows)) for word in text.split()), default=0)
        for number, column in enumerate(columns)
    ]
    if found is None:
        assert sum(longest) + 8 > room
        return
    assert sum(found) + 8 <= room or all(have <= want for have, want in zip(found, longest, strict=True))
    assert all(have >= want for have, want in zip(found, longest, strict=True))
