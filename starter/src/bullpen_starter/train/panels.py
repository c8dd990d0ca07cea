"""Packs of single panels, for the networks that recognise: tagger and encoders.

A panel is named by its split and number alone, so labels are never stored. Layouts of the splits do not meet: training
has those below 1 000 000, validation 1 000 100 to 1 000 999, test those from 2 000 000 on. Nor do identities: those
kept by `anypanel.held_out` are all that validation and test show, and `identity_split` says in which of the two a pair
of them counts. Training also takes panels of the edit model's pack where there is one, which costs no drawing.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bullpen_starter.render import SCENES, Character, PanelSpec, render
from bullpen_starter.render.figures import figure
from bullpen_starter.render.variation import fields, stable
from bullpen_starter.train import anypanel, data
from bullpen_starter.train.say import say

SIZE = 128
COUNTS = {"train": 12_000, "validation": 400, "test": 800}
# Beside the edit model's panels a few of our own do: they also show sketches with characters and any pair of words.
BESIDE = 640
SLOTS = (1, 3, 5, 6, 7, 8, 9, 10, 11)
OWN_SHARE = 0.1
Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Pack:
    """Pictures uint8 (n, 128, 128, 3) and their specs; the first `own` are drawn for the recognisers."""

    pictures: Bytes
    specs: list[PanelSpec]
    own: int

    def picks(self, rng: np.random.Generator, count: int) -> NDArray[np.int64]:
        """Numbers of `count` panels by chance, sorted, a fixed share of them our own."""
        ours = count if self.own == len(self.specs) else round(count * OWN_SHARE)
        both = rng.integers(0, self.own, ours), rng.integers(self.own, max(len(self.specs), self.own + 1), count - ours)
        return np.sort(np.concatenate(both))


def identity_split(who: Character) -> str:
    """`train`, `validation` or `test`, by identity alone: the kept ones are halved."""
    if not anypanel.held_out(who):
        return "train"
    return ("validation", "test")[stable("half", *who.identity) % 2]


def layout(split: str, number: int) -> int:
    """The layout of panel `number`; two neighbours in training share one, which is then drawn once."""
    if split == "train":
        return stable("layout", number // 2) % 1_000_000
    return anypanel.HELD_OUT + number if split == "test" else anypanel.VALIDATION + number % 900


def spec(split: str, number: int) -> PanelSpec:
    """Panel `number` of a split."""
    where = layout(split, number)
    drawn = anypanel.any_panel(f"{split} {number}", where, unseen=split != "train")
    return replace(drawn, scene=SCENES[where % len(SCENES)])


def owners(panel: PanelSpec) -> list[Bytes]:
    """The visible pixels of each character, 0 or 255, (128, 128); later characters stand in front."""
    masks: list[Bytes] = []
    for who in panel.characters:
        alpha = figure(who, (SIZE, SIZE), fields(panel.variation.pose)).getchannel("A")
        mask = ((np.asarray(alpha) >= 128) * 255).astype(np.uint8)
        masks = [np.where(mask > 0, 0, before).astype(np.uint8) for before in masks]
        masks.append(mask)
    return masks


def renderer_version() -> str:
    """A hash of some panels as they are drawn now: packs of another renderer are drawn again."""
    some = (render(anypanel.any_panel("signature", number), (96, 96)).picture.tobytes() for number in range(12))
    return hashlib.sha256(b"".join(some)).hexdigest()[:16]


def load(cache: Path, split: str, count: int | None = None) -> Pack:
    """The first `count` panels of a split (default: all), drawn under `cache` when they are missing or outdated."""
    count = count or COUNTS[split]
    cache.mkdir(parents=True, exist_ok=True)
    pictures, about = cache / f"panels-{split}.npy", cache / f"panels-{split}.json"
    wanted = {"renderer": renderer_version(), "count": count}
    known: dict[str, Any] = json.loads(about.read_text(encoding="utf-8")) if about.exists() else {"count": 0}
    specs = [spec(split, number) for number in range(count)]
    if known.get("renderer") != wanted["renderer"] or known["count"] < count:
        about.unlink(missing_ok=True)
        drawn = np.lib.format.open_memmap(pictures, mode="w+", dtype=np.uint8, shape=(count, SIZE, SIZE, 3))
        for number, panel in enumerate(specs):
            drawn[number] = np.asarray(render(panel, (SIZE, SIZE)).picture)
            if number % 1000 == 0:
                say(f"{split}: drew {number} of {count} panels")
        drawn.flush()
        about.write_text(json.dumps(wanted), encoding="utf-8")
    return Pack(np.load(pictures, mmap_mode="r")[:count], specs, count)


def mixed(cache: Path, split: str, count: int | None = None) -> Pack:
    """Our own panels of a split, and those of the edit model where its pack is under `cache`.

    With `count` only so many of our own.
    """
    theirs = {"test": "unseen"}.get(split, split)
    if count or not (cache / f"{theirs}.json").exists():
        return load(cache, split, count)
    ours = load(cache, split, BESIDE if split == "train" else None)
    pictures, specs, _ = data.load(cache, theirs)
    chosen = [number for number in range(len(specs)) if number % data.PER_LAYOUT in SLOTS]
    both = np.empty((ours.own + len(chosen), SIZE, SIZE, 3), dtype=np.uint8)
    both[: ours.own] = ours.pictures
    both[ours.own :] = pictures[chosen]
    return Pack(both, [*ours.specs, *(specs[number] for number in chosen)], ours.own)
