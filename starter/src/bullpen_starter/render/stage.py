"""The drawing board: scenes put shapes, lines and windows here, and get back the layers that styles combine.

Everything is drawn once, twice as large as asked, and halved; styles then work on arrays of the final size.
A shape has a material (its colours come from the palette), a shade (0 lit, 1 in shadow) and a depth (0 near, 1 far).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bullpen_starter.render.palette import MATERIALS, Colour

Array = NDArray[Any]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Window:
    """A pane that may be lit; unit coordinates."""

    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Layers:
    """Arrays of one layout, (height, width) in 0..1 unless noted."""

    warm: Array  # (height, width, 3) albedo of the first palette
    cool: Array  # (height, width, 3) albedo of the second palette
    lines: Array
    shade: Array
    depth: Array
    sky: Array
    top: Array  # surfaces that catch snow
    wet: Array  # surfaces that mirror light
    windows: tuple[Window, ...]
    lamps: tuple[Point, ...]


class Stage:
    """A board of `size` (width, height) pixels, drawn at twice that size, addressed in unit coordinates."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self._w, self._h = size[0] * 2, size[1] * 2
        self._stroke = min(self._w, self._h) / 256
        board = (self._w, self._h)
        self._warm = Image.new("RGB", board, MATERIALS["sky"].warm)
        self._cool = Image.new("RGB", board, MATERIALS["sky"].cool)
        self._masks = {name: Image.new("L", board, 0) for name in ("lines", "shade", "depth", "top", "wet")}
        self._masks["sky"] = Image.new("L", board, 255)
        self._masks["depth"].paste(255, (0, 0, self._w, self._h))
        self._windows: list[Window] = []
        self._lamps: list[Point] = []

    def _px(self, points: list[Point]) -> list[Point]:
        return [(x * self._w, y * self._h) for x, y in points]

    def poly(
        self,
        points: list[Point],
        material: str,
        shade: float = 0.0,
        depth: float = 0.4,
        *,
        top: float = 0.0,
        outline: float = 2.0,
    ) -> None:
        """Fill a polygon; what lay behind it, lines included, is covered."""
        px = self._px(points)
        colours = MATERIALS[material]
        ImageDraw.Draw(self._warm).polygon(px, fill=colours.warm)
        ImageDraw.Draw(self._cool).polygon(px, fill=colours.cool)
        values = {"lines": 0.0, "sky": 0.0, "shade": shade, "depth": depth, "top": top, "wet": colours.wet}
        for name, value in values.items():
            ImageDraw.Draw(self._masks[name]).polygon(px, fill=round(value * 255))
        if outline > 0:
            self.line([*points, points[0]], outline * (1.15 - 0.6 * depth))

    def rect(
        self,
        x0: float,
        y0: float,
        x1: float,
        y1: float,
        material: str,
        shade: float = 0.0,
        depth: float = 0.4,
        *,
        top: float = 0.0,
        outline: float = 2.0,
    ) -> None:
        """An upright rectangle."""
        self.poly([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], material, shade, depth, top=top, outline=outline)

    def ellipse(
        self, x: float, y: float, rx: float, ry: float, material: str, shade: float = 0.0, depth: float = 0.4
    ) -> None:
        """An ellipse as a polygon of 24 points."""
        angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        self.poly([(x + rx * float(np.cos(a)), y + ry * float(np.sin(a))) for a in angles], material, shade, depth)

    def line(self, points: list[Point], width: float = 2.0, strength: float = 1.0) -> None:
        """An inked line; `width` in pixels of a 128 pixel panel drawn at twice its size."""
        draw = ImageDraw.Draw(self._masks["lines"])
        draw.line(
            self._px(points), fill=round(255 * strength), width=max(1, round(width * self._stroke)), joint="curve"
        )

    def dark(self, points: list[Point], shade: float) -> None:
        """Cast a shadow over a polygon without changing what it is made of."""
        mask = self._masks["shade"]
        layer = Image.new("L", mask.size, 0)
        ImageDraw.Draw(layer).polygon(self._px(points), fill=round(shade * 255))
        mask.paste(Image.fromarray(np.maximum(np.asarray(mask), np.asarray(layer))))

    def window(self, x0: float, y0: float, x1: float, y1: float, depth: float = 0.4) -> None:
        """A dark pane with a frame, remembered so that it can be lit."""
        self.rect(x0, y0, x1, y1, "glass", 0.25, depth, outline=1.4)
        self._windows.append(Window((x0, y0, x1, y1)))

    def lamp(self, x: float, y: float) -> None:
        """A light source, lit from dusk on."""
        self._lamps.append((x, y))

    def layers(self) -> Layers:
        """Halve everything and hand it over."""

        def array(picture: Image.Image) -> Array:
            out = np.asarray(picture.reduce(2), dtype=np.float32) / 255
            out.setflags(write=False)
            return out

        masks = {name: array(picture) for name, picture in self._masks.items()}
        return Layers(
            warm=array(self._warm),
            cool=array(self._cool),
            windows=tuple(self._windows),
            lamps=tuple(self._lamps),
            **masks,
        )


__all__ = ["Array", "Colour", "Layers", "Point", "Stage", "Window"]
