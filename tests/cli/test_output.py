"""How lines look on a narrow terminal."""

import pytest
from bullpen_cli import output
from bullpen_cli.output import wrapped


def test_lines_break_at_blanks_only() -> None:
    """A size stays whole; later lines stand below the value; a word that is too long is not cut."""
    text = "makes       4 pictures, 8 candidates; 20 steps, guidance 7.5, image guidance 1.5, 128×128"
    assert wrapped(text, 80, 12).splitlines() == [
        "makes       4 pictures, 8 candidates; 20 steps, guidance 7.5, image guidance",
        "            1.5, 128×128",
    ]
    assert wrapped("stage       " + "x" * 100, 80, 12).split() == ["stage", "x" * 100]
    assert wrapped("one\ntwo three", 6, 2) == "one\ntwo\n  three"


def test_nothing_that_steers_a_terminal_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    """A text of a stranger shows its control characters as signs, in lines, tables and notes; letters stay all."""
    hostile = "a\x1b[31mred\x07\x9b\u202e ünï–漢 👩‍🎨\tb\r\nc"
    output.say(hostile)
    output.table(("title",), [(hostile,)])
    output.details([("title", hostile)])
    output.note(hostile)
    written = "".join(capsys.readouterr())
    assert not any(sign in written for sign in "\x1b\x07\x9b\u202e\r")
    assert written.count("a\ufffd[31mred\ufffd\ufffd\ufffd ünï–漢 👩‍🎨") == 4
