"""Small windows in front of a screen: questions, the new project, and a dry run."""

from __future__ import annotations

import re
import unicodedata
from typing import ClassVar

from bullpen_api.v1 import run_pb2
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from bullpen_tui import words
from bullpen_tui.plan import whole_plan

SLUG = re.compile(r"[a-z][a-z0-9_-]{0,62}")


def slug_of(title: str) -> str:
    """A slug for a title: plain letters, digits and underscores, beginning with a letter, at most 63 long."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9-]+", "_", plain).strip("_-")
    return re.sub(r"^[^a-z]+", "", slug)[:63].rstrip("_-")


def hint(*pairs: tuple[str, str]) -> Content:
    """Keys of a dialog with what they do."""
    return Content("   ").join([words.text((key, "bold $accent"), (f" {label}", words.QUIET)) for key, label in pairs])


class ConfirmDialog(ModalScreen[bool]):
    """One question; `y` says yes, everything else no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", show=False),
        Binding("n,escape,q", "answer(False)", show=False),
    ]

    def __init__(self, question: str | Content, yes: str) -> None:
        super().__init__()
        self._question = question
        self._yes = yes

    def compose(self) -> ComposeResult:
        """Question and keys."""
        with Vertical(classes="dialog"):
            yield Static(self._question)
            yield Static(hint(("y", self._yes), ("n", "leave it")), classes="hint")

    def action_answer(self, yes: bool) -> None:
        """Closes with the answer."""
        self.dismiss(yes)


class ReasonDialog(ModalScreen[str]):
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
            yield Input(placeholder="why this one, kept with the decision", compact=True, id="reason")
            yield Static(hint(("enter", "take it"), ("esc", "leave it")), classes="hint")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self.dismiss(event.value.strip())
        else:
            self.query_one(".hint", Static).update(words.text(("Say in a few words why.", words.WARN)))

    def action_leave(self) -> None:
        """Closes without an answer."""
        self.dismiss("")


class PathDialog(ModalScreen[str | None]):
    """Asks for a file or folder; with `empty` no name is an answer as well."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", show=False)]

    def __init__(self, title: str, suggestion: str, *, empty: bool = False) -> None:
        super().__init__()
        self._empty = empty
        self._title = title
        self._suggestion = suggestion

    def compose(self) -> ComposeResult:
        """Field and keys."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = self._title
            yield Input(self._suggestion, compact=True, id="path-asked", select_on_focus=False)
            yield Static(hint(("enter", "take it"), ("esc", "leave it")), classes="hint")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        wanted = event.value.strip()
        self.dismiss(wanted if wanted or self._empty else None)

    def action_leave(self) -> None:
        """Closes without an answer."""
        self.dismiss(None)


class NewProjectDialog(ModalScreen[tuple[str, str, str] | None]):
    """Title, slug and story. The slug follows the title until it is written by hand."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        Binding("ctrl+enter,f5", "create", show=False),
        # Before the field sees it: what is typed next must land in the next field, however busy the machine is.
        Binding("enter", "next", show=False, priority=True),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._own_slug = False

    def compose(self) -> ComposeResult:
        """Three fields."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "New project"
            for name, label, placeholder in (
                ("title", "title", "Harbor Lights"),
                ("slug", "name", "a–z, 0–9, _ and -, beginning with a letter"),
                ("story", "story", "one or two sentences (optional)"),
            ):
                with Horizontal(classes="field"):
                    yield Label(label)
                    yield Input(placeholder=placeholder, compact=True, id=name)
            yield Static(id="problem")
            yield Static(hint(("enter", "next, then create"), ("esc", "leave it")), classes="hint")

    @on(Input.Changed, "#title")
    def _titled(self, event: Input.Changed) -> None:
        if not self._own_slug:
            slug = self.query_one("#slug", Input)
            with slug.prevent(Input.Changed):
                slug.value = slug_of(event.value)

    @on(Input.Changed, "#slug")
    def _slugged(self) -> None:
        self._own_slug = True

    def action_next(self) -> None:
        """To the next field; from the last one the project is created."""
        if self.focused is not None and self.focused.id == "story":
            self.action_create()
        else:
            self.focus_next()

    def action_create(self) -> None:
        """Closes with what was written, unless the name is not one."""
        title, slug, story = (self.query_one(f"#{name}", Input).value.strip() for name in ("title", "slug", "story"))
        slug = slug if self._own_slug else slug_of(title)
        if not SLUG.fullmatch(slug):
            self.query_one("#problem", Static).update(
                words.text(("The name needs a–z first, then a–z, 0–9, _ or -, at most 63 in all.", words.WARN))
            )
            self.query_one("#slug", Input).focus()
            return
        self.dismiss((slug, title or slug, story))

    def action_leave(self) -> None:
        """Closes without a project."""
        self.dismiss(None)


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
