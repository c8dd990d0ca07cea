"""How lines look on a narrow terminal."""

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
