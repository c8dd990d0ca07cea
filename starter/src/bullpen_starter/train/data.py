"""Training data: chains of renders per layout and the exact edits between them, packed as plain arrays.

A layout gives ten panels (a sketch, two styles, times, weathers, heroes) and fourteen edits. Each edit carries the
seed of what it leaves open; the edit trainer writes that seed's field into the initial noise. Layout numbers below
`UNSEEN` are for training, those from `UNSEEN` on are never trained on.
"""

import json
import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from bullpen_starter.captions import Edit
from bullpen_starter.render import (
    BUILDS,
    COLOURS,
    HAIRS,
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
    render,
)
from bullpen_starter.render.variation import stable
from bullpen_starter.train.say import say

UNSEEN = 1_000_000
SIZE = 128
PER_LAYOUT = 10


@dataclass(frozen=True, slots=True)
class Pair:
    """One edit from panel `source` to panel `target` (indices), and the seed of what it leaves open."""

    source: int
    target: int
    edit: Edit
    seed: int


def _other(random: Random, words: tuple[str, ...], *known: str) -> str:
    return random.choice([word for word in words if word not in known])


def _hero(random: Random) -> Character:
    pick = random.choice
    return Character(pick(BUILDS), pick(HAIRS), pick(COLOURS), pick(OUTFITS), pick(PLACES))


def chain(layout: int) -> tuple[list[PanelSpec], list[Pair]]:
    """The ten specs of a layout and its edits, with indices from 0."""
    r = Random(stable("chain", layout))
    scene = SCENES[layout % len(SCENES)]
    seeds = [r.randrange(2**31) for _ in range(9)]
    style_a = r.choice(STYLES)
    style_b = _other(r, STYLES, style_a)
    time_a, time_b = r.sample([time for time in TIMES if time != "day"], 2)
    weather_a, weather_b = r.sample([weather for weather in WEATHERS if weather != "clear"], 2)
    hero_a, hero_b, hero_c = _hero(r), _hero(r), _hero(r)
    va, vb = Variation(seeds[0], seeds[0]), Variation(seeds[1], seeds[1])
    va_t, vb_t = Variation(seeds[0], seeds[2]), Variation(seeds[1], seeds[3])
    va_w = Variation(seeds[0], seeds[2], seeds[4])
    vb_w = Variation(seeds[1], seeds[1], seeds[5])
    specs = [
        PanelSpec(scene, layout, SKETCH),
        PanelSpec(scene, layout, style_a, variation=va),
        PanelSpec(scene, layout, style_b, variation=vb),
        PanelSpec(scene, layout, style_a, time_a, variation=va_t),
        PanelSpec(scene, layout, style_b, time_b, variation=vb_t),
        PanelSpec(scene, layout, style_a, time_a, weather_a, variation=va_w),
        PanelSpec(scene, layout, style_b, "day", weather_b, variation=vb_w),
        PanelSpec(
            scene, layout, style_a, time_a, weather_a, (hero_a,), Variation(seeds[0], seeds[2], seeds[4], seeds[6])
        ),
        PanelSpec(scene, layout, style_b, characters=(hero_b,), variation=Variation(seeds[1], seeds[1], 0, seeds[7])),
        PanelSpec(
            scene, layout, style_b, time_b, characters=(hero_c,), variation=Variation(seeds[1], seeds[3], 0, seeds[8])
        ),
    ]
    pairs = [
        Pair(0, 1, Edit("style", style_a), seeds[0]),
        Pair(0, 2, Edit("style", style_b), seeds[1]),
        Pair(1, 2, Edit("style", style_b), seeds[1]),
        Pair(2, 1, Edit("style", style_a), seeds[0]),
        Pair(1, 3, Edit("time", time_a), seeds[2]),
        Pair(2, 4, Edit("time", time_b), seeds[3]),
        Pair(3, 1, Edit("time", "day"), seeds[0]),
        Pair(3, 5, Edit("weather", weather_a), seeds[4]),
        Pair(2, 6, Edit("weather", weather_b), seeds[5]),
        Pair(5, 7, Edit("characters", hero_a), seeds[6]),
        Pair(2, 8, Edit("characters", hero_b), seeds[7]),
        Pair(4, 9, Edit("characters", hero_c), seeds[8]),
        Pair(6, 2, Edit("weather", "clear"), seeds[1]),
        Pair(3, 3, Edit("weather", "clear"), seeds[3]),
    ]
    return specs, pairs


def _draw(layout: int) -> NDArray[np.uint8]:
    specs, _ = chain(layout)
    return np.stack([np.asarray(render(spec, (SIZE, SIZE)).picture) for spec in specs])


def _chunks(layouts: range, workers: int) -> Iterator[NDArray[np.uint8]]:
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap(_draw, layouts, chunksize=8)


def _write(path: Path, layouts: range, workers: int) -> None:
    shape = (len(layouts) * PER_LAYOUT, SIZE, SIZE, 3)
    done = path.with_suffix(".json")
    if done.exists() and json.loads(done.read_text())["shape"] == list(shape):
        return
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    for number, panels in enumerate(_chunks(layouts, workers)):
        out[number * PER_LAYOUT : (number + 1) * PER_LAYOUT] = panels
        if number % 200 == 0:
            say(f"rendered {number} of {len(layouts)} layouts")
    out.flush()
    done.write_text(json.dumps({"shape": shape, "first": layouts.start}))


def prepare(cache: Path, layouts: int = 3000, unseen: int = 72, workers: int = 2) -> None:
    """Render what is missing under `cache`: `train.npy` and `unseen.npy`, uint8 (panels, 128, 128, 3)."""
    cache.mkdir(parents=True, exist_ok=True)
    _write(cache / "unseen.npy", range(UNSEEN, UNSEEN + unseen), workers)
    _write(cache / "train.npy", range(layouts), workers)


def load(cache: Path, split: str) -> tuple[NDArray[np.uint8], list[PanelSpec], list[Pair]]:
    """Memory-mapped panels of `train` or `unseen` with their specs and pairs (indices into the panels)."""
    panels = np.load(cache / f"{split}.npy", mmap_mode="r")
    first = UNSEEN if split == "unseen" else 0
    specs: list[PanelSpec] = []
    pairs: list[Pair] = []
    for layout in range(first, first + len(panels) // PER_LAYOUT):
        some, edits = chain(layout)
        base = len(specs)
        pairs += [Pair(p.source + base, p.target + base, p.edit, p.seed) for p in edits]
        specs += some
    return panels, specs, pairs
