"""Words on the screen that are painted only when they change."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static


class Said(Static):
    """A text of its own. `settled` says that its box keeps its size whatever it says, so nothing is laid out anew."""

    def __init__(
        self, words: str | Content = "", *, settled: bool = False, dom_id: str | None = None, classes: str | None = None
    ) -> None:
        self._said = Content(words) if isinstance(words, str) else words
        super().__init__(self._said, id=dom_id, classes=classes)
        self._settled = settled

    def say(self, words: str | Content) -> None:
        """Shows these words; the same words again cost nothing."""
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
