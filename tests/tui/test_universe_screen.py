"""The universe: story, cast, style and what everything is held against."""

from __future__ import annotations

import asyncio

from bullpen_api.v1 import bible_pb2
from bullpen_tui.screens.compose import ComposeScreen
from bullpen_tui.widgets.chooser import Chooser
from bullpen_tui.widgets.gallery import Card, Gallery
from bullpen_tui.widgets.picture import Picture
from bullpen_tui.widgets.rows import RowTable

from tests.tui import story
from tests.tui.driving import Driver, studio
from tests.tui.fake import FakeDaemon


class TwelveScenes(FakeDaemon):
    """A story of twelve scenes, each with a description; the first has an accepted picture with a flaw."""

    async def scenes(self, project: str) -> bible_pb2.ListScenesResponse:
        self._note("scenes", project)
        scenes = []
        for number in range(1, 13):
            one = story.scenes()[(number - 1) % 6]
            one.name = f"{story.PROJECT}/scenes/scene_{number:02}"
            one.ordinal = number
            one.description = f"Happening-{number}."
            one.characters.append(f"{story.PROJECT}/characters/mara")
            scenes.append(one)
        scenes[0].accepted.add(
            stage="time",
            candidate=f"{story.TIME_RUN}/jobs/1/candidates/c3",
            asset=f"{story.PROJECT}/assets/r-0002-time-1-3",
            reason="best of 3: it was",
        )
        return bible_pb2.ListScenesResponse(scenes=scenes, revision=self.revision)


def cards(at: Driver) -> list[Card]:
    return [one for one in at.app.screen.query(Card) if not one.has_class("-free")]


async def test_the_board_shows_all_twelve_with_their_descriptions() -> None:
    """Twelve scenes are twelve cards with pictures, titles, stages and words; the look's state is above."""
    async with studio(TwelveScenes(), size=(160, 50)) as at:
        await at.until(lambda: len(at.app.pictures) > 3, "some pictures are here before their cards")
        await at.go("U", "universe")
        await at.until(lambda: len(cards(at)) == 12)
        await at.until(lambda: all(one.query_one(Picture).picture is not None for one in cards(at)), "pictures")
        assert at.screen_text().count("▀") > 12 * 40, "every picture is painted"
        text = " ".join(at.screen_text().split())
        for number in range(1, 13):
            assert f"Happening-{number}." in text
        assert "style ✓ locked" in text
        assert "Harbor flat style=flat" in text
        await at.until(lambda: "⚑1" in at.screen_text())
        assert "chroma 0.21 over the limit" in at.words("#universe-words")
        assert "best of 3" in at.words("#universe-words")


async def test_the_board_is_walked_by_keys_and_becomes_a_list() -> None:
    """H j k l move in two dimensions; t shows a list with the cursor where it was."""
    async with studio(TwelveScenes(), size=(160, 50)) as at:
        await at.go("U", "universe")
        await at.until(lambda: len(cards(at)) == 12)
        board = at.app.screen.query_one("#board", Gallery)
        await at.press("l", "j")
        assert board.cursor_key == f"{story.PROJECT}/scenes/scene_06"
        await at.press("h", "k", "G")
        assert board.cursor_key == f"{story.PROJECT}/scenes/scene_12"
        await at.press("t")
        await at.until(lambda: at.app.screen.query_one("#universe", RowTable).has_focus)
        assert "Happening-12." in at.screen_text()


async def test_tabs_show_cast_styles_and_references() -> None:
    """] goes on: who plays where with a sheet of references, the guide with its values, the sets with captions."""
    async with studio(TwelveScenes(), size=(120, 36)) as at:
        await at.go("U", "universe")
        await at.press("right_square_bracket")
        await at.until(lambda: "a woman with red hair" in at.words("#universe-words"))
        assert "Yellow coat" in at.words("#universe-words")
        await at.press("right_square_bracket")
        await at.until(lambda: "Flat colours, thick lines." in at.words("#universe-words"))
        await at.press("right_square_bracket")
        await at.until(lambda: "profile from the left" in at.words("#universe-words"))
        await at.press("right_square_bracket")
        await at.until(lambda: "usually evening" in at.words("#universe-words"))
        await at.press("right_square_bracket")
        await at.until(lambda: "No account yet" in at.screen_text())
        await at.press("right_square_bracket")
        await at.until(lambda: "Nothing lies in the trash" in at.screen_text())
        await at.press("right_square_bracket")
        await at.until(lambda: "Happening-1." in at.words("#universe-words"))


async def test_marked_scenes_go_into_the_composer() -> None:
    """Space marks scenes, r composes a run over just these; escape takes the marks away."""
    async with studio(TwelveScenes(), size=(80, 24)) as at:
        await at.go("U", "universe")
        await at.until(lambda: at.app.screen.query_one("#universe", RowTable).rows)
        await at.press("space", "j", "space")
        await at.go("r", "compose")
        wanted = [f"{story.PROJECT}/scenes/scene_{number:02}" for number in (1, 3)]
        await at.until(lambda: at.app.screen.query_one("#scenes", Chooser).taken == wanted)
        assert isinstance(at.app.screen, ComposeScreen)


async def test_what_others_change_in_the_bible_is_seen() -> None:
    """An event brings a new character and takes another to the trash."""
    async with studio(size=(120, 36)) as at:
        await at.go("U", "universe")
        await at.press("right_square_bracket")
        await at.until(lambda: "Oskar" in at.screen_text())
        gone, new = story.characters()[1], story.characters()[0]
        gone.delete_time.CopyFrom(story.at(0))
        gone.revision = 90
        new.name, new.title = f"{story.PROJECT}/characters/otto", "Otto"
        at.fake.say(at.fake.event(gone.name, character=gone), at.fake.event(new.name, character=new))
        await at.until(lambda: "Otto" in at.screen_text() and "Oskar" not in at.screen_text())


async def test_an_empty_universe_says_what_to_do() -> None:
    """Without scenes the board names the keys that make them."""
    async with studio(size=(120, 36)) as at:
        await at.press("n")
        await at.until(lambda: at.place == "NewProjectDialog")
        await at.type("Noir")
        await at.press("enter", "enter", "enter")
        await at.until(lambda: at.app.project == "projects/noir" and at.place == "projects")
        await at.go("U", "universe")
        await at.until(lambda: "i makes one of each picture" in " ".join(at.screen_text().split()))


async def test_nothing_is_said_of_what_was_not_read_yet() -> None:
    """Until guides and cast are here neither is said to be missing; then they are counted and named."""
    there = asyncio.Event()

    class Late(FakeDaemon):
        async def style_guides(self, project: str) -> bible_pb2.ListStyleGuidesResponse:
            await there.wait()
            return await super().style_guides(project)

    async with studio(Late(), size=(80, 24)) as at:
        await at.go("U", "universe")
        await at.until(lambda: "Story 6" in at.screen_text())
        assert "Styles …" in at.screen_text()
        assert "reading…" in at.words("#lock")
        assert "without a style guide" not in at.screen_text()
        there.set()
        await at.until(lambda: "Styles 1" in at.screen_text())
        await at.until(lambda: "reading…" not in at.words("#lock"))
