"""Figures in pictures: found on plain ground, and cut out upright at the size that an encoder wants."""

from __future__ import annotations

import numpy as np
from PIL import Image

from bullpen_worker.ops.edited import components

# Left, top, right, bottom in pixels; right and bottom lie outside.
Box = tuple[float, float, float, float]

# Figures are looked for at this many pixels a side at most.
_SIDE = 64
# How far a pixel is from the ground, 0–255 in its strongest channel.
_APART = 20
# Share of the border that must be ground for it to count as plain.
_PLAIN = 0.6
# Share of the picture's height that a figure has at least.
_HEIGHT = 0.2


def figures(image: Image.Image) -> list[Box]:
    """Boxes of the figures of a model sheet or a portrait: what stands upright and apart on plain ground.

    Empty where the ground is not plain, as in a panel, or nothing stands on it.
    """
    shrink = min(1.0, _SIDE / max(image.size))
    size = (max(1, round(image.width * shrink)), max(1, round(image.height * shrink)))
    pixels = np.asarray(image.resize(size, Image.Resampling.BOX), np.int16)
    apart = np.abs(pixels - pixels[0, 0]).max(axis=2) > _APART
    border = np.concatenate([apart[0], apart[-1], apart[:, 0], apart[:, -1]])
    if border.mean() > 1 - _PLAIN:
        return []
    found = []
    for part in components(apart):
        rows, columns = np.flatnonzero(part.any(axis=1)), np.flatnonzero(part.any(axis=0))
        high, wide = int(rows[-1] - rows[0]) + 1, int(columns[-1] - columns[0]) + 1
        if high >= _HEIGHT * size[1] and high > wide:
            left, top = columns[0] / shrink, rows[0] / shrink
            box = (left, top, (columns[-1] + 1) / shrink, (rows[-1] + 1) / shrink)
            found.append((float(box[0]), float(box[1]), float(box[2]), float(box[3])))
    return found


def crop(image: Image.Image, box: Box, size: tuple[int, int], margin: float) -> Image.Image:
    """A box with `margin` of its height around it, widened to the shape of `size` (width, height), at that size.

    What lies beyond the edge repeats the edge.
    """
    left, top, right, bottom = box
    room = margin * (bottom - top)
    width, height = right - left + 2 * room, bottom - top + 2 * room
    width, height = max(width, height * size[0] / size[1]), max(height, width * size[1] / size[0])
    x, y = (left + right) / 2, (top + bottom) / 2
    left, top, right, bottom = x - width / 2, y - height / 2, x + width / 2, y + height / 2
    pad = max(0, *(int(np.ceil(v)) for v in (-left, -top, right - image.width, bottom - image.height)))
    values = np.pad(np.asarray(image), ((pad, pad), (pad, pad), (0, 0)), mode="edge")
    area = (left + pad, top + pad, right + pad, bottom + pad)
    return Image.fromarray(values).resize(size, Image.Resampling.BILINEAR, box=area, reducing_gap=2.0)
