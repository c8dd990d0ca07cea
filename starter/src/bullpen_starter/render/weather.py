"""Weather in two parts: the air, which lies behind the heroes, and the drops, which fall in front of them.

Where streaks, flakes and fog banks are is read from the variation field, cell by cell.
"""

import numpy as np
from PIL import Image, ImageDraw

from bullpen_starter.render import variation as vary
from bullpen_starter.render.light import Lit, luminance, rgb
from bullpen_starter.render.stage import Array, Layers

Size = tuple[int, int]
PAPER_STYLES = ("ink", "watercolour")


def _air_colour(lit: Lit, base: tuple[int, int, int], share: float) -> Array:
    """A weather colour under the light of the hour."""
    level = np.asarray(lit.light.lit, dtype=np.float32)
    mixed = rgb(base) * level * (1 - share) + rgb(lit.light.tint) * share * (0.55 + 0.45 * float(level.mean()))
    return np.asarray(mixed, dtype=np.float32)


def air(picture: Array, lit: Lit, layers: Layers, weather: str, size: Size, seed: int) -> Array:
    """Tint, haze, wet ground or snow cover."""
    if weather == "clear":
        return picture
    field = vary.fields(seed)
    sky = layers.sky[..., None]
    shine = lit.emission[..., None]
    if weather == "rain":
        slate = _air_colour(lit, (112, 128, 152), 0.25)
        grey = luminance(picture)[..., None]
        out = (picture * 0.55 + grey * slate * 0.6) * 0.9
        out = out + (slate * 0.85 - out) * (sky * 0.72)
        out = out + (1 - out) * (layers.wet * 0.16)[..., None]
    elif weather == "snow":
        white = _air_colour(lit, (246, 250, 255), 0.4)
        cloud = _air_colour(lit, (176, 188, 208), 0.25)
        out = picture * 0.86 + cloud * 0.14
        out = out + (cloud - out) * (sky * 0.8)
        out = out + (white - out) * (layers.top * (1 - layers.lines * 0.8) * 0.92)[..., None]
    else:
        mist = _air_colour(lit, (226, 230, 232), 0.5)
        bank = vary.smooth(field, vary.BANK, size, 2)
        alpha = np.clip(0.3 + 0.62 * layers.depth + 0.16 * bank, 0.15, 0.94)[..., None]
        out = picture + (mist - picture) * alpha
    return np.clip(out + (picture - out) * shine * 0.5, 0, 1).astype(np.float32)


def _rain(field: vary.Field, size: Size) -> Array:
    width, height = size[0] * 2, size[1] * 2
    board = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(board)
    step, thick = 1 / vary.CELLS, max(1, round(width / 95))
    for row in range(vary.CELLS):
        for column in range(vary.CELLS):
            for half, channel in ((0.0, vary.DROP_A), (0.5, vary.DROP_B)):
                if field[channel, row, column] < -0.35:
                    continue
                shift = float(np.clip(field[vary.SHIFT, row, column], -1, 1)) * 0.18
                x = (column + 0.3 + half + shift * 0.6) * step
                y = (row + 0.1 + half * 0.7 + shift) * step
                length = 0.105
                draw.line([(x * width, y * height), ((x - length * 0.36) * width, (y + length) * height)], 255, thick)
    return np.asarray(board.reduce(2), dtype=np.float32) / 255


def _snow(field: vary.Field, size: Size) -> Array:
    width, height = size[0] * 2, size[1] * 2
    board = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(board)
    step = 1 / vary.CELLS
    for row in range(vary.CELLS):
        for column in range(vary.CELLS):
            for half, channel in ((0.0, vary.DROP_A), (0.5, vary.DROP_B)):
                value = float(field[channel, row, column])
                if value < -0.35:
                    continue
                shift = float(np.clip(field[vary.SHIFT, row, column], -1, 1)) * 0.16
                x, y = (column + 0.28 + half + shift) * step * width, (row + 0.25 + half - shift) * step * height
                radius = width * (0.0125 + 0.006 * min(1.0, max(0.0, value)))
                draw.ellipse((x - radius, y - radius, x + radius, y + radius), 255)
    return np.asarray(board.reduce(2), dtype=np.float32) / 255


def drops(picture: Array, lit: Lit, style: str, weather: str, size: Size, seed: int) -> Array:
    """Streaks or flakes over everything."""
    if weather not in ("rain", "snow"):
        return picture
    field = vary.fields(seed)
    if weather == "rain":
        mask = _rain(field, size) * 0.8
        colour = rgb((58, 74, 118)) if style in PAPER_STYLES else rgb((224, 236, 255))
    else:
        mask = _snow(field, size) * 0.96
        colour = rgb((255, 255, 255))
    return (picture + (colour - picture) * mask[..., None]).astype(np.float32)
