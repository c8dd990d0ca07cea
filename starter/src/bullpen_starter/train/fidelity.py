"""How near an edited picture is to what it should be: by pixels, in a box, by edges outside of the edit, by variation.

Pictures are uint8 (n, height, width, 3) unless noted. No model is needed here.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Panels = NDArray[np.uint8]
Masks = NDArray[np.bool_]
# An edge is a luma step of this much of full scale.
EDGE = 0.11
LUMA = np.array((0.299, 0.587, 0.114), dtype=np.float32)


def psnr(out: Panels, truth: Panels, where: Masks | None = None) -> float:
    """Peak signal to noise ratio in dB, mean over the pictures; `where` (n, height, width) limits the pixels."""
    error = ((out.astype(np.float32) - truth.astype(np.float32)) / 255) ** 2
    if where is None:
        per_picture = error.mean(axis=(1, 2, 3))
    else:
        share = where[..., None].astype(np.float32)
        per_picture = (error * share).sum(axis=(1, 2, 3)) / np.maximum(3 * share.sum(axis=(1, 2, 3)), 1)
    return float(np.mean(-10 * np.log10(np.maximum(per_picture, 1e-10))))


def boxes(masks: Masks) -> Masks:
    """The bounding box of each mask, filled; (n, height, width)."""
    out = np.zeros_like(masks)
    for mask, box in zip(masks, out, strict=True):
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if len(rows):
            box[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return out


def _grow(mask: NDArray[Any], by: int = 1) -> NDArray[Any]:
    out = mask.copy()
    for dy in range(-by, by + 1):
        for dx in range(-by, by + 1):
            out |= np.roll(mask, (dy, dx), axis=(-2, -1))
    return out


def edges(pictures: Panels) -> Masks:
    """Where luma changes by more than `EDGE` across three pixels (Sobel); (n, height, width)."""
    luma = pictures.astype(np.float32) @ LUMA / 255
    padded = np.pad(luma, ((0, 0), (1, 1), (1, 1)), mode="edge")
    rows = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    columns = padded[:, :, :-2] + 2 * padded[:, :, 1:-1] + padded[:, :, 2:]
    across, down = rows[:, :, 2:] - rows[:, :, :-2], columns[:, 2:] - columns[:, :-2]
    found: Masks = np.hypot(across, down) / 4 > EDGE
    return found


def edge_f1(out: Panels, reference: Panels, outside: Masks | None = None, tolerance: int = 1) -> float:
    """F1 of edges against a reference picture, within `tolerance` pixels; pixels of `outside` are left out."""
    ours, theirs = edges(out), edges(reference)
    if outside is not None:
        ours, theirs = ours & ~outside, theirs & ~outside
    scores = []
    for one, other in zip(ours, theirs, strict=True):
        if not one.any() and not other.any():
            scores.append(1.0)
            continue
        precision = (one & _grow(other, tolerance)).sum() / max(1, one.sum())
        recall = (other & _grow(one, tolerance)).sum() / max(1, other.sum())
        scores.append(2 * precision * recall / max(1e-9, precision + recall))
    return float(np.mean(scores))


def variation(seeds: Panels) -> float:
    """Mean absolute difference between every two pictures, in levels of 255."""
    values = seeds.astype(np.float32)
    pairs = [np.abs(values[i] - values[j]).mean() for i in range(len(values)) for j in range(i)]
    return float(np.mean(pairs))
