"""Small terminals: what has room, what a person is told where nothing has, and that no word is lost on the way."""

from __future__ import annotations

import pytest
from bullpen_tui.fitting import LOWEST, NARROWEST, SHORT, SLIM, classes, small
from bullpen_tui.widgets.lister import Lister
from bullpen_tui.widgets.part_list import PartList
from textual.widgets import Input, TextArea

from tests.tui.driving import Driver, studio

SMALLEST = pytest.mark.parametrize("size", [(SLIM, LOWEST), (NARROWEST, SHORT)], ids=["wide", "slim"])
WAYS = ("2", "3", "4", "5", "6", "7", "8", "9", "0", "w", "L", "U", "C", "O")
FEWEST_CELLS, FEWEST_LINES = 12, 2


@pytest.mark.parametrize(
    ("size", "found"),
    [
        ((80, 24), set()),
        ((SLIM, LOWEST), {"-short"}),
        ((SLIM, LOWEST - 1), {"-small"}),
        ((SLIM - 1, SHORT), {"-slim"}),
        ((SLIM - 1, SHORT - 1), {"-small"}),
        ((NARROWEST, 50), {"-slim"}),
        ((NARROWEST - 1, 50), {"-small"}),
        ((160, SHORT - 1), {"-short"}),
    ],
)
def test_a_size_has_one_look(size: tuple[int, int], found: set[str]) -> None:
    """Too small is one thing and says nothing of the rest; slim and short never come together."""
    assert {name for name, holds in classes(*size).items() if holds} == found
    assert small(*size) == ("-small" in found)


@pytest.mark.parametrize("size", [(20, 5), (39, 30), (100, 8), (40, 12)])
async def test_a_terminal_that_is_too_small_says_what_to_do(size: tuple[int, int]) -> None:
    """A sentence with the least size and no ruins of a screen; enlarging brings everything back."""
    async with studio(size=size) as at:
        await at.until(lambda: "too small" in " ".join(at.screen_text().split()))
        if size[1] > 8:
            assert f"{SLIM}×{LOWEST} or {NARROWEST}×{SHORT}" in " ".join(at.screen_text().split())
        assert "BULLPEN" not in at.screen_text()
        await at.pilot.resize_terminal(100, 30)
        await at.until(lambda: "BULLPEN" in at.screen_text())


def words(at: Driver) -> str:
    """What can be read, without frames and line ends."""
    return " ".join(at.screen_text().translate(dict.fromkeys(map(ord, "│╭╮╰╯─"), " ")).split())


def cramped(at: Driver) -> list[str]:
    """Lists and fields of the screen that cannot be used: no rows in sight, or no room for words."""
    screen = at.app.screen
    # The parts in a form take a line each, and the form scrolls.
    lists = [one for one in screen.query(Lister) if one.display and not isinstance(one, PartList)]
    lists = [one for one in lists if one.size.height < FEWEST_LINES]
    fields = [one for one in screen.query("Input, TextArea").results() if one.display and one.size.width]
    narrow = [one for one in fields if isinstance(one, Input | TextArea) and one.size.width < FEWEST_CELLS]
    return [f"{at.place}: {one.id} {one.size}" for one in (*lists, *narrow)]


@SMALLEST
async def test_every_place_can_be_used_in_the_smallest_terminal(size: tuple[int, int]) -> None:
    """Each list shows rows and each field takes words; the last line names the key that leads on."""
    async with studio(size=size) as at:
        assert not cramped(at)
        for key in WAYS:
            at.app.set_focus(None)
            before = at.place
            await at.press(key)
            await at.until(lambda before=before: at.place != before, key)  # type: ignore[misc]
            await at.pilot.pause()
            assert not cramped(at)
        at.app.go("universe")
        for key, place, leads_on in (("n", "entry", "F5 save"), ("r", "compose", "F5 run"), ("b", "bootstrap", "esc")):
            await at.until(lambda: at.place == "universe")
            await at.go(key, place)
            await at.until(lambda leads_on=leads_on: leads_on in at.screen_text().splitlines()[-1])  # type: ignore[misc]
            assert not cramped(at)
            await at.press("escape")


@SMALLEST
async def test_every_window_shows_its_keys_in_the_smallest_terminal(size: tuple[int, int]) -> None:
    """Fields, rows and the way out are in sight in every window, whatever stands in them."""
    async with studio(size=size) as at:
        for way, leave in (
            (("1", "n"), "esc leave it"),
            (("1", "e"), "esc leave it"),
            (("1", "E"), "esc leave it"),
            (("1", "question_mark"), "esc back"),
            (("7", "K"), "esc leave it"),
            (("3", "e"), "esc leave it"),
            (("w", "a"), "esc back"),
            (("U", "i"), "esc leave it"),
        ):
            at.app.go("projects")
            await at.until(lambda: at.place == "projects")
            await at.press(way[0])
            await at.pilot.pause()
            await at.press(way[1])
            await at.until(lambda: "Dialog" in at.place, str(way))
            await at.until(lambda leave=leave: leave in words(at), str(way))  # type: ignore[misc]
            assert not cramped(at)
            await at.press("escape")
            await at.until(lambda: "Dialog" not in at.place)


async def test_words_and_cursor_survive_a_terminal_that_was_too_small() -> None:
    """A window that was dragged small for a moment goes on in the same field when there is room again."""
    async with studio(size=(80, 24)) as at:
        await at.press("n")
        await at.until(lambda: at.place == "NewProjectDialog")
        await at.type("Noir")
        await at.pilot.resize_terminal(30, 8)
        await at.until(lambda: "too small" in " ".join(at.screen_text().split()))
        assert "Noir" not in at.screen_text()
        await at.pilot.resize_terminal(80, 24)
        await at.until(lambda: at.app.screen.focused is not None, "the cursor")
        await at.type("s")
        assert at.app.screen.query_one("#title", Input).value == "Noirs"
