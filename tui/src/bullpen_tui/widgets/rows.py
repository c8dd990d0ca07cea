"""A table of rows that is drawn line by line.

Rows are values: giving new ones repaints only the lines that differ, and keeps the cursor on the row it was on. Columns
share the width by weight, and those of least use go when the terminal is narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style as RichStyle
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

GAP = 2


@dataclass(frozen=True)
class Column:
    """One column.

    `width` cells are fixed; 0 shares what is left by `weight`, at least `minimum` cells. When the table is too narrow
    the columns with the largest `drop` go first; 0 stays always.
    """

    title: str
    width: int = 0
    minimum: int = 8
    weight: int = 1
    drop: int = 0
    right: bool = False


@dataclass(frozen=True)
class Row:
    """One row: a key that stays the same while the row changes, and a cell for each column."""

    key: str
    cells: tuple[Content, ...]

    def matches(self, wanted: str) -> bool:
        """Whether every word of a filter is in the row's text."""
        text = " ".join(cell.plain for cell in self.cells).casefold() + " " + self.key.casefold()
        return all(word in text for word in wanted.casefold().split())


def layout(columns: Sequence[Column], width: int) -> list[tuple[int, int]]:
    """Which columns fit, and how wide: pairs of index and cells, from left to right."""
    kept = list(range(len(columns)))

    def need() -> int:
        return sum(columns[i].width or columns[i].minimum for i in kept) + GAP * max(0, len(kept) - 1)

    while need() > width:
        going = max(kept, key=lambda i: (columns[i].drop, i))
        if not columns[going].drop:
            break
        kept.remove(going)
    spare = max(0, width - need())
    weights = sum(columns[i].weight for i in kept if not columns[i].width)
    widths: list[tuple[int, int]] = []
    for i in kept:
        column = columns[i]
        if column.width:
            widths.append((i, column.width))
            continue
        share = spare * column.weight // weights
        spare -= share
        weights -= column.weight
        widths.append((i, column.minimum + share))
    return widths


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
        self._all: tuple[Row, ...] = ()
        self._rows: tuple[Row, ...] = ()
        self._filter = ""
        self._cursor = 0
        self._widths: list[tuple[int, int]] = []

    # --- what it shows ---------------------------------------------------------------------------------------------

    @property
    def rows(self) -> tuple[Row, ...]:
        """Rows that the filter leaves."""
        return self._rows

    @property
    def filter_text(self) -> str:
        """Words that a row must have to be shown."""
        return self._filter

    @property
    def cursor_key(self) -> str | None:
        """Key of the row under the cursor."""
        return self._rows[self._cursor].key if self._rows else None

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Changes the columns; rows given before must have cells for them."""
        if tuple(columns) != self._columns:
            self._columns = tuple(columns)
            self._measure()
            self.refresh()

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Shows these rows. Lines that stay the same are not painted again."""
        self._all = tuple(rows)
        self._show(self._chosen())

    def set_filter(self, wanted: str) -> None:
        """Shows only rows that have all these words."""
        self._filter = wanted
        self._show(self._chosen())

    def set_empty(self, words: Content) -> None:
        """What stands in the place of rows while there are none."""
        if not words.is_same(self._empty):
            self._empty = words
            if not self._rows:
                self.refresh()

    def move_to(self, key: str) -> bool:
        """Puts the cursor on a row by its key; false where there is none."""
        for index, row in enumerate(self._rows):
            if row.key == key:
                self._go(index)
                return True
        return False

    def _chosen(self) -> tuple[Row, ...]:
        return tuple(row for row in self._all if row.matches(self._filter)) if self._filter else self._all

    def _show(self, rows: tuple[Row, ...]) -> None:
        before, old_key, old_index = self._rows, self.cursor_key, self._cursor
        self._rows = rows
        keys = [row.key for row in rows]
        if old_key in keys:
            self._cursor = keys.index(old_key)
        else:
            self._cursor = max(0, min(self._cursor, len(rows) - 1))
        if len(before) != len(rows) or old_index != self._cursor:
            self._measure()
            self.refresh()
            self._follow()
        else:
            for index, (old, new) in enumerate(zip(before, rows, strict=True)):
                if old is not new and not _same(old, new):
                    self._repaint(index)
        if self.cursor_key != old_key:
            self.post_message(self.Moved(self, self.cursor_key))

    def _repaint(self, index: int) -> None:
        y = index - self.scroll_offset.y + self._head
        if self._head <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

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
        self._go(len(self._rows) - 1)

    def action_page(self, pages: int) -> None:
        """Whole pages down or up."""
        self._go(self._cursor + pages * max(1, self.size.height - self._head - 1))

    def _go(self, index: int) -> None:
        index = max(0, min(index, len(self._rows) - 1))
        if not self._rows or index == self._cursor:
            return
        old, self._cursor = self._cursor, index
        self._repaint(old)
        self._repaint(index)
        self._follow()
        self.post_message(self.Moved(self, self.cursor_key))
        if index >= len(self._rows) - 10:
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
        if y < self._head or not 0 <= index < len(self._rows):
            return
        self._go(index)
        if event.chain >= 2:
            self.post_message(self.Pressed(self, self._rows[index].key))

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
        self.virtual_size = Size(0, len(self._rows) + self._head)
        self._widths = layout(self._columns, max(0, self.scrollable_content_region.width - 2))

    def render_line(self, y: int) -> Strip:
        """Line `y` of the visible part."""
        width = self.size.width
        if self._head and y == 0:
            titles = (Content(column.title) for column in self._columns)
            return self._line(tuple(titles), "rows--head", width)
        index = y - self._head + self.scroll_offset.y
        if not self._rows:
            return self._empty_line(y - self._head, width)
        if index >= len(self._rows):
            return Strip.blank(width, self.rich_style)
        if index != self._cursor:
            return self._line(self._rows[index].cells, "", width)
        return self._line(self._rows[index].cells, "rows--cursor" if self.has_focus else "rows--cursor-idle", width)

    def _line(self, cells: tuple[Content, ...], component: str, width: int) -> Strip:
        parts: list[Content] = []
        for index, cells_wide in self._widths:
            cell = cells[index] if index < len(cells) else Content("")
            cell = cell.truncate(cells_wide, ellipsis=True)
            space = cells_wide - cell.cell_length
            if space > 0:
                cell = cell.pad_left(space) if self._columns[index].right else cell.pad_right(space)
            parts.append(cell)
        return self._strip(Content(" " * GAP).join(parts), component, width)

    def _empty_line(self, line: int, width: int) -> Strip:
        rows = [piece for row in self._empty.split("\n", allow_blank=True) for piece in row.wrap(max(8, width - 4))]
        if self._filter and self._all:
            rows = [Content(f"No row has “{self._filter}”. Press esc to see all.")]
        offset = line - 1
        return self._strip(rows[offset] if 0 <= offset < len(rows) else Content(""), "rows--empty", width)

    def _strip(self, content: Content, component: str, width: int) -> Strip:
        style = self.get_visual_style(component) if component else self.visual_style
        strips = Visual.to_strips(self, content, max(1, width - 2), 1, style, apply_selection=False)
        base = RichStyle.from_meta({}) + style.rich_style
        strip = strips[0] if strips else Strip.blank(0)
        strip = Strip.join([Strip.blank(1, base), strip])
        return strip.adjust_cell_length(width, base)


def _same(old: Row, new: Row) -> bool:
    return (
        old.key == new.key
        and len(old.cells) == len(new.cells)
        and all(a.is_same(b) for a, b in zip(old.cells, new.cells, strict=True))
    )
