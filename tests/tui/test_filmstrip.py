"""The strip of small pictures: as many as can be told apart, and the rest counted."""

from __future__ import annotations

import pytest
from bullpen_tui.theme import INK
from bullpen_tui.widgets.filmstrip import Filmstrip, Frame, FrameTile, in_view
from textual.app import App, ComposeResult
from textual.content import Content


def frames(count: int) -> list[Frame]:
    return [Frame(f"asset-{number}", Content(f"{number:02}")) for number in range(1, count + 1)]


@pytest.mark.parametrize(("count", "room", "last"), [(3, 5, "asset-3"), (5, 5, "asset-5"), (12, 12, "asset-12")])
def test_what_has_room_is_shown_as_a_whole(count: int, room: int, last: str) -> None:
    """No place is given to counting where nothing is left out."""
    shown = in_view(frames(count), room)
    assert (len(shown), shown[-1].asset) == (count, last)


@pytest.mark.parametrize(("count", "room", "words"), [(12, 9, "+4\nmore"), (2, 1, "+2\nmore"), (40, 12, "+29\nmore")])
def test_what_has_no_room_is_counted(count: int, room: int, words: str) -> None:
    """The last place says how many there are besides; together they are all."""
    shown = in_view(frames(count), room)
    assert (len(shown), shown[-1].instead) == (room, words)
    assert in_view(frames(count), 0) == ()


class Strip(App[None]):
    """A strip alone."""

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(INK.variables)

    def compose(self) -> ComposeResult:
        yield Filmstrip("none", lambda _: None, dom_id="strip")


async def test_twelve_scenes_stand_side_by_side_in_a_wide_terminal() -> None:
    """A dozen has room in 128 cells; in fewer the rest is counted, and comes back with the room."""
    app = Strip()
    async with app.run_test(size=(128, 20)) as pilot:
        strip = app.query_one(Filmstrip)
        strip.show(frames(12))

        async def seen(*wanted: tuple[str, str]) -> None:
            for _ in range(200):
                await pilot.pause()
                if [(one.asset, one.shown.instead) for one in strip.query(FrameTile)] == list(wanted):
                    return
            raise AssertionError([one.shown for one in strip.query(FrameTile)])

        whole = [(one.asset, "") for one in frames(12)]
        await seen(*whole)
        await pilot.resize_terminal(60, 20)
        await seen(*whole[:5], ("", "+7\nmore"))
        await pilot.resize_terminal(128, 20)
        await seen(*whole)
