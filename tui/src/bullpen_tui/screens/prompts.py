"""The prompts of a project, all that there ever were: looked for, enhanced, and taken back by one key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from bullpen_api.v1 import prompt_pb2
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Input

from bullpen_tui import words
from bullpen_tui.screens.dialogs import hint
from bullpen_tui.screens.narrowing import LinesDialog, ListDialog
from bullpen_tui.talk import told
from bullpen_tui.talk.prompts import COLUMNS, prompt_lines, prompt_row, takes_back
from bullpen_tui.widgets.lister import Lister
from bullpen_tui.widgets.rows import RowTable
from bullpen_tui.widgets.said import Said

_NONE = words.text("No prompt was kept yet. ", ("w", "bold $accent"), " writes one.")


class PromptsDialog(ListDialog[str]):
    """Rows, the prompt under the cursor as a whole, and a line to look for words. Gives the text that is taken."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "look", show=False),
        Binding("r,u", "revert", show=False),
        Binding("e", "enhance", show=False),
        Binding("w", "write", show=False),
        Binding("down", "into", show=False),
    ]

    def __init__(self, project: str) -> None:
        super().__init__()
        self._project = project
        self._query = ""
        self._to = ""
        self._asked = False

    def compose(self) -> ComposeResult:
        """The line, the rows, the words, the keys."""
        with Vertical(classes="dialog wide tall") as dialog:
            dialog.border_title = "Prompts"
            yield Input(placeholder="words that a prompt holds", compact=True, id="prompt-query")
            yield RowTable(COLUMNS, head=False, empty="Reading…", dom_id="prompts")
            with VerticalScroll(id="prompt-scroll", can_focus=False):
                yield Said(dom_id="prompt-words")
            keys = (
                ("w", "write"),
                ("e", "enhance"),
                ("r", "take back"),
                ("/", "look"),
                ("enter", "take"),
                ("esc", "leave"),
            )
            yield Said(hint(*keys), classes="hint")

    @property
    def _prompts(self) -> dict[str, prompt_pb2.Prompt]:
        found = self.studio.snapshot.answer(self._question, prompt_pb2.ListPromptsResponse)
        return {one.name: one for one in found.prompts} if found is not None else {}

    @property
    def _question(self) -> str:
        return f"prompts {self._project} {self._query}"

    @property
    def _one(self) -> prompt_pb2.Prompt | None:
        return self._prompts.get(self.table.cursor_key or "")

    def on_mount(self) -> None:
        """Reads them anew."""
        super().on_mount()
        self._read()

    def _read(self) -> None:
        self.studio.reading.prompts(self._project, self._query)

    def draw(self) -> None:
        """Newest first, the cursor on what was just made."""
        prompts, now = self._prompts, self.studio.now()
        if self.studio.snapshot.answer(self._question, prompt_pb2.ListPromptsResponse) is not None:
            none = words.text(f"No prompt holds all words of “{self._query}”.") if self._query else _NONE
            self.table.set_empty(none)
        self.table.set_rows([prompt_row(one, now) for one in prompts.values()])
        if self._to and self.table.move_to(self._to):
            self._to = ""
        self._draw_words()

    @on(Lister.Moved)
    def _draw_words(self) -> None:
        one = self._one
        before = self._prompts.get(one.parent_prompt) if one is not None else None
        self.query_one("#prompt-words", Said).say(words.lines(prompt_lines(one, before)) if one is not None else "")

    # --- looking -----------------------------------------------------------------------------------------------------

    def action_look(self) -> None:
        """To the line."""
        self.query_one("#prompt-query", Input).focus()

    def action_into(self) -> None:
        """From the line to the rows."""
        self.table.focus()

    @on(Input.Submitted, "#prompt-query")
    def _look_for(self, event: Input.Submitted) -> None:
        event.stop()
        self._query = event.value.strip()
        self.table.focus()
        self._read()
        self.draw()

    # --- writing -----------------------------------------------------------------------------------------------------

    def action_write(self) -> None:
        """Asks for another prompt; what is under the cursor stands there to be changed."""
        one = self._one or prompt_pb2.Prompt()
        lines = (
            ("text", one.text, "a rainy pier at night, {noir|ink} style"),
            ("negative", one.negative_text, "what is not to be seen"),
            ("model", one.model, "models/… or nothing"),
        )

        def keep(said: Mapping[str, str] | None) -> None:
            if said is not None and said["text"]:
                prompt = prompt_pb2.Prompt(text=said["text"], negative_text=said["negative"], model=said["model"])
                self.studio.errands.write_prompt(self._project, prompt, self)

        self.studio.push_screen(LinesDialog("Prompt", lines), keep)

    def action_enhance(self) -> None:
        """Rewrites the prompt for the family of a model; it is kept as it was first."""
        one = self._one
        if one is None:
            return

        def enhance(said: Mapping[str, str] | None) -> None:
            if said is None:
                return
            wanted = said["for"]
            prompt = prompt_pb2.Prompt(text=one.text, negative_text=one.negative_text)
            if wanted.startswith("models/"):
                prompt.model = wanted
            else:
                prompt.family = wanted
            self.studio.errands.enhance_prompt(self._project, prompt, self)

        lines = (("for", one.model or one.family, "sdxl, flux, instruct-pix2pix … or models/…"),)
        self.studio.push_screen(LinesDialog("Enhance for a family of models", lines), enhance)

    def action_revert(self) -> None:
        """Makes what was before the enhancement the newest again; nothing is lost by it."""
        one = self._one
        if one is not None and takes_back(one):
            self.studio.errands.revert_prompt(one.name, self)
        else:
            self.notify("Only an enhanced prompt ✦ is taken back.")

    def on_prompt_kept(self, message: told.PromptKept) -> None:
        """Reads them anew, and goes to it."""
        self._to, self._query = message.prompt.name, ""
        self.query_one("#prompt-query", Input).value = ""
        self._read()

    def action_choose(self) -> None:
        """Takes the text under the cursor."""
        if (one := self._one) is not None:
            self.dismiss(one.text)
