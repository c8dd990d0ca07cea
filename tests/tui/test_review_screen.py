"""Comparing candidates and deciding."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bullpen_client.errors import ResourceNotFound
from bullpen_tui.widgets.picture import Picture
from bullpen_tui.widgets.tile import Tile

from tests.tui import story
from tests.tui.driving import Driver, live_run

JOB1 = f"{story.TIME_RUN}/jobs/1"


@asynccontextmanager
async def review(size: tuple[int, int] = (120, 36)) -> AsyncIterator[Driver]:
    """The review of the first job, with its pictures."""
    async with live_run(size=size) as at:
        await at.press("g")
        await at.go("enter", "review")
        await at.until(lambda: len(shown(at)) == 4, "pictures")
        yield at


def shown(at: Driver) -> list[Tile]:
    """Tiles that have their picture."""
    tiles = at.app.screen.query(Tile)
    return [tile for tile in tiles if tile.query_one(Picture).picture is not None]


def chosen(at: Driver) -> int:
    return next(tile.index for tile in at.app.screen.query(Tile) if tile.has_class("-chosen"))


async def test_the_winner_is_chosen_first() -> None:
    """The review begins on the accepted candidate, with the reason in words."""
    async with review() as at:
        assert chosen(at) == 1
        assert "taken as the best: best of 3" in at.words("#verdict")
        assert "Place 1 of 3" in at.words("#verdict")


async def test_letters_walk_through_the_candidates() -> None:
    """H and l move and come round; the findings follow."""
    async with review() as at:
        await at.press("h")
        assert chosen(at) == 3
        assert "chroma 0.21 over the limit of 0.12" in at.words("#verdict")
        await at.press("l", "l")
        assert chosen(at) == 2


async def test_space_flips_with_the_source_in_place() -> None:
    """A/B: the source stands where the candidate stood, and back."""
    async with review() as at:
        tile = next(tile for tile in at.app.screen.query(Tile) if tile.index == 1)
        own = tile.query_one(Picture).picture
        await at.press("space")
        await at.until(lambda: tile.query_one(Picture).picture is not own)
        assert "source" in at.words("#headline")
        await at.press("space")
        await at.until(lambda: tile.query_one(Picture).picture is own)


async def test_difference_and_zoom() -> None:
    """= shows what changed, z shows one picture large."""
    async with review() as at:
        await at.press("equals_sign")
        assert "difference" in at.words("#headline")
        await at.press("z")
        await at.until(lambda: sum(tile.display for tile in at.app.screen.query(Tile)) == 1)
        await at.press("z")
        await at.until(lambda: sum(tile.display for tile in at.app.screen.query(Tile)) == 4)


async def test_enter_accepts() -> None:
    """The chosen candidate is taken and the star moves."""
    async with review() as at:
        await at.press("l", "enter")
        await at.until(lambda: at.fake.asked("accept") == [(f"{JOB1}/candidates/c2", "chosen in review")])
        await at.until(lambda: "taken by hand" in at.words("#verdict"))
        stars = [one.name for one in at.app.snapshot.candidates_of(JOB1) if one.accepted]
        await at.until(lambda: stars == [f"{JOB1}/candidates/c2"] or len(stars) == 1)


async def test_an_override_needs_a_reason() -> None:
    """O asks why; an empty answer is not taken, escape leaves everything."""
    async with review() as at:
        await at.press("l", "o")
        await at.until(lambda: at.place == "ReasonDialog")
        await at.press("enter")
        assert at.place == "ReasonDialog"
        await at.type("calmer sky")
        await at.press("enter")
        await at.until(lambda: at.fake.asked("accept") == [(f"{JOB1}/candidates/c2", "calmer sky")])
        await at.until(lambda: at.place == "review")
        await at.press("o")
        await at.until(lambda: at.place == "ReasonDialog")
        await at.press("escape")
        await at.until(lambda: at.place == "review")
        assert len(at.fake.asked("accept")) == 1


async def test_brackets_turn_the_scenes() -> None:
    """] and [ go through the jobs of the run and come round."""
    async with review() as at:
        await at.press("right_square_bracket")
        await at.until(lambda: "02 Market" in at.words("#headline"))
        await at.until(lambda: chosen(at) == 2)
        await at.press("left_square_bracket", "left_square_bracket")
        await at.until(lambda: "06 Lighthouse" in at.words("#headline"))


async def test_an_unfinished_candidate_cannot_be_taken() -> None:
    """Enter does nothing where there is no picture yet."""
    async with review() as at:
        await at.press("left_square_bracket")
        await at.until(lambda: "06 Lighthouse" in at.words("#headline"))
        await at.press("enter")
        assert not at.fake.asked("accept")


async def test_a_missing_picture_is_said() -> None:
    """A lost file is a sentence in the place of its picture; it is not asked for with every other one that comes."""
    async with review() as at:
        at.fake.refuse["content"] = ResourceNotFound("There is no such asset.")
        await at.press("right_square_bracket")
        await at.until(lambda: "no such asset" in at.screen_text())
        await at.until(lambda: not any(one.group.startswith("picture ") for one in at.app.workers))
        asked = len(at.fake.asked("content"))
        at.app.draw()
        await at.pilot.pause()
        assert len(at.fake.asked("content")) == asked
        assert not at.app._notifications


async def test_the_review_fits_a_small_terminal() -> None:
    """Four pictures and the findings are in view at 80 × 24."""
    async with review(size=(80, 24)) as at:
        text = at.screen_text()
        assert "source" in text
        assert "✗ chroma" in text
        assert "Place 1 of 3" in text


async def test_the_footer_of_eighty_columns_shows_what_a_review_is_for() -> None:
    """Accept, override and the way to the next scene come before zoom and difference."""
    async with review(size=(80, 24)) as at:
        footer = at.screen_text().splitlines()[-1]
        for entry in ("enter accept", "o override", "[ ] scene", "? keys", "q quit"):
            assert entry in footer
