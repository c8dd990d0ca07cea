"""Bootstrap: the whole bible by a language model. A prompt goes out, its answer comes in, nothing unseen happens."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, Label, Select, TextArea

from bullpen_tui import words
from bullpen_tui.bible import told
from bullpen_tui.bible.preview import preview_lines, refusal_lines, sums, unfenced
from bullpen_tui.lab import free_path
from bullpen_tui.mirror import leaf
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.screens.dialogs import ConfirmDialog, PathDialog
from bullpen_tui.screens.part_dialogs import Paths
from bullpen_tui.widgets.said import Said, entitle

PAUSE_SECONDS = 0.3
MOST_BYTES = 4 << 20
MODES = [("add to the bible, change what is named", "merge"), ("replace the parts that it has", "replace")]

KEY = "bold $accent"
STEPS = words.lines(
    [
        words.text(
            ("1 ", words.FAINT), ("F2", "bold $accent"), " copies the prompt, ", ("F3", "bold $accent"), " saves it"
        ),
        words.text(("2 ", words.FAINT), "give it to any language model"),
        words.text(("3 ", words.FAINT), "paste its answer, or name a file"),
    ]
)
NOTHING = words.text(("What would change is shown here before anything does.", words.QUIET))


class BootstrapScreen(StudioScreen):
    """The answer at the left, what it would change at the right. F5 changes just what is shown."""

    place: ClassVar[str] = "bootstrap"
    tab: ClassVar[str] = "universe"
    AUTO_FOCUS = "#answer"

    def __init__(self, project: str) -> None:
        super().__init__()
        self._project = project
        self._timer: Timer | None = None
        self._document = ""
        self._digest = ""
        self._deleted = 0
        self._purpose = ""

    def body(self) -> Iterable[Widget]:
        """Steps, answer, and the preview."""
        with Horizontal():
            with Vertical(classes="pane", id="bootstrap-form") as form:
                form.border_title = f"Bootstrap · {leaf(self._project)}"
                yield Said(STEPS, dom_id="bootstrap-steps")
                with Horizontal(classes="field"):
                    yield Label("file")
                    yield Input(
                        placeholder="of the answer, here",
                        compact=True,
                        id="file",
                        suggester=Paths(),
                        select_on_focus=False,
                    )
                with Horizontal(classes="field"):
                    yield Label("it may")
                    yield Select[str](MODES, allow_blank=False, compact=True, id="mode")
                yield TextArea(compact=True, placeholder="or paste the answer here", id="answer")
            with VerticalScroll(classes="pane", id="bootstrap-preview", can_focus=False) as pane:
                pane.border_title = "What would change"
                yield Said(NOTHING, dom_id="preview-lines")

    # --- looking -----------------------------------------------------------------------------------------------------

    @on(Input.Changed)
    @on(TextArea.Changed)
    @on(Select.Changed)
    def _changed(self) -> None:
        self._digest = ""
        self.draw_keys()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(PAUSE_SECONDS, self._look)

    @property
    def _replaces(self) -> bool:
        return self.query_one("#mode", Select).value == "replace"

    def _look(self) -> None:
        """Has the daemon say what the answer would change."""
        named = self.query_one("#file", Input).value.strip()
        text = self.query_one("#answer", TextArea).text
        if named:
            try:
                text = read(Path(named).expanduser())
            except OSError as error:
                self._say(words.text(("! ", words.WARN), f"{named} cannot be read: {error.strerror or error}."))
                return
            except UnicodeDecodeError:
                self._say(words.text(("! ", words.WARN), f"{named} is no UTF-8 text."))
                return
        self._document = unfenced(text)
        if not self._document:
            self._say(NOTHING)
            return
        self.studio.errands.import_bootstrap(self._project, self._document, self._replaces, "", self)

    def _say(self, what: Content) -> None:
        self.query_one("#preview-lines", Said).say(what)

    def on_bootstrap_seen(self, message: told.BootstrapSeen) -> None:
        """Shows the changes; after they were made, goes back."""
        answer = message.answer
        if answer.applied:
            self.notify(f"{sums(answer)}.", title="The bible is written")
            self.studio.reading.freshen_bible(self._project)
            self.dismiss()
            return
        self._digest = answer.digest if answer.changes else ""
        self._deleted = answer.deleted
        entitle(self.query_one("#bootstrap-preview"), f"What would change · {len(answer.changes)}")
        self._say(words.lines(preview_lines(answer)))
        self.draw_keys()

    def on_bootstrap_refused(self, message: told.BootstrapRefused) -> None:
        """Says where in the document, and what to do."""
        self._digest = ""
        entitle(self.query_one("#bootstrap-preview"), "Not taken")
        self._say(words.lines(refusal_lines(message.error)))
        self.draw_keys()

    # --- actions -----------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing is imported that was not shown."""
        return bool(self._digest) if action == "import_bible" else True

    def action_import_bible(self) -> None:
        """Changes what is shown; where something goes to the trash it asks."""
        if not self._digest:
            return
        if not self._deleted:
            self._import(True)
            return
        question = f"{words.plural(self._deleted, 'thing')} of the bible would go into the trash. Import it so?"
        self.studio.push_screen(ConfirmDialog(question, "import it"), self._import)

    def _import(self, yes: bool | None) -> None:
        if yes:
            self.studio.errands.import_bootstrap(self._project, self._document, self._replaces, self._digest, self)

    def action_copy_prompt(self) -> None:
        """Puts the prompt onto the clipboard of the terminal."""
        self._purpose = ""
        self.studio.errands.export_bootstrap(self._project, self)

    def action_save_prompt(self) -> None:
        """Asks for a file on this machine, and writes the prompt there."""
        suggestion = free_path(Path.cwd() / f"{leaf(self._project)}-prompt.txt")
        self.studio.push_screen(PathDialog("Save the prompt as", str(suggestion), take=self._save))

    def _save(self, wanted: str) -> str:
        path = Path(wanted).expanduser()
        if path.exists():
            return f"{path} is there already. Take another name."
        if not path.parent.is_dir():
            return f"There is no folder {path.parent}. Take one that is there."
        self._purpose = wanted
        self.studio.errands.export_bootstrap(self._project, self)
        return ""

    def on_bootstrap_written(self, message: told.BootstrapWritten) -> None:
        """The prompt is here: onto the clipboard, or into the file."""
        prompt = message.answer.prompt
        if not self._purpose:
            self.studio.copy_to_clipboard(prompt)
            self.notify(f"The prompt, {words.size(len(prompt.encode()))}, is on the clipboard of the terminal.")
            return
        path = Path(self._purpose).expanduser()
        try:
            path.write_text(prompt, "utf-8")
        except OSError as error:
            self.notify(f"{path} cannot be written: {error.strerror}. Choose another place.", severity="error")
        else:
            self.notify(str(path), title="The prompt is saved")

    def action_clear_answer(self) -> None:
        """Empties the form for another answer."""
        self.query_one("#file", Input).value = ""
        answer = self.query_one("#answer", TextArea)
        answer.text = ""
        answer.focus()

    @property
    def would_lose(self) -> str:
        """A pasted answer that was not taken."""
        pasted = self.query_one("#answer", TextArea).text.strip()
        return "The answer that you pasted is not imported yet." if pasted else ""

    def action_back(self) -> None:
        """Out; nothing was changed. A pasted answer is not thrown away unasked."""
        self.leave_form()


def read(path: Path) -> str:
    """A document from a file of this machine. Raises OSError and UnicodeDecodeError."""
    if path.stat().st_size > MOST_BYTES:
        raise OSError(0, "it is larger than 4 MB, which is the most that a document may be")
    return path.read_text("utf-8")
