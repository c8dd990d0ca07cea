"""Colours for what is transparent, grown from what is not.

A picture without its background has no colours there; a network or a filter that looks at its edge would draw in black.
Method: push-pull (Gortler, Grzeszczuk, Szeliski and Cohen 1996): averages of the known, ever coarser, and back.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


def grown(colours: FloatArray, weights: FloatArray) -> FloatArray:
    """Colours (height, width, channels) where `weights` (height, width) are 1 as they are, elsewhere from around."""
    height, width = weights.shape
    if max(height, width) == 1 or float(weights.min()) >= 1:
        return colours
    known = weights[..., None]
    odd = ((0, height % 2), (0, width % 2), (0, 0))
    sums = _halved(np.pad(colours * known, odd))
    total = _halved(np.pad(known, odd))
    averages: FloatArray = (sums / np.maximum(total, np.float32(1e-6))).astype(np.float32)
    coarse = grown(averages, np.minimum(total[..., 0], np.float32(1)))
    around = coarse.repeat(2, axis=0).repeat(2, axis=1)[:height, :width]
    mixed: FloatArray = colours * known + around * (1 - known)
    return mixed


def _halved(values: FloatArray) -> FloatArray:
    """Sums of two by two."""
    total: FloatArray = values[::2, ::2] + values[1::2, ::2] + values[::2, 1::2] + values[1::2, 1::2]
    return total
