"""What can be done with a conversation beside speaking: who answers and how, its title, looking for words, a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bullpen_api.v1 import copilot_pb2
from textual.widgets import Input

from bullpen_tui import messages as say
from bullpen_tui.mirror import Listed, leaf
from bullpen_tui.talk import told
from bullpen_tui.talk.engines import answering

if TYPE_CHECKING:
    from bullpen_tui.screens.base import StudioScreen

    Base = StudioScreen
else:
    Base = object


class Talking(Base):
    """Acts on the conversation that `open_chat` names."""

    engine_chosen = ""
    """What the person chose last here; new conversations are begun with it."""

    @property
    def open_chat(self) -> str:
        """The open conversation; empty before there is one."""
        raise NotImplementedError

    def open_message(self, message: copilot_pb2.ChatMessage) -> None:
        """Shows the conversation that a message stands in."""
        raise NotImplementedError

    @property
    def engines(self) -> list[copilot_pb2.ChatEngine]:
        """What can answer; empty before somebody said."""
        found = self.snapshot.answer("chat engines", copilot_pb2.ListChatEnginesResponse)
        return list(found.chat_engines) if found is not None else []

    @property
    def engine(self) -> copilot_pb2.ChatEngine | None:
        """What answers here."""
        return answering(self.snapshot.chat_sessions.get(self.open_chat), self.engine_chosen, self.engines)

    # --- who answers, and how ----------------------------------------------------------------------------------------

    def action_engines(self) -> None:
        """Shows what can answer, to choose from."""
        from bullpen_tui.screens.engines import EngineDialog

        if self.studio.project:
            self.studio.push_screen(EngineDialog(self.open_chat, self.engine_chosen), self._answer_by)

    def _answer_by(self, name: str | None) -> None:
        if name is None:
            return
        self.engine_chosen = name
        title = next((one.title for one in self.engines if one.name == name), leaf(name))
        if self.open_chat:
            change = copilot_pb2.ChatSession(name=self.open_chat, engine=name)
            self.studio.errands.update_chat(change, ("engine",), f"{title} answers here from now on.", self)
        else:
            self.notify(f"{title} answers from now on.")
            self.draw()

    def action_tune(self) -> None:
        """Shows how words are chosen, to be turned."""
        from bullpen_tui.screens.engines import SamplingDialog

        if self.open_chat:
            self.studio.push_screen(SamplingDialog(self.open_chat))

    def on_chat_changed(self, message: told.ChatChanged) -> None:
        """Shows the conversation as it is now."""
        self.studio.post_message(say.ChangesArrived((Listed((message.session,)),)))
        if message.words:
            self.notify(message.words)

    def action_prompts(self) -> None:
        """Shows every prompt of the project; the one that is taken stands in the line."""
        from bullpen_tui.screens.prompts import PromptsDialog

        def take(text: str | None) -> None:
            if text:
                self.query_one("#ask", Input).value = " ".join(text.split())
                self.query_one("#ask", Input).focus()

        if self.studio.project:
            self.studio.push_screen(PromptsDialog(self.studio.project), take)

    # --- its title, its words ----------------------------------------------------------------------------------------

    def action_retitle(self) -> None:
        """Asks for another title."""
        from bullpen_tui.screens.narrowing import LinesDialog

        session = self.snapshot.chat_sessions.get(self.open_chat)
        if session is None:
            return
        name = session.name

        def keep(said: Mapping[str, str] | None) -> None:
            if said is not None and said["title"] != session.title:
                change = copilot_pb2.ChatSession(name=name, title=said["title"])
                self.studio.errands.update_chat(change, ("title",), "The conversation has another title.", self)

        self.studio.push_screen(LinesDialog("Conversation", (("title", session.title, "what it is about"),)), keep)

    def action_find_said(self) -> None:
        """Looks for words in all conversations of the project."""
        from bullpen_tui.screens.finding import FindDialog

        def found(message: copilot_pb2.ChatMessage | None) -> None:
            if message is not None:
                self.open_message(message)

        if self.studio.project:
            self.studio.push_screen(FindDialog(self.studio.project), found)

    def action_export_chat(self) -> None:
        """Asks for a file, and writes the conversation there."""
        from bullpen_tui.screens.dialogs import PathDialog, slug_of

        session = self.snapshot.chat_sessions.get(self.open_chat)
        if session is None:
            return
        name = slug_of(session.title) or leaf(session.name)

        def write(path: str | None) -> None:
            if path:
                self.studio.errands.write_chat(session.name, Path(path).expanduser(), self)

        self.studio.push_screen(PathDialog("Write to a file, .md or .json", f"{Path.cwd() / name}.md"), write)

    def on_chat_written(self, message: told.ChatWritten) -> None:
        """Says where it lies."""
        if message.problem:
            self.notify(f"{message.path}: {message.problem} Take another name.", severity="error")
        else:
            self.notify(f"Written to {message.path}.")
