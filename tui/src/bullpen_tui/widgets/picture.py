"""One picture, drawn in whatever way the terminal can."""

from __future__ import annotations

import time
from functools import lru_cache

from PIL import Image
from rich.color import Color, ColorType
from rich.color_triplet import ColorTriplet
from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.geometry import Size
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from bullpen_tui.graphics import Graphics, drawn
from bullpen_tui.pacing import PicturePace
from bullpen_tui.widgets.said import Said

WHY_NOT = {
    "none": "pictures are switched off",
    "few": "pictures need 256 colours;\nbullpen tui --graphics half\ndraws them all the same",
}
"""What stands in the place of pictures that are not drawn."""


def fit(picture: tuple[int, int], cells: tuple[int, int], aspect: float = 0.5) -> tuple[int, int]:
    """Cells (wide, high) that a picture takes in a box of cells, where a cell is `aspect` as wide as it is high."""
    width, height = picture
    wide, high = cells
    if min(width, height, wide, high) <= 0:
        return 0, 0
    scale = min(wide * aspect / width, high / height)
    return max(1, round(width * scale / aspect)), max(1, round(height * scale))


@lru_cache(maxsize=16384)
def _colour(pixel: bytes) -> Color:
    # Built from its parts: going through names and strings takes three times as long, and there are thousands.
    return Color("", ColorType.TRUECOLOR, None, ColorTriplet(*pixel))


class HalfBlocks(Widget):
    """A picture as coloured upper half blocks: two pixels a cell. Drawn here, line by line, from a scaled copy."""

    def __init__(self) -> None:
        super().__init__()
        self._picture: Image.Image | None = None
        self._lines: list[list[Segment]] = []
        self._fitted: Size | None = None
        self._left = 0
        self._top = 0

    def show(self, picture: Image.Image | None) -> None:
        """Shows a picture, or nothing."""
        self._picture = picture
        self._fitted = None
        self.refresh()

    def _scale(self) -> None:
        self._lines = []
        self._fitted = self.size
        if self._picture is None:
            return
        wide, high = fit(self._picture.size, (self.size.width, self.size.height))
        if not wide:
            return
        scaled = self._picture.resize((wide, high * 2), Image.Resampling.LANCZOS).tobytes()
        stride = wide * 3
        for y in range(high):
            upper = scaled[2 * y * stride : (2 * y + 1) * stride]
            lower = scaled[(2 * y + 1) * stride : (2 * y + 2) * stride]
            self._lines.append(
                [
                    Segment("▀", Style.from_color(_colour(upper[x : x + 3]), _colour(lower[x : x + 3])))
                    for x in range(0, stride, 3)
                ]
            )
        self._left = (self.size.width - wide) // 2
        self._top = (self.size.height - high) // 2

    def render_line(self, y: int) -> Strip:
        """Line `y`, centred. The copy is scaled when it is painted: only then the size is sure to be the last one."""
        if self._fitted != self.size:
            self._scale()
        line = y - self._top
        base = self.rich_style
        if not 0 <= line < len(self._lines):
            return Strip.blank(self.size.width, base)
        strip = Strip([Segment(" " * self._left, base), *self._lines[line]])
        return strip.adjust_cell_length(self.size.width, base)


class Picture(Container):
    """A picture or, while there is none, words in its place."""

    DEFAULT_CSS = """
    Picture { align: center middle; }
    Picture > .picture--words { width: 100%; height: auto; text-align: center; color: $faint; }
    Picture > HalfBlocks { width: 100%; height: 100%; }
    Picture > .picture--terminal { width: auto; height: auto; max-width: 100%; max-height: 100%; }
    """

    def __init__(
        self, way: Graphics, words: str = "", *, dom_id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=dom_id, classes=classes)
        self._way = way
        self._words: str | Content = words
        self._ready = False
        self._picture: Image.Image | None = None
        self._canvas: Widget | None = None
        self._pace = PicturePace()
        self._due: Timer | None = None

    @property
    def picture(self) -> Image.Image | None:
        """What is shown now."""
        return self._picture

    def compose(self) -> ComposeResult:
        """The words, and a canvas of the terminal's kind."""
        yield Said(self._words, classes="picture--words")
        self._canvas = _canvas(self._way)
        if self._canvas is not None:
            self._canvas.display = False
            yield self._canvas

    def on_mount(self) -> None:
        """Shows what was given before the widget was there."""
        self._ready = True
        self.show(self._picture, self._words)

    def show(self, picture: Image.Image | None, words: str | Content = "", *, live: bool = False) -> None:
        """Shows a picture; the words stand in its place where it is nothing or cannot be drawn.

        `live` says that others will follow: then the newest is drawn as often as the line to the terminal allows.
        """
        self._picture, self._words = picture, words
        if self._due is not None:
            if live:
                return
            self._due.stop()
            self._due = None
        if live and self._ready and (wait := self._pace.wait(time.monotonic())) > 0:
            self._due = self.set_timer(wait, self._draw_due)
            return
        self._draw()

    def _draw_due(self) -> None:
        self._due = None
        self._draw()

    def _draw(self) -> None:
        picture, words = self._picture, self._words
        if not self._ready or not self.children:  # not there yet, or being taken away
            return
        if picture is not None and self._canvas is None and not words:
            words = f"{picture.width} × {picture.height} pixels\n{WHY_NOT[self._way]}"
        drawn = picture is not None and self._canvas is not None
        label = self.query_one(".picture--words", Said)
        if label.display == drawn:
            label.display = not drawn
        if not drawn:
            label.say(words)
        if self._canvas is not None:
            if self._canvas.display != drawn:
                self._canvas.display = drawn
            _paint(self._canvas, picture)
            if picture is not None:
                wide, high = fit(picture.size, (self.size.width, self.size.height))
                self._pace.drawn(wide * high, time.monotonic())


def _canvas(way: Graphics) -> Widget | None:
    if not drawn(way):
        return None
    if way == "half":
        return HalfBlocks()
    # Importing asks the terminal again, so it is done only where the terminal has answered once.
    from textual_image.widget import SixelImage, TGPImage

    canvas: Widget = TGPImage() if way == "kitty" else SixelImage()
    canvas.add_class("picture--terminal")
    return canvas


def _paint(canvas: Widget, picture: Image.Image | None) -> None:
    if isinstance(canvas, HalfBlocks):
        canvas.show(picture)
    else:
        canvas.image = picture  # type: ignore[attr-defined]
