"""The part of the port about changing conversations and instructions, and about prompts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bullpen_api.v1 import copilot_pb2, instruction_pb2, prompt_pb2


class TalkPort(Protocol):
    """Every call may raise `BullpenError`."""

    async def update_chat(self, session: copilot_pb2.ChatSession, paths: Sequence[str]) -> copilot_pb2.ChatSession:
        """Another title, engine or sampling; an answer that is being written takes the new sampling."""
        ...

    async def search_chat(self, project: str, query: str) -> copilot_pb2.SearchChatMessagesResponse:
        """Messages that hold all words, newest first."""
        ...

    async def export_chat(
        self, session: str, form: copilot_pb2.ExportChatSessionRequest.Format.ValueType
    ) -> copilot_pb2.ExportChatSessionResponse:
        """A conversation as one text."""
        ...

    async def create_instruction(
        self, project: str, one: instruction_pb2.Instruction, request_id: str
    ) -> instruction_pb2.Instruction:
        """A draft."""
        ...

    async def update_instruction(self, one: instruction_pb2.Instruction) -> instruction_pb2.Instruction:
        """Another call or objective of a draft, shown anew."""
        ...

    async def prompts(self, project: str, query: str) -> prompt_pb2.ListPromptsResponse:
        """The newest prompts; with a query those that hold all its words."""
        ...

    async def write_prompt(self, project: str, prompt: prompt_pb2.Prompt, request_id: str) -> prompt_pb2.Prompt:
        """Keeps a prompt."""
        ...

    async def enhance_prompt(self, project: str, prompt: prompt_pb2.Prompt, request_id: str) -> prompt_pb2.Prompt:
        """Rewrites a prompt for the family of its model; what it was is kept first."""
        ...

    async def revert_prompt(self, name: str) -> prompt_pb2.Prompt:
        """Makes what was before an enhancement the newest again."""
        ...
