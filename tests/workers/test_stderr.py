"""A worker's standard error becomes a bounded number of bounded lines."""

from __future__ import annotations

import subprocess
import sys

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


def test_a_crash_is_told_by_its_first_line_and_its_place() -> None:
    """Not by the list of extension modules that faulthandler ends with, and not by a place in another thread."""
    lines = StderrLines(lambda _: None)
    lines.feed(
        b"loading\nFatal Python error: Segmentation fault\n\n"
        b'Thread 0x1 (most recent call first):\n  File "/a/threading.py", line 3 in wait\n'
        b'Current thread 0x2 (most recent call first):\n  File "/a/b/attention.py", line 60 in forward\n'
        b'  File "/a/b/loop.py", line 5 in run\nExtension modules: numpy, torch._C (total: 2)\n',
        0.0,
    )
    assert lines.last == "Fatal Python error: Segmentation fault in forward (attention.py:60)"


def test_a_real_crash_is_read() -> None:
    """What this Python's faulthandler writes is understood."""
    crash = "import faulthandler; faulthandler.enable(); faulthandler._sigsegv()"
    done = subprocess.run([sys.executable, "-c", crash], capture_output=True, check=False)
    lines = StderrLines(lambda _: None)
    lines.feed(done.stderr, 0.0)
    assert lines.last == "Fatal Python error: Segmentation fault in <module> (<string>:1)"
