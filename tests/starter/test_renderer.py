"""The renderer: the same spec gives the same picture, every spec gives one, and the mask is the heroes' own."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from itertools import combinations, pairwise, product

import numpy as np
import pytest
from bullpen_starter.render import (
    BUILDS,
    COLOURS,
    HAIRS,
    HEROES,
    OUTFITS,
    PLACES,
    SCENES,
    SKETCH,
    STYLES,
    TIMES,
    WEATHERS,
    Character,
    PanelSpec,
    Variation,
    portrait,
    render,
)
from bullpen_starter.render.variation import LIGHT, fields
from numpy.typing import NDArray

VARIED = Variation(1, 2, 3, 4)
SPEC = PanelSpec("pier", 5, "ink", "night", "rain", (HEROES["mara"].at("left"),), VARIED)


def _digest(spec: PanelSpec) -> str:
    return hashlib.sha256(render(spec, (64, 64)).picture.tobytes()).hexdigest()


def test_another_process_draws_the_same_bytes() -> None:
    """A spec names one picture, whatever the process and its hash seed."""
    program = (
        "import hashlib\n"
        "from bullpen_starter.render import HEROES, PanelSpec, Variation, render\n"
        "spec = PanelSpec('pier', 5, 'ink', 'night', 'rain', (HEROES['mara'].at('left'),), Variation(1, 2, 3, 4))\n"
        "print(hashlib.sha256(render(spec, (64, 64)).picture.tobytes()).hexdigest())\n"
    )
    there = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert there.stdout.strip() == _digest(SPEC)


PINNED = {
    "ink": [[[44, 56, 94], [52, 62, 93]], [[47, 64, 111], [64, 67, 88]]],
    "watercolour": [[[54, 67, 109], [66, 74, 105]], [[59, 78, 123], [85, 79, 90]]],
    "noir": [[[42, 46, 60], [44, 48, 61]], [[29, 36, 54], [44, 44, 51]]],
    "flat": [[[40, 53, 96], [44, 52, 85]], [[26, 40, 87], [44, 44, 58]]],
    "manga": [[[53, 59, 76], [61, 65, 76]], [[61, 75, 102], [81, 75, 76]]],
    "risograph": [[[49, 57, 92], [56, 60, 91]], [[39, 41, 81], [78, 57, 79]]],
}


@pytest.mark.parametrize("style", STYLES)
def test_the_picture_is_the_one_that_was_trained_on(style: str) -> None:
    """Coarse levels are pinned: a change of the renderer makes the shipped weights strangers to it."""
    spec = PanelSpec("pier", 5, style, "night", "rain", (), VARIED)
    coarse = np.asarray(render(spec, (128, 128)).picture.reduce(64)).astype(int)
    assert np.abs(coarse - np.array(PINNED[style])).max() <= 2


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("style", [SKETCH, *STYLES])
def test_every_spec_renders(scene: str, style: str) -> None:
    """Every scene in every style at every time in every weather is a picture with something in it."""
    for time, weather in product(TIMES, WEATHERS):
        picture = np.asarray(render(PanelSpec(scene, 1, style, time, weather), (64, 64)).picture)
        assert picture.shape == (64, 64, 3)
        assert picture.std() > 8


def _pixels(spec: PanelSpec, size: tuple[int, int] = (64, 64)) -> NDArray[np.float64]:
    return np.asarray(render(spec, size).picture, dtype=float)


def _nearest(specs: list[PanelSpec]) -> float:
    """The smallest mean difference, in levels of 255, between two of the pictures."""
    return min(float(np.abs(a - b).mean()) for a, b in combinations([_pixels(spec) for spec in specs], 2))


@pytest.mark.parametrize("scene", ["harbour", "alley"])
def test_every_attribute_shows(scene: str) -> None:
    """Styles differ at any hour in any weather, and so do hours and weathers in any style."""
    for time, weather in product(TIMES, WEATHERS):
        assert _nearest([PanelSpec(scene, 4, style, time, weather, (), VARIED) for style in STYLES]) > 8
    for style, weather in product(STYLES, WEATHERS):
        assert _nearest([PanelSpec(scene, 4, style, time, weather, (), VARIED) for time in TIMES]) > 5
    for style, time in product(STYLES, TIMES):
        assert _nearest([PanelSpec(scene, 4, style, time, weather, (), VARIED) for weather in WEATHERS]) > 12


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("stage", ["colours", "sky", "drops"])
def test_a_seed_shows(style: str, stage: str) -> None:
    """Two seeds of one stage give pictures that differ by levels a reader sees."""
    time, weather = {"colours": ("day", "clear"), "sky": ("dusk", "clear"), "drops": ("day", "rain")}[stage]
    bases = [PanelSpec(scene, 9, style, time, weather) for scene in SCENES]
    differences = [
        np.abs(
            _pixels(replace(base, variation=replace(VARIED, **{stage: 7})))
            - _pixels(replace(base, variation=replace(VARIED, **{stage: 8})))
        ).mean()
        for base in bases
    ]
    assert float(np.mean(differences)) > 4


def test_a_storm_strikes_where_the_seed_says() -> None:
    """The column of the lightning bolt is the one whose cells of the light channel are highest."""
    for seed in range(12):
        dark = PanelSpec("rooftop", 2, "flat", "night", "storm", (), Variation(0, 0, seed))
        bright = _pixels(dark, (128, 128))[4:70].min(axis=-1) > 225
        column = 1 + int(np.argmax(fields(seed)[LIGHT, :4, 1:7].mean(axis=0)))
        assert abs(float(np.nonzero(bright)[1].mean()) - (column + 0.5) * 16) < 16


def test_clear_weather_ignores_the_drops() -> None:
    """What a source does not show cannot decide what it is edited to."""
    for style in STYLES:
        base = PanelSpec("bridge", 3, style, "dusk", "clear", (), VARIED)
        assert _digest(base) == _digest(replace(base, variation=replace(VARIED, drops=99)))


def test_every_hero_renders_at_every_place() -> None:
    """Heroes can be recoloured at will, and each looks different from the others."""
    seen = set()
    for build, hair, colour, outfit in product(BUILDS, HAIRS, COLOURS, OUTFITS):
        seen.add(portrait(Character(build, hair, colour, outfit), (64, 64)).tobytes())
    assert len(seen) == len(BUILDS) * len(HAIRS) * len(COLOURS) * len(OUTFITS)
    for place in PLACES:
        assert render(PanelSpec("alley", 2, characters=(HEROES["iris"].at(place),)), (64, 64)).mask.getbbox()


@pytest.mark.parametrize("style", STYLES)
def test_mask_is_exactly_where_the_hero_is(style: str) -> None:
    """Outside the mask nothing changes when a hero is added; inside, nearly everything does."""
    hero = HEROES["felix"].at("right")
    empty = np.asarray(render(PanelSpec("market", 3, style)).picture).astype(int)
    panel = render(PanelSpec("market", 3, style, characters=(hero,)))
    changed = np.abs(np.asarray(panel.picture).astype(int) - empty).max(axis=-1)
    mask = np.asarray(panel.mask)
    assert changed[mask == 0].max() == 0
    assert (changed[mask == 255] > 0).mean() > 0.9


def test_places_are_told_apart() -> None:
    """Left is left of centre, and centre is left of right."""
    centres = []
    for place in PLACES:
        mask = np.asarray(render(PanelSpec("pier", 1, characters=(HEROES["noor"].at(place),))).mask)
        centres.append(float(np.nonzero(mask)[1].mean()))
    assert centres == sorted(centres)
    assert min(b - a for a, b in pairwise(centres)) > 25


def test_variation_changes_only_what_is_left_open() -> None:
    """Other seeds give other colours or drops, but the lines of a sketch stay."""
    base = PanelSpec("harbour", 4, "flat", "day", "rain")
    other = PanelSpec("harbour", 4, "flat", "day", "rain", variation=Variation(9, 9, 9, 9))
    assert render(base).picture.tobytes() != render(other).picture.tobytes()
    lines = PanelSpec("harbour", 4, SKETCH)
    assert render(lines).picture.tobytes() == render(PanelSpec("harbour", 4, SKETCH, "night", "snow")).picture.tobytes()


def test_any_size_renders_and_a_tiny_one_is_refused() -> None:
    """Sizes need not be square; below 32 pixels there is no panel."""
    for size in ((32, 32), (192, 128), (128, 192), (200, 96), (512, 512)):
        assert render(SPEC, size).picture.size == size
    with pytest.raises(ValueError, match="32"):
        render(SPEC, (16, 64))


def test_unknown_words_are_named() -> None:
    """A wrong attribute is refused with the known ones."""
    with pytest.raises(ValueError, match="unknown time 'noon'; known: dawn"):
        PanelSpec("pier", 1, time="noon")
    with pytest.raises(ValueError, match="one place"):
        PanelSpec("pier", 1, characters=(HEROES["mara"], HEROES["iris"]))


def test_fields_are_standard_normal_and_read_only() -> None:
    """The variation field is what diffusion noise averages to, so it has to be distributed like it."""
    many = np.stack([fields(seed) for seed in range(200)])
    assert abs(float(many.mean())) < 0.02
    assert abs(float(many.std()) - 1) < 0.02
    with pytest.raises(ValueError, match="read-only"):
        fields(1)[0, 0, 0] = 0


def test_renderer_imports_no_torch() -> None:
    """The renderer and the captions stay light enough for tests and tools."""
    program = "import sys, bullpen_starter.render, bullpen_starter.captions; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
