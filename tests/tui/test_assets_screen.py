"""The gallery: pictures, search, what people say of them, where they came from, and making one again."""

from __future__ import annotations

from bullpen_client.errors import SearchInvalid
from bullpen_tui.gallery.window import PAGES_KEPT
from bullpen_tui.screens.assets import AssetsScreen
from bullpen_tui.screens.compose import ComposeScreen
from bullpen_tui.screens.dialogs import SLUG, id_of
from bullpen_tui.screens.narrowing import LinesDialog, NarrowDialog, TreeDialog
from bullpen_tui.widgets.chrome import FilterLine
from bullpen_tui.widgets.gallery import Card
from bullpen_tui.widgets.picture import Picture
from bullpen_tui.widgets.windowed import WindowGallery, WindowTable
from textual.widgets import Input, Select

from tests.tui import story
from tests.tui.driving import Driver, studio
from tests.tui.fake import FakeDaemon

CANDIDATE = f"{story.PROJECT}/assets/r-0002-time-2-1"


def shown(at: Driver) -> list[Card]:
    return [one for one in at.app.screen.query(Card) if not one.has_class("-free")]


def gallery(at: Driver) -> WindowGallery:
    return at.app.screen.query_one("#gallery", WindowGallery)


async def at_candidate(at: Driver) -> None:
    """The gallery with the cursor on a picture of a run."""
    await at.go("3", "assets")
    await at.until(lambda: gallery(at).move_to(CANDIDATE))
    await at.pilot.pause()


async def test_pictures_are_shown_and_searched() -> None:
    """The gallery shows them, the daemon searches, escape shows all."""
    async with studio(size=(160, 50)) as at:
        await at.go("3", "assets")
        await at.until(lambda: len(shown(at)) == 12)
        await at.until(lambda: all(one.query_one(Picture).picture is not None for one in shown(at)))
        await at.until(lambda: "harbor_lights · 13" in at.screen_text())
        await at.press("slash")
        await at.type("pier kind:candidate")
        await at.until(lambda: len(shown(at)) == 3)
        assert "harbor_lights · 3 found" in at.screen_text()
        assert ("find_assets", story.PROJECT, "pier kind:candidate", False, 0) in at.fake.calls
        await at.press("enter", "escape")
        await at.until(lambda: len(shown(at)) == 12)


async def test_a_slip_is_said_over_its_column_and_leaves_what_was_found() -> None:
    """Signs stand over the part that is wrong; what was found stays in view; mending it takes them away."""
    async with studio(size=(80, 24)) as at:
        metadata = {"column": "6", "length": "4"}
        slip = SearchInvalid("There is no “stge:”. Did you mean stage:?", metadata=metadata)
        at.fake.slip = (" s", slip)
        await at.go("3", "assets")
        await at.press("slash")
        await at.type("pier stge:x")
        await at.until(lambda: "Did you mean stage:?" in at.screen_text())
        lines = at.screen_text().splitlines()
        marked = next(number for number, line in enumerate(lines) if "▾▾▾▾" in line)
        assert lines[marked].index("▾") == lines[marked + 1].index("stge")
        assert "pier.png" in at.screen_text()
        await at.press("enter")
        await at.press(*["backspace"] * 6)
        await at.until(lambda: "▾" not in at.screen_text())
        await at.press("enter")
        await at.until(lambda: not isinstance(at.app.screen.focused, FilterLine))


async def test_a_million_pictures_are_a_window() -> None:
    """The end is reached at once, the way there is not read, and only a few pages are held."""
    fake = FakeDaemon()
    fake.largest = 1_000_000
    async with studio(fake, size=(80, 24)) as at:
        await at.go("3", "assets")
        table = at.app.screen.query_one("#assets", WindowTable)
        await at.until(lambda: "1,000,000" in at.screen_text())
        await at.press("G")
        await at.until(lambda: "number 999999.png" in at.screen_text())
        assert table.cursor_key == f"{story.PROJECT}/assets/numbered_999999"
        await at.press("pageup", "pageup", "pageup", "k")
        await at.until(lambda: "…" not in at.screen_text().split("Made from")[0].splitlines()[4])
        await at.press("g")
        await at.until(lambda: "number 0.png" in at.screen_text())
        assert len(at.app.snapshot.gallery.pages) <= PAGES_KEPT
        assert len(at.fake.asked("find_assets")) < 12


async def test_new_pictures_come_into_view() -> None:
    """An event makes the window old, and what is in view is read again, with the cursor on the same picture."""
    async with studio(size=(80, 24)) as at:
        await at.go("3", "assets")
        await at.until(lambda: "harbor_lights · 13" in at.screen_text())
        await at.press("j", "j")
        table = at.app.screen.query_one("#assets", WindowTable)
        where = table.cursor_key
        made = story.numbered(-100)
        made.revision = at.fake.revision + 1
        at.fake._assets.append(made)
        at.fake.say(at.fake.event(made.name, kind="asset.created", asset=made))
        await at.until(lambda: "harbor_lights · 14" in at.screen_text())
        assert "number -100.png" in at.screen_text()
        assert table.cursor_key == where


async def test_pictures_are_rated_and_tagged() -> None:
    """+ and - give and take stars; e writes tags and a note; marked pictures all get them."""
    async with studio(size=(160, 50)) as at:
        await at_candidate(at)
        await at.press("plus")
        await at.until(lambda: "★" in at.words("#asset-words"))
        await at.press("plus")
        await at.until(lambda: "★★" in at.words("#asset-words"))
        await at.press("minus")
        await at.until(lambda: "★★" not in at.words("#asset-words"))
        assert at.fake.asked("update_asset")[0] == (CANDIDATE, ("rating",))
        await at.press("e")
        await at.until(lambda: isinstance(at.app.screen, LinesDialog))
        await at.type("cover, wet street")
        await at.press("enter")
        await at.type("the best one")
        await at.press("enter")
        await at.until(lambda: at.place == "assets" and "cover, wet street" in at.words("#asset-words"))
        assert "the best one" in at.words("#asset-words")
        gallery(at).move_to(CANDIDATE)
        await at.press("space", "space", "plus")
        await at.until(lambda: len(at.fake.asked("update_asset")) == 6)


async def test_stars_are_given_faster_than_they_are_answered() -> None:
    """Each press counts, also where the last one has not come back yet."""
    async with studio(size=(160, 50)) as at:
        await at_candidate(at)
        await at.press("plus", "plus", "plus", "minus", "plus")
        await at.until(lambda: "★★★" in at.words("#asset-words"))
        await at.until(lambda: len(at.fake.asked("update_asset")) == 5)


async def test_the_trash_is_undone() -> None:
    """D throws away, u takes back; z looks into the trash, where u takes out and X asks before it is for ever."""
    async with studio(size=(160, 50)) as at:
        await at_candidate(at)
        await at.press("d")
        await at.until(lambda: at.fake.asked("trash"))
        at.fake.say(at.fake.event(CANDIDATE, kind="asset.deleted", asset=at.fake._assets[-1]))
        await at.until(lambda: "harbor_lights · 12" in at.screen_text())
        await at.press("u")
        await at.until(lambda: at.fake.asked("restore") == [(CANDIDATE,)])
        at.fake.move(CANDIDATE, True)
        await at.press("z")
        await at.until(lambda: gallery(at).cursor_key == CANDIDATE)
        assert "trash · 1" in at.screen_text()
        await at.press("X")
        await at.until(lambda: at.place == "ConfirmDialog")
        await at.press("n")
        assert not at.fake.asked("purge_asset")
        await at.press("X")
        await at.until(lambda: at.place == "ConfirmDialog")
        await at.press("y")
        await at.until(lambda: at.fake.asked("purge_asset") == [(CANDIDATE,)])
        await at.press("u")
        await at.until(lambda: len(at.fake.asked("restore")) == 2)


async def test_searches_are_kept_and_pictures_narrowed_by_what_they_have() -> None:
    """S keeps the search under a name; f offers kept ones and facets; d forgets one, u keeps it again."""
    async with studio(size=(160, 50)) as at:
        await at.go("3", "assets")
        await at.until(lambda: "kind source 6" in at.screen_text() or "candidate 7" in at.screen_text())
        await at.press("slash")
        await at.type("pier")
        await at.until(lambda: "4 found" in at.screen_text())
        await at.press("enter", "s")
        await at.until(lambda: isinstance(at.app.screen, LinesDialog))
        await at.type("The Pier")
        await at.press("enter")
        await at.until(lambda: at.fake.asked("save_search") == [(story.PROJECT, "the_pier", "The Pier", "pier")])
        await at.press("f")
        await at.until(lambda: isinstance(at.app.screen, NarrowDialog) and "The Pier" in at.screen_text())
        await at.press("d")
        await at.until(lambda: "The Pier" not in at.screen_text())
        await at.press("u")
        await at.until(lambda: "The Pier" in at.screen_text())
        await at.press("j")
        await at.press("enter")
        await at.until(lambda: at.place == "assets")
        line = at.app.screen.query_one(FilterLine)
        await at.until(lambda: line.value.startswith("pier kind:"))
        await at.press("f")
        await at.until(lambda: isinstance(at.app.screen, NarrowDialog) and "The Pier" in at.screen_text())
        await at.press("enter")
        await at.until(lambda: line.value == "pier")


async def test_a_search_is_kept_under_a_name_in_any_script() -> None:
    """A name without Latin letters is no reason to keep nothing: its id is made of all of its letters."""
    async with studio(size=(160, 50)) as at:
        await at.go("3", "assets")
        await at.until(lambda: "kind source 6" in at.screen_text() or "candidate 7" in at.screen_text())
        await at.press("slash")
        await at.type("pier")
        await at.until(lambda: "4 found" in at.screen_text())
        await at.press("enter", "s")
        await at.until(lambda: isinstance(at.app.screen, LinesDialog))
        await at.type("桟橋")
        await at.press("enter")
        kept = id_of("桟橋", "search")
        await at.until(lambda: at.fake.asked("save_search") == [(story.PROJECT, kept, "桟橋", "pier")])
    assert SLUG.fullmatch(kept)
    assert kept != id_of("灯台", "search")


async def test_a_picture_tells_where_it_came_from() -> None:
    """Stage, prompt and seed beside it; o draws the tree, p goes to what it was made from, t makes a list of it."""
    async with studio(size=(160, 50)) as at:
        await at_candidate(at)
        await at.until(lambda: "change the time of day to dusk" in at.words("#asset-words"))
        assert "time   starter-edit" in at.words("#asset-words")
        await at.press("o")
        await at.until(lambda: isinstance(at.app.screen, TreeDialog) and "└─ ▸" in at.screen_text())
        await at.press("k", "enter")
        await at.until(lambda: gallery(at).cursor_key == f"{story.PROJECT}/assets/source-2")
        gallery(at).move_to(CANDIDATE)
        await at.press("p")
        await at.until(lambda: gallery(at).cursor_key == f"{story.PROJECT}/assets/source-2")
        await at.press("t")
        table = at.app.screen.query_one("#assets", WindowTable)
        await at.until(lambda: table.cursor_key == f"{story.PROJECT}/assets/source-2")


async def test_accepted_pictures_are_marked_and_found() -> None:
    """By a sign and a word in both views and beside the picture; the search offers it, tab writes it."""
    async with studio(size=(80, 24)) as at:
        await at.go("3", "assets")
        await at.until(lambda: "✓ accepted" in at.screen_text() and "– rejected" in at.screen_text())
        assert "/ search" in at.screen_text().splitlines()[-1]
        await at.press("slash")
        await at.until(lambda: "words, or  is:  rating:" in at.screen_text())
        await at.type("is:ac")
        await at.press("tab")
        line = at.app.screen.query_one(FilterLine)
        assert line.value == "is:accepted"
        await at.until(lambda: "2 found" in at.screen_text())
        await at.press("enter")
        await at.until(lambda: "words, or" not in at.screen_text() and "choice  ✓ accepted" in at.screen_text())
        await at.press("t")
        await at.until(lambda: at.screen_text().count("✓ accepted") == 3, "both cards, and beside the picture")


async def test_what_a_picture_was_made_from_has_its_name_in_any_search() -> None:
    """Where the search leaves the source out, its name is asked for, once."""
    async with studio(size=(160, 50)) as at:
        await at.go("3", "assets")
        await at.press("slash")
        await at.type("is:accepted")
        await at.until(lambda: "2 found" in at.screen_text())
        await at.press("enter")
        await at.until(lambda: "market.png" in at.words("#asset-words") or "pier.png" in at.words("#asset-words"))
        asked = at.fake.asked("asset")
        assert len(asked) == len(set(asked)) > 0


async def test_one_key_makes_a_picture_again() -> None:
    """I opens the composer with stage, scene, seed and sampling of the picture, ready to run."""
    async with studio(size=(160, 50)) as at:
        await at_candidate(at)
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
        await at.until(lambda: gallery(at).cursor_key)
        await at.until(lambda: "i use recipe" in at.screen_text().splitlines()[-1])
        await at.press("G")
        await at.until(lambda: "i use recipe" not in at.screen_text().splitlines()[-1])
        await at.press("i")
        assert not at.fake.asked("job")


async def test_without_pictures_there_are_rows() -> None:
    """Where the terminal draws no pictures, everything is told in rows, and every key works on them."""
    async with studio(size=(120, 36), graphics="none") as at:
        await at.go("3", "assets")
        screen = at.app.screen
        assert isinstance(screen, AssetsScreen)
        assert not screen.boarded
        await at.until(lambda: "candidate" in at.screen_text())
        await at.press("plus")
        await at.until(lambda: at.fake.asked("update_asset"))
