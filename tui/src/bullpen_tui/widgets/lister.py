"""What every list of the studio can do, whether it is drawn as rows or as pictures: cursor, filter, marks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from textual.message import Message
from textual.widget import Widget

from bullpen_tui.widgets.layout import Row
from bullpen_tui.widgets.listing import Listing, Make, Text

SLICE_SECONDS = 0.008
"""How long the words of rows are gathered at a time."""


class Lister(Widget):
    """A list with a cursor. A subclass draws it, by `_redraw_all`, `_redraw`, `_redraw_changed` and `_reveal`."""

    class Moved(Message):
        """The cursor is on another row, or on none."""

        def __init__(self, lister: Lister, key: str | None) -> None:
            super().__init__()
            self.lister = lister
            self.key = key

        @property
        def control(self) -> Lister:
            """The list, for `@on` selectors."""
            return self.lister

    class Pressed(Message):
        """A row was double-clicked."""

        def __init__(self, lister: Lister, key: str) -> None:
            super().__init__()
            self.lister = lister
            self.key = key

    class EndNeared(Message):
        """The cursor is near the last row; more may be asked for."""

    def __init__(self, dom_id: str | None) -> None:
        super().__init__(id=dom_id)
        self._listing = Listing()
        self._marks: set[str] = set()
        self._cursor = 0
        self._wanted = ""
        self._warming = False

    # --- what it lists -----------------------------------------------------------------------------------------------

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
        marked: list[str] = []
        if self._marks:
            keys = (self._listing.key(at) for at in range(len(self._listing)))
            marked = [key for key in keys if key in self._marks]
        return marked or ([self.cursor_key] if self.cursor_key is not None else [])

    @property
    def marked(self) -> int:
        """How many rows are marked."""
        return len(self._marks)

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Shows these rows. What stays the same is not painted again."""
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
        """Shows only rows that have all these words, and none of those that begin with `!`.

        Of a long list the words are gathered first, a few milliseconds at a time, so that keys and paints go between.
        """
        self._wanted = wanted
        if wanted.strip():
            self.warm()
        else:
            self._narrow()

    def warm(self) -> None:
        """Gathers the words of the rows for a filter that is being written."""
        if not self._warming:
            self._gather()

    def _gather(self) -> None:
        end = time.monotonic() + SLICE_SECONDS
        self._warming = self.is_attached and not self._listing.prepare(lambda: time.monotonic() > end)
        if self._warming:
            self.set_timer(SLICE_SECONDS / 4, self._gather)
        elif self._wanted != self._listing.wanted:
            self._narrow()

    def _narrow(self) -> None:
        before = self._before()
        self._listing.narrow(self._wanted)
        self._show(*before)

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
        found = self._listing.index(key, cursor) if key is not None else None
        self._cursor = found if found is not None else max(0, min(self._cursor, len(self._listing) - 1))
        if self._marks and count != len(self._listing):
            self._marks &= self._listing.keys
        if count != len(self._listing) or cursor != self._cursor:
            self._redraw_all()
        else:
            self._redraw_changed()
        if self.cursor_key != key:
            self.post_message(self.Moved(self, self.cursor_key))

    # --- marking -----------------------------------------------------------------------------------------------------

    def toggle_mark(self) -> None:
        """Marks the row under the cursor, or takes its mark away, and goes on to the next."""
        if self.cursor_key is not None:
            self._marks ^= {self.cursor_key}
            self._redraw(self._cursor)
            self._go(self._cursor + 1)

    def clear_marks(self) -> bool:
        """Takes all marks away; false where there were none."""
        had, self._marks = bool(self._marks), set()
        if had:
            self._redraw_all()
        return had

    # --- moving ------------------------------------------------------------------------------------------------------

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

    def _go(self, index: int) -> None:
        index = max(0, min(index, len(self._listing) - 1))
        if not len(self._listing) or index == self._cursor:
            return
        old, self._cursor = self._cursor, index
        self._redraw(old)
        self._redraw(index)
        self._reveal()
        self.post_message(self.Moved(self, self.cursor_key))
        if index >= len(self._listing) - 10:
            self.post_message(self.EndNeared())

    def on_focus(self) -> None:
        """The cursor is drawn differently with the focus."""
        self._redraw(self._cursor)

    def on_blur(self) -> None:
        """The cursor is drawn differently without the focus."""
        self._redraw(self._cursor)

    # --- drawing, in the subclass ------------------------------------------------------------------------------------

    def _redraw_all(self) -> None:
        """Number or places of rows changed."""
        raise NotImplementedError

    def _redraw_changed(self) -> None:
        """Only what rows say may have changed."""
        raise NotImplementedError

    def _redraw(self, index: int) -> None:
        """One row looks different."""
        raise NotImplementedError

    def _reveal(self) -> None:
        """The cursor must come into view."""
        raise NotImplementedError
