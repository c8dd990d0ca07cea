"""What a person may have done to conversations, instructions and prompts; the answer is a message."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bullpen_api.v1 import copilot_pb2, instruction_pb2, prompt_pb2
from textual.message_pump import MessagePump

from bullpen_tui import messages as say
from bullpen_tui.talk import told

if TYPE_CHECKING:
    from bullpen_tui.app import StudioApp


class TalkErrands:
    """Commands of one studio about what is said and proposed."""

    _studio: StudioApp

    def update_chat(self, session: copilot_pb2.ChatSession, paths: Sequence[str], words: str, to: MessagePump) -> None:
        """Changes a conversation; `words` say what changed."""
        call = self._studio.daemon.update_chat(session, paths)
        self._studio.ask(call, lambda changed: told.ChatChanged(changed, words), to=to)

    def search_chat(self, project: str, query: str, to: MessagePump) -> None:
        """Looks for messages; only the last question counts."""
        daemon = self._studio.daemon
        self._studio.ask(
            lambda: daemon.search_chat(project, query),
            lambda found: told.ChatFound(query, list(found.chat_messages)),
            to=to,
            group="chat search",
            latest_only=True,
        )

    def write_chat(self, session: str, path: Path, to: MessagePump) -> None:
        """Writes a conversation to a file of this machine: JSON where its name says so, else Markdown."""
        forms = copilot_pb2.ExportChatSessionRequest
        form = forms.FORMAT_JSON if path.suffix.lower() == ".json" else forms.FORMAT_MARKDOWN

        async def work() -> told.ChatWritten:
            found = await self._studio.daemon.export_chat(session, form)
            try:
                await asyncio.to_thread(_write_new, path, found.text)
            except FileExistsError:
                return told.ChatWritten(path, "There is a file of that name already.")
            except OSError as error:
                return told.ChatWritten(path, error.strerror or str(error))
            return told.ChatWritten(path)

        self._studio.ask(work, lambda message: message, to=to)

    def create_instruction(self, project: str, one: instruction_pb2.Instruction, to: MessagePump) -> None:
        """Proposes something."""
        call = self._studio.daemon.create_instruction(project, one, self._studio.request_id())
        self._studio.ask(call, told.InstructionProposed, to=to)

    def update_instruction(self, one: instruction_pb2.Instruction, to: MessagePump) -> None:
        """Changes a draft, which is then shown anew."""
        self._studio.ask(self._studio.daemon.update_instruction(one), say.InstructionChanged, to=to)

    def write_prompt(self, project: str, prompt: prompt_pb2.Prompt, to: MessagePump) -> None:
        """Keeps a prompt."""
        call = self._studio.daemon.write_prompt(project, prompt, self._studio.request_id())
        self._studio.ask(call, told.PromptKept, to=to)

    def enhance_prompt(self, project: str, prompt: prompt_pb2.Prompt, to: MessagePump) -> None:
        """Rewrites a prompt for its model's family."""
        call = self._studio.daemon.enhance_prompt(project, prompt, self._studio.request_id())
        self._studio.ask(call, told.PromptKept, to=to)

    def revert_prompt(self, name: str, to: MessagePump) -> None:
        """Takes an enhancement back."""
        self._studio.ask(self._studio.daemon.revert_prompt(name), told.PromptKept, to=to)


def _write_new(path: Path, text: str) -> None:
    """A file that was not there before. Raises FileExistsError, OSError."""
    with path.expanduser().open("x", encoding="utf-8") as file:
        file.write(text)
