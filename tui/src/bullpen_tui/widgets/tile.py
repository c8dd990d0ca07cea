"""Pictures side by side, each with its label below: as large as the room allows, in as many rows as that takes."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.message import Message

from bullpen_tui.graphics import Graphics
from bullpen_tui.widgets.picture import Picture
from bullpen_tui.widgets.said import Said

LEAST_WIDE, LEAST_HIGH = 12, 6
"""Cells that a tile needs to be worth showing."""
FRAME_WIDE, FRAME_HIGH = 2, 3
"""Cells of a tile that are frame and label."""


def arranged(count: int, wide: int, high: int) -> tuple[int, int]:
    """Columns of a grid, and how many of `count` tiles have room: square pictures are as large as they can be."""
    most = max(1, wide // LEAST_WIDE) * max(1, high // LEAST_HIGH)
    shown = max(1, min(count, most))

    def sides(columns: int) -> tuple[float, float]:
        rows = -(-shown // columns)
        each = (wide // columns - FRAME_WIDE) / 2, high // rows - FRAME_HIGH
        return min(each), sum(each)

    return max(range(1, shown + 1), key=sides), shown


def window(chosen: int, count: int, room: int) -> range:
    """Which of `count` places are in view when there is room for so many: a part with the chosen one in it."""
    if room <= 0:
        return range(chosen, min(chosen + 1, count))
    first = min(chosen // room * room, max(0, count - room))
    return range(first, min(count, first + room))


class Tile(Vertical):
    """One picture with its label below; the chosen one has the bright frame. `index` 0 is the source."""

    class Clicked(Message):
        """The tile was clicked."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, index: int, way: Graphics) -> None:
        super().__init__(classes="tile")
        self.index = index
        self._way = way
        self.showing: object = None

    def compose(self) -> ComposeResult:
        """Picture and label."""
        yield Picture(self._way)
        yield Said(settled=True, classes="tile-label")

    def on_click(self, event: events.Click) -> None:
        """Chooses this tile."""
        event.stop()
        self.post_message(self.Clicked(self.index))


class Tiles(Container):
    """The source and the candidates of a picture. Where there are more than have room, those around the chosen one."""

    DEFAULT_CSS = "Tiles { layout: grid; }"

    def __init__(self, way: Graphics, dom_id: str) -> None:
        super().__init__(id=dom_id)
        self._way = way
        self._chosen = 1
        self._zoomed = False

    @property
    def tiles(self) -> list[Tile]:
        """Tiles in their order."""
        return list(self.query(Tile))

    def hold(self, count: int) -> None:
        """Has so many tiles, with the source."""
        tiles = self.tiles
        for index in range(len(tiles), count):
            self.mount(Tile(index, self._way))
        for extra in tiles[count:]:
            extra.remove()

    def choose(self, index: int, zoomed: bool) -> None:
        """Frames a tile; where it is zoomed only that one is shown."""
        self._chosen, self._zoomed = index, zoomed
        self._arrange()

    def on_resize(self) -> None:
        """Arranges them anew."""
        self._arrange()

    def _arrange(self) -> None:
        tiles = self.tiles
        if not tiles or not self.size.height:
            return
        columns, room = (1, 0) if self._zoomed else arranged(len(tiles), self.size.width, self.size.height)
        view = window(self._chosen - 1, len(tiles) - 1, room - 1)
        if self.styles.grid_size_columns != columns:
            self.styles.grid_size_columns = columns
        for tile in tiles:
            tile.set_class(tile.index == self._chosen, "-chosen")
            shown = tile.index == self._chosen or (not self._zoomed and (not tile.index or tile.index - 1 in view))
            if tile.display != shown:
                tile.display = shown
