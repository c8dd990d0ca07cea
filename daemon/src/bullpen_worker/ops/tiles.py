"""Large pictures in parts: tiles with an overlap, of which only the middle is kept, so that no seam is seen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


def tiled(
    enlarge: Callable[[FloatArray], FloatArray],
    picture: FloatArray,
    scale: int,
    *,
    tile: int,
    overlap: int,
    fixed: tuple[int, int] | None = None,
    advance: Callable[[float], None] = lambda share: None,
) -> FloatArray:
    """`enlarge` of a whole (1, channels, height, width) picture, computed in tiles of at most `tile + 2 * overlap`.

    Equal to the undivided result where a pixel depends on none further away than `overlap`. With `fixed` (height,
    width) every part is that large: at the picture's edges it reaches further inwards, and a smaller picture repeats
    its edges. `advance` is told the share that is done after each tile. Raises ValueError for parts without a middle.
    """
    _, channels, height, width = picture.shape
    step_y, step_x = (tile, tile) if fixed is None else (fixed[0] - 2 * overlap, fixed[1] - 2 * overlap)
    if min(step_y, step_x) < 1 or overlap < 0:
        raise ValueError(f"tiles with an overlap of {overlap} pixels would have no middle")
    if fixed is not None:
        spare = (max(0, fixed[0] - height), max(0, fixed[1] - width))
        picture = np.pad(picture, ((0, 0), (0, 0), (0, spare[0]), (0, spare[1])), mode="edge")
    out = np.empty((1, channels, height * scale, width * scale), dtype=np.float32)
    tops, lefts = range(0, height, step_y), range(0, width, step_x)
    done = 0
    for top in tops:
        for left in lefts:
            bottom, right = min(height, top + step_y), min(width, left + step_x)
            from_y, to_y = _reach(top, bottom, overlap, picture.shape[2], fixed[0] if fixed else 0)
            from_x, to_x = _reach(left, right, overlap, picture.shape[3], fixed[1] if fixed else 0)
            made = enlarge(np.ascontiguousarray(picture[..., from_y:to_y, from_x:to_x]))
            y, x = (top - from_y) * scale, (left - from_x) * scale
            kept = made[..., y : y + (bottom - top) * scale, x : x + (right - left) * scale]
            out[..., top * scale : bottom * scale, left * scale : right * scale] = kept
            done += 1
            advance(done / (len(tops) * len(lefts)))
    return out


def _reach(start: int, end: int, overlap: int, length: int, fixed: int) -> tuple[int, int]:
    """What a tile from `start` to `end` reads of `length` pixels; exactly `fixed` of them where that is not 0."""
    first = max(0, start - overlap)
    if not fixed:
        return first, min(length, end + overlap)
    first = min(first, length - fixed)
    return first, first + fixed
