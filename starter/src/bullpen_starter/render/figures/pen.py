"""The pen: draws a figure once as a map of parts, not of colours.

A part map is an 8-bit picture, twice as large as asked, whose value says what a pixel is: skin, hair, cloth, outline.
Adding `SHADE` to a part means its shadow side, adding `TEXTURE` means a dot or a hatch line on it. Colours are looked
up later, so that one map serves every hero of that shape, every style and every light.
"""

import math
from enum import IntEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Point = tuple[float, float]
Points = tuple[Point, ...]
PartMap = NDArray[np.uint8]

SHADE = 32
TEXTURE = 64
MARGIN = 2  # empty pixels around a figure, for its rim
RING = ((2, 0), (-2, 0), (0, 2), (0, -2), (1, 1), (-1, 1), (1, -1), (-1, -1))


class Part(IntEnum):
    """What a pixel of a figure is."""

    NONE = 0
    RIM = 1
    INK = 2
    SKIN = 3
    HAIR = 4
    CLOTH = 5
    TRIM = 6
    TROUSERS = 7
    SHOE = 8
    EXTRA = 9
    FRAME = 10
    GLOSS = 11
    WHITE = 12
    MOUTH = 13
    BLUSH = 14
    TEAR = 15
    METAL = 16
    GLOW = 17
    VISOR = 18


@lru_cache(maxsize=4096)
def _smooth(points: Points, steps: int = 4) -> Points:
    """A closed Catmull-Rom curve through the points."""
    p = np.asarray(points, dtype=np.float64)
    before, after, beyond = np.roll(p, 1, 0), np.roll(p, -1, 0), np.roll(p, -2, 0)
    t = (np.arange(steps) / steps)[None, :, None]
    a, b, c, d = (q[:, None, :] for q in (before, p, after, beyond))
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return tuple((float(x), float(y)) for x, y in curve.reshape(-1, 2))


class Pen:
    """Draws in figure units: x right of the spine in the direction it faces, y from 0 (crown) to 1 (soles)."""

    def __init__(self, height: int, facing: int, shift: float, half_width: float, headroom: float) -> None:
        self._h = height * 2
        self._cx = math.floor(height * half_width) * 2
        self._top = (math.ceil(height * headroom) + MARGIN) * 2
        self._facing = facing
        self._shift = shift
        self._map = Image.new("L", (self._cx * 2, self._top + self._h + (math.ceil(height * 0.03) + MARGIN) * 2), 0)
        self._draw = ImageDraw.Draw(self._map)
        self._line = max(2, round(self._h * 0.019))

    def _px(self, points: Points) -> list[float]:
        across, down = self._h * self._facing, self._h
        left, top = self._cx + self._shift * across, self._top
        flat: list[float] = []
        for x, y in points:
            flat += (left + x * across, top + y * down)
        return flat

    def _fill(self, p: Points, part: int, axis: float | None, line: bool, pull: float = 0.32) -> None:
        px = self._px(p)
        if axis is None:
            self._draw.polygon(px, fill=part)
        else:
            self._draw.polygon(px, fill=part + SHADE)
            lit = tuple((axis - (axis - x) * pull if x < axis else x, y) for x, y in p)
            self._draw.polygon(self._px(lit), fill=part)
        if line:
            self._draw.line([*px, *px[:4]], fill=Part.INK, width=self._line)

    def blob(self, points: Points, part: int, axis: float | None = None, line: bool = True, pull: float = 0.32) -> None:
        """A smooth closed shape; behind `axis` only the share `pull` of it is not on the shadow side."""
        self._fill(_smooth(points), part, axis, line, pull)

    def poly(self, points: Points, part: int, axis: float | None = None, line: bool = True) -> None:
        """A shape with corners."""
        self._fill(points, part, axis, line)
        if line:
            self._dots(self._px(points), self._line / 2, Part.INK)

    def _dots(self, px: list[float], radius: float, part: int) -> None:
        for x, y in zip(px[::2], px[1::2], strict=True):
            self._draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=part)

    def oval(self, x: float, y: float, rx: float, ry: float, part: int, line: float = 1.0) -> None:
        """An ellipse; `line` scales the width of its outline, 0 leaves it away."""
        cx, cy = self._px(((x, y),))
        rx, ry, more = rx * self._h, ry * self._h, self._line * line / 2
        if line:
            self._draw.ellipse((cx - rx - more, cy - ry - more, cx + rx + more, cy + ry + more), fill=Part.INK)
            rx, ry = rx - more, ry - more
        self._draw.ellipse((cx - rx, cy - ry, cx + rx, cy + ry), fill=part)

    def ring(self, x: float, y: float, rx: float, ry: float, part: int) -> None:
        """A bold ring with a thin dark edge on both sides."""
        cx, cy = self._px(((x, y),))
        rx, ry, line = rx * self._h, ry * self._h, self._line
        for more, colour, width in ((line, Part.INK, line * 2.2), (line * 0.55, part, line * 1.3)):
            box = (cx - rx - more, cy - ry - more, cx + rx + more, cy + ry + more)
            self._draw.ellipse(box, outline=colour, width=max(1, round(width)))

    def _tube(self, px: list[float], part: int, thick: int) -> None:
        self._draw.line(px, fill=part, width=thick)
        self._dots(px, thick / 2 - 0.5, part)

    def stroke(self, points: Points, part: int, width: float) -> None:
        """A line with round ends, `width` in figure units."""
        self._tube(self._px(points), part, max(2, round(width * self._h)))

    def limb(self, points: Points, part: int, width: float) -> None:
        """A tube with an outline, its shadow side behind."""
        px, thick = self._px(points), max(2, round(width * self._h))
        self._tube(px, Part.INK, thick + 2 * self._line)
        self._tube(px, part + SHADE, thick)
        lit = [at + thick * (-0.04 if n % 2 else 0.16 * self._facing) for n, at in enumerate(px)]
        self._tube(lit, part, max(2, round(thick * 0.68)))

    def finished(self) -> PartMap:
        """The part map, (height, width) uint8, with a rim of one pixel of the final size around everything."""
        drawn = np.asarray(self._map)
        height, width = drawn.shape
        solid = np.zeros((height + 4, width + 4), dtype=np.uint8)
        solid[4:-4, 4:-4] = (drawn[2:-2, 2:-2] > 0) * np.uint8(Part.RIM)
        out = np.zeros_like(drawn)
        for dx, dy in RING:
            np.maximum(out, solid[2 + dy : 2 + dy + height, 2 + dx : 2 + dx + width], out=out)
        out[2:-2, 2:-2] = np.maximum(out[2:-2, 2:-2], drawn[2:-2, 2:-2])
        out.setflags(write=False)
        return out
