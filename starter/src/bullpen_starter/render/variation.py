"""Variation fields: the bridge between a seed and what a picture leaves open.

A variation is an array of shape (8, 8, 8): eight channels over an 8 by 8 grid of cells, each value standard normal.
The renderer reads colours, lit windows, drops and poses from it. Training writes the same numbers into the block means
of the initial diffusion noise, so that a trained model can read them back from the noise of any seed.
Every reading is local (a cell decides what lies in it), because that is what a convolution can learn.
"""

import zlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

CHANNELS = 8
CELLS = 8
Field = NDArray[np.float32]

HUE, VALUE, CLOUD, LIGHT, DROP_A, DROP_B, SHIFT, BANK = range(CHANNELS)


@lru_cache(maxsize=4096)
def fields(seed: int) -> Field:
    """The (8, 8, 8) float32 field of a seed; standard normal, read-only."""
    out = np.random.Generator(np.random.PCG64(seed)).standard_normal((CHANNELS, CELLS, CELLS), dtype=np.float32)
    out.setflags(write=False)
    return out


def smooth(field: Field, channel: int, size: tuple[int, int], coarse: int = 2) -> Field:
    """One channel as a soft (height, width) field of about unit variance.

    `coarse` cells are averaged first, so that a larger number gives larger blobs.
    """
    grid = field[channel].reshape(CELLS // coarse, coarse, CELLS // coarse, coarse).mean(axis=(1, 3)) * coarse
    width, height = size
    picture = Image.fromarray(grid.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(picture, dtype=np.float32) * 1.25


@lru_cache(maxsize=24)
def soft(seed: int, channel: int, size: tuple[int, int], coarse: int = 2) -> Field:
    """`smooth` of a seed's field, read-only and remembered, since one picture asks for the same channels often."""
    out = smooth(fields(seed), channel, size, coarse)
    out.setflags(write=False)
    return out


def cell(field: Field, channel: int, x: float, y: float) -> float:
    """The value of the cell that holds the point (x, y) in unit coordinates."""
    column = min(CELLS - 1, max(0, int(x * CELLS)))
    row = min(CELLS - 1, max(0, int(y * CELLS)))
    return float(field[channel, row, column])


def patch(field: Field, channel: int, x: float, y: float) -> float:
    """Mean of the 2 by 2 cells around a point, scaled back to unit variance."""
    column = min(CELLS - 2, max(0, round(x * CELLS) - 1))
    row = min(CELLS - 2, max(0, round(y * CELLS) - 1))
    return float(field[channel, row : row + 2, column : column + 2].mean() * 2)


def stable(*parts: object) -> int:
    """A seed from words and numbers that does not depend on the process."""
    return zlib.crc32(":".join(map(str, parts)).encode())
