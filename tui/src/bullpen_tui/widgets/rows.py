"""A table of rows that is drawn line by line.

Rows are values: giving new ones repaints only the lines that differ, and keeps the cursor on the row it was on. Columns
share the width by weight, and those of least use go when the terminal is narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from bullpen_tui.widgets.layout import GAP, Column, Row, layout, shortened
from bullpen_tui.widgets.lister import Lister

STRIPS_KEPT = 400

__all__ = ["GAP", "Column", "Row", "RowTable", "layout"]


class RowTable(Lister, ScrollView, can_focus=True):
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

    def __init__(
        self, columns: Sequence[Column] = (), *, head: bool = True, empty: Content | str = "", dom_id: str | None = None
    ) -> None:
        super().__init__(dom_id)
        self._columns = tuple(columns)
        self._head = 1 if head else 0
        self._empty = Content(empty) if isinstance(empty, str) else empty
        self._painted: dict[int, Row] = {}
        self._strips: dict[tuple[int, str, bool], tuple[Row, Strip]] = {}
        """Lines as they were drawn: scrolling shows most of them again."""
        self._widths: list[tuple[int, int]] = []
        self._room = -1
        """Cells that the columns were shared out for."""

    # --- what it shows ---------------------------------------------------------------------------------------------

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Changes the columns; rows given before must have cells for them."""
        if tuple(columns) != self._columns:
            self._columns = tuple(columns)
            self._measure()
            self.refresh()

    def cells(self, index: int) -> int:
        """How wide a column is, 0 where it has no room; before anything is laid out as wide as it likes."""
        return dict(self._widths).get(index, 0) if self._room > 0 else 200

    def set_empty(self, words: Content) -> None:
        """What stands in the place of rows while there are none."""
        if not words.is_same(self._empty):
            self._empty = words
            if not len(self._listing):
                self.refresh()

    def _redraw_all(self) -> None:
        self._painted.clear()
        self._measure()
        self.refresh()
        self._reveal()

    def _redraw_changed(self) -> None:
        for index, old in list(self._painted.items()):
            if not (index < len(self._listing) and self._seen(index)):
                del self._painted[index]
            elif not old.is_same(new := self._listing.row(index)):
                self._painted[index] = new
                self._redraw(index)

    def _seen(self, index: int) -> bool:
        return self._head <= index - self.scroll_offset.y + self._head < self.size.height

    def _redraw(self, index: int) -> None:
        if self._seen(index):
            self.refresh(Region(0, index - self.scroll_offset.y + self._head, self.size.width, 1))

    # --- moving ----------------------------------------------------------------------------------------------------

    def action_page(self, pages: int) -> None:
        """Whole pages down or up."""
        self._go(self._cursor + pages * max(1, self.size.height - self._head - 1))

    def _reveal(self, again: bool = True) -> None:
        """Brings the cursor into view; rows that were just set can be scrolled to once they are laid out."""
        visible = self.size.height - self._head
        top, lowest = self._cursor, self._cursor - visible + 1
        if visible > 0 and not lowest <= self.scroll_offset.y <= top:
            self.scroll_to(y=min(max(self.scroll_offset.y, lowest), top), animate=False, immediate=True, force=True)
        if again and not lowest <= self.scroll_target_y <= top:
            self.call_after_refresh(self._reveal, again=False)

    def on_click(self, event: events.Click) -> None:
        """A click moves the cursor, a double click opens."""
        y = event.get_content_offset_capture(self).y
        index = y - self._head + self.scroll_offset.y
        if y < self._head or not 0 <= index < len(self._listing):
            return
        self._go(index)
        if event.chain >= 2:
            self.post_message(self.Pressed(self, self._listing.key(index)))

    # --- drawing ---------------------------------------------------------------------------------------------------

    def on_resize(self) -> None:
        """Shares out the new width."""
        self._measure()
        self._reveal()
        self.refresh()

    def notify_style_update(self) -> None:
        """Other colours: every line is another one."""
        self._strips.clear()
        super().notify_style_update()

    def _measure(self) -> None:
        self._strips.clear()
        self.virtual_size = Size(0, len(self._listing) + self._head)
        self._share_out()

    def _share_out(self) -> None:
        self._room = max(0, self.scrollable_content_region.width - 2)
        self._widths = layout(self._columns, self._room)

    def render_line(self, y: int) -> Strip:
        """Line `y` of the visible part. It may be painted before the table is told of the width that it got."""
        width = self.size.width
        if self._room != max(0, self.scrollable_content_region.width - 2):
            self._strips.clear()
            self._share_out()
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
        marked = row.key in self._marks
        known = self._strips.get((index, component, marked))
        if known is None or known[0] is not row or known[1].cell_length != width:
            if len(self._strips) > STRIPS_KEPT:
                self._strips.clear()
            known = self._strips[index, component, marked] = row, self._line(row.cells, component, width, marked)
        return known[1]

    def _line(self, cells: tuple[Content, ...], component: str, width: int, marked: bool = False) -> Strip:
        parts: list[Content] = []
        for index, cells_wide in self._widths:
            cell = cells[index] if index < len(cells) else Content("")
            cell = shortened(cell, cells_wide, self._columns[index].middle)
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
