"""Sizes that a family of models was trained on, and the one that fits a run's pictures best. Pure functions.

A model that saw wide and tall pictures in training draws them best at the sizes that it saw. A family without such a
list has its own size only, and other shapes are fitted onto that canvas.

Sources: Stable Diffusion XL: Podell et al., https://arxiv.org/abs/2307.01952, appendix I. Stable Diffusion 1: the
buckets of its fine-tunings, "NovelAI aspect ratio bucketing" (at most 512×768 pixels, sides in steps of 64). Flux: the
sizes that Kontext prefers, as the library lists them.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bullpend.models.model import Model

Size = tuple[int, int]

_XL_HEIGHTS = {
    512: (1856, 1920, 1984, 2048),
    576: (1664, 1728, 1792),
    640: (1536, 1600),
    704: (1344, 1408, 1472),
    768: (1280, 1344),
    832: (1152, 1216),
    896: (1088, 1152),
    960: (1024, 1088),
}
_FLUX = (
    (672, 1568),
    (688, 1504),
    (720, 1456),
    (752, 1392),
    (800, 1328),
    (832, 1248),
    (880, 1184),
    (944, 1104),
)
# Shapes that differ by less than this share look alike.
_ALIKE = 0.03


def _both_ways(sizes: Sequence[Size], side: int) -> tuple[Size, ...]:
    turned = [(height, width) for width, height in sizes]
    return tuple(sorted({(side, side), *sizes, *turned}))


def _steps_of_64(most_pixels: int, least: int, most: int) -> tuple[Size, ...]:
    tall = [(width, min(most, most_pixels // width // 64 * 64)) for width in range(least, 641, 64)]
    return tuple((width, height) for width, height in tall if height >= width)


_XL = _both_ways([(width, height) for width, heights in _XL_HEIGHTS.items() for height in heights], 1024)
_SD = _both_ways(_steps_of_64(512 * 768, 256, 1024), 512)
_KONTEXT = _both_ways(_FLUX, 1024)

# By family: the side of the square that the list is made for, and the list.
BUCKETS: dict[str, tuple[int, tuple[Size, ...]]] = {
    "stable-diffusion": (512, _SD),
    "stable-diffusion-inpaint": (512, _SD),
    "stable-diffusion-xl": (1024, _XL),
    "stable-diffusion-xl-inpaint": (1024, _XL),
    "flux": (1024, _KONTEXT),
    "flux-fill": (1024, _KONTEXT),
    "flux-kontext": (1024, _KONTEXT),
}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A size in pixels, and what speaks for it."""

    width: int
    height: int
    reason: str


def buckets(model: Model) -> tuple[Size, ...]:
    """Sizes that the model was trained on, as far as its family and its own size tell; at least its own."""
    own = (model.default_width, model.default_height)
    side, sizes = BUCKETS.get(model.family, (0, ()))
    # A model of another size than its family's was not trained on the family's list.
    return sizes if own == (side, side) else (own,)


def suggest(model: Model, pictures: Sequence[Size], planned: Size) -> Suggestion | None:
    """The size that is nearest to the shape of the pictures; None where the planned one is as near."""
    if not pictures:
        return None
    shape = statistics.median(math.log(width / height) for width, height in pictures)

    def off(size: Size) -> float:
        return abs(math.log(size[0] / size[1]) - shape)

    best = min(buckets(model), key=lambda size: (round(off(size), 6), -size[0] * size[1]))
    if off(planned) - off(best) <= _ALIKE:
        return None
    (common, count), *_ = Counter(pictures).most_common(1)
    what = "The pictures have" if count == len(pictures) else f"{count} of {len(pictures)} pictures have"
    seen = f"{model.name} was trained on {best[0]}×{best[1]} among others"
    return Suggestion(*best, f"{what} {common[0]}×{common[1]} pixels, and {seen}.")
