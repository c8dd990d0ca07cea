"""Light: palette mixing by the seed, the sky of a time of day, and lit windows and lamps.

The result is a picture before style: colour per pixel, a tone for styles without colour, and how much of each pixel
shines by itself. Seeds show in large, soft-edged areas: colours, clouds, the shadows of clouds on the ground.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from bullpen_starter.render import variation as vary
from bullpen_starter.render.palette import LAMP, LIGHTS, Light
from bullpen_starter.render.screens import Size, frozen, grid, step
from bullpen_starter.render.spec import Variation
from bullpen_starter.render.stage import Array, Layers


@dataclass(frozen=True, slots=True)
class Lit:
    """A lit scene; arrays of (height, width), colours of (height, width, 3), all float32."""

    colour: Array
    tone: Array  # brightness for styles without colour, sky included; about 0..1
    surface: Array  # colour before the hour
    clouds: Array
    pools: Array  # soft and signed: where a seed makes the tone lighter or darker
    shadow: Array  # shadows of clouds on the ground
    warmth: Array  # soft and signed: how much paper and ink lean to the cool palette
    emission: Array
    light: Light
    time: str


def rgb(colour: tuple[int, int, int]) -> Array:
    """A colour as a float array of shape (3,) in 0..1."""
    return np.asarray(colour, dtype=np.float32) / 255


def luminance(colour: Array) -> Array:
    """Rec. 601 luma of (..., 3)."""
    return colour @ np.asarray((0.299, 0.587, 0.114), dtype=np.float32)


def albedo(layers: Layers, size: Size, seed: int) -> Array:
    """Surface colours: the two palettes mixed by the colour field of the seed."""
    mix = 0.85 * vary.soft(seed, vary.HUE, size, 4) + 0.5 * vary.soft(seed, vary.HUE, size, 2)
    share = (1 / (1 + np.exp(-1.1 * mix)))[..., None]
    value = 1 + 0.05 * vary.soft(seed, vary.VALUE, size, 2)[..., None]
    mixed: Array = np.clip((layers.warm + (layers.cool - layers.warm) * share) * value, 0, 1)
    return mixed


@lru_cache(maxsize=8)
def _grading(size: Size, seed: int, strength: float) -> Array:
    tint = vary.soft(seed, vary.HUE, size, 4)[..., None] * np.asarray((-0.09, -0.01, 0.1), dtype=np.float32)
    value = vary.soft(seed, vary.VALUE, size, 4)[..., None] * np.asarray((0.04, 0.06, 0.04), dtype=np.float32)
    return frozen(1 + strength * (tint + value))


def wash(picture: Array, size: Size, seed: int, strength: float) -> Array:
    """Lay the grading of a seed over a picture: wide soft areas a little warmer or cooler, lighter or darker."""
    graded: Array = picture * _grading(size, seed, strength)
    return graded


def _stars(field: vary.Field, size: Size) -> Array:
    width, height = size[0] * 2, size[1] * 2
    board = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(board)
    radius = min(width, height) * 0.0105
    for row, column in np.argwhere(field[vary.LIGHT] > 0.2):
        x, y = (column + 0.5) / vary.CELLS * width, (row + 0.5) / vary.CELLS * height
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), 255)
    return np.asarray(board.reduce(2), dtype=np.float32) / 255


# Brightness of the sky at the top, at the horizon, of clouds, and of sun or moon, for styles without colour.
SKY_TONE = {
    "dawn": (0.86, 0.6, 0.97, 1.0),
    "day": (0.62, 1.0, 1.0, 1.0),
    "dusk": (0.24, 0.86, 0.46, 1.0),
    "night": (0.02, 0.26, 0.42, 1.0),
}


@lru_cache(maxsize=8)
def _backdrop(time: str, size: Size) -> tuple[Array, Array, Array]:
    """What no seed changes: the gradient as colour and as tone, and the disc of sun or moon."""
    light = LIGHTS[time]
    x, y = grid(size)
    t = np.clip(y / 0.6, 0, 1)
    out = rgb(light.zenith) + (rgb(light.horizon) - rgb(light.zenith)) * t[..., None]
    zenith, horizon, _, _ = SKY_TONE[time]
    wide, high = size[0] / min(size), size[1] / min(size)
    dx, dy = light.disc_at
    across, down = ((x[:1] - dx) * wide) ** 2, ((y[:, :1] - dy) * high) ** 2
    halo = np.exp(across * (-1 / 0.0256)) * np.exp(down * (-1 / 0.0256))
    out += (rgb(light.disc) - out) * (0.45 * halo)[..., None]
    disc = np.clip((0.062 - np.sqrt(across + down)) * 90, 0, 1)
    return frozen(out), frozen(zenith + (horizon - zenith) * t), frozen(disc)


def sky(light: Light, time: str, size: Size, seed: int) -> tuple[Array, Array, Array]:
    """Gradient, sun or moon, clouds and stars: colour (height, width, 3), tone and clouds (height, width)."""
    _, y = grid(size)
    field = vary.fields(seed)
    colour, tone, disc = _backdrop(time, size)
    out = colour.copy()
    _, _, cloud_tone, disc_tone = SKY_TONE[time]
    if time == "night":
        stars = _stars(field, size)
        out += (1 - out) * stars[..., None]
        tone = np.maximum(tone, stars)
    raw = vary.soft(seed, vary.CLOUD, size, 2)
    clouds = (0.6 * step(raw, 0.05, 0.35) + 0.4 * step(raw, 0.7, 1.0)) * np.clip(1.6 - 1.5 * y, 0, 1)
    cloud_colour = rgb(light.horizon) * 0.35 + np.asarray(light.lit, dtype=np.float32) * 0.65
    out += (cloud_colour - out) * (0.65 * clouds)[..., None]
    tone = tone + (cloud_tone - tone) * clouds
    out += (rgb(light.disc) - out) * disc[..., None]
    tone = tone + (disc_tone - tone) * disc
    return out, tone, clouds


def emission(layers: Layers, light: Light, size: Size, seed: int) -> Array:
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
            top, left = max(0, round(y0 * height)), max(0, round(x0 * width))
            box = slice(top, max(round(y1 * height), top + 1)), slice(left, max(round(x1 * width), left + 1))
            out[box] = layers.pane[box]
    wide, high = size[0] / min(size), size[1] / min(size)
    x, y = grid(size)
    for lx, ly in layers.lamps:
        near_x = np.exp(((x[:1] - lx) * wide) ** 2 * (-1 / 0.0045))
        near_y = np.exp(((y[:, :1] - ly) * high) ** 2 * (-1 / 0.0045))
        np.maximum(out, near_x * near_y * light.glow, out=out)
    return out


def illuminate(layers: Layers, size: Size, time: str, variation: Variation) -> Lit:
    """Light the layers of one layout."""
    light = LIGHTS[time]
    surface = albedo(layers, size, variation.colours)
    shade = layers.shade * 0.9
    cast = step(vary.soft(variation.sky, vary.BANK, size, 2), -0.05, 0.55) * (1 - layers.sky)
    above, sky_tone, clouds = sky(light, time, size, variation.sky)
    lit, shadow = np.asarray(light.lit, dtype=np.float32), np.asarray(light.shadow, dtype=np.float32)
    colour = surface * (lit + (shadow - lit) * shade[..., None])
    colour *= (1.03 + 0.06 * light.glow - (0.16 + 0.08 * light.glow) * cast)[..., None]
    colour += (above - colour) * layers.sky[..., None]
    glow = emission(layers, light, size, variation.sky)
    colour += (rgb(LAMP) - colour) * (glow * 0.92)[..., None]
    pools = 0.04 * vary.soft(variation.colours, vary.VALUE, size, 4) + 0.03 * vary.soft(
        variation.colours, vary.VALUE, size, 2
    )
    pools *= (1 - 0.66 * layers.shade) * (1 - layers.sky)
    plain = luminance((layers.warm + layers.cool) * 0.5) * (1 - 0.66 * layers.shade)
    tone = plain + pools + 0.06 - 0.08 * cast
    tone = tone + (sky_tone - tone) * layers.sky
    warmth = vary.soft(variation.colours, vary.HUE, size, 4)
    return Lit(np.clip(colour, 0, 1), tone, surface, clouds, pools, cast, warmth, glow, light, time)
