"""Lists of any length of which only the part in view is here: each place has a row, most of them a blank one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bullpen_api.v1 import asset_pb2
from textual.content import Content
from textual.message import Message

from bullpen_tui.gallery.window import Window
from bullpen_tui.widgets.gallery import Gallery
from bullpen_tui.widgets.layout import Row
from bullpen_tui.widgets.lister import Lister
from bullpen_tui.widgets.listing import Listing
from bullpen_tui.widgets.rows import RowTable

MakeAsset = Callable[[asset_pb2.Asset], Row]
_BLANK = Content("…")


class WindowListing(Listing):
    """The rows of a window. A place whose page is not here has a key of its own, `#` and its number."""

    def __init__(self, window: Window, make: MakeAsset, cells: int) -> None:
        super().__init__()
        self._window = window
        self._make_asset = make
        self._cells = cells

    def __len__(self) -> int:
        return self._window.total

    @property
    def total(self) -> int:
        """How many there are."""
        return self._window.total

    @property
    def keys(self) -> set[str]:
        """Keys of what is here."""
        return set(self._window.places)

    def narrow(self, wanted: str) -> None:
        """The daemon searches; nothing is hidden here."""

    def prepare(self, until: Callable[[], bool]) -> bool:
        """There is nothing to prepare for a filter."""
        return True

    def key(self, index: int) -> str:
        """Key of a place."""
        asset = self._window.get(index)
        return asset.name if asset is not None else f"#{index}"

    def row(self, index: int) -> Row:
        """One row, made now; a blank one where its page is not here."""
        asset = self._window.get(index)
        if asset is not None:
            return self._make_asset(asset)
        return Row(f"#{index}", (Content(""), *[_BLANK] * (self._cells - 1)))

    def index(self, key: str, near: int = -1) -> int | None:
        """Where a row is, as far as it is known."""
        if key.startswith("#"):
            return int(key[1:]) if int(key[1:]) < len(self) else None
        if 0 <= near < len(self) and self.key(near) == key:
            return near
        return self._window.places.get(key)


if TYPE_CHECKING:
    _Base = Lister
else:
    _Base = object


class Windowed(_Base):
    """A list over a window. `Scrolled` is posted when other places come into view."""

    class Scrolled(Message):
        """Other places are in view."""

    def set_window(self, window: Window, make: MakeAsset, cells: int) -> None:
        """Shows a window. What stays the same is not painted again."""
        before, marks = self._before(), self._marks
        self._listing = WindowListing(window, make, cells)
        self._marks = set()
        self._show(*before)
        self._marks = marks

    @property
    def chosen(self) -> list[str]:
        """Keys of the marked rows, else of the row under the cursor."""
        if self._marks:
            return sorted(self._marks)
        key = self.cursor_key
        return [key] if key is not None and not key.startswith("#") else []

    @property
    def in_view(self) -> range:
        """Places that are in view, and some around them."""
        raise NotImplementedError

    @property
    def place(self) -> int:
        """Place of the cursor."""
        return self._cursor

    def go_to(self, place: int) -> None:
        """Puts the cursor on a place."""
        self._go(place)


class WindowTable(Windowed, RowTable):
    """Rows over a window."""

    @property
    def in_view(self) -> range:
        """Places that are in view, and a screen around them."""
        top, high = self.scroll_offset.y, max(1, self.size.height)
        return range(max(0, top - high), top + 2 * high)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Other rows are in view."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self.post_message(self.Scrolled())


class WindowGallery(Windowed, Gallery):
    """Cards over a window."""

    @property
    def in_view(self) -> range:
        """Places that are in view, and a screen around them."""
        room = self._columns * self._high
        top = self._top * self._columns
        return range(max(0, top - room), top + 2 * room)
