"""Looking for words in all conversations of a project."""

from __future__ import annotations

from typing import ClassVar

from bullpen_api.v1 import copilot_pb2
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input

from bullpen_tui import words
from bullpen_tui.screens.dialogs import hint
from bullpen_tui.screens.narrowing import ListDialog
from bullpen_tui.talk import told
from bullpen_tui.widgets.rows import Column, Row, RowTable
from bullpen_tui.widgets.said import Said

COLUMNS = (Column("", width=8), Column("", minimum=20, weight=1), Column("", width=9, right=True))


class FindDialog(ListDialog[copilot_pb2.ChatMessage]):
    """A line to write in and what holds its words, newest first. Gives the message that was chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "into", show=False),
        Binding("slash", "again", show=False),
    ]
    AUTO_FOCUS = "Input"

    def __init__(self, project: str) -> None:
        super().__init__()
        self._project = project
        self._found: list[copilot_pb2.ChatMessage] = []

    def compose(self) -> ComposeResult:
        """The line, the rows, the keys."""
        with Vertical(classes="dialog wide tall") as dialog:
            dialog.border_title = "Look for words in all conversations"
            yield Input(placeholder="words that a message holds", compact=True, id="find")
            yield RowTable(COLUMNS, head=False, empty="Write words, and press enter.", dom_id="found")
            yield Said(hint(("enter", "look, then open"), ("/", "other words"), ("esc", "leave")), classes="hint")

    def draw(self) -> None:
        """What was found."""
        now = self.studio.now()
        self.table.set_rows([_row(one, now) for one in self._found])

    @on(Input.Submitted)
    def _look(self, event: Input.Submitted) -> None:
        event.stop()
        if query := event.value.strip():
            self.table.set_empty(words.text("Looking…"))
            self.studio.errands.search_chat(self._project, query, self)

    def on_chat_found(self, message: told.ChatFound) -> None:
        """Shows it, and goes to the first one."""
        self._found = message.found
        self.table.set_empty(words.text(f"No message holds all words of “{message.query}”."))
        self.draw()
        if self._found:
            self.table.focus()
            self.table.action_first()

    def on_call_refused(self) -> None:
        """Nothing was found out; the studio says why."""
        self.table.set_empty(words.text("It could not be looked for."))

    def action_into(self) -> None:
        """From the line to the rows."""
        self.table.focus()

    def action_again(self) -> None:
        """Back to the line."""
        self.query_one(Input).focus()

    def action_choose(self) -> None:
        """Takes the message under the cursor."""
        one = next((one for one in self._found if one.name == self.table.cursor_key), None)
        if one is not None:
            self.dismiss(one)


def _row(one: copilot_pb2.ChatMessage, now: float) -> Row:
    who = "you" if one.role == copilot_pb2.ChatMessage.ROLE_PERSON else "copilot"
    said = " ".join(" ".join(_words(part) for part in one.parts).split())
    return Row(
        one.name,
        (words.text((who, words.QUIET)), Content(said), words.text((words.ago(one.create_time, now), words.FAINT))),
    )


def _words(part: copilot_pb2.ChatPart) -> str:
    match part.WhichOneof("part"):
        case "text":
            return part.text
        case "question":
            return part.question.text
        case "card":
            return part.card.current.preview.summary or part.card.current.objective
        case "failure":
            return part.failure.message
        case "table":
            return part.table.title
        case _:
            return ""
