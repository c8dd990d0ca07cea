"""Figures: every word of a character changes the drawing, nobody leaves the panel, and masks are exact."""

import time
from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest
from bullpen_starter.render import (
    ACCESSORIES,
    BUILDS,
    EXPRESSIONS,
    HEROES,
    OUTFITS,
    PLACES,
    POSES,
    SKETCH,
    STYLES,
    Character,
    PanelSpec,
    Variation,
    figure_rgba,
    portrait,
    reference_sheet,
    render,
)
from bullpen_starter.render.figures import close_up, extra_colour, resolved, stand
from bullpen_starter.render.figures.stand import part_map
from bullpen_starter.render.palette import CLOTH, HAIR
from bullpen_starter.render.variation import fields
from numpy.typing import NDArray

SIZES = ((128, 128), (192, 128), (128, 192), (512, 512))
CALM = HEROES["mara"].doing("standing", "calm")


def _alpha(who: Character, size: tuple[int, int] = (128, 128), seed: int = 0) -> NDArray[np.uint8]:
    return np.asarray(figure_rgba(who, size, seed).getchannel("A"))


def test_the_same_character_is_drawn_the_same_twice() -> None:
    """A figure depends on character, size, pose seed and style alone, also when its parts were kept from before."""
    first = figure_rgba(HEROES["otto"], (128, 128), 7, "manga").tobytes()
    for seed in range(4):
        figure_rgba(HEROES["otto"], (96, 96), seed, "noir")
    assert figure_rgba(HEROES["otto"], (128, 128), 7, "manga").tobytes() == first


@pytest.mark.parametrize("style", [*STYLES, SKETCH])
def test_every_word_of_a_character_shows(style: str) -> None:
    """Build, outfit, accessory, pose and expression show in every style; colours show in all but the sketch."""
    seen = set()
    shapes = {
        *product(BUILDS, OUTFITS, ACCESSORIES, POSES, ("calm",)),
        *product(BUILDS, ("jacket",), ACCESSORIES, ("standing",), EXPRESSIONS),
    }
    for build, outfit, accessory, pose, expression in shapes:
        who = Character(build, "red", "blue", outfit, accessory=accessory, pose=pose, expression=expression)
        seen.add(figure_rgba(who, (64, 64), 0, style).tobytes())
    if style != SKETCH:
        assert len(seen) == len(shapes)
    for change in ({"hair": "black"}, {"colour": "green"}, {"skin": "brown"}):
        other = replace(CALM, **change)
        same = figure_rgba(other, (128, 128), 0, style).tobytes() == figure_rgba(CALM, (128, 128), 0, style).tobytes()
        assert same == (style == SKETCH)


@pytest.mark.parametrize("field", ["pose", "expression"])
def test_moods_and_poses_are_plain_to_see(field: str) -> None:
    """Two poses, or two moods, differ by many pixels of a panel and not by a few."""
    for build in BUILDS:
        values = POSES if field == "pose" else EXPRESSIONS
        base = Character(build, "red", "blue", "coat", pose="standing", expression="calm")
        drawn = [np.asarray(close_up(replace(base, **{field: value}), (128, 128))).astype(int) for value in values]
        for one, other in combinations(drawn, 2):
            assert (np.abs(one - other).max(axis=-1) > 60).sum() >= (300 if field == "pose" else 25)


@pytest.mark.parametrize("size", SIZES)
def test_nobody_leaves_the_panel_and_nobody_touches_another(size: tuple[int, int]) -> None:
    """At every place a figure lies inside the panel, and three of them share no pixel."""
    widest = [
        Character(build, "red", "red", "dress", accessory=accessory, pose=pose, expression="calm")
        for build, accessory, pose in product(BUILDS, ("hat", "scarf"), POSES)
    ]
    reach: dict[str, NDArray[np.bool_]] = {}
    for place in PLACES:
        covered = np.zeros((size[1], size[0]), dtype=bool)
        for who in widest if max(size) < 512 else widest[::5]:
            for seed in (0, 1, 2, 3):
                standing = stand(who.at(place), size, fields(seed))
                inside, rows, columns = standing.clipped(size)
                assert inside[..., 3].sum() == standing.pixels[..., 3].sum(), (who, place)
                covered[rows, columns] |= inside[..., 3] > 0
        reach[place] = covered
    for one, other in combinations(PLACES, 2):
        assert not (reach[one] & reach[other]).any()


def test_a_child_is_shorter_with_a_larger_head() -> None:
    """A child reaches to less than four fifths of a man, and its head is a larger share of it."""

    def rows(build: str) -> int:
        return int(_alpha(Character(build, "red", "red", "jacket", pose="standing")).any(axis=1).sum())

    assert rows("child") < 0.8 * rows("man")
    assert rows("woman") < rows("man")


def test_a_figure_keeps_its_colours_in_every_style() -> None:
    """Cloth and hair stay nearest to their own colour, so that a hero is known again in noir and manga."""
    for style, (name, who) in product(STYLES, HEROES.items()):
        pixels = np.asarray(figure_rgba(who.doing("standing", "calm"), (128, 128), 0, style)).reshape(-1, 4)
        solid = pixels[pixels[:, 3] == 255, :3].astype(int)
        for colour in (CLOTH[who.colour], HAIR[who.hair]):
            near = np.abs(solid - np.asarray(colour)).max(axis=-1) < 50
            assert near.sum() >= 12, (style, name, colour)


def test_the_extra_colour_depends_on_who_it_is_and_stands_out() -> None:
    """A hat has one colour wherever its owner stands, and never that of the coat or the hair."""
    for who in HEROES.values():
        colour = extra_colour(who)
        assert colour == extra_colour(who.at("left").doing("waving", "sad"))
        for other in (CLOTH[who.colour], HAIR[who.hair]):
            assert sum(abs(a - b) for a, b in zip(colour, other, strict=True)) > 90


def test_the_seed_picks_what_is_left_open_and_nothing_else() -> None:
    """Over many seeds every pose, mood and facing appears about equally often; what was said is kept."""
    picked = [resolved(HEROES["june"], fields(seed)) for seed in range(400)]
    for pose in POSES:
        assert 60 < sum(who.pose == pose for who, _ in picked) < 140
    for expression in EXPRESSIONS:
        assert 60 < sum(who.expression == expression for who, _ in picked) < 140
    assert 150 < sum(facing == 1 for _, facing in picked) < 250
    said = HEROES["june"].doing("waving", "angry")
    assert {resolved(said, fields(seed))[0] for seed in range(20)} == {said}


def test_masks_of_each_hero_are_their_own_pixels() -> None:
    """Each mask covers exactly the pixels that change when this hero steps in; the union is the panel's mask."""
    cast = (HEROES["pip"].at("right"), HEROES["otto"].at("left"), HEROES["opal"].at("centre"))
    spec = PanelSpec("pier", 3, "flat", characters=cast, variation=Variation(pose=5))
    panel = render(spec)
    assert len(panel.masks) == 3
    assert np.array_equal(np.maximum.reduce([np.asarray(mask) for mask in panel.masks]), np.asarray(panel.mask))
    for leaving, mask in zip(cast, panel.masks, strict=True):
        others = tuple(who for who in cast if who is not leaving)
        without = render(replace(spec, characters=others)).picture
        changed = np.abs(np.asarray(panel.picture).astype(int) - np.asarray(without).astype(int)).max(axis=-1)
        alone = np.asarray(mask)
        assert changed[alone == 0].max() == 0
        assert (changed[alone == 255] > 0).mean() > 0.95


def test_a_panel_without_heroes_has_an_empty_mask() -> None:
    """Nobody there, nothing in the mask."""
    panel = render(PanelSpec("pier", 3))
    assert panel.mask.getbbox() is None
    assert panel.masks == ()


def test_a_sketch_has_lines_and_no_colour() -> None:
    """A sketched figure is grey pencil on paper, the same for every hair and cloth."""
    pixels = np.asarray(figure_rgba(HEROES["lena"], (128, 128), 0, SKETCH)).astype(int)
    solid = pixels[pixels[..., 3] == 255][:, :3]
    assert (solid.max(axis=-1) - solid.min(axis=-1)).max() <= 12
    assert 0.1 < (solid.mean(axis=-1) < 128).mean() < 0.6


@pytest.mark.parametrize("size", [(128, 128), (640, 256), (300, 400), (512, 512)])
def test_a_model_sheet_shows_the_hero_four_times_above_its_colours(size: tuple[int, int]) -> None:
    """Four drawings with paper between them, and a strip of colours that has the cloth in it."""
    sheet = np.asarray(reference_sheet(HEROES["mara"], size)).astype(int)
    assert sheet.shape == (size[1], size[0], 3)
    assert np.array_equal(sheet[-1, 0], CLOTH["yellow"])
    columns = 4 if size[0] >= 2 * size[1] else 2
    rows = 4 // columns
    high = size[1] - max(8, size[1] // 16)
    cells = [
        sheet[high * row // rows : high * (row + 1) // rows, size[0] * n // columns : size[0] * (n + 1) // columns]
        for row, n in product(range(rows), range(columns))
    ]
    for cell in cells:
        assert (np.abs(cell - np.asarray(CLOTH["yellow"])).max(axis=-1) < 8).mean() > 0.015
    assert len({cell.tobytes() for cell in cells}) == 4


def test_portraits_tell_heroes_apart() -> None:
    """Every hero of the cast has a portrait of its own, the same whatever its place in a panel is."""
    assert len({portrait(who).tobytes() for who in HEROES.values()}) == len(HEROES)
    assert portrait(CALM.at("left")).tobytes() == portrait(HEROES["mara"]).tobytes()
    assert portrait(CALM.doing("waving", "sad")).tobytes() != portrait(CALM).tobytes()


def test_what_cannot_be_drawn_is_refused() -> None:
    """Sizes that are too small, styles that do not exist, and figures whose pose nobody decided."""
    with pytest.raises(ValueError, match="portrait needs at least 32"):
        portrait(CALM, (16, 16))
    with pytest.raises(ValueError, match="model sheet needs at least 96"):
        reference_sheet(CALM, (64, 512))
    with pytest.raises(ValueError, match="unknown style 'oil'"):
        figure_rgba(CALM, (64, 64), 0, "oil")
    with pytest.raises(ValueError, match="needs a pose"):
        part_map(HEROES["mara"], 1, 90)


def test_a_figure_that_was_drawn_before_is_cheap() -> None:
    """Part maps are kept by shape, so that recolouring costs well under a millisecond of processor time."""
    for style in STYLES:
        stand(CALM, (128, 128), fields(0), style)
    start = time.process_time()
    for _, style in product(range(20), STYLES):
        stand(CALM, (128, 128), fields(0), style)
    assert (time.process_time() - start) / (20 * len(STYLES)) < 0.002
