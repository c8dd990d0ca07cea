"""A table of rows that is drawn line by line.

Rows are values: giving new ones repaints only the lines that differ, and keeps the cursor on the row it was on. Columns
share the width by weight, and those of least use go when the terminal is narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from bullpen_tui.widgets.layout import GAP, Column, Row, layout
from bullpen_tui.widgets.listing import Listing, Make, Text

__all__ = ["GAP", "Column", "Row", "RowTable", "layout"]


class RowTable(ScrollView, can_focus=True):
    """The table. The screen decides what opening a row means."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"rows--head", "rows--cursor", "rows--cursor-idle", "rows--empty"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "down", show=False),
        Binding("up", "up", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("home", "first", show=False),
        Binding("end", "last", show=False),
    ]
    DEFAULT_CSS = """
    RowTable {
        height: 1fr;
        background: $background;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 0;
        & > .rows--head { color: $quiet; background: $background; }
        & > .rows--cursor { background: $row; text-style: bold; }
        & > .rows--cursor-idle { background: $row-idle; }
        & > .rows--empty { color: $quiet; background: $background; }
    }
    """

    class Moved(Message):
        """The cursor is on another row, or on none."""

        def __init__(self, table: RowTable, key: str | None) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> RowTable:
            """The table, for `@on` selectors."""
            return self.table

    class Pressed(Message):
        """A row was double-clicked."""

        def __init__(self, table: RowTable, key: str) -> None:
            super().__init__()
            self.table = table
            self.key = key

    class EndNeared(Message):
        """The cursor is near the last row; more may be asked for."""

    def __init__(
        self, columns: Sequence[Column] = (), *, head: bool = True, empty: Content | str = "", dom_id: str | None = None
    ) -> None:
        super().__init__(id=dom_id)
        self._columns = tuple(columns)
        self._head = 1 if head else 0
        self._empty = Content(empty) if isinstance(empty, str) else empty
        self._listing = Listing()
        self._painted: dict[int, Row] = {}
        self._marks: set[str] = set()
        self._cursor = 0
        self._widths: list[tuple[int, int]] = []

    # --- what it shows ---------------------------------------------------------------------------------------------

    @property
    def rows(self) -> tuple[Row, ...]:
        """Rows that the filter leaves, all of them made."""
        return tuple(self._listing.row(index) for index in range(len(self._listing)))

    @property
    def count(self) -> tuple[int, int]:
        """How many rows the filter leaves, of how many."""
        return len(self._listing), self._listing.total

    @property
    def filter_text(self) -> str:
        """Words that a row must have to be shown."""
        return self._listing.wanted

    @property
    def cursor_key(self) -> str | None:
        """Key of the row under the cursor."""
        return self._listing.key(self._cursor) if 0 <= self._cursor < len(self._listing) else None

    @property
    def chosen(self) -> list[str]:
        """Keys of the marked rows in their order, else of the row under the cursor."""
        marked = [key for key in (self._listing.key(at) for at in range(len(self._listing))) if key in self._marks]
        return marked or ([self.cursor_key] if self.cursor_key is not None else [])

    @property
    def marked(self) -> int:
        """How many rows are marked."""
        return len(self._marks)

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Changes the columns; rows given before must have cells for them."""
        if tuple(columns) != self._columns:
            self._columns = tuple(columns)
            self._measure()
            self.refresh()

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Shows these rows. Lines that stay the same are not painted again."""
        before = self._before()
        self._listing.rows(rows)
        self._show(*before)

    def set_items(self, items: Sequence[Any], make: Make, text: Text | None = None) -> None:
        """Shows items that have a `name`. Their rows are made by `make` when they come into view.

        `text` gives an item in small letters for the filter; without it the row is made for that.
        """
        before = self._before()
        self._listing.items(items, make, text)
        self._show(*before)

    def set_filter(self, wanted: str) -> None:
        """Shows only rows that have all these words, and none of those that begin with `!`."""
        before = self._before()
        self._listing.narrow(wanted)
        self._show(*before)

    def set_empty(self, words: Content) -> None:
        """What stands in the place of rows while there are none."""
        if not words.is_same(self._empty):
            self._empty = words
            if not len(self._listing):
                self.refresh()

    def move_to(self, key: str) -> bool:
        """Puts the cursor on a row by its key; false where there is none."""
        index = self._listing.index(key)
        if index is None:
            return False
        self._go(index)
        return True

    def _before(self) -> tuple[int, str | None, int]:
        return len(self._listing), self.cursor_key, self._cursor

    def _show(self, count: int, key: str | None, cursor: int) -> None:
        """Draws what differs from before: number of rows, key under the cursor, its place."""
        found = self._listing.index(key) if key is not None else None
        self._cursor = found if found is not None else max(0, min(self._cursor, len(self._listing) - 1))
        if self._marks and count != len(self._listing):
            self._marks &= self._listing.keys
        if count != len(self._listing) or cursor != self._cursor:
            self._painted.clear()
            self._measure()
            self.refresh()
            self._follow()
        else:
            for index, old in list(self._painted.items()):
                if not (index < len(self._listing) and self._seen(index)):
                    del self._painted[index]
                elif not old.is_same(new := self._listing.row(index)):
                    self._painted[index] = new
                    self._repaint(index)
        if self.cursor_key != key:
            self.post_message(self.Moved(self, self.cursor_key))

    def _seen(self, index: int) -> bool:
        return self._head <= index - self.scroll_offset.y + self._head < self.size.height

    def _repaint(self, index: int) -> None:
        if self._seen(index):
            self.refresh(Region(0, index - self.scroll_offset.y + self._head, self.size.width, 1))

    # --- marking ---------------------------------------------------------------------------------------------------

    def toggle_mark(self) -> None:
        """Marks the row under the cursor, or takes its mark away, and goes on to the next."""
        if self.cursor_key is not None:
            self._marks ^= {self.cursor_key}
            self._repaint(self._cursor)
            self.action_down()

    def clear_marks(self) -> bool:
        """Takes all marks away; false where there were none."""
        had, self._marks = bool(self._marks), set()
        if had:
            self.refresh()
        return had

    # --- moving ----------------------------------------------------------------------------------------------------

    def action_down(self) -> None:
        """One row down."""
        self._go(self._cursor + 1)

    def action_up(self) -> None:
        """One row up."""
        self._go(self._cursor - 1)

    def action_first(self) -> None:
        """To the first row."""
        self._go(0)

    def action_last(self) -> None:
        """To the last row."""
        self._go(len(self._listing) - 1)

    def action_page(self, pages: int) -> None:
        """Whole pages down or up."""
        self._go(self._cursor + pages * max(1, self.size.height - self._head - 1))

    def _go(self, index: int) -> None:
        index = max(0, min(index, len(self._listing) - 1))
        if not len(self._listing) or index == self._cursor:
            return
        old, self._cursor = self._cursor, index
        self._repaint(old)
        self._repaint(index)
        self._follow()
        self.post_message(self.Moved(self, self.cursor_key))
        if index >= len(self._listing) - 10:
            self.post_message(self.EndNeared())

    def _follow(self, again: bool = True) -> None:
        """Brings the cursor into view; rows that were just set can be scrolled to once they are laid out."""
        visible = self.size.height - self._head
        top, lowest = self._cursor, self._cursor - visible + 1
        if visible > 0 and not lowest <= self.scroll_offset.y <= top:
            self.scroll_to(y=min(max(self.scroll_offset.y, lowest), top), animate=False, immediate=True, force=True)
        if again and not lowest <= self.scroll_target_y <= top:
            self.call_after_refresh(self._follow, again=False)

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a double click opens."""
        y = event.get_content_offset_capture(self).y
        index = y - self._head + self.scroll_offset.y
        if y < self._head or not 0 <= index < len(self._listing):
            return
        self._go(index)
        if event.chain >= 2:
            self.post_message(self.Pressed(self, self._listing.key(index)))

    def on_focus(self) -> None:
        """The cursor is drawn differently with the focus."""
        self._repaint(self._cursor)

    def on_blur(self) -> None:
        """The cursor is drawn differently without the focus."""
        self._repaint(self._cursor)

    # --- drawing ---------------------------------------------------------------------------------------------------

    def on_resize(self) -> None:
        """Shares out the new width."""
        self._measure()
        self._follow()
        self.refresh()

    def _measure(self) -> None:
        self.virtual_size = Size(0, len(self._listing) + self._head)
        self._widths = layout(self._columns, max(0, self.scrollable_content_region.width - 2))

    def render_line(self, y: int) -> Strip:
        """Line `y` of the visible part."""
        width = self.size.width
        if self._head and y == 0:
            titles = (Content(column.title) for column in self._columns)
            return self._line(tuple(titles), "rows--head", width)
        index = y - self._head + self.scroll_offset.y
        if not len(self._listing):
            return self._empty_line(y - self._head, width)
        if index >= len(self._listing):
            return Strip.blank(width, self.rich_style)
        row = self._painted.get(index)
        if row is None:
            row = self._painted[index] = self._listing.row(index)
        component = ""
        if index == self._cursor:
            component = "rows--cursor" if self.has_focus else "rows--cursor-idle"
        return self._line(row.cells, component, width, row.key in self._marks)

    def _line(self, cells: tuple[Content, ...], component: str, width: int, marked: bool = False) -> Strip:
        parts: list[Content] = []
        for index, cells_wide in self._widths:
            cell = cells[index] if index < len(cells) else Content("")
            cell = cell.truncate(cells_wide, ellipsis=True)
            space = cells_wide - cell.cell_length
            if space > 0:
                cell = cell.pad_left(space) if self._columns[index].right else cell.pad_right(space)
            parts.append(cell)
        return self._strip(Content(" " * GAP).join(parts), component, width, marked)

    def _empty_line(self, line: int, width: int) -> Strip:
        rows = [piece for row in self._empty.split("\n", allow_blank=True) for piece in row.wrap(max(8, width - 4))]
        if self.filter_text and self._listing.total:
            rows = [Content(f"No row has “{self.filter_text}”. Press esc to see all.")]
        offset = line - 1
        return self._strip(rows[offset] if 0 <= offset < len(rows) else Content(""), "rows--empty", width)

    def _strip(self, content: Content, component: str, width: int, marked: bool = False) -> Strip:
        style = self.get_visual_style(component) if component else self.visual_style
        strips = Visual.to_strips(self, content, max(1, width - 2), 1, style, apply_selection=False)
        base = RichStyle.from_meta({}) + style.rich_style
        strip = strips[0] if strips else Strip.blank(0)
        strip = Strip.join([Strip([Segment("▌" if marked else " ", base)]), strip])
        return strip.adjust_cell_length(width, base)
