"""Standing: which pose the seed picks, where a figure's box lies in a panel, and its pixels there."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image

from bullpen_starter.render.figures import body, head
from bullpen_starter.render.figures.frame import FRAMES, stance
from bullpen_starter.render.figures.paint import WHITE_LIGHT, Pixels, Tint, painted, table, textured
from bullpen_starter.render.figures.pen import MARGIN, PartMap, Pen
from bullpen_starter.render.palette import Colour
from bullpen_starter.render.spec import EXPRESSIONS, POSES, SKETCH, STYLES, Character
from bullpen_starter.render.variation import BANK, HUE, LIGHT, SHIFT, VALUE, Field, fields, patch

Size = tuple[int, int]

PLACE_X = {"left": 0.17, "centre": 0.5, "right": 0.83}
CHEST_Y = 0.66
SOLES_Y = 0.975
CACHED_HEIGHT = 200


@dataclass(frozen=True, slots=True)
class Standing:
    """A figure in a panel: its pixels (height, width, 4) and the panel position of their left top corner."""

    pixels: Pixels
    left: int
    top: int

    def clipped(self, size: Size) -> tuple[Pixels, slice, slice]:
        """The pixels inside a panel of `size`, and the rows and columns that they cover."""
        height, width = self.pixels.shape[:2]
        x0, y0 = max(0, self.left), max(0, self.top)
        x1, y1 = min(size[0], self.left + width), min(size[1], self.top + height)
        inside = self.pixels[y0 - self.top : y1 - self.top, x0 - self.left : x1 - self.left]
        return inside, slice(y0, y1), slice(x0, x1)


def resolved(who: Character, pose: Field) -> tuple[Character, int]:
    """The character with pose and expression decided, and which way it faces (1 right, -1 left).

    What the character leaves open is read from the patch of the variation field at its chest, one sign per bit.
    """
    x = PLACE_X[who.place]

    def bit(channel: int) -> int:
        return int(patch(pose, channel, x, CHEST_Y) >= 0)

    return (
        who.doing(
            who.pose or POSES[2 * bit(SHIFT) + bit(BANK)],
            who.expression or EXPRESSIONS[2 * bit(HUE) + bit(VALUE)],
        ),
        1 if bit(LIGHT) else -1,
    )


def _draw(build: str, outfit: str, accessory: str, pose: str, expression: str, facing: int, height: int) -> PartMap:
    frame, who = FRAMES[build], Character(build, "red", "red", outfit, accessory=accessory)
    where = stance(frame, pose, accessory == "hat", outfit == "dress")
    pen = Pen(height, facing, where.shift, frame.half_width, frame.headroom)
    top = head.Head(pen, frame)
    head.hair_behind(top, who)
    body.arm(pen, who, frame, where.back_arm, "standing")
    body.legs(pen, who, frame, where)
    body.neck(pen, who, frame)
    body.outfit(pen, who, frame, pose == "walking")
    head.scarf(top, who, frame)
    if build == "robot":
        head.robot(top, who, expression)
    else:
        head.human(top, who, expression)
    head.worn(top, who)
    body.arm(pen, who, frame, where.front_arm, pose)
    return pen.finished()


@lru_cache(maxsize=2048)
def _kept(build: str, outfit: str, accessory: str, pose: str, expression: str, facing: int, height: int) -> PartMap:
    return _draw(build, outfit, accessory, pose, expression, facing, height)


def part_map(who: Character, facing: int, height: int) -> PartMap:
    """What each pixel of a figure of `height` pixels is; pose and expression have to be decided."""
    if who.pose is None or who.expression is None:
        raise ValueError("a figure needs a pose and an expression before it is drawn")
    draw = _kept if height <= CACHED_HEIGHT else _draw
    return draw(who.build, who.outfit, who.accessory, who.pose, who.expression, facing, height)


def figure_height(who: Character, side: float) -> int:
    """Height in pixels, without hat, of a hero in a panel whose shorter side is `side`."""
    return max(8, round(FRAMES[who.build].tall * side))


def _coloured(ready: Character, facing: int, height: int, style: str, light: Tint, tint: Colour, haze: float) -> Pixels:
    if style not in (*STYLES, SKETCH):
        raise ValueError(f"unknown style {style!r}; known: {', '.join((*STYLES, SKETCH))}")
    parts = textured(part_map(ready, facing, height), style)
    bare = Character(ready.build, ready.hair, ready.colour, ready.outfit, accessory=ready.accessory, skin=ready.skin)
    return painted(parts, table(bare, style, light, tint, haze))


def stand(
    who: Character,
    size: Size,
    pose: Field,
    style: str = "flat",
    light: Tint = WHITE_LIGHT,
    tint: Colour = (255, 255, 255),
    haze: float = 0.0,
) -> Standing:
    """A hero at its place in a panel of `size` (width, height) pixels.

    `pose` is the variation field that decides what the character leaves open; `light` multiplies its colours,
    `haze` in 0..1 is the share of `tint` that the air in front of it adds. Raises `ValueError` for an unknown style.
    """
    ready, facing = resolved(who, pose)
    height = figure_height(who, min(size))
    pixels = _coloured(ready, facing, height, style, light, tint, haze)
    left = round(PLACE_X[who.place] * size[0]) - pixels.shape[1] // 2
    top = round(SOLES_Y * size[1]) - height - math.ceil(height * FRAMES[who.build].headroom) - MARGIN
    return Standing(pixels, left, top)


def figure(who: Character, size: Size, pose: Field, style: str = "flat") -> Image.Image:
    """One hero as an RGBA layer of `size`, standing at its place."""
    pixels, rows, columns = stand(who, size, pose, style).clipped(size)
    layer = np.zeros((size[1], size[0], 4), dtype=np.uint8)
    layer[rows, columns] = pixels
    return Image.fromarray(layer)


def figure_rgba(who: Character, size: Size, pose_seed: int = 0, style: str = "flat") -> Image.Image:
    """One hero alone, RGBA of `size` with straight alpha: what a perfect matte of it is."""
    return figure(who, size, fields(pose_seed), style)


def close_up(who: Character, size: Size, style: str = "flat") -> Image.Image:
    """One hero as an RGBA layer of `size`, as large as the tallest hero fits, facing right; children stay smaller."""
    height = figure_height(who, min(size[0] / 0.35, size[1] / 0.86))
    pixels = _coloured(who, 1, height, style, WHITE_LIGHT, (255, 255, 255), 0.0)
    layer = Image.new("RGBA", size, (0, 0, 0, 0))
    left = (size[0] - pixels.shape[1]) // 2
    layer.paste(Image.fromarray(pixels), (left, round(0.975 * size[1]) - pixels.shape[0] + 2))
    return layer
