"""From a mask to a cutout: specks dropped, transparency put on, and the refining of its edge."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from bullpen_worker.ops.fill import grown

ByteArray = NDArray[np.uint8]
FloatArray = NDArray[np.float32]

# Share of a picture's longer side below which something that stands alone is a speck, and how near to a solid part
# something thin belongs to it.
_SPECK, _NEAR = 1 / 160, 1 / 40
# Of the longer side: how deep the band at the edge is that a model redraws.
_BAND = 1 / 64
# Alpha above which a pixel shows nothing of the background.
_SOLID = 245


def drop_specks(alpha: ByteArray) -> ByteArray:
    """The mask without specks that stand alone; thin parts near solid ones stay."""
    speck = max(3, _odd(max(alpha.shape) * _SPECK))
    near = max(5, _odd(max(alpha.shape) * _NEAR))
    if min(alpha.shape) < 2 * near:
        return alpha
    solid = Image.fromarray(((alpha > 127) * 255).astype(np.uint8))
    core = solid.filter(ImageFilter.MinFilter(speck)).filter(ImageFilter.MaxFilter(speck))
    kept: ByteArray = np.where(np.asarray(core.filter(ImageFilter.MaxFilter(near))) > 0, alpha, 0).astype(np.uint8)
    return kept


def with_alpha(picture: ByteArray, alpha: ByteArray) -> ByteArray:
    """The picture (height, width, 3 or 4) with this transparency on top of its own.

    What is wholly transparent loses its colours: a background that was taken away must not lie hidden in the file.
    """
    if picture.shape[2] == 4:
        alpha = (picture[..., 3].astype(np.uint16) * alpha // 255).astype(np.uint8)
    out: ByteArray = np.dstack([picture[..., :3], alpha])
    out[alpha == 0] = 0
    return out


def redraw_edge(picture: ByteArray, redrawn: Image.Image) -> ByteArray:
    """A cutout (height, width, 4) whose solid pixels near the edge are those of another RGB picture of it, of any size.

    The band fades inwards. What is half transparent is left to `refine`, which grows it from these pixels: in the other
    picture it is mixed with a ground.
    """
    alpha = picture[..., 3]
    other = np.asarray(redrawn.resize((alpha.shape[1], alpha.shape[0]), Image.Resampling.LANCZOS), np.float32)
    reach = max(1.0, max(alpha.shape) * _BAND)
    clear = Image.fromarray(((alpha < _SOLID) * 255).astype(np.uint8))
    near = clear.filter(ImageFilter.MaxFilter(_odd(2 * reach) + 2)).filter(ImageFilter.GaussianBlur(reach / 2))
    weight = np.asarray(near, np.float32)[..., None] / np.float32(255) * (alpha >= _SOLID)[..., None]
    colours = picture[..., :3].astype(np.float32)
    mixed: ByteArray = (colours * (1 - weight) + other * weight + np.float32(0.5)).astype(np.uint8)
    return np.dstack([mixed, alpha])


def refine(picture: ByteArray, softness: float) -> ByteArray:
    """A cutout (height, width, 4) whose edge shows the foreground's colours, not a rim of the old background.

    Colours of half transparent pixels are grown from solid ones nearby. `softness` 0..1 is how gently transparency
    falls off: at 0 only where it is nearly half it stays soft, at 1 it is kept as it is.
    """
    alpha = picture[..., 3].astype(np.float32) / np.float32(255)
    width = np.float32(0.2 + 0.8 * softness)
    edge: FloatArray = np.clip((alpha - np.float32(0.5)) / width + np.float32(0.5), 0, 1)
    colours = picture[..., :3].astype(np.float32)
    solid = (picture[..., 3] >= _SOLID).astype(np.float32)
    if solid.any():
        # The less a pixel shows of the foreground, the less its own colour counts.
        own = np.maximum(solid, alpha)[..., None]
        colours = colours * own + grown(colours, solid) * (1 - own)
    out: ByteArray = np.dstack([colours, edge * 255])
    out = (out + 0.5).astype(np.uint8)
    out[out[..., 3] == 0] = 0
    return out


def _odd(value: float) -> int:
    return int(value) // 2 * 2 + 1
