"""Heroes: recolourable figures drawn with a bold outline, and the mask of exactly the pixels they cover.

A figure stands in the foreground at one of three places. Build, hair, colour and outfit come from the character;
which way it faces and whether it waves is left open and read from the variation field at its chest.
"""

from PIL import Image, ImageDraw

from bullpen_starter.render.palette import CLOTH, HAIR, SKIN, Colour
from bullpen_starter.render.spec import Character
from bullpen_starter.render.variation import LIGHT, SHIFT, Field, patch

PLACE_X = {"left": 0.21, "centre": 0.5, "right": 0.79}
CHEST_Y = 0.66
INK: Colour = (22, 18, 26)


def _darker(colour: Colour, by: float = 0.7) -> Colour:
    return (round(colour[0] * by), round(colour[1] * by), round(colour[2] * by))


class _Pen:
    """Draws in figure units: x from -0.5 to 0.5, y from 0 (crown) to 1 (feet), mirrored by `facing`."""

    def __init__(self, layer: Image.Image, x: float, top: float, height: float, facing: int) -> None:
        self._draw = ImageDraw.Draw(layer)
        self._x, self._top, self._h, self._facing = x, top, height, facing
        self._width = max(1, round(height * 0.02))

    def _at(self, x: float, y: float) -> tuple[float, float]:
        return self._x + x * self._facing * self._h, self._top + y * self._h

    def shape(self, points: list[tuple[float, float]], fill: Colour) -> None:
        px = [self._at(x, y) for x, y in points]
        self._draw.polygon(px, fill=(*fill, 255))
        self._draw.line([*px, px[0], px[1]], fill=(*INK, 255), width=self._width, joint="curve")

    def plain(self, points: list[tuple[float, float]], fill: Colour) -> None:
        self._draw.polygon([self._at(x, y) for x, y in points], fill=(*fill, 255))

    def oval(self, x: float, y: float, rx: float, ry: float, fill: Colour, outline: bool = True) -> None:
        cx, cy = self._at(x, y)
        box = (cx - rx * self._h, cy - ry * self._h, cx + rx * self._h, cy + ry * self._h)
        if outline:
            self._draw.ellipse(box, fill=(*fill, 255), outline=(*INK, 255), width=self._width)
        else:
            self._draw.ellipse(box, fill=(*fill, 255))

    def limb(self, points: list[tuple[float, float]], fill: Colour, width: float) -> None:
        px = [self._at(x, y) for x, y in points]
        thick = max(2, round(width * self._h))
        self._draw.line(px, fill=(*INK, 255), width=thick + 2 * self._width, joint="curve")
        self._draw.line(px, fill=(*fill, 255), width=thick, joint="curve")


def _hair_behind(pen: _Pen, who: Character) -> None:
    if who.build == "woman":
        pen.shape([(-0.15, 0.1), (0.0, 0.0), (0.13, 0.08), (0.16, 0.3), (0.1, 0.36), (-0.19, 0.38)], HAIR[who.hair])


def _head(pen: _Pen, who: Character) -> None:
    hair = HAIR[who.hair]
    pen.oval(0.01, 0.155, 0.105, 0.125, SKIN)
    pen.plain([(-0.05, 0.2), (-0.09, 0.12), (-0.1, 0.2), (-0.05, 0.27)], _darker(SKIN, 0.82))
    if who.build == "woman":
        pen.shape(
            [(-0.13, 0.24), (-0.14, 0.07), (-0.04, -0.01), (0.07, 0.0), (0.14, 0.1), (0.04, 0.09), (-0.06, 0.12)], hair
        )
    else:
        pen.shape(
            [(-0.12, 0.18), (-0.13, 0.04), (-0.03, -0.025), (0.1, -0.01), (0.15, 0.08), (0.05, 0.085), (-0.07, 0.1)],
            hair,
        )
    pen.oval(0.03, 0.155, 0.014, 0.022, INK, outline=False)
    pen.oval(0.085, 0.155, 0.013, 0.022, INK, outline=False)
    pen.plain([(0.03, 0.218), (0.08, 0.214), (0.078, 0.228), (0.032, 0.232)], _darker(SKIN, 0.5))


def _clothes(pen: _Pen, who: Character, waving: bool) -> None:
    cloth = CLOTH[who.colour]
    dim, trousers = _darker(cloth), (58, 54, 70)
    wide = 0.13 if who.build == "woman" else 0.165
    if who.outfit == "dress":
        for x in (-0.055, 0.055):
            pen.limb([(x, 0.72), (x, 0.95)], SKIN, 0.055)
            pen.limb([(x, 0.96), (x + 0.04, 0.97)], trousers, 0.05)
        body = [(-wide, 0.31), (wide, 0.31), (0.09, 0.5), (0.24, 0.8), (-0.24, 0.8), (-0.09, 0.5)]
        shaded = [(-wide, 0.31), (-0.05, 0.31), (-0.04, 0.5), (-0.1, 0.8), (-0.24, 0.8), (-0.09, 0.5)]
    elif who.outfit == "coat":
        for x in (-0.07, 0.07):
            pen.limb([(x, 0.8), (x, 0.95)], trousers, 0.08)
            pen.limb([(x, 0.965), (x + 0.04, 0.97)], INK, 0.05)
        body = [(-wide, 0.31), (wide, 0.31), (wide * 0.95, 0.55), (0.21, 0.86), (-0.21, 0.86), (-wide * 0.95, 0.55)]
        shaded = [(-wide, 0.31), (-0.05, 0.31), (-0.06, 0.55), (-0.08, 0.86), (-0.21, 0.86), (-wide * 0.95, 0.55)]
    else:
        for x in (-0.07, 0.07):
            pen.limb([(x, 0.58), (x, 0.94)], trousers, 0.1)
            pen.limb([(x, 0.965), (x + 0.04, 0.97)], INK, 0.05)
        body = [(-wide, 0.31), (wide, 0.31), (wide * 1.05, 0.62), (-wide * 1.05, 0.62)]
        shaded = [(-wide, 0.31), (-0.05, 0.31), (-0.05, 0.62), (-wide * 1.05, 0.62)]
    pen.limb([(-wide + 0.01, 0.36), (-wide - 0.05, 0.5), (-wide - 0.02, 0.6)], dim, 0.08)
    pen.oval(-wide - 0.02, 0.62, 0.032, 0.032, SKIN)
    pen.shape(body, cloth)
    pen.plain(shaded, dim)
    pen.shape([(-0.035, 0.28), (0.06, 0.28), (0.045, 0.34), (0.01, 0.37), (-0.025, 0.34)], SKIN)
    if who.outfit != "dress":
        pen.plain([(0.005, 0.38), (0.018, 0.38), (0.018, 0.6), (0.005, 0.6)], INK)
    if who.outfit == "coat":
        pen.plain([(-wide * 0.95, 0.53), (wide * 0.95, 0.53), (wide * 0.95, 0.56), (-wide * 0.95, 0.56)], INK)
    if waving:
        pen.limb([(wide - 0.02, 0.36), (wide + 0.09, 0.34), (wide + 0.11, 0.18)], cloth, 0.08)
        pen.oval(wide + 0.11, 0.13, 0.04, 0.04, SKIN)
    else:
        pen.limb([(wide - 0.01, 0.36), (wide + 0.05, 0.5), (wide + 0.03, 0.6)], cloth, 0.08)
        pen.oval(wide + 0.03, 0.62, 0.032, 0.032, SKIN)


def figure(who: Character, size: tuple[int, int], pose: Field) -> Image.Image:
    """One hero as an RGBA layer of `size`, standing at its place."""
    width, height = size
    layer = Image.new("RGBA", (width * 2, height * 2), (0, 0, 0, 0))
    x = PLACE_X[who.place]
    facing = 1 if patch(pose, LIGHT, x, CHEST_Y) >= 0 else -1
    waving = patch(pose, SHIFT, x, CHEST_Y) >= 0.3
    tall = 1.22 if who.build == "man" else 1.16
    pen = _Pen(layer, x * width * 2, height * 2 * (0.98 - 0.54 * tall), height * 2 * 0.54 * tall, facing)
    _hair_behind(pen, who)
    _clothes(pen, who, waving)
    _head(pen, who)
    return layer.reduce(2)
