"""The form of an export: what is made, of which pictures, laid out how, and where it goes.

While it is filled the daemon says what the file would hold and which scenes would be left out; nothing is begun before
F5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from bullpen_api.v1 import export_pb2 as pb
from bullpen_client.errors import AlreadyExists
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Label, Select

from bullpen_tui import words
from bullpen_tui.exports import form, told
from bullpen_tui.mirror import leaf
from bullpen_tui.plan import FormError
from bullpen_tui.port import sentence
from bullpen_tui.screens.careful import Careful
from bullpen_tui.screens.dialogs import ConfirmDialog, hint
from bullpen_tui.widgets.said import Said

if TYPE_CHECKING:
    from bullpen_tui.app import StudioApp

_LINES = (
    ("layout", "layout", "one a page; or panels: 2x3, 2x3 rtl"),
    ("title", "title", "the project's"),
    ("destination", "goes to", "the project's own folder; or a path"),
)


class ExportDialog(Careful[pb.Export | None]):
    """Closes with the export that was begun."""

    KEEPS = "F5"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        Binding("f5,ctrl+enter", "begin", show=False),
        # Before the field sees it: what is typed next must land in the next field, however busy the machine is.
        Binding("enter", "next", show=False, priority=True),
    ]

    def __init__(self, project: str) -> None:
        super().__init__()
        self._project = project
        self._spec: pb.ExportSpec | None = None
        self._request_id = ""
        self._going = False

    @property
    def studio(self) -> StudioApp:
        """The application."""
        app: Any = self.app
        found: StudioApp = app
        return found

    def compose(self) -> ComposeResult:
        """The fields, what would be made, and the keys."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = f"Export {leaf(self._project)}"
            formats = [(label, name) for name, (label, _) in form.FORMATS.items()]
            stages = form.stage_choices(self.studio.snapshot.projects.get(self._project))
            for name, label, options in (
                ("format", "format", formats),
                ("stage", "stage", stages),
                ("pictures", "pictures", form.picture_choices("cbz")),
            ):
                with Horizontal(classes="field"):
                    yield Label(label)
                    yield Select[str](options, allow_blank=False, compact=True, id=f"export-{name}")
            for name, label, placeholder in _LINES:
                with Horizontal(classes="field"):
                    yield Label(label)
                    yield Input(placeholder=placeholder, compact=True, id=f"export-{name}", select_on_focus=False)
            yield Said(dom_id="export-said", classes="problem")
            yield Said(hint(("tab", "next"), ("F5", "make it"), ("esc", "leave it")), classes="hint")

    def on_mount(self) -> None:
        """Asks what the form would make as it stands."""
        self.query_one("#export-format").focus()
        self._look()

    def values(self) -> dict[str, str]:
        """What the form says, as it was written."""
        chosen = {
            name: str(self.query_one(f"#export-{name}", Select).value) for name in ("format", "stage", "pictures")
        }
        return chosen | {name: self.query_one(f"#export-{name}", Input).value.strip() for name, _, _ in _LINES}

    @on(Select.Changed, "#export-format")
    def _other_format(self, event: Select.Changed) -> None:
        """Offers what this format takes."""
        pictures: Select[str] = self.query_one("#export-pictures", Select)
        options = form.picture_choices(str(event.value))
        now = str(pictures.value)
        with pictures.prevent(Select.Changed):
            pictures.set_options(options)
            pictures.value = now if now in [value for _, value in options] else options[0][1]
        self.query_one("#export-layout", Input).disabled = str(event.value) not in form.LAID
        self._look()

    @on(Select.Changed, "#export-stage, #export-pictures")
    @on(Input.Changed)
    def _changed(self) -> None:
        self._look()

    def _look(self) -> None:
        self._spec = None
        self._request_id = ""
        try:
            spec = form.spec_of(self.values())
        except FormError as problem:
            self.complain(str(problem))
            return
        self._spec = spec
        self.studio.errands.look_at_export(self._project, spec, self)

    def on_export_looked(self, message: told.ExportLooked) -> None:
        """Shows what would be made."""
        missing = [scene.title or leaf(scene.scene) for scene in message.export.left_out]
        lines = [
            Content(""),
            words.text(form.looked(message.export, missing)),
            words.text((message.export.path, words.QUIET)),
        ]
        self.query_one("#export-said", Said).say(words.lines(lines))

    def on_export_refused(self, message: told.ExportRefused) -> None:
        """Says why not; where only a file is in the way the person may have it replaced."""
        self._going = False
        if message.begun and isinstance(message.error, AlreadyExists) and self._spec is not None:
            question = f"{message.error} Replace it?"
            self.studio.push_screen(ConfirmDialog(question, "replace it"), self._replace)
            return
        self.complain(sentence(message.error))

    def _replace(self, yes: bool | None) -> None:
        if yes and self._spec is not None:
            self._spec.overwrite = True
            self._request_id = ""
            self.action_begin()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enter opens a choice; in a line it goes on."""
        return isinstance(self.focused, Input) if action == "next" else True

    def action_next(self) -> None:
        """To the next field; from the last one the export begins."""
        if self.focused is not None and self.focused.id == f"export-{_LINES[-1][0]}":
            self.action_begin()
        else:
            self.focus_next()

    def action_begin(self) -> None:
        """Begins what the form says; pressed twice it is the same export."""
        if self._spec is None or self._going:
            return
        self._going = True
        self._request_id = self._request_id or self.studio.request_id()
        self.studio.errands.begin_export(self._project, self._spec, self._request_id, self)

    def on_export_begun(self, message: told.ExportBegun) -> None:
        """Closes with it."""
        self.dismiss(message.export)
