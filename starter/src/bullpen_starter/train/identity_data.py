"""Crops of characters for the identity encoder: cut out of random panels, and put together as batches and as pairs.

A crop shows one character in one style, light, pose and mood; sketches carry no colours and are left out. Batches hold
whole groups of identities that differ in one attribute only, since those are the hard ones to tell apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bullpen_starter.networks.crops import crop, mask_box
from bullpen_starter.render import BUILDS, COLOURS, HAIRS, OUTFITS, SKETCH, Character, portrait
from bullpen_starter.render.spec import ACCESSORIES, EXPRESSIONS, POSES, SKINS
from bullpen_starter.train import panels
from bullpen_starter.train.encoders import Pairs

LEAST = 220  # visible pixels of a character that counts
TEAMS, NEIGHBOURS, VIEWS = 8, 2, 4
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "build": BUILDS,
    "hair": HAIRS,
    "colour": COLOURS,
    "outfit": OUTFITS,
    "accessory": ACCESSORIES,
    "skin": ("", *SKINS),
}
Identity = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Crops:
    """Crops uint8 (n, height, width, 3), their masks (n, height, width) of 0 and 255, who, and in which style."""

    pictures: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    identities: list[Identity]
    styles: list[str]


def portraits(split: str, each: int = 1) -> list[Character]:
    """Everybody of a split, `each` times in some pose and mood."""
    random, out = Random(f"portraits {split}"), {}
    everybody = (
        Character(b, h, c, o, accessory=a, skin=s)
        for b in BUILDS
        for h in HAIRS
        for c in COLOURS
        for o in OUTFITS
        for a in ACCESSORIES
        for s in SKINS
    )
    for who in everybody:
        if panels.identity_split(who) == split:
            out[who.identity] = who
    pick = random.choice
    return [who.doing(pick(POSES), pick(EXPRESSIONS)) for who in out.values() for _ in range(each)]


def crops(
    data: panels.Pack, split: str, size: tuple[int, int], margin: float, with_portraits: int, most: int = 1_000_000
) -> Crops:
    """Characters of a pack whose identity belongs to `split`, `most` of them, and portraits of each; of `size`."""
    pictures, masks, identities, styles = [], [], [], []

    def add(picture: Image.Image, mask: NDArray[np.uint8], who: Character, style: str) -> None:
        box = mask_box(mask)
        if box is None or int((mask >= 128).sum()) < LEAST:
            return
        pictures.append(np.asarray(crop(picture, box, size, margin)))
        masks.append(np.asarray(crop(Image.fromarray(mask), box, size, margin).convert("L")))
        identities.append(who.identity)
        styles.append(style)

    for number in np.random.default_rng(len(data.specs)).permutation(len(data.specs)):
        spec = data.specs[number]
        chosen = [panels.identity_split(who) == split for who in spec.characters]
        if spec.style == SKETCH or not any(chosen) or len(pictures) >= most:
            continue
        for who, mask, wanted in zip(spec.characters, panels.owners(spec), chosen, strict=True):
            if wanted:
                add(Image.fromarray(data.pictures[number]), mask, who, spec.style)
    for who in portraits(split, with_portraits):
        drawn = portrait(who, (panels.SIZE, panels.SIZE))
        away = np.abs(np.asarray(drawn).astype(int) - drawn.getpixel((0, 0))).max(axis=2)
        add(drawn, ((away > 20) * 255).astype(np.uint8), who, "portrait")
    return Crops(np.stack(pictures), np.stack(masks), identities, styles)


class Sampler:
    """Batches of crops: groups of an identity and others that differ from it in one attribute, several views each."""

    def __init__(self, data: Crops, rng: np.random.Generator) -> None:
        self._rng = rng
        self._views: dict[Identity, list[int]] = {}
        for number, who in enumerate(data.identities):
            self._views.setdefault(who, []).append(number)
        self._all = sorted(self._views)
        self._near = {who: [other for other in self._all if differing(who, other) == 1] for who in self._all}

    def batch(self) -> tuple[NDArray[np.int64], list[Identity]]:
        """Crop numbers (TEAMS * (1 + NEIGHBOURS) * VIEWS at most) and who is on each."""
        chosen: dict[Identity, None] = {}
        for base in self._rng.choice(len(self._all), TEAMS, replace=False):
            who = self._all[base]
            chosen[who] = None
            near = self._near[who]
            for other in self._rng.permutation(len(near))[:NEIGHBOURS]:
                chosen[near[other]] = None
        numbers, names = [], []
        for who in chosen:
            views = self._views[who]
            for view in self._rng.choice(len(views), min(VIEWS, len(views)), replace=False):
                numbers.append(views[view])
                names.append(who)
        return np.array(numbers), names


def differing(one: Identity, other: Identity) -> int:
    """In how many attributes two identities differ."""
    return sum(a != b for a, b in zip(one, other, strict=True))


def pairs(data: Crops, rng: np.random.Generator, each: int = 6000) -> dict[str, Pairs]:
    """Pairs by kind: `same`, `across` (same, in different styles), `reference` (same, one a portrait), `different`
    (any two identities) and `near` (one attribute differs). Pairs are drawn with replacement.
    """
    views: dict[Identity, list[int]] = {}
    for number, who in enumerate(data.identities):
        views.setdefault(who, []).append(number)
    several = [found for found in views.values() if len(found) > 1]
    names = sorted(views)
    near = [(a, b) for a in names for b in names if a < b and differing(a, b) == 1]

    def two(found: list[int]) -> tuple[int, int]:
        a, b = rng.choice(len(found), 2, replace=False)
        return found[a], found[b]

    def any_of(who: Identity) -> int:
        return views[who][rng.integers(len(views[who]))]

    same = [two(several[rng.integers(len(several))]) for _ in range(each)]
    apart = [rng.choice(len(names), 2, replace=False) for _ in range(each)]
    different = [(any_of(names[a]), any_of(names[b])) for a, b in apart]
    hard = [(any_of(a), any_of(b)) for a, b in (near[rng.integers(len(near))] for _ in range(each))]
    return {
        "same": _pairs(same, True),
        "across": _pairs([(a, b) for a, b in same if data.styles[a] != data.styles[b]], True),
        "reference": _pairs([(a, b) for a, b in same if "portrait" in (data.styles[a], data.styles[b])], True),
        "different": _pairs(different, False),
        "near": _pairs(hard, False),
    }


def _pairs(found: Sequence[tuple[int, int]], same: bool) -> Pairs:
    first, second = np.array(found, dtype=np.int64).reshape(-1, 2).T
    return Pairs(first, second, np.full(len(first), same))
