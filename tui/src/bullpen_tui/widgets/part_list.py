"""The parts of one field of a form, as rows; as high as it has parts, one line where it has none."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.strip import Strip

from bullpen_tui import words
from bullpen_tui.widgets.rows import Column, Row, RowTable

LINES = 5
"""Lines that a list may take before it scrolls."""


class PartList(RowTable):
    """The list. Its screen has the keys."""

    DEFAULT_CSS = "PartList { width: 1fr; height: 1; background: $surface; }"

    def __init__(self, hint: str, dom_id: str) -> None:
        empty = words.text(("none   ", words.FAINT), ("a", "bold $accent"), (f" adds: {hint}", words.FAINT))
        super().__init__((Column(""),), head=False, empty=empty, dom_id=dom_id)

    def put(self, parts: Sequence[Content]) -> None:
        """Shows these parts, each under its place."""
        self.styles.height = max(1, min(LINES, len(parts)))
        self.set_rows([Row(str(index), (part,)) for index, part in enumerate(parts)])

    @property
    def place(self) -> int:
        """Place of the part under the cursor; -1 where there is none."""
        return int(self.cursor_key) if self.cursor_key is not None else -1

    def _empty_line(self, line: int, width: int) -> Strip:
        return super()._empty_line(line + 1, width)
