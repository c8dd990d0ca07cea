"""The help: every key that works on the screen below, in words."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen, Screen

from bullpen_tui.actions import REGISTRY, actions_for
from bullpen_tui.help import help_words, sections
from bullpen_tui.screens.dialogs import hint
from bullpen_tui.widgets.said import Said


class KeysDialog(ModalScreen[None]):
    """The keys of the screen below, made from the live registry: its own first, those of every screen last."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,f1,q,enter", "leave", show=False),
        Binding("j,down", "down", show=False),
        Binding("k,up", "up", show=False),
        Binding("n", "names", show=False),
    ]

    def __init__(self, below: Screen[None]) -> None:
        super().__init__()
        self._below = below
        self._named = False

    def compose(self) -> ComposeResult:
        """One list, what works now first."""
        with Vertical(classes="dialog wide help") as dialog:
            dialog.border_title = "Keys of this screen"
            with VerticalScroll(can_focus=False):
                yield Said(dom_id="help-words")
            yield Said(hint(("j k", "more"), ("n", "names for keymap.toml"), ("esc", "back")), classes="hint")

    def on_mount(self) -> None:
        """Says it."""
        self._say()

    def on_resize(self) -> None:
        """As many places side by side as there is room for."""
        self.call_after_refresh(self._say)

    def _say(self) -> None:
        here = actions_for(str(getattr(self._below, "place", "")), getattr(self.app, "registry", REGISTRY))
        works = {one.id for one in here if self._below.check_action(one.id, ())}
        room = self.query_one("#help-words", Said).content_size.width or self.size.width - 10
        self.query_one("#help-words", Said).say(help_words(sections(here, works), room, self._named))

    def action_names(self) -> None:
        """Shows the names by which the file of chosen keys knows the actions, or hides them."""
        self._named = not self._named
        self._say()

    def action_down(self) -> None:
        """Further down."""
        self.query_one(VerticalScroll).scroll_down(animate=False)

    def action_up(self) -> None:
        """Further up."""
        self.query_one(VerticalScroll).scroll_up(animate=False)

    def action_leave(self) -> None:
        """Closes."""
        self.dismiss()
