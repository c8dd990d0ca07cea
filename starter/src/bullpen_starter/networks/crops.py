"""Crops of characters, cut in one way in training and in use: mask to box, box to an upright picture of fixed size."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels; right and bottom lie outside


def mask_box(mask: Image.Image | NDArray[np.uint8], least: int = 128) -> Box | None:
    """The smallest box around all pixels of at least `least` (of 255), or None where there is none."""
    marked = np.asarray(mask) >= least
    if not marked.any():
        return None
    rows, columns = np.flatnonzero(marked.any(axis=1)), np.flatnonzero(marked.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def frame_box(box: Box, size: tuple[int, int], margin: float = 0.06) -> tuple[float, float, float, float]:
    """Widen a box by `margin` of its height on every side, then to the proportions of `size` (width, height)."""
    left, top, right, bottom = box
    if right <= left or bottom <= top:
        raise ValueError(f"the box {box} holds no pixels")
    room = margin * (bottom - top)
    width, height = right - left + 2 * room, bottom - top + 2 * room
    width, height = max(width, height * size[0] / size[1]), max(height, width * size[1] / size[0])
    x, y = (left + right) / 2, (top + bottom) / 2
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def crop(picture: Image.Image, box: Box, size: tuple[int, int], margin: float = 0.06) -> Image.Image:
    """One character as a picture of `size` (width, height); what lies beyond the edge repeats the edge.

    Raises ValueError for an empty box.
    """
    left, top, right, bottom = frame_box(box, size, margin)
    pad = max(0, *(int(np.ceil(v)) for v in (-left, -top, right - picture.width, bottom - picture.height)))
    values = np.pad(np.asarray(picture.convert("RGB")), ((pad, pad), (pad, pad), (0, 0)), mode="edge")
    area = (left + pad, top + pad, right + pad, bottom + pad)
    return Image.fromarray(values).resize(size, Image.Resampling.BILINEAR, box=area, reducing_gap=2.0)
