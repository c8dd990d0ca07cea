"""Exports: every file that was made of a project, where it lies, and whether it is still there and unchanged.

Small files are read again as soon as the list is opened, one after the other; large ones when somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from bullpen_api.v1 import export_pb2 as pb
from bullpen_client.errors import AlreadyExists
from textual import on
from textual.containers import Vertical, VerticalScroll
from textual.widget import Widget

from bullpen_tui import messages as say
from bullpen_tui import words
from bullpen_tui.exports import told
from bullpen_tui.exports import words as exported
from bullpen_tui.exports.desk import ENDED, GOING, ExportsRead
from bullpen_tui.exports.rows import COLUMNS, about, export_row
from bullpen_tui.mirror import leaf, project_of
from bullpen_tui.port import sentence
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.screens.dialogs import ConfirmDialog
from bullpen_tui.screens.task_exports import TaskExports
from bullpen_tui.widgets.lister import Lister
from bullpen_tui.widgets.rows import RowTable
from bullpen_tui.widgets.said import Said, entitle

SMALL = 32 << 20
"""Bytes of a file that is read unasked."""
FIRST = 20
"""How many of the newest files are read unasked."""
NONE = words.text(
    "Nothing was exported yet.\n\n",
    ("e", "bold $accent"),
    " makes a comic book, a PDF or a bundle of the project.",
)


class ExportsScreen(TaskExports, StudioScreen):
    """The table above, all that is known of one export below."""

    place: ClassVar[str] = "exports"
    tab: ClassVar[str] = "projects"

    def __init__(self) -> None:
        super().__init__()
        self._reading = ""
        self._missed: set[str] = set()
        self._again: tuple[str, pb.ExportSpec] | None = None

    def body(self) -> Iterable[Widget]:
        """Table and words."""
        with Vertical(classes="pane", id="exports-pane") as pane:
            pane.border_title = "Exports"
            yield RowTable(COLUMNS, empty="Reading…", dom_id="exports")
        with VerticalScroll(classes="pane", id="export-pane", can_focus=False):
            yield Said(dom_id="export-words")

    @property
    def export_name(self) -> str:
        """The export under the cursor."""
        return self.query_one("#exports", RowTable).cursor_key or ""

    @property
    def _chosen(self) -> list[pb.Export]:
        """The marked exports, else the one under the cursor."""
        known = self.snapshot.exports.exports
        return [known[name] for name in self.query_one("#exports", RowTable).chosen if name in known]

    def draw(self) -> None:
        """Draws the rows in place, and reads the next small file."""
        self.studio.reading.exports()
        desk, now = self.snapshot.exports, self.studio.now()
        table = self.query_one("#exports", RowTable)
        newest = desk.newest()
        if desk.read:
            table.set_empty(NONE)
        table.set_rows([export_row(one, desk, now) for one in newest])
        self._draw_words()
        self._read_next(newest)

    @on(Lister.Moved)
    def _moved_on(self) -> None:
        self._draw_words()

    def _draw_words(self) -> None:
        export = self.the_export
        pane = self.query_one("#export-pane")
        pane.display = export is not None
        if export is not None:
            entitle(pane, f"{leaf(project_of(export.name))} › {leaf(export.name)}")
            checked = self.snapshot.exports.checks.get(export.name)
            self.query_one("#export-words", Said).say(words.lines(about(export, checked, self.studio.now())))

    # --- reading files -----------------------------------------------------------------------------------------------

    def _read_next(self, newest: list[pb.Export]) -> None:
        """Has the next small file read that nobody has read yet."""
        if self._reading or not self.studio.connected:
            return
        known = self.snapshot.exports.checks
        made = [one for one in newest if one.state == pb.Export.STATE_SUCCEEDED][:FIRST]
        for one in made:
            if one.size_bytes <= SMALL and one.name not in known and one.name not in self._missed:
                self._reading = one.name
                self.studio.errands.check_export(one.name, self, asked=False)
                return

    def on_export_checked(self, message: told.ExportChecked) -> None:
        """Keeps what was found; says it where somebody asked."""
        found = message.answer
        self._reading = "" if self._reading == message.name else self._reading
        if message.asked:
            what = "is what was written" if found.sound else f"is not: {found.problem}"
            self.notify(
                f"{leaf(message.name)} {what}.".replace("..", "."), severity="information" if found.sound else "warning"
            )
        self.studio.post_message(say.ChangesArrived((ExportsRead((), {message.name: found}),)))

    def on_export_unchecked(self, message: told.ExportUnchecked) -> None:
        """One that could not be read is not read again unasked."""
        self._missed.add(message.name)
        self._reading = "" if self._reading == message.name else self._reading
        if message.asked:
            self.notify(sentence(message.error), title="Not checked", severity="warning")
        self._read_next(self.snapshot.exports.newest())

    # --- keys --------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what works on the export under the cursor."""
        if not self.is_mounted:
            return True
        export = self.the_export
        if action in ("copy_path", "mark"):
            return export is not None
        if action == "check_export":
            return any(one.state == pb.Export.STATE_SUCCEEDED for one in self._chosen)
        if action == "forget_export":
            chosen = self._chosen
            return bool(chosen) and all(one.state in ENDED for one in chosen)
        if action == "export_again":
            return export is not None and export.state in ENDED
        if action == "cancel_job":
            return export is not None and export.state in GOING
        return bool(self.studio.project) if action == "export" else True

    def action_copy_path(self) -> None:
        """Says where the file lies, and puts that onto the clipboard."""
        if (export := self.the_export) is not None:
            self.studio.copy_to_clipboard(export.path)
            self.notify(f"{export.path}\nThe path is on the clipboard.", title="Where it lies")

    def action_check_export(self) -> None:
        """Has the marked files read again, or the one under the cursor."""
        for one in self._chosen:
            if one.state == pb.Export.STATE_SUCCEEDED:
                self.studio.errands.check_export(one.name, self, asked=True)

    def action_cancel_job(self) -> None:
        """Asks, then stops the export."""
        self.stop_export()

    def action_export(self) -> None:
        """Opens the form of an export of the project."""
        from bullpen_tui.screens.export import ExportDialog

        self.studio.push_screen(ExportDialog(self.studio.project), self._made)

    def _made(self, export: pb.Export | None) -> None:
        if export is not None:
            self.on_export_begun(told.ExportBegun(export))

    def action_export_again(self) -> None:
        """Asks, then makes it once more: the same one where it came to nothing, another one where it was made."""
        export = self.the_export
        if export is None:
            return
        if export.state != pb.Export.STATE_SUCCEEDED:
            question = f"Make this {exported.kind(export)} again, with what is accepted now? It goes to {export.path}"
            self.studio.push_screen(ConfirmDialog(question, "make it"), partial(self._restart, export.name))
            return
        question = f"Make this {exported.kind(export)} once more, with what is accepted now? {export.path} stays."
        self.studio.push_screen(ConfirmDialog(question, "make it"), partial(self._begin_anew, export))

    def _restart(self, name: str, yes: bool | None) -> None:
        if yes:
            self.studio.errands.restart_export(name, self)

    def _begin_anew(self, export: pb.Export, yes: bool | None, overwrite: bool = False) -> None:
        if yes:
            spec = pb.ExportSpec()
            spec.CopyFrom(export.spec)
            spec.overwrite = overwrite
            self._again = (export.name, spec)
            project = project_of(export.name)
            self.studio.errands.begin_export(project, spec, self.studio.request_id(), self)

    def on_export_refused(self, message: told.ExportRefused) -> None:
        """Asks where only the file of before is in the way; else says why not."""
        export = self.snapshot.exports.exports.get(self._again[0]) if self._again is not None else None
        if isinstance(message.error, AlreadyExists) and export is not None:
            question = f"{message.error} Replace it?"
            answered = partial(self._begin_anew, export, overwrite=True)
            self.studio.push_screen(ConfirmDialog(question, "replace it"), answered)
            return
        self.notify(sentence(message.error), title="Not done", severity="error")

    def action_forget_export(self) -> None:
        """Asks, then forgets the marked exports, or the one under the cursor."""
        chosen = self._chosen
        what = leaf(chosen[0].name) if len(chosen) == 1 else words.plural(len(chosen), "export")
        question = (
            f"Delete {what}? A file in the project's own folder of exports is deleted too, if it is still the one that "
            "was made. Elsewhere it stays."
        )
        names = [one.name for one in chosen]
        self.studio.push_screen(ConfirmDialog(question, "delete it"), partial(self._forget, names))

    def _forget(self, names: list[str], yes: bool | None) -> None:
        for name in names if yes else ():
            self.studio.errands.forget_export(name, self)

    def on_export_forgotten(self, message: told.ExportForgotten) -> None:
        """It is gone from the list; says what became of its file."""
        export = self.snapshot.exports.exports.get(message.name)
        if export is not None and export.state == pb.Export.STATE_SUCCEEDED:
            stays = "Its file is deleted." if message.file_deleted else f"Its file stays: {export.path}"
            self.notify(f"{leaf(message.name)} is forgotten. {stays}")
        self.query_one("#exports", RowTable).clear_marks()
        self.studio.post_message(say.ChangesArrived((ExportsRead((), gone=(message.name,)),)))
