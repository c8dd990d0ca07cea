"""The drawing board: scenes put shapes, lines and windows here, and get back the layers that styles combine.

Everything is drawn once, twice as large as asked, and halved; styles then work on arrays of the final size.
A shape has a material (its colours come from the palette), a shade (0 lit, 1 in shadow) and a depth (0 near, 1 far).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw

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
    pane: Array  # glass that nothing hides
    windows: tuple[Window, ...]
    lamps: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Camera:
    """How a stage is looked at: mirrored or not, magnified by `zoom` (at least 1) around the point `at`."""

    mirror: bool = False
    zoom: float = 1.0
    at: Point = (0.5, 0.5)

    def see(self, x: float, y: float) -> Point:
        """Where a point of the stage lies in the picture; unit coordinates."""
        cx, cy = self.at
        return cx + ((1 - x if self.mirror else x) - cx) * self.zoom, cy + (y - cy) * self.zoom


class Stage:
    """A board of `size` (width, height) pixels, drawn at twice that size, addressed in unit coordinates."""

    def __init__(self, size: tuple[int, int], camera: Camera | None = None) -> None:
        self.size = size
        self._camera = camera or Camera()
        self._w, self._h = size[0] * 2, size[1] * 2
        self._stroke = min(self._w, self._h) / 256
        board = (self._w, self._h)
        self._warm = Image.new("RGB", board, MATERIALS["sky"].warm)
        self._cool = Image.new("RGB", board, MATERIALS["sky"].cool)
        self._masks = {name: Image.new("L", board, 0) for name in ("lines", "shade", "top", "wet", "pane")}
        self._masks |= {name: Image.new("L", board, 255) for name in ("sky", "depth")}
        self._draw = {name: ImageDraw.Draw(mask) for name, mask in self._masks.items()}
        self._paint = ImageDraw.Draw(self._warm), ImageDraw.Draw(self._cool)
        self._windows: list[Window] = []
        self._lamps: list[Point] = []

    def _px(self, points: list[Point]) -> list[Point]:
        seen = (self._camera.see(x, y) for x, y in points)
        return [(x * self._w, y * self._h) for x, y in seen]

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
        for draw, colour in zip(self._paint, (colours.warm, colours.cool), strict=True):
            draw.polygon(px, fill=colour)
        values = {"lines": 0.0, "sky": 0.0, "shade": shade, "depth": depth, "top": top, "wet": colours.wet}
        values["pane"] = float(material == "glass")
        for name, value in values.items():
            self._draw[name].polygon(px, fill=round(value * 255))
        if outline > 0:
            self.line([*points, points[0]], outline * (1.42 - 0.95 * depth))

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
        thick = max(1, round(width * self._stroke))
        self._draw["lines"].line(self._px(points), fill=round(255 * strength), width=thick, joint="curve")

    def dark(self, points: list[Point], shade: float) -> None:
        """Cast a shadow over a polygon without changing what it is made of."""
        px = self._px(points)
        xs, ys = [max(0, int(x)) for x, _ in px], [max(0, int(y)) for _, y in px]
        box = (min(xs), min(ys), min(self._w, max(xs) + 2), min(self._h, max(ys) + 2))
        if box[0] >= box[2] or box[1] >= box[3]:
            return
        layer = Image.new("L", (box[2] - box[0], box[3] - box[1]), 0)
        ImageDraw.Draw(layer).polygon([(x - box[0], y - box[1]) for x, y in px], fill=round(shade * 255))
        mask = self._masks["shade"]
        mask.paste(ImageChops.lighter(mask.crop(box), layer), box)

    def window(self, x0: float, y0: float, x1: float, y1: float, depth: float = 0.4) -> None:
        """A dark pane with a frame, remembered so that it can be lit."""
        self.rect(x0, y0, x1, y1, "glass", 0.25, depth, outline=1.4)
        (a, top), (b, low) = self._camera.see(x0, y0), self._camera.see(x1, y1)
        self._windows.append(Window((min(a, b), top, max(a, b), low)))

    def lamp(self, x: float, y: float) -> None:
        """A light source, lit from dusk on."""
        self._lamps.append(self._camera.see(x, y))

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


__all__ = ["Array", "Camera", "Colour", "Layers", "Point", "Stage", "Window"]
