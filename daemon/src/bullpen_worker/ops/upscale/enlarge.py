"""Enlarges a picture by a network, in tiles; transparency is enlarged beside it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bullpen_worker.failures import WorkerError
from bullpen_worker.ops.fill import grown
from bullpen_worker.ops.tiles import tiled
from bullpen_worker.ops.upscale.networks import Upscaler

ByteArray = NDArray[np.uint8]
TILE = 192


def enlarge(
    picture: ByteArray, network: Upscaler, max_pixels: int, advance: Callable[[float], None] = lambda share: None
) -> ByteArray:
    """The picture (height, width, 3 or 4), `network.scale` times as wide and as high.

    Colours under full transparency are grown from what is seen, so that no dark fringe is drawn, and stay out of the
    result. Raises WorkerError PICTURE_TOO_LARGE, ENGINE_FAILED.
    """
    height, width, channels = picture.shape
    pixels = height * width * network.scale**2
    if max_pixels and pixels > max_pixels:
        raise WorkerError(
            "PICTURE_TOO_LARGE",
            f"{width}×{height} pixels, {network.scale} times as wide and high, are {pixels:,} pixels; "
            f"{max_pixels:,} are allowed.",
        )
    alpha = picture[..., 3] if channels == 4 else None
    colours = picture[..., :3].astype(np.float32) / np.float32(255)
    if alpha is not None:
        colours = grown(colours, (alpha > 0).astype(np.float32))
    values = np.ascontiguousarray(colours.transpose(2, 0, 1)[None])
    made = tiled(
        network.run, values, network.scale, tile=TILE, overlap=network.overlap, fixed=network.fixed, advance=advance
    )
    if not np.isfinite(made).all():
        raise WorkerError("ENGINE_FAILED", "The upscaler gave values that are no numbers.")
    out: ByteArray = (np.clip(made[0].transpose(1, 2, 0), 0, 1) * 255 + np.float32(0.5)).astype(np.uint8)
    if alpha is None:
        return out
    size = (width * network.scale, height * network.scale)
    covered: ByteArray = np.asarray(Image.fromarray(alpha).resize(size, Image.Resampling.BICUBIC))
    out[covered == 0] = 0
    return np.dstack([out, covered])
