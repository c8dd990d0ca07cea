"""What styles lay on paper with: soft steps, blurs, grain, hatching and dot screens, and the distance to the edge.

Screens repeat every 8 pixels of a 128 pixel panel (and scale with it), so that neighbouring 4 by 4 blocks look alike.
"""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageFilter

from bullpen_starter.render.stage import Array

Size = tuple[int, int]


def step(value: Array, low: float, high: float) -> Array:
    """Smooth step from 0 at `low` to 1 at `high`."""
    t = np.clip((value - low) * (1 / (high - low)), 0, 1)
    stepped: Array = t * t * (3 - 2 * t)
    return stepped


def blur(picture: Array, radius: float) -> Array:
    """Gaussian blur of (height, width, 3) or (height, width) in 0..1."""
    image = Image.fromarray(np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32) / 255


def frozen(array: Array) -> Array:
    """The array as float32, read-only from now on, so that it may be shared."""
    out = np.ascontiguousarray(array, dtype=np.float32)
    out.setflags(write=False)
    return out


@lru_cache(maxsize=8)
def grid(size: Size) -> tuple[Array, Array]:
    """Unit coordinates (x, y) of pixel centres, each (height, width)."""
    width, height = size
    x = (np.arange(width, dtype=np.float32) + 0.5) / width
    y = (np.arange(height, dtype=np.float32) + 0.5) / height
    return np.broadcast_to(x[None, :], (height, width)), np.broadcast_to(y[:, None], (height, width))


@lru_cache(maxsize=8)
def _square(size: Size) -> tuple[Array, Array]:
    """Coordinates in units of the shorter side."""
    x, y = grid(size)
    return x * (size[0] / min(size)), y * (size[1] / min(size))


@lru_cache(maxsize=8)
def grain(size: Size, cells: int = 26) -> Array:
    """Fixed paper noise of about unit variance with `cells` bumps along the shorter side."""
    pitch = max(1.0, min(size) / cells)
    shape = (int(size[1] / pitch) + 1, int(size[0] / pitch) + 1)
    noise = np.random.Generator(np.random.PCG64(7)).standard_normal(shape)
    return frozen(
        np.asarray(Image.fromarray(noise.astype(np.float32)).resize(size, Image.Resampling.BICUBIC), dtype=np.float32)
    )


@lru_cache(maxsize=8)
def edge(size: Size) -> Array:
    """Distance to the nearest border in units of the shorter side."""
    (x, y), (w, h) = _square(size), (size[0] / min(size), size[1] / min(size))
    return frozen(np.minimum(np.minimum(x, w - x), np.minimum(y, h - y)))


@lru_cache(maxsize=8)
def hatching(size: Size) -> tuple[Array, Array]:
    """Two crossed sets of diagonal pen lines; 1 on a line."""
    x, y = _square(size)
    lines = [np.abs((along * 16) % 1 - 0.5) * 2 for along in (x + y, x - y)]
    return frozen(step(lines[0], 0.48, 0.8)), frozen(step(lines[1], 0.48, 0.8))


@lru_cache(maxsize=8)
def _dot_field(size: Size, pitch: float, turned: bool) -> Array:
    x, y = _square(size)
    u, v = (x + y, x - y) if turned else (x, y)
    waves = np.cos(u * (2 * np.pi * pitch)) + np.cos(v * (2 * np.pi * pitch))
    return frozen(0.5 - 0.25 * waves)


def dots(cover: Array, size: Size, pitch: float = 16.0, turned: bool = True) -> Array:
    """A dot screen whose dots cover the share `cover` of the paper; 1 is printed."""
    return step(cover - _dot_field(size, pitch, turned), -0.13, 0.13)
