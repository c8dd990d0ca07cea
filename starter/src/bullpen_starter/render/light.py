"""Light: palette mixing by the seed, the sky of a time of day, and lit windows and lamps.

The result is a picture before style: colour per pixel, and how much of each pixel shines by itself.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bullpen_starter.render import variation as vary
from bullpen_starter.render.palette import LAMP, LIGHTS, Light
from bullpen_starter.render.spec import Variation
from bullpen_starter.render.stage import Array, Layers


@dataclass(frozen=True, slots=True)
class Lit:
    """A lit scene: colour (height, width, 3), tone before colour (height, width), emission (height, width)."""

    colour: Array
    tone: Array
    emission: Array
    light: Light


def rgb(colour: tuple[int, int, int]) -> Array:
    """A colour as a float array of shape (3,) in 0..1."""
    return np.asarray(colour, dtype=np.float32) / 255


def luminance(colour: Array) -> Array:
    """Rec. 601 luma of (..., 3)."""
    return colour @ np.asarray((0.299, 0.587, 0.114), dtype=np.float32)


@lru_cache(maxsize=8)
def grid(size: tuple[int, int]) -> tuple[Array, Array]:
    """Unit coordinates (x, y) of pixel centres, each (height, width)."""
    width, height = size
    x = (np.arange(width, dtype=np.float32) + 0.5) / width
    y = (np.arange(height, dtype=np.float32) + 0.5) / height
    return np.broadcast_to(x[None, :], (height, width)), np.broadcast_to(y[:, None], (height, width))


def albedo(layers: Layers, size: tuple[int, int], seed: int) -> Array:
    """Surface colours: the two palettes mixed by the colour field of the seed."""
    field = vary.fields(seed)
    mix = 0.85 * vary.smooth(field, vary.HUE, size, 4) + 0.5 * vary.smooth(field, vary.HUE, size, 2)
    share = (1 / (1 + np.exp(-2.2 * mix)))[..., None]
    value = 1 + 0.09 * vary.smooth(field, vary.VALUE, size, 2)[..., None]
    return np.clip((layers.warm * (1 - share) + layers.cool * share) * value, 0, 1).astype(np.float32)


def sky(light: Light, time: str, size: tuple[int, int], seed: int) -> Array:
    """Gradient, sun or moon, clouds and stars of one time of day."""
    x, y = grid(size)
    field = vary.fields(seed)
    t = np.clip(y / 0.6, 0, 1)[..., None]
    out = rgb(light.zenith) * (1 - t) + rgb(light.horizon) * t
    dx, dy = light.disc_at
    distance = np.hypot(x - dx, y - dy)
    out = out + (rgb(light.disc) - out) * (0.45 * np.exp(-((distance / 0.16) ** 2)))[..., None]
    if time == "night":
        stars = np.zeros(x.shape, dtype=np.float32)
        for row in range(vary.CELLS):
            for column in range(vary.CELLS):
                if field[vary.LIGHT, row, column] > 0.2:
                    sx, sy = (column + 0.5) / vary.CELLS, (row + 0.5) / vary.CELLS
                    stars = np.maximum(stars, np.exp(-(((x - sx) ** 2 + (y - sy) ** 2) / 0.00012)))
        out = out + (1 - out) * stars[..., None]
    clouds = np.clip((vary.smooth(field, vary.CLOUD, size, 2) - 0.3) * 1.8, 0, 1) * np.clip(1.3 - y, 0, 1)
    cloud_colour = rgb(light.horizon) * 0.35 + np.asarray(light.lit, dtype=np.float32) * 0.65
    out = out + (cloud_colour - out) * (0.7 * clouds)[..., None]
    disc = np.clip((0.062 - distance) * 90, 0, 1)[..., None]
    with_disc: Array = out * (1 - disc) + rgb(light.disc) * disc
    return with_disc.astype(np.float32)


def emission(layers: Layers, light: Light, size: tuple[int, int], seed: int) -> Array:
    """How much each pixel shines: windows chosen by the seed, lamps always, none by day."""
    width, height = size
    out = np.zeros((height, width), dtype=np.float32)
    if light.glow < 0.5:
        return out
    field = vary.fields(seed)
    limit = 0.35 if light.glow < 1 else -0.1
    for window in layers.windows:
        x0, y0, x1, y1 = window.box
        if vary.cell(field, vary.LIGHT, (x0 + x1) / 2, (y0 + y1) / 2) > limit:
            top, left = round(y0 * height), round(x0 * width)
            out[top : max(round(y1 * height), top + 1), left : max(round(x1 * width), left + 1)] = 1.0
    x, y = grid(size)
    for lx, ly in layers.lamps:
        out = np.maximum(out, np.exp(-((x - lx) ** 2 + (y - ly) ** 2) / 0.0045) * light.glow)
    return out.astype(np.float32)


def illuminate(layers: Layers, size: tuple[int, int], time: str, variation: Variation) -> Lit:
    """Light the layers of one layout."""
    light = LIGHTS[time]
    surface = albedo(layers, size, variation.colours)
    shade = (layers.shade * 0.9)[..., None]
    lit, shadow = np.asarray(light.lit, dtype=np.float32), np.asarray(light.shadow, dtype=np.float32)
    colour = surface * (lit * (1 - shade) + shadow * shade)
    above = layers.sky[..., None]
    colour = colour * (1 - above) + sky(light, time, size, variation.sky) * above
    glow = emission(layers, light, size, variation.sky)
    colour = colour + (rgb(LAMP) - colour) * (glow * 0.92)[..., None]
    pools = 0.1 * vary.smooth(vary.fields(variation.colours), vary.VALUE, size, 4)
    tone = (luminance((layers.warm + layers.cool) / 2) + pools) * (1 - 0.72 * layers.shade)
    tone = tone * (1 - layers.sky) + 0.94 * layers.sky
    return Lit(np.clip(colour, 0, 1).astype(np.float32), tone.astype(np.float32), glow, light)
