"""How much of a picture is copied from a reference: patches that are there again, pixel for pixel, wherever they lie.

Both are brought to at most 64 pixels a side. A patch of 8×8 counts as copied where some patch of the reference is
within a root mean square of 10 of 255 of it. Patches without texture (a sky, a wall) say nothing and are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image

Values = NDArray[np.float32]

_SIDE, _PATCH = 64, 8
_HALF = _PATCH // 2
# Root mean square over a patch's values, 0–255.
_NEAR = 10.0
# Standard deviation of a patch's luma, 0–255, below which it has no texture.
_TEXTURE = 12.0
# With fewer patches that have texture a share of them means nothing.
_LEAST = 6
# Patches of the reference that are compared in full, of those that may be near by their quarters.
_MOST = 24


@dataclass(frozen=True, slots=True)
class Patches:
    """A picture at its small size, RGB (height, width, 3), and the means of its 4×4 squares at every place."""

    pixels: Values
    quarters: Values

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return int(self.pixels.nbytes + self.quarters.nbytes)


def patches(image: Image.Image) -> Patches:
    """What copies are looked for, of an RGB picture."""
    return _patches(image, 0.0, 0.0)


def shifted(image: Image.Image) -> tuple[Patches, ...]:
    """What copies are looked for in: a reference, also moved by half a small pixel across, down, and both ways."""
    return tuple(_patches(image, x, y) for x in (0.0, 0.5) for y in (0.0, 0.5))


def _patches(image: Image.Image, right: float, down_by: float) -> Patches:
    shrink = min(1.0, _SIDE / max(image.size))
    size = (max(1, round(image.width * shrink)), max(1, round(image.height * shrink)))
    step = (image.width / size[0], image.height / size[1])
    # What is moved out at one side comes short by one row or column at the other.
    size = (max(1, size[0] - (right > 0)), max(1, size[1] - (down_by > 0)))
    left, top = right * step[0], down_by * step[1]
    box = (left, top, left + size[0] * step[0], top + size[1] * step[1])
    pixels: Values = np.asarray(image.resize(size, Image.Resampling.BOX, box=box), np.float32)
    if min(size) < _PATCH:
        return Patches(pixels, np.empty((0, 0, 3), np.float32))
    return Patches(pixels, sliding_window_view(pixels, (_HALF, _HALF), axis=(0, 1)).mean(axis=(3, 4)))


def copy_rate(made: Patches, reference: Sequence[Patches]) -> float | None:
    """Share of the picture's patches with texture that the reference has too, 0–1; None where too few have texture.

    `reference` is what `shifted` gives.
    """
    own, places = _textured(made)
    if len(own) < _LEAST:
        return None
    mine = _bounds(made.quarters, places[:, 0], places[:, 1])
    copied = np.zeros(len(own), np.bool_)
    for one in reference:
        left = np.flatnonzero(~copied)
        if len(left) and one.quarters.size:
            copied[left] = _copied(own[left], mine[left], one)
    return float(copied.mean())


def _copied(own: Values, mine: Values, reference: Patches) -> NDArray[np.bool_]:
    """For each patch, whether the reference has one that is near; `mine` are the bounds of the patches."""
    windows = sliding_window_view(reference.pixels, (_PATCH, _PATCH, 3))[:, :, 0]
    high, wide = windows.shape[:2]
    theirs = _bounds(reference.quarters, *np.divmod(np.arange(high * wide), wide))
    # Sixteen times the squared distance of the quarters' means is at most that of the patches.
    apart = (mine * mine).sum(1)[:, None] + (theirs * theirs).sum(1)[None] - 2 * mine @ theirs.T
    limit = np.float32(_NEAR**2 * _PATCH**2 * 3)
    copied = np.zeros(len(own), np.bool_)
    for number, (patch, row) in enumerate(zip(own, apart * _HALF**2, strict=True)):
        near = np.flatnonzero(row <= limit)
        if len(near) > _MOST:
            near = near[np.argpartition(row[near], _MOST)[:_MOST]]
        if len(near):
            difference = windows[near // wide, near % wide] - patch
            copied[number] = (difference * difference).sum(axis=(1, 2, 3)).min() <= limit
    return copied


def _textured(made: Patches) -> tuple[Values, NDArray[np.int64]]:
    """Patches side by side that have texture, (n, 8, 8, 3), and where they lie, (n, 2)."""
    high, wide = (side // _PATCH for side in made.pixels.shape[:2])
    tiles = made.pixels[: high * _PATCH, : wide * _PATCH].reshape(high, _PATCH, wide, _PATCH, 3).swapaxes(1, 2)
    luma = tiles @ np.array([0.299, 0.587, 0.114], np.float32)
    places = np.argwhere(luma.std(axis=(2, 3)) >= _TEXTURE)
    return tiles[places[:, 0], places[:, 1]], places * _PATCH


def _bounds(quarters: Values, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Values:
    """The means of the four quarters of the patches that begin there, (n, 12)."""
    parts = [quarters[rows + down, columns + right] for down in (0, _HALF) for right in (0, _HALF)]
    found: Values = np.concatenate(parts, axis=1)
    return found
