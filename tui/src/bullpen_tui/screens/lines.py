"""Lines to write that are read before they are taken: what is wrong is said where it was written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

from bullpen_tui.screens.narrowing import Line, LinesDialog


class CheckedLines(LinesDialog):
    """A few lines to write; they are kept when `problem` finds nothing in them."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("f5,ctrl+s", "keep", show=False, priority=True)]

    def __init__(self, title: str, lines: Sequence[Line], problem: Callable[[Mapping[str, str]], str]) -> None:
        super().__init__(title, lines)
        self._problem = problem

    def action_next(self) -> None:
        """To the next line; from the last one everything is read and kept."""
        if self.focused is None or self.focused.id != f"line-{self._lines[-1][0]}":
            self.focus_next()
        else:
            self.action_keep()

    def action_keep(self) -> None:
        """Keeps everything, or says what is wrong."""
        said = {name: self.query_one(f"#line-{name}", Input).value.strip() for name, _, _ in self._lines}
        if problem := self._problem(said):
            self.complain(problem)
        else:
            self.dismiss(said)
