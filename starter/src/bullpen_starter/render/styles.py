"""Styles: six ways to put a lit scene on paper, and the uncoloured sketch.

Each style is a function of the lit scene and its layers; lines are laid on last so that they stay crisp.
"""

from collections.abc import Callable

import numpy as np

from bullpen_starter.render.light import Lit, luminance, rgb
from bullpen_starter.render.palette import RISO, Colour
from bullpen_starter.render.screens import Size, blur, dots, edge, grain, grid, hatching, step
from bullpen_starter.render.stage import Array, Layers

Style = Callable[[Lit, Layers, Size], Array]


def _ink_lines(picture: Array, lines: Array, colour: Colour, strength: float) -> Array:
    alpha = np.clip(lines * strength, 0, 1)[..., None]
    inked: Array = picture + (rgb(colour) - picture) * alpha
    return inked


def _paper(lit: Lit, tint: Array, lean: float = 0.025) -> Array:
    """Paper of one tint that leans to warm or cool with the colours of the seed."""
    paper: Array = tint * (1 + lit.warmth[..., None] * np.asarray((-lean, 0, lean), dtype=np.float32))
    return np.clip(paper, 0, 1)


def flat(lit: Lit, layers: Layers, size: Size) -> Array:
    """Saturated cel colour, hard shadow planes, even black outlines."""
    grey = luminance(lit.colour)[..., None]
    colour = np.clip(grey + (lit.colour - grey) * 1.25, 0, 1)
    return _ink_lines(colour, layers.lines, (18, 16, 28), 1.0)


def watercolour(lit: Lit, layers: Layers, size: Size) -> Array:
    """Soft washes on grained paper with a white rim, thin brown pencil."""
    paper = rgb((253, 249, 240))
    wash = blur(lit.colour, size[0] / 80)
    wash = wash * 0.74 + paper * 0.26
    wash *= 1 - 0.16 * blur(layers.lines, size[0] / 64)[..., None]
    wash *= 1 + 0.03 * grain(size)[..., None]
    out = _ink_lines(wash, layers.lines, (104, 76, 72), 0.68)
    rim = step(edge(size) + 0.005 * grain(size), 0.008, 0.036)[..., None]
    rimmed: Array = paper + (out - paper) * rim
    return rimmed


def hatched(tone: Array, size: Size) -> Array:
    """Pen cover of a tone: hatching, then across, then solid black."""
    along, across = hatching(size)
    dark = along * step(0.68 - tone, 0.0, 0.12)
    dark = np.maximum(dark, across * step(0.46 - tone, 0.0, 0.1))
    solid: Array = np.maximum(0.8 * dark, step(0.24 - tone, 0.0, 0.08))
    return solid


# By day the pen draws on cream, so that it is not taken for a manga page.
CREAM = np.asarray((1.0, 0.965, 0.86), dtype=np.float32)


def ink(lit: Lit, layers: Layers, size: Size) -> Array:
    """Black pen on tinted paper: hatching at one angle, then across, then solid black."""
    night = 0.12 * (lit.light.glow == 1.0)
    tone = np.maximum(lit.tone - night * (1 - layers.sky), lit.emission)
    black = step(0.2 - tone, 0.0, 0.06)
    dark = (0.9 * hatched(tone, size))[..., None]
    out = _paper(lit, rgb(lit.light.tint) * (CREAM if lit.time == "day" else 1))
    out = out + (rgb((255, 244, 190)) - out) * (lit.emission * 0.8)[..., None]
    out += (rgb((26, 24, 36)) - out) * dark
    out += (0.6 * rgb(lit.light.tint) - out) * (layers.lines * black * 0.8)[..., None]
    return _ink_lines(out, layers.lines * (1 - black), (16, 14, 24), 1.0)


def noir(lit: Lit, layers: Layers, size: Size) -> Array:
    """Two tones and little between: black shadow, tinted light, white edges on black."""
    tone = lit.tone - 0.35 * lit.pools + 0.05 * lit.shadow - 0.14 * layers.sky - 0.12 * (lit.light.glow == 1.0)
    tone = tone - 0.5 * np.clip(0.14 - edge(size), 0, 1)
    bright = np.maximum(step(tone, 0.4, 0.6), lit.emission)
    middle = step(tone, 0.26, 0.38) * 0.3
    light = _paper(lit, rgb(lit.light.tint) * 0.97)
    out = rgb((10, 10, 16)) + (light - rgb((10, 10, 16))) * np.maximum(bright, middle)[..., None]
    out += (light * 0.55 - out) * (layers.lines * (1 - bright) * 0.55)[..., None]
    return _ink_lines(out, layers.lines * bright, (8, 8, 12), 1.0)


def screentone(tone: Array, size: Size) -> Array:
    """Print cover of a tone in sheets: none, light dots, dense dots, solid black."""
    light, dense = step(0.7 - tone, 0.0, 0.05), step(0.5 - tone, 0.0, 0.05)
    cover = 0.3 * light + 0.22 * dense
    printed = 0.4 * cover + 0.55 * dots(cover - 0.14 * (1 - light), size)
    return np.maximum(printed, step(0.27 - tone, 0.0, 0.05))


def manga(lit: Lit, layers: Layers, size: Size) -> Array:
    """Black lines and sheets of grey dots on nearly white paper, solid black where it is dark."""
    night = lit.light.glow == 1.0
    tone = np.maximum(lit.tone - 0.16 * night * (1 - layers.sky), lit.emission)
    share = {"dawn": 0.8, "day": 0.1, "dusk": 0.62, "night": 0.5}[lit.time]
    paper = _paper(lit, 1 - share + share * rgb(lit.light.tint), 0.02)
    paper = paper + (1 - paper) * np.maximum(lit.emission, layers.sky * (lit.tone > 0.97))[..., None]
    cover = screentone(tone, size)
    out = _ink_lines(paper, cover, (22, 22, 28), 0.88)
    black = step(0.24 - tone, 0.0, 0.06)
    out += (0.75 - out) * (layers.lines * black * 0.8)[..., None]
    return _ink_lines(out, layers.lines * (1 - black), (8, 8, 12), 1.0)


# Plate covers of the risograph sky: first ink at the top and at the horizon, second ink likewise.
RISO_SKY = {
    "dawn": (0.1, 0.75, 0.3, 0.0),
    "day": (0.0, 0.0, 0.5, 0.12),
    "dusk": (0.45, 1.0, 0.5, 0.0),
    "night": (0.35, 0.0, 1.0, 0.75),
}


def risograph(lit: Lit, layers: Layers, size: Size) -> Array:
    """Two inks that depend on the hour, one grained and a little out of register, the other in dots; bare paper."""
    first, second = (rgb(colour) for colour in RISO[lit.time])
    _, y = grid(size)
    t = np.clip(y / 0.6, 0, 1)
    a0, a1, b0, b1 = RISO_SKY[lit.time]
    grey = luminance(lit.surface)[..., None]
    base = grey + (lit.surface - grey) * 1.5
    shade = np.maximum(layers.shade, 0.6 * lit.shadow)
    dark = 0.35 * lit.light.glow**2
    plate_a = np.clip(1.35 - 0.85 * (base[..., 1] + base[..., 2]), 0, 1) * (1 - 0.2 * dark)
    plate_b = np.clip(0.92 - 1.05 * base[..., 0], 0, 1) * 0.85 + 0.34 * shade + dark
    above = layers.sky
    plate_a += ((a0 + (a1 - a0) * t) * (1 - 0.7 * lit.clouds) - plate_a) * above
    plate_b += ((b0 + (b1 - b0) * t) * (1 - (0.85 - 0.45 * lit.light.glow**2) * lit.clouds) - plate_b) * above
    disc = above * (lit.tone > 0.97) * (lit.clouds < 0.3)
    if lit.time != "day":
        plate_a, plate_b = plate_a * (1 - disc), plate_b * (1 - disc)
    plate_a = np.clip(plate_a * (0.94 + 0.1 * grain(size, 64)), 0, 1) * (1 - lit.emission)
    shift = max(1, round(min(size) / 110))
    plate_a = np.roll(plate_a, (shift, -shift), (0, 1))
    plate_b = np.clip(plate_b, 0, 1)
    plate_b = (0.6 * plate_b + 0.4 * dots(plate_b * 1.1 - 0.06, size)) * (1 - lit.emission)
    out: Array = _paper(lit, rgb((250, 246, 236)), 0.02) * (1 - plate_a[..., None] * (1 - first))
    out *= 1 - plate_b[..., None] * (1 - second)
    key = second * 0.45
    out += (key - out) * layers.lines[..., None]
    return out


def sketch(lit: Lit, layers: Layers, size: Size) -> Array:
    """Pencil outlines on white: the source of the first stage, the same at any time and in any weather."""
    paper = np.broadcast_to(rgb((252, 252, 250)), (*layers.lines.shape, 3))
    return _ink_lines(paper, layers.lines, (52, 54, 62), 0.92)


def frame(picture: Array, style: str, size: Size) -> Array:
    """A hairline of black at the very edge; watercolour keeps its paper rim instead."""
    if style == "watercolour":
        return picture
    return _ink_lines(picture, 1 - step(edge(size), 0.007, 0.0165), (14, 12, 18), 1.0)


STYLE_FUNCTIONS: dict[str, Style] = {
    "flat": flat,
    "watercolour": watercolour,
    "ink": ink,
    "noir": noir,
    "manga": manga,
    "risograph": risograph,
    "sketch": sketch,
}
