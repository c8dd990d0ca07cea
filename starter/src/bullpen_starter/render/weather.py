"""Weather in two parts: the air, which lies behind the heroes, and the drops, which fall in front of them.

Clouds, puddles, fog banks and drops are read from the variation field, cell by cell; everything else is taken from the
picture below, so that a weather edit needs nothing that its source does not show.
"""

import numpy as np
from PIL import Image, ImageDraw

from bullpen_starter.render import variation as vary
from bullpen_starter.render.light import Lit, luminance, rgb
from bullpen_starter.render.palette import RISO, STORM_BAND
from bullpen_starter.render.screens import Size, dots, grid, step
from bullpen_starter.render.stage import Array, Layers
from bullpen_starter.render.styles import CREAM, hatched

GREY_STYLES = ("manga", "noir")


def _air_colour(lit: Lit, style: str, base: tuple[int, int, int], share: float) -> Array:
    """A weather colour under the light of the hour, in the inks of the style."""
    level = np.asarray(lit.light.lit, dtype=np.float32)
    mixed = rgb(base) * level * (1 - share) + rgb(lit.light.tint) * share * (0.55 + 0.45 * float(level.mean()))
    if style in GREY_STYLES:
        mixed = mixed * 0.35 + luminance(mixed) * 0.65
    if style == "ink" and lit.time == "day":
        mixed = mixed * CREAM
    if style == "risograph":
        mixed = mixed * 0.4 + 0.6 * (1 - (1 - rgb(RISO[lit.time][1])) * (1 - luminance(mixed)))
    return np.asarray(mixed, dtype=np.float32)


def _rain(picture: Array, lit: Lit, layers: Layers, style: str, size: Size, seed: int) -> Array:
    slate = _air_colour(lit, style, (112, 128, 152), 0.25)
    clouds = step(vary.soft(seed, vary.CLOUD, size, 2), -0.1, 0.4)
    grey = luminance(picture)[..., None]
    out = (picture * 0.55 + grey * slate * 0.6) * 0.92
    out += (slate * (0.72 + 0.32 * clouds)[..., None] - out) * (layers.sky * 0.78)[..., None]
    puddles = step(vary.soft(seed, vary.BANK, size, 2), -0.1, 0.35) * (1 - layers.sky)
    out += (slate * 1.25 - out) * (layers.wet * 0.42 * puddles)[..., None]
    out *= (1 - 0.1 * (1 - puddles) * (1 - layers.sky))[..., None]
    return out


def _snow(picture: Array, lit: Lit, layers: Layers, style: str, size: Size, seed: int) -> Array:
    white = _air_colour(lit, style, (246, 250, 255), 0.4)
    cloud = _air_colour(lit, style, (176, 188, 208), 0.25)
    clouds = step(vary.soft(seed, vary.CLOUD, size, 2), -0.1, 0.4)
    drift = step(vary.soft(seed, vary.BANK, size, 2), -0.2, 0.3)
    out = picture * 0.88 + cloud * 0.12
    out += (cloud * (0.86 + 0.2 * clouds)[..., None] - out) * (layers.sky * 0.82)[..., None]
    cover = layers.top * (1 - layers.lines * 0.8) * (0.72 + 0.24 * drift)
    out += (white * (0.88 + 0.12 * drift)[..., None] - out) * cover[..., None]
    out += (white - out) * (0.2 * drift * (1 - layers.sky) * (1 - layers.lines))[..., None]
    return out


def _fog(picture: Array, lit: Lit, layers: Layers, style: str, size: Size, seed: int) -> Array:
    mist = _air_colour(lit, style, (226, 230, 232), 0.5)
    bank = np.clip(vary.soft(seed, vary.BANK, size, 2), -1.2, 1.2)
    alpha = np.clip(0.3 + 0.56 * layers.depth + 0.2 * bank, 0.1, 0.95)
    shade = 1 - 0.08 * step(-bank, 0.0, 0.8)
    out: Array = picture + (mist * shade[..., None] - picture) * alpha[..., None]
    return out


def _bolt(field: vary.Field, size: Size) -> tuple[Array, Array, float]:
    """Core and rim of a lightning bolt, and its column in unit coordinates."""
    width, height = size[0] * 2, size[1] * 2
    unit = min(width, height)
    column = 1 + int(np.argmax(field[vary.LIGHT, :4, 1:7].mean(axis=0)))
    centre = (column + 0.5) / vary.CELLS
    lean = np.clip(field[vary.SHIFT, :5, column], -1, 1) * 0.035
    points = [(centre, -0.02)]
    for row in range(5):
        points.append((centre + (0.06 if row % 2 else -0.06) + float(lean[row]), 0.1 + 0.14 * row))
    fork = [points[3], (points[3][0] + (0.11 if column < 4 else -0.11), 0.55)]
    layers = []
    for extra in (0.0, 0.013):
        board = Image.new("L", (width, height), 0)
        draw = ImageDraw.Draw(board)
        for path, thick in ((points, 0.026), (fork, 0.016)):
            px = [(x * width, y * height) for x, y in path]
            draw.line(px, 255, max(1, round((thick + extra) * unit)), joint="curve")
        layers.append(np.asarray(board.reduce(2), dtype=np.float32) / 255)
    return layers[0], layers[1], centre


def _storm(picture: Array, lit: Lit, layers: Layers, style: str, size: Size, seed: int) -> Array:
    """Heavy cloud from the top, a pale band above the horizon, a bolt of lightning, the ground in gloom."""
    x, y = grid(size)
    share = np.cumsum(layers.sky.mean(axis=1))
    low = max(0.3, (int(np.argmax(share >= 0.88 * share[-1])) + 1) / size[1])
    height = y / low
    billow = vary.soft(seed, vary.CLOUD, size, 2)
    cloud = step(1.1 - height + 0.17 * np.clip(billow, -1, 1), 0.4, 0.55)
    core = step(billow, 0.0, 0.4) * cloud
    night = lit.light.glow == 1.0
    if style == "ink":
        cover = np.maximum(0.55 * cloud, hatched(0.62 - 0.3 * cloud - 0.25 * core, size) * cloud)
    elif style == "manga":
        cover = np.maximum(0.5 * cloud + 0.4 * dots(0.45 * cloud, size), core) * cloud
    elif style == "risograph":
        cover = cloud * (0.7 + 0.3 * dots(0.2 + 0.7 * core, size))
    else:
        cover = cloud * (0.84 + 0.16 * core)
    gloom = rgb((30, 34, 46)) if style != "risograph" else rgb(RISO[lit.time][1]) * 0.6
    if style in GREY_STYLES:
        gloom = rgb((20, 20, 26))
    gloom = gloom * (0.6 if night else 1.0)
    band = rgb(STORM_BAND[lit.time])
    if style == "manga":
        band = 0.5 + 0.5 * band if not night else 0.4 + 0.4 * band
    above = layers.sky
    ground = 0.64 - 0.07 * step(vary.soft(seed, vary.BANK, size, 2), 0.0, 0.5)
    out = picture * (ground * np.clip(0.6 + 0.5 * y, 0, 1))[..., None]
    cast = rgb(STORM_BAND[lit.time])
    tinted = luminance(out)[..., None] * (0.3 + 0.9 * cast * (0.8 / float(cast.mean())))
    out += (tinted - out) * 0.5
    sky = band + (gloom + 0.07 * (1 - core)[..., None] * band - band) * cover[..., None]
    out += (sky - out) * above[..., None]
    bright, rim, centre = _bolt(vary.fields(seed), size)
    glow = np.exp(((x - centre) / 0.16) ** 2 * -1) * (0.13 - 0.08 * above)
    out += (1 - out) * (glow * np.clip(1.2 - y, 0, 1))[..., None]
    out += (rgb((24, 24, 44)) - out) * (rim * 0.8)[..., None]
    out += (rgb((255, 255, 236)) - out) * bright[..., None]
    return out


AIRS = {"rain": _rain, "snow": _snow, "fog": _fog, "storm": _storm}


def air(picture: Array, lit: Lit, layers: Layers, style: str, weather: str, size: Size, seed: int) -> Array:
    """Tint, haze, wet ground, snow cover or a thunderstorm; lit windows shine through."""
    if weather == "clear":
        return picture
    out = AIRS[weather](picture, lit, layers, style, size, seed)
    out += (picture - out) * (lit.emission * 0.5)[..., None]
    kept: Array = np.clip(out, 0, 1)
    return kept


def _falling(field: vary.Field, size: Size, weather: str) -> tuple[Array, Array]:
    """Cover of the drops and of their dark rims: one drop in each cell whose value is high enough."""
    width, height = size[0] * 2, size[1] * 2
    unit = min(width, height)
    boards = [Image.new("L", (width, height), 0) for _ in range(2)]
    pens = [ImageDraw.Draw(board) for board in boards]
    limit = {"rain": 0.3, "snow": 0.0, "storm": 1.05}[weather]
    step_x, step_y = width / vary.CELLS, height / vary.CELLS
    for row, column in np.argwhere(field[vary.DROP_A] > limit):
        shift = float(np.clip(field[vary.SHIFT, row, column], -1, 1))
        other = float(np.clip(field[vary.DROP_B, row, column], -1, 1))
        x, y = (column + 0.5 + 0.3 * shift) * step_x, (row + 0.5 + 0.28 * other) * step_y
        for pen, extra in zip(pens, (0.0, 0.011), strict=True):
            if weather == "snow":
                radius = unit * (0.019 + 0.004 * other + extra * 0.6)
                pen.ellipse((x - radius, y - radius, x + radius, y + radius), 255)
            else:
                length, lean = (0.1, -0.036) if weather == "rain" else (0.15, 0.105)
                dx, dy = lean * unit / 2, length * unit / 2
                thick = max(1, round(unit * ((0.016 if weather == "rain" else 0.021) + extra)))
                pen.line([(x - dx, y - dy), (x + dx, y + dy)], 255, thick)
    core, rim = (np.asarray(board.reduce(2), dtype=np.float32) / 255 for board in boards)
    return core, rim


def drops(picture: Array, lit: Lit, style: str, weather: str, size: Size, seed: int) -> Array:
    """Streaks or flakes over everything, light with a dark rim so that they show on any ground."""
    if weather not in ("rain", "snow", "storm"):
        return picture
    core, rim = _falling(vary.fields(seed), size, weather)
    white = rgb((255, 255, 255) if weather == "snow" else (228, 238, 255))
    dark = rgb((64, 78, 116) if style not in GREY_STYLES else (54, 56, 66))
    out: Array = picture + (dark - picture) * (rim * 0.5)[..., None]
    out += (white - out) * (core * (0.72 if weather == "storm" else 0.92))[..., None]
    return out
