"""A list of which rows are taken and which are left, by mark and not by colour alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from bullpen_tui import words
from bullpen_tui.widgets.rows import Column, Row, RowTable


class Chooser(RowTable):
    """Rows with a box before each; space takes or leaves one, `a` all."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "take_or_leave", show=False),
        Binding("a", "take_or_leave_all", show=False),
        Binding("j", "down", show=False),
        Binding("k", "up", show=False),
    ]

    class Changed(Message):
        """Other rows are taken than before."""

    def __init__(self, dom_id: str) -> None:
        super().__init__((Column("", width=3), Column("")), head=False, dom_id=dom_id)
        self._choices: tuple[tuple[str, Content], ...] = ()
        self._taken: set[str] = set()

    @property
    def taken(self) -> list[str]:
        """Keys of the rows that are taken, in their order."""
        return [key for key, _ in self._choices if key in self._taken]

    def offer(self, choices: Sequence[tuple[str, Content]]) -> None:
        """Offers rows by key and label. New ones are taken; of those known before the choice is kept."""
        known = {key for key, _ in self._choices}
        self._taken |= {key for key, _ in choices if key not in known}
        self._choices = tuple(choices)
        self._draw()

    def take(self, keys: Iterable[str]) -> None:
        """Takes these rows and leaves all others."""
        self._taken = set(keys)
        self._draw()
        self.post_message(self.Changed())

    def _draw(self) -> None:
        box = {True: words.text(("[✓]", words.ACCENT)), False: words.text(("[ ]", words.FAINT))}
        self.set_rows([Row(key, (box[key in self._taken], label)) for key, label in self._choices])

    def action_take_or_leave(self) -> None:
        """Takes or leaves the row under the cursor."""
        if self.cursor_key is not None:
            self.take(self._taken ^ {self.cursor_key})

    def action_take_or_leave_all(self) -> None:
        """Takes all rows, or leaves all when all were taken."""
        every = {key for key, _ in self._choices}
        self.take(set() if every <= self._taken else every)
