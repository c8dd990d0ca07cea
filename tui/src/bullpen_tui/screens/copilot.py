"""Copilot: the conversation about a project. What it proposes is a card that only a person confirms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from bullpen_api.v1 import copilot_pb2, instruction_pb2
from textual import on
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Input

from bullpen_tui import messages as say
from bullpen_tui import proposals, words
from bullpen_tui.mirror import Listed, leaf
from bullpen_tui.screens.base import StudioScreen
from bullpen_tui.screens.deciding import Deciding
from bullpen_tui.screens.narrowing import ListDialog
from bullpen_tui.screens.talking import Talking
from bullpen_tui.talk import told
from bullpen_tui.talk.engines import engine_line
from bullpen_tui.widgets.lister import Lister
from bullpen_tui.widgets.rows import Column, RowTable
from bullpen_tui.widgets.said import Said, entitle

TIMES_SECONDS = 5.0
HELLO = words.text(
    ("Ask about this project, or for work to be done.\n\n", words.QUIET),
    "how good are the last runs?\nrun a style lock pass on all scenes with 3 candidates\n",
    "which scenes still lack weather?\n\n",
    ("What would change something is shown as a card first; ", words.QUIET),
    ("y", "bold $accent"),
    (" confirms it.", words.QUIET),
)


class CopilotScreen(Talking, Deciding, StudioScreen):
    """Conversations at the left, the open one at the right with the line to write in."""

    place: ClassVar[str] = "copilot"
    AUTO_FOCUS = "#ask"

    def __init__(self) -> None:
        super().__init__()
        self._session = ""
        self._waiting = ""
        self._status = ""
        self._trashed: list[str] = []
        self._asked = False
        self._ended = -1

    def body(self) -> Iterable[Widget]:
        """List, messages, line."""
        with Horizontal():
            with Vertical(classes="pane", id="chats-pane") as pane:
                pane.border_title = "Conversations"
                columns = (Column("conversation"), Column("used", width=9, right=True, drop=1))
                yield RowTable(columns, head=False, empty="none yet", dom_id="chats")
            with Vertical(classes="pane", id="chat-pane"):
                with VerticalScroll(id="chat-scroll", can_focus=False):
                    yield Said(dom_id="chat")
                yield Said(settled=True, dom_id="chat-status")
                yield Input(
                    self.studio.drafts.get("ask", ""),
                    placeholder="ask to run a stage, check quality, look at costs…",
                    compact=True,
                    id="ask",
                    select_on_focus=False,
                )

    def on_mount(self) -> None:
        """Keeps times and expiry going."""
        super().on_mount()
        self.set_interval(TIMES_SECONDS, self.draw)

    # --- what is open ------------------------------------------------------------------------------------------------

    @property
    def open_chat(self) -> str:
        """The conversation under the cursor."""
        return self._session

    def open_message(self, message: copilot_pb2.ChatMessage) -> None:
        """Goes to the conversation that it stands in."""
        self.query_one("#chats", RowTable).move_to(message.name.rpartition("/messages/")[0])

    @property
    def messages(self) -> list[copilot_pb2.ChatMessage]:
        """Messages of the open conversation."""
        return self.snapshot.chat_messages.of(self._session)

    @property
    def decided(self) -> instruction_pb2.Instruction | None:
        """The newest card that waits for a person or goes on."""
        return proposals.last_card(self.messages, self.snapshot.instructions)

    @property
    def _answering(self) -> bool:
        return any(one.state == copilot_pb2.ChatMessage.STATE_WRITING for one in self.messages)

    # --- drawing -----------------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """Draws list and conversation in place, and stays at its end while it grows."""
        project, now = self.studio.project, self.studio.now()
        if not project:
            return
        if not self._asked and self.studio.connected:
            self._asked = True
            self.studio.reading.chat_engines()
        self.studio.reading.chats(project)
        self.studio.reading.instructions(project)
        sessions = self.snapshot.chat_sessions_of(project)
        table = self.query_one("#chats", RowTable)
        table.set_items(sessions, lambda one: proposals.chat_row(one, now))
        if self._session not in [one.name for one in sessions]:
            self._session = sessions[0].name if sessions else ""
        if self._session:
            self.studio.reading.chat(self._session)
        self._draw_chat(now)
        if isinstance(dialog := self.app.screen, ListDialog):
            dialog.draw()

    def _draw_chat(self, now: float) -> None:
        session = self.snapshot.chat_sessions.get(self._session)
        title = session.title if session is not None and session.title else "new conversation"
        pane = self.query_one("#chat-pane")
        entitle(pane, f"{leaf(self.studio.project)} › {title}")
        entitle(pane, below=engine_line(self.engine))
        instructions = self.snapshot.instructions
        rows = [row for one in self.messages for row in proposals.message_lines(one, instructions, now)]
        said = self.query_one("#chat", Said)
        said.say(words.lines(rows) if rows else HELLO)
        self.query_one("#chat-status", Said).say(words.text((self._status, words.QUIET)))
        if len(rows) != self._ended:
            self._ended = len(rows)
            self.call_after_refresh(self.query_one("#chat-scroll").scroll_end, animate=False)

    @on(Lister.Moved, "#chats")
    def _other(self, message: Lister.Moved) -> None:
        if message.key:
            self._session = message.key
            self.draw()

    # --- speaking ----------------------------------------------------------------------------------------------------

    @on(Input.Submitted, "#ask")
    def _submitted(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        choices = proposals.last_choices(self.messages)
        if text.isdigit() and 1 <= int(text) <= len(choices):
            text = choices[int(text) - 1]
        if not text or self._answering or not self.studio.project:
            return
        event.input.value = ""
        if self._session:
            self._send(text)
        else:
            self._waiting = text
            self.studio.errands.new_chat(self.studio.project, self.engine_chosen, self)

    def _send(self, text: str) -> None:
        self._status = "…"
        self.studio.errands.send_chat(self._session, text, self)
        self._draw_chat(self.studio.now())

    def on_chat_begun(self, message: say.ChatBegun) -> None:
        """Opens the new conversation, and says what was waiting for it."""
        self.studio.post_message(say.ChangesArrived((Listed((message.session,)),)))
        self._session = message.session.name
        if self._waiting:
            text, self._waiting = self._waiting, ""
            self._send(text)
        self.query_one("#ask", Input).focus()

    def on_chat_status(self, message: say.ChatStatus) -> None:
        """Says what goes on before there are words."""
        if self._status and not message.words:
            # Whatever was asked may have brought a model into memory.
            self.studio.reading.chat_engines()
        self._status = message.words
        self._draw_chat(self.studio.now())
        self.draw_keys()

    def on_chat_refused(self, message: told.ChatRefused) -> None:
        """Gives back what was not taken, unless something else stands in the line by now."""
        self._status = ""
        line = self.query_one("#ask", Input)
        if message.text and not line.value:
            line.value = message.text
        self._draw_chat(self.studio.now())
        self.studio.post_message(say.CallRefused(message.error))

    # --- actions -----------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what works now."""
        if not self.is_mounted:
            return True
        if action == "stop_answer":
            return self._answering
        if action == "undo":
            return bool(self._trashed)
        if action in ("trash", "tune", "retitle", "export_chat"):
            return bool(self._session)
        if action == "cancel_instruction":
            return not self._answering and self.check_decision(action)
        return self.check_decision(action)

    def action_new_chat(self) -> None:
        """Begins another conversation."""
        if self.studio.project:
            self.studio.errands.new_chat(self.studio.project, self.engine_chosen, self)

    def action_ask(self) -> None:
        """To the line to write in."""
        self.query_one("#ask", Input).focus()

    def action_stop_answer(self) -> None:
        """Stops the answer that is being written; what there is of it stays."""
        self.studio.errands.stop_answer(self._session, self)

    def action_trash(self) -> None:
        """Puts the open conversation into the trash."""
        if self._session:
            self.studio.errands.trash(self._session, self)

    def on_trashed(self, message: say.Trashed) -> None:
        """Says how to take it back."""
        self._trashed.append(message.name)
        self.notify("The conversation lies in the trash; u takes it back.")
        self.draw_keys()

    def action_undo(self) -> None:
        """Takes back what went into the trash last."""
        if self._trashed:
            self.studio.errands.restore(self._trashed.pop(), self)

    def on_restored(self) -> None:
        """Says so."""
        self.notify("The conversation is back.")

    @on(Input.Changed, "#ask")
    def _asking(self, event: Input.Changed) -> None:
        """What is being written is there again when the person comes back."""
        self.studio.drafts["ask"] = event.value

    def action_back(self) -> None:
        """Out of the line first, then back."""
        if isinstance(self.focused, Input) and self.focused.id == "ask":
            self.query_one("#chats", RowTable).focus()
            return
        super().action_back()
