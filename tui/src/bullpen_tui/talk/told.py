"""What became of conversations, instructions and prompts, as messages."""

from __future__ import annotations

from pathlib import Path

from bullpen_api.v1 import copilot_pb2, instruction_pb2, prompt_pb2
from bullpen_client.errors import BullpenError
from textual.message import Message


class ChatRefused(Message):
    """What was said did not reach the daemon, or its answer broke off; `text` is what was not taken."""

    def __init__(self, text: str, error: BullpenError) -> None:
        super().__init__()
        self.text = text
        self.error = error


class ChatChanged(Message):
    """A conversation has another title, engine or sampling."""

    def __init__(self, session: copilot_pb2.ChatSession, words: str) -> None:
        super().__init__()
        self.session = session
        self.words = words


class ChatFound(Message):
    """Messages that hold what was looked for."""

    def __init__(self, query: str, found: list[copilot_pb2.ChatMessage]) -> None:
        super().__init__()
        self.query = query
        self.found = found


class ChatWritten(Message):
    """A conversation lies in a file of this machine, or could not be written there."""

    def __init__(self, path: Path, problem: str = "") -> None:
        super().__init__()
        self.path = path
        self.problem = problem


class InstructionProposed(Message):
    """There is a new draft, to be looked at."""

    def __init__(self, instruction: instruction_pb2.Instruction) -> None:
        super().__init__()
        self.instruction = instruction


class PromptKept(Message):
    """A prompt is the newest one now."""

    def __init__(self, prompt: prompt_pb2.Prompt) -> None:
        super().__init__()
        self.prompt = prompt
