"""A text of several lines inside a form: enter goes on to the next field, as it does in a line."""

from __future__ import annotations

from textual import events
from textual.message import Message
from textual.widgets import TextArea

NEW_LINE = ("ctrl+j", "shift+enter", "alt+enter")
"""Keys that begin a line; every terminal tells the first of them from enter."""


class Prose(TextArea):
    """A text of a form. With `listed` each line is an entry: enter begins the next, and goes on from an empty one."""

    class Done(Message):
        """Enter was pressed where it goes on."""

    def __init__(self, hint: str, dom_id: str, *, listed: bool = False) -> None:
        super().__init__(compact=True, placeholder=hint, highlight_cursor_line=False, id=dom_id)
        self._listed = listed

    async def _on_key(self, event: events.Key) -> None:
        if event.key in NEW_LINE:
            event.stop()
            event.prevent_default()
            self.insert("\n")
        elif event.key == "enter" and not (self._listed and self._on_an_entry):
            event.stop()
            event.prevent_default()
            self.post_message(self.Done())
        else:
            await super()._on_key(event)

    @property
    def _on_an_entry(self) -> bool:
        return bool(self.document.get_line(self.cursor_location[0]).strip())
