"""Words that suit the room they have, and dialogs that suit their words."""

from __future__ import annotations

from bullpen_tui.screens.part_dialogs import ChooseDialog
from bullpen_tui.theme import INK
from bullpen_tui.widgets.said import Said
from textual.app import App, ComposeResult
from textual.content import Content


class Page(App[None]):
    """A text alone."""

    def compose(self) -> ComposeResult:
        yield Said()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(INK.variables)

    @property
    def told(self) -> str:
        return str(self.query_one(Said).content)


async def test_words_are_made_for_the_room_that_there_is_at_last() -> None:
    """Said before anything was laid out, and again in another width, they fit; other words end that."""
    app = Page()
    async with app.run_test(size=(50, 6)) as pilot:
        said = app.query_one(Said)
        said.fit(lambda room: f"{room} cells")
        await pilot.pause()
        assert app.told == "50 cells"
        await pilot.resize_terminal(33, 6)
        await pilot.pause()
        assert app.told == "33 cells"
        said.say("something else")
        await pilot.resize_terminal(50, 6)
        await pilot.pause()
        assert app.told == "something else"


async def test_a_choice_is_as_broad_as_its_rows() -> None:
    """What is to be chosen between is read to its end in 80 columns."""
    app = Page()
    row = "style   1 picture   other seeds, and what acts on it by a quarter"
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(ChooseDialog("Make again", [("a", Content(row))], "none"))
        await pilot.pause()
        strips = app.screen._compositor.render_strips()
        assert any(row in "".join(segment.text for segment in strip) for strip in strips)
