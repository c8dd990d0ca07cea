"""Small windows of a form: one part of a list, one of several, a path, and what two people wrote at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Input, Label

from bullpen_tui import words
from bullpen_tui.bible.draft import Clash
from bullpen_tui.bible.parts import Asked
from bullpen_tui.plan import FormError
from bullpen_tui.screens.careful import Careful
from bullpen_tui.screens.dialogs import hint, slug_of
from bullpen_tui.widgets.lister import Lister
from bullpen_tui.widgets.rows import Column, Row, RowTable
from bullpen_tui.widgets.said import Said

ROOM = 55
"""Cells of a row in a dialog of the usual width."""
MOVING: tuple[BindingType, ...] = (Binding("j", "move(1)", show=False), Binding("k", "move(-1)", show=False))


class PartDialog(Careful[bool]):
    """A few lines about one part. `write` takes them; where it refuses, the words stay and say what to mend."""

    KEEPS = "F5"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        Binding("f5,ctrl+s", "keep", show=False),
        # Before the field sees it: what is typed next must land in the next field, however busy the machine is.
        Binding("enter", "next", show=False, priority=True),
    ]

    def __init__(self, title: str, asked: Sequence[Asked], write: Callable[[Mapping[str, str]], None]) -> None:
        super().__init__()
        self._title = title
        self._asked = tuple(asked)
        self._write = write

    def compose(self) -> ComposeResult:
        """The lines and the keys."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            for one in self._asked:
                with Horizontal(classes="field"):
                    yield Label(one.label)
                    yield Input(one.value, placeholder=one.hint, compact=True, id=one.name, select_on_focus=False)
            yield Said(dom_id="part-problem", classes="problem")
            yield Said(hint(("enter", "next, then keep"), ("F5", "keep"), ("esc", "leave it")), classes="hint")

    def action_next(self) -> None:
        """To the next field; from the last one everything is kept."""
        if self.focused is not None and self.focused.id == self._asked[-1].name:
            self.action_keep()
        else:
            self.focus_next()

    def action_keep(self) -> None:
        """Closes with what was written, unless it cannot be kept."""
        values = {one.name: self.query_one(f"#{one.name}", Input).value.strip() for one in self._asked}
        if "look_id" in values:
            values["look_id"] = values["look_id"] or slug_of(values["title"])
        try:
            self._write(values)
        except FormError as problem:
            self.complain(str(problem))
        else:
            self.dismiss(True)


class ChooseDialog(ModalScreen[str | None]):
    """One of several rows. `none` is what stands there when there is nothing to choose."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", show=False),
        Binding("enter,space,l", "take", show=False),
        *MOVING,
    ]

    def __init__(self, title: str, offered: Sequence[tuple[str, Content]], none: str) -> None:
        super().__init__()
        self._title = title
        self._offered = tuple(offered)
        self._none = none

    def compose(self) -> ComposeResult:
        """The rows and the keys."""
        broad = max((label.cell_length for _, label in self._offered), default=0) > ROOM
        with Vertical(classes="dialog broad" if broad else "dialog") as dialog:
            dialog.border_title = self._title
            table = RowTable((Column(""),), head=False, empty=self._none, dom_id="offered")
            yield table
            yield Said(hint(("enter", "take it"), ("esc", "leave it")), classes="hint")

    def on_resize(self) -> None:
        """As many rows as the terminal has lines for."""
        self.query_one("#offered").styles.height = max(3, min(12, len(self._offered), self.size.height - 8))

    def on_mount(self) -> None:
        """Offers the rows."""
        table = self.query_one("#offered", RowTable)
        table.set_rows([Row(key, (label,)) for key, label in self._offered])
        table.focus()

    def action_move(self, by: int) -> None:
        """Down or up."""
        table = self.query_one("#offered", RowTable)
        (table.action_down if by > 0 else table.action_up)()

    def on_lister_pressed(self) -> None:
        """A double click takes the row."""
        self.action_take()

    def action_take(self) -> None:
        """Closes with the row under the cursor."""
        self.dismiss(self.query_one("#offered", RowTable).cursor_key)

    def action_leave(self) -> None:
        """Closes without one."""
        self.dismiss(None)


class Paths(Suggester):
    """Completes a path of this machine; the right arrow takes what is suggested."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """The first file or folder that begins so, by name."""
        folder, begun = os.path.split(value)
        try:
            names = sorted(
                entry.name + ("/" if entry.is_dir() else "")
                for entry in os.scandir(os.path.expanduser(folder) or ".")  # noqa: PTH111 - a text, not yet a path
                if entry.name.startswith(begun) and (begun.startswith(".") or not entry.name.startswith("."))
            )
        except OSError:
            return None
        return os.path.join(folder, names[0]) if names and begun else None  # noqa: PTH118 - keeps what was typed


class BringDialog(Careful[Path | None]):
    """Asks for a picture, or a folder of them, on this machine."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", show=False)]

    def __init__(self, what: str) -> None:
        super().__init__()
        self._what = what

    def compose(self) -> ComposeResult:
        """Field and keys."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Pictures in"
            yield Said(words.text((self._what, words.QUIET)))
            placeholder = "a PNG, JPEG or WebP file, or a folder of them"
            yield Input(placeholder=placeholder, compact=True, id="bring", suggester=Paths(), select_on_focus=False)
            yield Said(dom_id="part-problem", classes="problem")
            yield Said(hint(("→", "completes"), ("enter", "bring in"), ("esc", "leave it")), classes="hint")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        path = Path(event.value.strip()).expanduser()
        if not event.value.strip() or not path.exists():
            self.complain(f"{path} is not there." if event.value.strip() else "Name a file or a folder.")
            return
        self.dismiss(path.absolute())


class ConflictDialog(ModalScreen[frozenset[str] | None]):
    """What two people wrote of one thing, field by field. Closes with the fields that stay as the other has them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        Binding("space", "flip", show=False),
        Binding("m", "every(True)", show=False),
        Binding("t", "every(False)", show=False),
        Binding("enter,f5", "keep", show=False),
        *MOVING,
    ]

    def __init__(self, title: str, clashes: Sequence[Clash]) -> None:
        super().__init__()
        self._title = title
        self._clashes = {one.field.name: one for one in clashes}
        self._theirs = {one.field.name for one in clashes if one.mine == one.before and not one.both}

    def compose(self) -> ComposeResult:
        """The fields, the one under the cursor in full, and the keys."""
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = self._title
            yield Said(
                words.text("Somebody changed it meanwhile. Nothing of yours is lost: ", ("✓", words.GOOD), " is kept.")
            )
            columns = (Column("field", width=12), Column("yours", weight=1), Column("theirs", weight=1))
            table = RowTable(columns, dom_id="clashes")
            yield table
            yield Said(dom_id="clash-words")
            keys = (("space", "other side"), ("m", "all yours"), ("t", "all theirs"))
            yield Said(hint(*keys, ("enter", "save"), ("esc", "back")), classes="hint")

    def on_resize(self) -> None:
        """As many rows as the terminal has lines for, beside what each of them says in full."""
        self.query_one("#clashes").styles.height = max(3, min(1 + len(self._clashes), 9, self.size.height - 11))

    def on_mount(self) -> None:
        """Shows the fields."""
        self._draw()
        self.query_one("#clashes", RowTable).focus()

    def _draw(self) -> None:
        rows = []
        for name, one in self._clashes.items():
            theirs = name in self._theirs
            sides = [_side(one.mine, not theirs), _side(one.theirs, theirs)]
            rows.append(Row(name, (Content(one.field.label), *sides)))
        self.query_one("#clashes", RowTable).set_rows(rows)
        self._explain()

    @on(Lister.Moved)
    def _explain(self) -> None:
        one = self._clashes.get(self.query_one("#clashes", RowTable).cursor_key or "")
        if one is not None:
            told = (("before", one.before), ("yours", one.mine), ("theirs", one.theirs))
            lines = [words.text((f"{label:<8}", words.FAINT), text or words.DASH) for label, text in told]
            self.query_one("#clash-words", Said).say(words.lines([Content(""), *lines]))

    def action_move(self, by: int) -> None:
        """Down or up."""
        table = self.query_one("#clashes", RowTable)
        (table.action_down if by > 0 else table.action_up)()

    def action_flip(self) -> None:
        """Keeps the other side of the field under the cursor, where I changed it at all."""
        one = self._clashes.get(self.query_one("#clashes", RowTable).cursor_key or "")
        if one is not None and (one.both or one.mine != one.before):
            self._theirs ^= {one.field.name}
            self._draw()

    def action_every(self, mine: bool) -> None:
        """Keeps one side of every field."""
        touched = {name for name, one in self._clashes.items() if one.both or one.mine != one.before}
        self._theirs = self._theirs - touched if mine else self._theirs | touched
        self._draw()

    def action_keep(self) -> None:
        """Closes with the choice."""
        self.dismiss(frozenset(self._theirs))

    def action_leave(self) -> None:
        """Back to the form, with everything as it was written."""
        self.dismiss(None)


def _side(text: str, kept: bool) -> Content:
    return words.text(("✓ " if kept else "  ", words.GOOD), (text or words.DASH, "" if kept else words.QUIET))
