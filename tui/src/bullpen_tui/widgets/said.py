"""Words on the screen that are painted only when they change."""

from __future__ import annotations

from collections.abc import Callable

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

GUESS = 60
"""Cells of a box that was not laid out yet."""


class Said(Static):
    """A text of its own. `settled` says that its box keeps its size whatever it says, so nothing is laid out anew."""

    def __init__(
        self, words: str | Content = "", *, settled: bool = False, dom_id: str | None = None, classes: str | None = None
    ) -> None:
        self._said = Content(words) if isinstance(words, str) else words
        super().__init__(self._said, id=dom_id, classes=classes)
        self._settled = settled
        self._fitting: Callable[[int], str | Content] | None = None

    def fit(self, make: Callable[[int], str | Content]) -> None:
        """Shows the words that `make` gives for a number of cells, and those for another one when the box changes.

        Whoever asks for the room and then says something speaks for the box as it was before it was laid out.
        """
        self._fitting = make
        self._show(make(self.content_size.width or GUESS))

    def on_resize(self) -> None:
        """Words that depend on the room are made anew for it."""
        if self._fitting is not None and (room := self.content_size.width):
            self._show(self._fitting(room))

    def say(self, words: str | Content) -> None:
        """Shows these words; the same words again cost nothing."""
        self._fitting = None
        self._show(words)

    def _show(self, words: str | Content) -> None:
        content = Content(words) if isinstance(words, str) else words
        if content.is_same(self._said):
            return
        layout = not self._settled and content.plain != self._said.plain
        self._said = content
        self.update(content, layout=layout)


def entitle(pane: Widget, title: str | None = None, *, below: str | None = None) -> None:
    """Writes into a pane's frame. The same words again cost nothing, where setting them paints the whole pane."""
    escaped = Content(title).markup if title is not None else None
    if escaped is not None and escaped != (pane.border_title or ""):
        pane.border_title = escaped
    escaped = Content(below).markup if below is not None else None
    if escaped is not None and escaped != (pane.border_subtitle or ""):
        pane.border_subtitle = escaped
