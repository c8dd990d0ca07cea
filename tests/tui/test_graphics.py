"""Which way of pictures a terminal gets."""

from __future__ import annotations

import asyncio
import os
import pty
import sys
import termios
import threading
import time

import pytest
from bullpen_client.errors import PictureTooLarge, PictureUnreadable
from bullpen_tui import graphics, pictures
from bullpen_tui.graphics import ask, choose, read_answer
from bullpen_tui.pictures import PictureStore, decode, difference
from bullpen_tui.theme import INK
from bullpen_tui.widgets.picture import HalfBlocks, Picture, fit
from bullpen_tui.widgets.said import Said
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from textual.app import App, ComposeResult

from tests.tui import story
from tests.tui.driving import PATIENCE


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


@pytest.mark.parametrize("environment", [{}, {"TERM": "dumb"}, {"TERM": "linux"}])
def test_nothing_is_asked_of_a_terminal_that_cannot_answer(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half blocks are used without a question."""
    monkeypatch.setattr(graphics, "ask", lambda question: pytest.fail("it was asked"))
    assert choose("auto", environment) == "half"


def test_in_16_colours_half_blocks_are_drawn_only_when_asked_for() -> None:
    """There they are noise; words say what is needed and how to have them all the same."""
    assert choose("auto", {"TERM": "linux"}, "standard") == "few"
    assert choose("auto", {"TERM": "linux"}, "256") == "half"
    assert choose("half", {"TERM": "linux"}, "standard") == "half"
    with pytest.raises(ValueError, match="auto, kitty"):
        choose("few", {})


async def test_a_picture_that_needs_more_colours_says_so() -> None:
    """Its size and the reason stand in its place, without a canvas."""

    class Page(App[None]):
        def compose(self) -> ComposeResult:
            yield Picture("few")

        def get_theme_variable_defaults(self) -> dict[str, str]:
            return dict(INK.variables)

    app = Page()
    async with app.run_test(size=(40, 10)) as pilot:
        app.query_one(Picture).show(Image.new("RGB", (8, 4)))
        await pilot.pause()
        assert not app.query(HalfBlocks)
        assert "8 × 4 pixels" in str(app.query_one(Said).content)
        assert "256 colours" in str(app.query_one(Said).content)


class Terminal:
    """A terminal that gives one answer as soon as it has read the end of the question, or none."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
        self._master, end = pty.openpty()
        self._answer = answer
        self.asked = ""
        self.source = os.fdopen(end, "r")
        self.sink = os.fdopen(os.dup(end), "w")
        monkeypatch.setattr(sys, "__stdin__", self.source)
        monkeypatch.setattr(sys, "__stdout__", self.sink)
        self._thread = threading.Thread(target=self._talk, daemon=True)
        self._thread.start()

    def _talk(self) -> None:
        while not self.asked.endswith("\x1b[c"):
            self.asked += os.read(self._master, 256).decode()
        os.write(self._master, self._answer.encode())

    def close(self) -> None:
        self._thread.join(10.0)
        for end in (self.source, self.sink):
            end.close()
        os.close(self._master)

    def mode(self) -> list[object]:
        return list(termios.tcgetattr(self.source.fileno()))


@pytest.mark.parametrize(
    ("environment", "answer", "way", "kitty_asked"),
    [
        ({"TERM": "xterm-kitty"}, "\x1b_Gi=31;OK\x1b\\\x1b[?62;c", "kitty", True),
        ({"TERM": "xterm-256color"}, "\x1b[?62;4;22c", "sixel", True),
        ({"TERM": "xterm-256color"}, "\x1b[?62;22c", "half", True),
        ({"TERM": "tmux-256color", "TMUX": "/tmp/t"}, "\x1b[?1;2;4c", "sixel", False),
        ({"TERM": "tmux-256color", "TMUX": "/tmp/t"}, "\x1b[?1;2c", "half", False),
        ({"TERM": "screen-256color"}, "\x1b[?1;2c", "half", False),
    ],
)
def test_a_terminal_is_asked_and_left_as_it_was(
    environment: dict[str, str], answer: str, way: str, kitty_asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer decides; Kitty's question goes to no multiplexer, which would pass half of it on."""
    monkeypatch.setattr(graphics, "PROBE_SECONDS", 20.0)
    terminal = Terminal(monkeypatch, answer)
    before = terminal.mode()
    assert choose("auto", environment) == way
    assert terminal.mode() == before
    terminal.close()
    assert ("_G" in terminal.asked) is kitty_asked


def test_a_terminal_that_says_nothing_costs_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer is waited for longer than the budget, and half blocks are used."""
    terminal = Terminal(monkeypatch, "")
    before = terminal.mode()
    began = time.monotonic()
    assert ask(seconds=0.05) == ""
    assert 0.05 <= time.monotonic() - began < 30.0
    assert terminal.mode() == before
    terminal.close()


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


class Wall(App[None]):
    """A picture alone."""

    def compose(self) -> ComposeResult:
        yield Picture("half")

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(INK.variables)


async def test_a_moving_picture_is_drawn_as_often_as_its_bytes_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is drawn at once, of those that follow too soon the newest; a picture that stays, at once."""
    app = Wall()
    async with app.run_test(size=(40, 20)) as pilot:
        picture = app.query_one(Picture)
        drawn: list[object] = []
        monkeypatch.setattr(app.query_one(HalfBlocks), "show", drawn.append)
        shots = [story.picture(number) for number in range(5)]
        for shot in shots[:4]:
            picture.show(shot, live=True)
        assert drawn == [shots[0]]
        assert picture.picture is shots[3]
        async with asyncio.timeout(PATIENCE):
            while len(drawn) < 2:
                await pilot.pause(0.01)
        assert drawn == [shots[0], shots[3]], "the newest, and none between"
        picture.show(shots[1], live=True)
        picture.show(shots[4])
        await pilot.pause(0.05)
        assert drawn == [shots[0], shots[3], shots[4]]
