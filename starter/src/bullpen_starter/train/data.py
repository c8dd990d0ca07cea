"""Training data: chains of renders per layout and the exact edits between them, packed as plain arrays.

A layout gives twelve panels (a sketch, two styles, times, weathers, casts) and the edits between them. Each edit
carries the seed of what it leaves open; the edit trainer writes its field into the initial noise. Layouts below
`VALIDATION` are for training; from there on they are looked at while recipes are chosen, from `UNSEEN` on only at
the end.
"""

import json
import multiprocessing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from bullpen_starter.captions import Cast, Edit
from bullpen_starter.render import PanelSpec, Variation, render
from bullpen_starter.render.spec import (
    ACCESSORIES,
    BUILDS,
    COLOURS,
    EXPRESSIONS,
    HAIRS,
    OUTFITS,
    PLACES,
    POSES,
    SCENES,
    SKETCH,
    SKINS,
    STYLES,
    TIMES,
    WEATHERS,
    Character,
)
from bullpen_starter.render.variation import stable
from bullpen_starter.train.say import say

VALIDATION = 1_000_100
UNSEEN = 2_000_000
SIZE = 128
PER_LAYOUT = 12


@dataclass(frozen=True, slots=True)
class Pair:
    """One edit from panel `source` to `target` (indices), the seed of what it leaves open, how often it is drawn."""

    source: int
    target: int
    edit: Edit
    seed: int
    kind: str
    weight: int


def _other(random: Random, words: tuple[str, ...], *known: str) -> str:
    return random.choice([word for word in words if word not in known])


def hero(random: Random, place: str) -> Character:
    """Anybody at a place; pose and expression are left open seven times in ten."""
    pick = random.choice
    who = Character(pick(BUILDS), pick(HAIRS), pick(COLOURS), pick(OUTFITS), place, pick(ACCESSORIES), pick(SKINS))
    return who.doing(*(pick(words) if random.random() < 0.3 else None for words in (POSES, EXPRESSIONS)))


def cast(random: Random, shares: tuple[int, int, int]) -> Cast:
    """One, two or three heroes at places of their own, in the proportion of `shares`."""
    places = random.sample(PLACES, random.choices((1, 2, 3), shares)[0])
    return tuple(hero(random, place) for place in places)


def chain(layout: int) -> tuple[list[PanelSpec], list[Pair]]:
    """The twelve specs of a layout and its edits, with indices from 0."""
    r = Random(stable("chain", layout))
    scene = SCENES[layout % len(SCENES)]
    seeds = [r.randrange(2**31) for _ in range(11)]
    style_a = r.choice(STYLES)
    style_b = _other(r, STYLES, style_a)
    style_c = _other(r, STYLES, style_b)
    time_a, time_b = r.sample([time for time in TIMES if time != "day"], 2)
    weather_a, weather_b = r.sample([weather for weather in WEATHERS if weather != "clear"], 2)
    cast_a, cast_b, cast_c = cast(r, (6, 3, 0)), cast(r, (1, 0, 0)), cast(r, (6, 2, 1))
    late = hero(r, _other(r, PLACES, cast_b[0].place))
    a, b = Variation(seeds[0], seeds[0]), Variation(seeds[1], seeds[1])
    a_time, b_time = Variation(seeds[0], seeds[2]), Variation(seeds[1], seeds[3])
    a_weather, b_weather = Variation(seeds[0], seeds[2], seeds[4]), Variation(seeds[1], seeds[1], seeds[5])
    b_cast = Variation(seeds[1], seeds[1], 0, seeds[7])
    specs = [
        PanelSpec(scene, layout, SKETCH),
        PanelSpec(scene, layout, style_a, variation=a),
        PanelSpec(scene, layout, style_b, variation=b),
        PanelSpec(scene, layout, style_a, time_a, variation=a_time),
        PanelSpec(scene, layout, style_b, time_b, variation=b_time),
        PanelSpec(scene, layout, style_a, time_a, weather_a, variation=a_weather),
        PanelSpec(scene, layout, style_b, "day", weather_b, variation=b_weather),
        PanelSpec(scene, layout, style_a, time_a, weather_a, cast_a, Variation(seeds[0], seeds[2], seeds[4], seeds[6])),
        PanelSpec(scene, layout, style_b, characters=cast_b, variation=b_cast),
        PanelSpec(
            scene, layout, style_b, time_b, characters=cast_c, variation=Variation(seeds[1], seeds[3], 0, seeds[8])
        ),
        PanelSpec(scene, layout, style_b, characters=(*cast_b, late), variation=b_cast),
        PanelSpec(
            scene,
            layout,
            style_c,
            time_b,
            characters=cast_c,
            variation=Variation(seeds[9], seeds[3], 0, seeds[8]),
        ),
    ]
    pairs = [
        Pair(0, 1, Edit("style", style_a), seeds[0], "sketch", 14),
        Pair(0, 2, Edit("style", style_b), seeds[1], "sketch", 14),
        Pair(1, 2, Edit("style", style_b), seeds[1], "style", 5),
        Pair(2, 1, Edit("style", style_a), seeds[0], "style", 5),
        Pair(1, 3, Edit("time", time_a), seeds[2], "time", 6),
        Pair(2, 4, Edit("time", time_b), seeds[3], "time", 6),
        Pair(3, 1, Edit("time", "day"), seeds[0], "day", 2),
        Pair(3, 5, Edit("weather", weather_a), seeds[4], "weather", 6),
        Pair(2, 6, Edit("weather", weather_b), seeds[5], "weather", 6),
        Pair(5, 7, Edit("characters", cast_a), seeds[6], "characters", 10),
        Pair(2, 8, Edit("characters", cast_b), seeds[7], "characters", 22),
        Pair(4, 9, Edit("characters", cast_c), seeds[8], "characters", 10),
        Pair(8, 10, Edit("characters", (late,)), seeds[7], "second", 8),
        Pair(9, 11, Edit("style", style_c), seeds[9], "restyle", 3),
        Pair(6, 2, Edit("weather", "clear"), seeds[1], "clear", 2),
        Pair(3, 3, Edit("weather", "clear"), seeds[3], "same", 1),
        Pair(1, 1, Edit("time", "day"), seeds[3], "same", 1),
        Pair(4, 4, Edit("time", time_b), seeds[4], "same", 1),
    ]
    return specs, pairs


def draw(layout: int) -> NDArray[np.uint8]:
    """All panels of a layout's chain, (12, 128, 128, 3)."""
    specs, _ = chain(layout)
    return np.stack([np.asarray(render(spec, (SIZE, SIZE)).picture) for spec in specs])


def _fill(path: Path, first: int, layout: int) -> None:
    """Draw a layout into its place in the file, so that no picture travels between processes."""
    start = (layout - first) * PER_LAYOUT
    np.load(path, mmap_mode="r+")[start : start + PER_LAYOUT] = draw(layout)


def _write(path: Path, layouts: range, workers: int) -> None:
    shape = (len(layouts) * PER_LAYOUT, SIZE, SIZE, 3)
    done = path.with_suffix(".json")
    if done.exists() and json.loads(done.read_text())["shape"] == list(shape):
        return
    np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape).flush()
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for number, _ in enumerate(pool.imap_unordered(partial(_fill, path, layouts.start), layouts, chunksize=8)):
            if number % 1000 == 0:
                say(f"rendered {number} of {len(layouts)} layouts")
    done.write_text(json.dumps({"shape": shape, "first": layouts.start}))


SPLITS = {"train": 0, "validation": VALIDATION, "unseen": UNSEEN}


def prepare(cache: Path, layouts: int = 4000, held_out: int = 96, workers: int = 2) -> None:
    """Render what is missing under `cache`: one array per split, uint8 (panels, 128, 128, 3)."""
    cache.mkdir(parents=True, exist_ok=True)
    for split, first in SPLITS.items():
        count = layouts if split == "train" else held_out
        _write(cache / f"{split}.npy", range(first, first + count), workers)


def load(cache: Path, split: str) -> tuple[NDArray[np.uint8], list[PanelSpec], list[Pair]]:
    """Memory-mapped panels of a split with their specs and pairs (indices into the panels)."""
    panels = np.load(cache / f"{split}.npy", mmap_mode="r")
    first = SPLITS[split]
    specs: list[PanelSpec] = []
    pairs: list[Pair] = []
    for layout in range(first, first + len(panels) // PER_LAYOUT):
        some, edits = chain(layout)
        base = len(specs)
        pairs += [replace(p, source=p.source + base, target=p.target + base) for p in edits]
        specs += some
    return panels, specs, pairs
