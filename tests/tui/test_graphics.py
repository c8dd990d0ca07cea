"""Which way of pictures a terminal gets."""

from __future__ import annotations

import pytest
from bullpen_client.errors import PictureTooLarge, PictureUnreadable
from bullpen_tui import pictures
from bullpen_tui.graphics import choose, read_answer
from bullpen_tui.pictures import PictureStore, decode, difference
from bullpen_tui.widgets.picture import fit
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tui import story


@pytest.mark.parametrize(
    ("answer", "way"),
    [
        ("", "half"),
        ("\x1b[?62;22c", "half"),
        ("\x1b[?62;4;22c", "sixel"),
        ("\x1b_Gi=31;OK\x1b\\\x1b[?62;c", "kitty"),
        ("\x1b_Gi=31;OK\x1b\\\x1b[?62;4c", "sixel"),
        ("\x1b_Gi=31;ENOTSUPPORTED\x1b\\\x1b[?1;2c", "half"),
        ("j\x1b[?62;22c", "half"),
    ],
)
def test_answers_of_terminals(answer: str, way: str) -> None:
    """Only what the terminal says it can do is used; keys typed meanwhile do no harm."""
    assert read_answer(answer) == way


@pytest.mark.parametrize("environment", [{"TMUX": "/tmp/x", "TERM": "xterm-kitty"}, {"TERM": "screen-256color"}, {}])
def test_nothing_is_asked_where_the_answer_would_be_lost(environment: dict[str, str]) -> None:
    """Under tmux, screen or an unknown terminal half blocks are used without a question."""
    assert choose("auto", environment) == "half"


def test_a_wish_is_taken_at_its_word() -> None:
    """A person who knows better decides, and a wrong word is named."""
    assert choose("kitty", {"TMUX": "1"}) == "kitty"
    assert choose("none", {}) == "none"
    with pytest.raises(ValueError, match="crayon"):
        choose("crayon", {})


@settings(deadline=None)
@given(st.tuples(st.integers(1, 4000), st.integers(1, 4000)), st.tuples(st.integers(1, 300), st.integers(1, 100)))
def test_a_picture_stays_in_its_box(picture: tuple[int, int], cells: tuple[int, int]) -> None:
    """Whatever the sizes, nothing is drawn outside, and something always is."""
    wide, high = fit(picture, cells)
    assert 1 <= wide <= cells[0]
    assert 1 <= high <= cells[1]


def test_a_square_is_square() -> None:
    """Cells are twice as high as wide."""
    assert fit((128, 128), (60, 20)) == (40, 20)


def test_damaged_bytes_are_refused_in_words() -> None:
    """A broken picture is an error with a sentence, not a crash."""
    with pytest.raises(PictureUnreadable):
        decode(b"no picture")
    with pytest.raises(PictureUnreadable):
        decode(story.png(1)[:200])


def test_a_picture_bomb_is_refused_before_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cap is checked on the head."""
    monkeypatch.setattr(pictures, "PIXEL_CAP", 100)
    with pytest.raises(PictureTooLarge):
        decode(story.png(1))


def test_difference_of_equals_is_black() -> None:
    """What did not change does not light up."""
    same = story.picture(1)
    assert difference(same, same).getextrema() == ((0, 0), (0, 0), (0, 0))


async def test_the_store_is_bounded_and_reads_once() -> None:
    """Pictures seen last stay; a second look costs no call."""
    reads: list[str] = []

    async def read(asset: str, thumbnail: bool) -> bytes:
        reads.append(asset)
        return story.png(len(reads), side=8)

    store = PictureStore(read, kept=3)
    for asset in ("a", "a", "b", "c", "d"):
        await store.get(asset, True)
    assert reads == ["a", "b", "c", "d"]
    assert len(store) == 3
    assert store.have("a", True) is None
    assert store.have("d", True) is not None
    assert store.have("d", False) is None
