"""Paint: the colours of a hero's parts in a style and a light, as one table that a part map is looked up in.

Figures keep hair and cloth recognisable in every style, so that a reader can follow a hero through a page.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bullpen_starter.render.figures.pen import SHADE, TEXTURE, Part, PartMap
from bullpen_starter.render.palette import CLOTH, EXTRAS, HAIR, SKIN, Colour
from bullpen_starter.render.spec import SKETCH, Character

Tint = tuple[float, float, float]
Table = NDArray[np.uint32]
Pixels = NDArray[np.uint8]

WHITE_LIGHT: Tint = (1.0, 1.0, 1.0)
INK: Colour = (20, 16, 26)
PAPER: Colour = (252, 252, 250)
PENCIL: Colour = (52, 54, 62)
METAL: Colour = (172, 182, 196)

SHADOW: dict[str, Tint] = {
    "flat": (0.62, 0.58, 0.72),
    "ink": (0.78, 0.76, 0.82),
    "watercolour": (0.8, 0.74, 0.8),
    "noir": (0.26, 0.25, 0.32),
    "manga": (0.86, 0.86, 0.88),
    "risograph": (0.84, 0.78, 0.9),
}
TEXTURED: dict[str, Tint] = {
    "ink": (0.14, 0.12, 0.16),
    "manga": (0.12, 0.1, 0.14),
    "risograph": (0.36, 0.3, 0.52),
}
OUTLINE: dict[str, Colour] = {"watercolour": (74, 48, 50), "risograph": (34, 30, 78), SKETCH: PENCIL}
RIM: dict[str, Colour] = {"noir": (214, 212, 206), "manga": (252, 252, 252), SKETCH: PAPER}


def _distance(a: Colour, b: Colour) -> float:
    mean = (a[0] + b[0]) / 2
    red, green, blue = a[0] - b[0], a[1] - b[1], a[2] - b[2]
    return (2 + mean / 256) * red**2 + 4 * green**2 + (3 - mean / 256) * blue**2


@lru_cache(maxsize=4096)
def extra_colour(who: Character) -> Colour:
    """The colour of what a hero wears besides: the one that stands out best from its cloth, hair and skin."""
    near = (CLOTH[who.colour], HAIR[who.hair], METAL if who.build == "robot" else SKIN[who.skin])
    return max(EXTRAS, key=lambda colour: min(_distance(colour, other) for other in near))


def _mixed(colour: Colour, other: Colour, share: float = 0.36) -> Colour:
    red, green, blue = (round(a * (1 - share) + b * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue


def _parts(who: Character) -> dict[Part, Colour]:
    extra, dark_lights = extra_colour(who), who.hair == "black"
    return {
        Part.SKIN: SKIN[who.skin],
        Part.HAIR: HAIR[who.hair],
        Part.GLOSS: _mixed(HAIR[who.hair], (214, 208, 255) if who.hair == "white" else (255, 250, 240)),
        Part.CLOTH: CLOTH[who.colour],
        Part.TRIM: (246, 240, 226),
        Part.TROUSERS: (70, 66, 92),
        Part.SHOE: (48, 36, 40),
        Part.EXTRA: extra,
        Part.FRAME: extra,
        Part.WHITE: (255, 255, 255),
        Part.MOUTH: (150, 32, 40),
        Part.BLUSH: (238, 120, 112) if who.skin == "pale" else (188, 84, 66),
        Part.TEAR: (96, 190, 250),
        Part.METAL: METAL,
        Part.GLOW: HAIR[who.hair],
        Part.VISOR: (214, 232, 226) if dark_lights else (34, 40, 58),
    }


@lru_cache(maxsize=4096)
def table(who: Character, style: str, light: Tint, tint: Colour, haze: float) -> Table:
    """Colours of all parts, (96,) RGBA as uint32.

    `light` multiplies, then `haze` of `tint` is mixed in. Only who it is counts of `who`.
    """
    outline = OUTLINE.get(style, INK)
    colours = np.zeros((96, 4), dtype=np.float64)
    colours[1:, 3] = 255
    colours[:, :3] = outline
    level = np.asarray(light)
    for part, colour in _parts(who).items():
        if style == SKETCH:
            for index in (part, part + SHADE, part + TEXTURE):
                colours[index, :3] = PAPER
            continue
        lit = np.asarray(colour, dtype=np.float64)
        shines = part is Part.GLOW
        for index, by in (
            (part, (1, 1, 1)),
            (part + SHADE, SHADOW[style]),
            (part + TEXTURE, TEXTURED.get(style, (1, 1, 1))),
        ):
            value = lit * (1 if shines else level * np.asarray(by))
            if style == "watercolour":
                value = value * 0.84 + np.asarray((253, 249, 240)) * 0.16
            elif style == "risograph":
                value = value * 0.9 + np.asarray((244, 232, 210)) * 0.1 * level
            colours[index, :3] = value
    if style != SKETCH:
        colours[:, :3] = colours[:, :3] * (1 - haze) + np.asarray(tint) * haze
    colours[[Part.NONE, Part.RIM], :3] = RIM.get(style, outline)
    out = np.clip(colours + 0.5, 0, 255).astype(np.uint8)
    out.setflags(write=False)
    return out.view(np.uint32).reshape(-1)


@lru_cache(maxsize=16)
def _screen(style: str, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Where a textured style puts ink on a shadow side: hatching, or dots that grow with the figure."""
    pitch = max(5.0, shape[0] / 44)
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    if style == "ink":
        wave = ((x + y) / pitch) % 1 < 0.42
    else:
        wave = np.cos((x + y) * np.pi / pitch) * np.cos((x - y) * np.pi / pitch) > (0.28 if style == "manga" else 0.36)
    out: PartMap = (wave * SHADE).astype(np.uint8)
    out.setflags(write=False)
    return out


def textured(parts: PartMap, style: str) -> PartMap:
    """The part map with the dots or hatching of a style on the shadow side."""
    if style not in TEXTURED:
        return parts
    out: PartMap = parts + (_screen(style, (parts.shape[0], parts.shape[1])) & parts & np.uint8(SHADE))
    return out


def painted(parts: PartMap, colours: Table) -> Pixels:
    """Look colours up and halve: (height, width, 4) uint8, straight alpha."""
    height, width = parts.shape
    looked_up = np.take(colours, parts)
    picture = Image.frombuffer("CMYK", (width, height), looked_up, "raw", "CMYK", 0, 1)
    return np.asarray(picture.reduce(2))
