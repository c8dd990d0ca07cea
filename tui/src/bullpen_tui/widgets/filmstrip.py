"""The story as a strip: one small picture for each scene, as far as it has come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image
from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content

from bullpen_tui.graphics import Graphics
from bullpen_tui.widgets.picture import Picture
from bullpen_tui.widgets.said import Said


@dataclass(frozen=True)
class Frame:
    """One scene: the asset to show, the words below it, and those in its place where there is none."""

    asset: str
    label: Content
    instead: str = ""


def in_view(frames: Sequence[Frame], room: int) -> tuple[Frame, ...]:
    """The first frames, as many as have room; the last place counts those that have none."""
    if len(frames) <= room or room < 1:
        return tuple(frames[:room])
    left_out = len(frames) - room + 1
    return (*frames[: room - 1], Frame("", Content(""), f"+{left_out}\nmore"))


class FrameTile(Vertical):
    """One picture of the strip with its words."""

    DEFAULT_CSS = """
    FrameTile { width: 1fr; max-width: 26; height: 100%; margin-right: 1; }
    FrameTile Picture { height: 1fr; }
    FrameTile Said { height: 1; width: 100%; text-align: center; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    def __init__(self, way: Graphics) -> None:
        super().__init__()
        self._way = way
        self.shown = Frame("", Content(""))

    @property
    def asset(self) -> str:
        """What it shows."""
        return self.shown.asset

    def compose(self) -> ComposeResult:
        """Picture and words."""
        yield Picture(self._way)
        yield Said(settled=True, classes="frame-label")


class Filmstrip(Horizontal):
    """Frames side by side, as many as have room. Pictures are asked for by `want` and come by `arrived`."""

    DEFAULT_CSS = "Filmstrip { height: 8; }"
    LEAST = 10
    """Cells that a frame needs to be worth showing."""
    MOST = 13
    """Lines that a picture may take."""

    def __init__(self, way: Graphics, want: Callable[[str], Image.Image | None], *, dom_id: str) -> None:
        super().__init__(id=dom_id)
        self._way = way
        self._want = want
        self._frames: tuple[Frame, ...] = ()

    def on_resize(self, event: events.Resize) -> None:
        """More or fewer frames have room."""
        self._fill()

    def show(self, frames: Sequence[Frame]) -> None:
        """Shows these frames in place."""
        if tuple(frames) != self._frames:
            self._frames = tuple(frames)
            self._fill()

    def arrived(self, asset: str, picture: Image.Image) -> None:
        """Puts a picture that was asked for into its frame."""
        for tile in self.query(FrameTile):
            if tile.asset == asset:
                tile.query_one(Picture).show(picture)

    def _fill(self) -> None:
        shown = in_view(self._frames, self.content_size.width // self.LEAST)
        if shown:
            # As high as its pictures, which are square, and one line of words.
            self.styles.height = min(self.MOST, (self.content_size.width // len(shown) - 1) // 2) + 1
        tiles = list(self.query(FrameTile))
        for _ in range(len(tiles), len(shown)):
            self.mount(FrameTile(self._way))
        for extra in tiles[len(shown) :]:
            extra.remove()
        self.call_after_refresh(self._paint, shown)

    def _paint(self, shown: tuple[Frame, ...]) -> None:
        if not self.is_attached:
            return
        if not all(tile.query(".frame-label") and tile.query(Picture) for tile in self.query(FrameTile)):
            self.call_after_refresh(self._paint, shown)  # a new tile has no parts yet
            return
        for tile, frame in zip(self.query(FrameTile), shown, strict=False):
            tile.query_one(".frame-label", Said).say(frame.label)
            before, tile.shown = tile.shown, frame
            if (before.asset, before.instead) != (frame.asset, frame.instead):
                have = self._want(frame.asset) if frame.asset else None
                tile.query_one(Picture).show(have, frame.instead)
