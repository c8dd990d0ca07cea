"""The gallery: pictures, search, where they came from, and making one again."""

from __future__ import annotations

from bullpen_tui.screens.compose import ComposeScreen
from bullpen_tui.widgets.gallery import Card, Gallery
from bullpen_tui.widgets.picture import Picture
from bullpen_tui.widgets.rows import RowTable
from textual.widgets import Input, Select

from tests.tui import story
from tests.tui.driving import Driver, studio


def shown(at: Driver) -> list[Card]:
    return [one for one in at.app.screen.query(Card) if not one.has_class("-free")]


async def test_pictures_are_shown_and_searched() -> None:
    """The gallery shows them, the search narrows it, a slip is said, escape shows all."""
    async with studio(size=(160, 50)) as at:
        await at.go("3", "assets")
        await at.until(lambda: len(shown(at)) == 12)
        await at.until(lambda: all(one.query_one(Picture).picture is not None for one in shown(at)))
        await at.until(lambda: "harbor_lights · 13" in at.screen_text())
        await at.press("slash")
        await at.type("pier kind:candidate")
        await at.until(lambda: len(shown(at)) == 3)
        assert "3 of 13" in at.screen_text()
        assert ("assets", story.PROJECT, "", (3,)) in at.fake.calls
        await at.type(" stge:time")
        await at.until(lambda: "Did you mean stage:?" in at.screen_text())
        await at.press("enter", "escape")
        await at.until(lambda: len(shown(at)) == 12)


async def test_a_picture_tells_where_it_came_from() -> None:
    """Stage, prompt and seed of its job, what it was made from; p goes there, t makes a list of it."""
    async with studio(size=(160, 50)) as at:
        await at.go("3", "assets")
        gallery = at.app.screen.query_one("#gallery", Gallery)
        await at.until(lambda: gallery.cursor_key is not None)
        await at.until(lambda: "change the time of day to dusk" in at.words("#asset-words"))
        assert "time   starter-edit" in at.words("#asset-words")
        await at.press("p")
        await at.until(lambda: (gallery.cursor_key or "").startswith(f"{story.PROJECT}/assets/source-"))
        await at.until(lambda: "made of it" in at.words("#asset-words"))
        where = gallery.cursor_key
        await at.press("t")
        await at.until(lambda: at.app.screen.query_one("#assets", RowTable).cursor_key == where)


async def test_one_key_makes_a_picture_again() -> None:
    """I opens the composer with stage, scene, seed and sampling of the picture, ready to run."""
    async with studio(size=(160, 50)) as at:
        await at.go("3", "assets")
        gallery = at.app.screen.query_one("#gallery", Gallery)
        await at.until(lambda: gallery.cursor_key is not None)
        wanted = f"{story.PROJECT}/assets/r-0002-time-2-1"
        gallery.move_to(wanted)
        await at.go("i", "compose")
        screen = at.app.screen
        assert isinstance(screen, ComposeScreen)
        await at.until(lambda: at.fake.asked("plan") and not screen._planning)
        assert screen.query_one("#stage", Select).value == "time"
        assert screen.query_one("#seed", Input).value == "41201"
        spec = at.fake.asked("plan")[-1][1]
        assert list(spec.scenes.scenes) == [story.scene_name(2)]  # type: ignore[attr-defined]
        assert spec.candidates == 1  # type: ignore[attr-defined]
        assert spec.sampling.steps == 8  # type: ignore[attr-defined]
        assert spec.model == "models/starter-edit"  # type: ignore[attr-defined]


async def test_a_source_has_no_recipe_and_the_key_is_not_offered() -> None:
    """What was not made here cannot be made again, and enter has nothing to open."""
    async with studio(size=(160, 50)) as at:
        await at.go("3", "assets")
        await at.until(lambda: at.app.screen.query_one("#gallery", Gallery).cursor_key)
        await at.until(lambda: "i use recipe" in at.screen_text().splitlines()[-1])
        await at.press("G")
        await at.until(lambda: "i use recipe" not in at.screen_text().splitlines()[-1])
        await at.press("i")
        assert not at.fake.asked("job")
