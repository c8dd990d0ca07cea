"""The window of a new universe. What is written stays in it until the daemon has the project, or it is thrown away."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from bullpen_api.v1 import project_pb2
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label

from bullpen_tui import messages as say
from bullpen_tui.port import sentence
from bullpen_tui.screens.careful import Careful
from bullpen_tui.screens.dialogs import SLUG, hint, slug_of
from bullpen_tui.widgets.said import Said

if TYPE_CHECKING:
    from bullpen_tui.app import StudioApp

_FIELDS = (
    ("title", "title", "Harbor Lights"),
    ("slug", "name", "a–z, 0–9, _ and -, beginning with a letter"),
    ("story", "story", "one or two sentences (optional)"),
)


class NewProjectDialog(Careful[project_pb2.Project | None]):
    """Title, slug and story; closes with the project. The slug follows the title until it is written by hand."""

    KEEPS = "F5"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        Binding("ctrl+enter,f5", "create", show=False),
        # Before the field sees it: what is typed next must land in the next field, however busy the machine is.
        Binding("enter", "next", show=False, priority=True),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._own_slug = False
        self._asked = False
        self._sent: tuple[str, str, str] | None = None
        self._request_id = ""

    def compose(self) -> ComposeResult:
        """Three fields, what is wrong with them, and the keys."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "New project"
            for name, label, placeholder in _FIELDS:
                with Horizontal(classes="field"):
                    yield Label(label)
                    yield Input(placeholder=placeholder, compact=True, id=name, select_on_focus=False)
            yield Said(dom_id="problem", classes="problem")
            yield Said(hint(("enter", "next, then create"), ("F5", "create"), ("esc", "leave it")), classes="hint")

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
        """Has the daemon make it, unless the name is not one. The same words sent again are the same request."""
        if self._asked:
            return
        title, slug, story = (self.query_one(f"#{name}", Input).value.strip() for name, _, _ in _FIELDS)
        slug = slug if self._own_slug else slug_of(title)
        if not SLUG.fullmatch(slug):
            self.complain("The name needs a–z first, then a–z, 0–9, _ or -, at most 63 in all.")
            self.query_one("#slug", Input).focus()
            return
        studio = cast("StudioApp", self.app)
        asked = (slug, title or slug, story)
        if asked != self._sent:
            self._sent, self._request_id = asked, studio.request_id()
        self._asked = True
        self.complain("making it…", "●")
        studio.errands.create_project(*asked, self._request_id, self)

    def on_project_created(self, message: say.ProjectCreated) -> None:
        """Closes with it."""
        self.dismiss(message.project)

    def on_project_refused(self, message: say.ProjectRefused) -> None:
        """Says why; what was written stays."""
        self._asked = False
        self.complain(sentence(message.error), "✗")
