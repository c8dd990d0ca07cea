"""Keeping a provider's key: what is typed goes to the vault, and is seen by nobody, not even while it is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from bullpen_api.v1 import bible_pb2
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label

from bullpen_tui import words
from bullpen_tui.bible import told
from bullpen_tui.bible.accounts import key_name
from bullpen_tui.bible.parts import SLUG
from bullpen_tui.mirror import leaf
from bullpen_tui.port import sentence
from bullpen_tui.screens.careful import Careful
from bullpen_tui.screens.dialogs import hint
from bullpen_tui.widgets.said import Said

if TYPE_CHECKING:
    from bullpen_tui.app import StudioApp


class KeyDialog(Careful[told.KeyKept | None]):
    """The name in the vault and the key itself, hidden."""

    KEEPS = "F5"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        Binding("f5,ctrl+s", "keep", show=False),
        # Before the field sees it: what is typed next must land in the next field, however busy the machine is.
        Binding("enter", "next", show=False, priority=True),
    ]

    def __init__(self, account: bible_pb2.ProviderAccount) -> None:
        super().__init__()
        self._account = account
        self._asked = False

    def compose(self) -> ComposeResult:
        """Name, key, what is wrong, and the keys."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = f"Key of {self._account.title or leaf(self._account.name)}"
            told_ = "It goes into the vault, encrypted, in place of what is there. No screen, file or log shows it."
            yield Said(words.text((told_, words.QUIET)))
            with Horizontal(classes="field"):
                yield Label("name")
                name = key_name(self._account) or leaf(self._account.name)
                yield Input(name, placeholder="openai-main", compact=True, id="key-name", select_on_focus=False)
            with Horizontal(classes="field"):
                yield Label("key")
                yield Input(placeholder="paste it; what is typed is not shown", password=True, compact=True, id="key")
            yield Said(dom_id="key-problem", classes="problem")
            yield Said(hint(("enter", "next, then keep"), ("F5", "keep"), ("esc", "leave it")), classes="hint")

    def on_mount(self) -> None:
        """The name is known mostly: the key is what is asked for."""
        self.query_one("#key", Input).focus()

    def action_next(self) -> None:
        """To the key; from the key it is kept."""
        if self.focused is not None and self.focused.id == "key":
            self.action_keep()
        else:
            self.focus_next()

    def action_keep(self) -> None:
        """Sends it to the vault."""
        name = self.query_one("#key-name", Input).value.strip()
        value = self.query_one("#key", Input).value.strip()
        if not SLUG.fullmatch(name):
            self.complain("name: a–z first, then a–z, 0–9, _ or -, at most 63 in all.")
            self.query_one("#key-name", Input).focus()
        elif not value:
            self.complain("key: nothing was written.")
            self.query_one("#key", Input).focus()
        elif not self._asked:
            self._asked = True
            self.complain("keeping it…", "●")
            cast("StudioApp", self.app).errands.set_key(self._account, name, value, self)

    def on_key_kept(self, message: told.KeyKept) -> None:
        """Closes with what is known of it."""
        self.dismiss(message)

    def on_key_refused(self, message: told.KeyRefused) -> None:
        """Says why; the key stays in its field."""
        self._asked = False
        self.complain(sentence(message.error), "✗")
