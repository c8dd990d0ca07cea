"""A worker's standard error becomes a bounded number of bounded lines."""

from __future__ import annotations

from bullpend.workers.stderr import MAX_LINE_BYTES, MAX_LINES, WINDOW_SECONDS, StderrLines


def test_lines_are_joined_over_pieces() -> None:
    """A line that arrives in pieces is said once, whole; the last one without an end is said at the close."""
    said: list[str] = []
    lines = StderrLines(said.append)
    lines.feed(b"one\ntw", 0.0)
    lines.feed(b"o\n\nthr", 0.0)
    lines.feed(b"ee", 0.0)
    assert said == ["one", "two"]
    lines.close(0.0)
    assert said == ["one", "two", "three"]
    assert lines.last == "three"


def test_a_line_without_end_is_cut() -> None:
    """A line beyond the limit is said cut, its rest is dropped, and the next line is whole again."""
    said: list[str] = []
    lines = StderrLines(said.append)
    for _ in range(10):
        lines.feed(b"x" * MAX_LINE_BYTES, 0.0)
    lines.feed(b"rest\nnext\n", 0.0)
    assert [len(line) for line in said] == [MAX_LINE_BYTES, len("next")]


def test_a_flood_is_counted_not_said() -> None:
    """In one window only so many lines pass; the next window begins with how many did not."""
    said: list[str] = []
    lines = StderrLines(said.append)
    lines.feed(b"again\n" * (MAX_LINES + 7), 0.0)
    assert len(said) == MAX_LINES
    lines.feed(b"later\n", WINDOW_SECONDS)
    assert said[MAX_LINES:] == ["7 more lines were dropped", "later"]


def test_bytes_that_are_no_text_do_no_harm() -> None:
    """Bytes that are no UTF-8 are shown as replaced."""
    said: list[str] = []
    StderrLines(said.append).feed(b"\xff\xfe!\n", 0.0)
    assert said == ["\ufffd\ufffd!"]
