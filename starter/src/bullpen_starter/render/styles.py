"""Styles: four ways to put a lit scene on paper, and the uncoloured sketch.

Each style is a function of the lit scene and its layers; lines are laid on last so that they stay crisp.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from PIL import Image, ImageFilter

from bullpen_starter.render.light import Lit, grid, luminance, rgb
from bullpen_starter.render.stage import Array, Layers

Size = tuple[int, int]
Style = Callable[[Lit, Layers, Size], Array]


def _step(value: Array, low: float, high: float) -> Array:
    t = np.clip((value - low) / (high - low), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def _ink_lines(picture: Array, lines: Array, colour: tuple[int, int, int], strength: float) -> Array:
    alpha = np.clip(lines * strength, 0, 1)[..., None]
    return (picture * (1 - alpha) + rgb(colour) * alpha).astype(np.float32)


def blur(picture: Array, radius: float) -> Array:
    """Gaussian blur of (height, width, 3) or (height, width)."""
    image = Image.fromarray(np.clip(picture * 255 + 0.5, 0, 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32) / 255


@lru_cache(maxsize=8)
def _grain(size: Size) -> Array:
    noise = np.random.Generator(np.random.PCG64(7)).standard_normal((size[1] // 5 + 1, size[0] // 5 + 1))
    return np.asarray(
        Image.fromarray(noise.astype(np.float32)).resize(size, Image.Resampling.BICUBIC), dtype=np.float32
    )


@lru_cache(maxsize=8)
def _edge(size: Size) -> Array:
    x, y = grid(size)
    near: Array = np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y))
    return near


def flat(lit: Lit, layers: Layers, size: Size) -> Array:
    """Saturated cel colour, hard shadow planes, even black outlines."""
    grey = luminance(lit.colour)[..., None]
    colour = np.clip(grey + (lit.colour - grey) * 1.25, 0, 1)
    return _ink_lines(colour, layers.lines, (18, 16, 28), 1.0)


def watercolour(lit: Lit, layers: Layers, size: Size) -> Array:
    """Soft washes on grained paper with a white rim, thin brown pencil."""
    paper = rgb((253, 249, 240))
    wash = blur(lit.colour, size[0] / 80)
    wash = wash * 0.72 + paper * 0.28
    wash = wash * (1 - 0.16 * blur(layers.lines, size[0] / 64)[..., None])
    wash = wash * (1 + 0.03 * _grain(size)[..., None])
    out = _ink_lines(wash, layers.lines, (104, 76, 72), 0.68)
    rim = _step(_edge(size) + 0.008 * _grain(size), 0.02, 0.06)[..., None]
    rimmed: Array = paper * (1 - rim) + out * rim
    return rimmed


def ink(lit: Lit, layers: Layers, size: Size) -> Array:
    """Black pen on tinted paper: hatching at one angle, then across, then solid black."""
    x, y = grid(size)
    night = 0.3 * (lit.light.glow == 1.0)
    tone = np.maximum(lit.tone - night - 0.16 * layers.sky * (lit.light.glow > 0.5), lit.emission)
    along = np.abs(((x + y) * 25.6) % 1 - 0.5) * 2
    across = np.abs(((x - y) * 25.6) % 1 - 0.5) * 2
    dark = _step(along, 0.5, 0.8) * _step(0.7 - tone, 0.0, 0.12)
    dark = np.maximum(dark, _step(across, 0.5, 0.8) * _step(0.48 - tone, 0.0, 0.1))
    dark = np.maximum(dark, _step(0.27 - tone, 0.0, 0.08))
    paper = rgb(lit.light.tint)
    out = paper + (rgb((255, 244, 190)) - paper) * (lit.emission * 0.8)[..., None]
    out = out * (1 - 0.86 * dark[..., None]) + rgb((26, 24, 36)) * 0.86 * dark[..., None]
    return _ink_lines(out, layers.lines, (16, 14, 24), 1.0)


def noir(lit: Lit, layers: Layers, size: Size) -> Array:
    """Two tones and little between: black shadow, tinted light, white edges on black."""
    _, y = grid(size)
    tone = lit.tone - 0.3 * layers.sky * np.clip(1.1 - 2.2 * y, 0, 1) - 0.12 * (lit.light.glow == 1.0)
    tone = tone - 0.5 * np.clip(0.16 - _edge(size), 0, 1)
    bright = np.maximum(_step(tone, 0.44, 0.66), lit.emission)
    middle = _step(tone, 0.3, 0.42) * 0.2
    light = rgb(lit.light.tint) * 0.97
    level = np.maximum(bright, middle)[..., None]
    out = rgb((10, 10, 16)) * (1 - level) + light * level
    edge = layers.lines * (1 - bright)
    out = out + (light * 0.5 - out) * (edge * 0.55)[..., None]
    return _ink_lines(out, layers.lines * bright, (8, 8, 12), 1.0)


def sketch(lit: Lit, layers: Layers, size: Size) -> Array:
    """Pencil outlines on white: the source of the first stage, the same at any time and in any weather."""
    paper = np.broadcast_to(rgb((252, 252, 250)), (*layers.lines.shape, 3)).astype(np.float32)
    return _ink_lines(paper, layers.lines, (52, 54, 62), 0.92)


def frame(picture: Array, style: str, size: Size) -> Array:
    """The black panel border; watercolour keeps its paper rim instead."""
    if style == "watercolour":
        return picture
    border = 1 - _step(_edge(size), 0.008, 0.018)
    return _ink_lines(picture, border, (14, 12, 18), 1.0)


STYLE_FUNCTIONS: dict[str, Style] = {
    "flat": flat,
    "watercolour": watercolour,
    "ink": ink,
    "noir": noir,
    "sketch": sketch,
}
