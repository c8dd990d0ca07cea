"""A line of names of which one is open; `[` and `]` go through them, a click goes to one."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from bullpen_tui import words
from bullpen_tui.widgets.chrome import clickable
from bullpen_tui.widgets.said import Said


class TabLine(Said):
    """The line. The screen says what is open."""

    DEFAULT_CSS = "TabLine { height: 1; width: 100%; padding: 0 1; }"
    auto_links = False

    def __init__(self) -> None:
        super().__init__(settled=True, classes="tab-line")

    def open(self, names: Sequence[str], here: int, right: Content | None = None) -> None:
        """Shows the names with the open one standing out, and words at the right where there is room."""
        parts: list[Content] = []
        for index, name in enumerate(names):
            style = "bold $accent underline" if index == here else words.QUIET
            parts.append(clickable(words.text((name, style)), f"screen.tab({index})"))
        room = self.content_size.width
        bare = sum(part.cell_length for part in parts)
        gap = 3 if not room or bare + 3 * (len(parts) - 1) <= room else 2
        line = Content(" " * gap).join(parts)
        if right is not None and line.cell_length + right.cell_length + 3 <= room:
            line = words.text(line, " " * (room - line.cell_length - right.cell_length), right)
        self.say(line)
