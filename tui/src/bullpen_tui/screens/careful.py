"""What a dialog with fields does with the words in them: esc does not throw them away before it was pressed twice."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from textual.screen import ModalScreen
from textual.widgets import Input, TextArea

from bullpen_tui import words
from bullpen_tui.widgets.said import Said

Answer = TypeVar("Answer")


class Careful(ModalScreen[Answer]):
    """A dialog with fields, and a line of the class `problem` that says what is wrong with them."""

    KEEPS: ClassVar[str] = "enter"
    """The key that keeps what was written, in words."""
    _begun: tuple[str, ...] = ()
    _warned: tuple[str, ...] = ()

    def on_mount(self) -> None:
        """What stands in the fields before anything is written is nobody's work."""
        self._begun = self._warned = self.written

    @property
    def written(self) -> tuple[str, ...]:
        """What the fields say now."""
        fields = self.query("Input, TextArea").results()
        return tuple(one.text if isinstance(one, TextArea) else one.value for one in fields if isinstance(one, _FIELDS))

    @property
    def would_lose(self) -> str:
        """What is lost where the dialog is left now, in words; empty where nothing is."""
        now = self.written
        return "What you wrote here is not kept yet." if any(now) and now != self._begun else ""

    def complain(self, what: str, sign: str = "!") -> None:
        """Says in the dialog what is wrong, or what it waits for."""
        style = words.BAD if sign == "✗" else words.WARN
        self.query_one(".problem", Said).say(words.text((f"{sign} ", style), what) if what else "")

    def action_leave(self) -> None:
        """Closes and changes nothing; where something was written only the second time in a row."""
        if self.would_lose and self.written != self._warned:
            self._warned = self.written
            self.complain(f"esc once more throws away what you wrote; {self.KEEPS} keeps it.")
            return
        self.dismiss(None)


_FIELDS = (Input, TextArea)
