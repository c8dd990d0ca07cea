"""Large pictures in parts: tiles with an overlap, of which only the middle is kept, so that no seam is seen."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


def tiled(
    enlarge: Callable[[FloatArray], FloatArray], picture: FloatArray, scale: int, tile: int = 128, overlap: int = 16
) -> FloatArray:
    """`enlarge` of a whole (1, channels, h, w) picture, computed in tiles of at most `tile + 2 * overlap` pixels.

    Equal to the undivided result when a pixel depends on no pixel further away than `overlap`. Raises ValueError for
    a tile below 1 or an overlap below 0.
    """
    if tile < 1 or overlap < 0:
        raise ValueError(f"tiles of {tile} pixels with an overlap of {overlap} are no tiles")
    _, channels, height, width = picture.shape
    out = np.empty((1, channels, height * scale, width * scale), dtype=np.float32)
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            bottom, right = min(height, top + tile), min(width, left + tile)
            from_y, from_x = max(0, top - overlap), max(0, left - overlap)
            part = picture[..., from_y : bottom + overlap, from_x : right + overlap]
            made = enlarge(np.ascontiguousarray(part))
            y, x = (top - from_y) * scale, (left - from_x) * scale
            kept = made[..., y : y + (bottom - top) * scale, x : x + (right - left) * scale]
            out[..., top * scale : bottom * scale, left * scale : right * scale] = kept
    return out
