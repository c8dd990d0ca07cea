"""Small windows in front of a screen: questions, a short answer, and a dry run."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Callable
from typing import ClassVar

from bullpen_api.v1 import run_pb2
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from bullpen_tui import words
from bullpen_tui.plan import whole_plan
from bullpen_tui.screens.careful import Careful
from bullpen_tui.widgets.said import Said

SLUG = re.compile(r"[a-z][a-z0-9_-]{0,62}")


def slug_of(title: str) -> str:
    """A slug for a title: plain letters, digits and underscores, beginning with a letter, at most 63 long."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9-]+", "_", plain).strip("_-")
    return re.sub(r"^[^a-z]+", "", slug)[:63].rstrip("_-")


def hint(*pairs: tuple[str, str]) -> Content:
    """Keys of a dialog with what they do."""
    return Content("   ").join([words.text((key, "bold $accent"), (f" {label}", words.QUIET)) for key, label in pairs])


def id_of(title: str, kind: str) -> str:
    """An id for a title in any script: its slug, or one made of all its letters where none of them is a Latin one."""
    return slug_of(title) or f"{kind}_{zlib.crc32(title.encode()):08x}"


class ConfirmDialog(ModalScreen[bool]):
    """One question; `y` says yes, everything else no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", show=False),
        Binding("n,escape,q", "answer(False)", show=False),
    ]

    def __init__(self, question: str | Content, yes: str, no: str = "leave it") -> None:
        super().__init__()
        self._question = question
        self._yes, self._no = yes, no

    def compose(self) -> ComposeResult:
        """Question and keys."""
        with Vertical(classes="dialog"):
            yield Static(self._question)
            yield Static(hint(("y", self._yes), ("n", self._no)), classes="hint")

    def action_answer(self, yes: bool) -> None:
        """Closes with the answer."""
        self.dismiss(yes)


class ReasonDialog(Careful[str]):
    """Asks why; an empty answer is not taken."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", show=False)]

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def compose(self) -> ComposeResult:
        """Title, field and keys."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Override"
            yield Static(self._title)
            yield Input(
                placeholder="why this one, kept with the decision", compact=True, id="reason", select_on_focus=False
            )
            yield Said(classes="problem")
            yield Static(hint(("enter", "take it"), ("esc", "leave it")), classes="hint")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self.dismiss(event.value.strip())
        else:
            self.complain("Say in a few words why.")


class PathDialog(Careful[str | None]):
    """Asks for a file, a folder or another short answer; with `empty` none is an answer as well.

    `take` is given the answer before the dialog closes; where it says what is wrong with it, the answer can be mended.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", show=False)]

    def __init__(
        self, title: str, suggestion: str, *, empty: bool = False, take: Callable[[str], str] = lambda _: ""
    ) -> None:
        super().__init__()
        self._empty = empty
        self._take = take
        self._title = title
        self._suggestion = suggestion

    def compose(self) -> ComposeResult:
        """Field and keys."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            yield Input(self._suggestion, compact=True, id="path-asked", select_on_focus=False)
            yield Said(classes="problem")
            yield Static(hint(("enter", "take it"), ("esc", "leave it")), classes="hint")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        wanted = event.value.strip()
        if not wanted and not self._empty:
            self.complain("Nothing was written; esc leaves.")
        elif problem := self._take(wanted):
            self.complain(problem)
        else:
            self.dismiss(wanted)


class PlanDialog(ModalScreen[None]):
    """A dry run: the whole plan, and nothing starts."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter,d,f6", "leave", show=False)]

    def __init__(self, plan: run_pb2.Plan, stages: run_pb2.ListStagesResponse) -> None:
        super().__init__()
        self._plan = plan
        self._stages = stages

    def compose(self) -> ComposeResult:
        """The plan, to scroll through."""
        with Vertical(classes="dialog wide") as dialog:
            dialog.border_title = "Dry run · nothing was started"
            with VerticalScroll():
                yield Static(words.lines(whole_plan(self._plan, self._stages)))
            yield Static(hint(("esc", "back")), classes="hint")

    def action_leave(self) -> None:
        """Closes."""
        self.dismiss()
