"""The part of the port about what is decided and spent: queue, costs, instructions, copilot, trash."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from bullpen_api.v1 import copilot_pb2, cost_pb2, event_pb2, instruction_pb2, queue_pb2, run_pb2

from bullpen_tui.talk.port import TalkPort


class DeskPort(TalkPort, Protocol):
    """Every call may raise `BullpenError`."""

    async def past(self, after: int, until: int) -> list[event_pb2.Event]:
        """Durable events after a revision and up to another one."""
        ...

    async def queue(self) -> queue_pb2.Queue:
        """What waits, in which order, and for how long."""
        ...

    async def pause_queue(self, paused: bool) -> queue_pb2.Queue:
        """Begins nothing more, or goes on."""
        ...

    async def pause_run(self, name: str, paused: bool) -> run_pb2.Run:
        """Lets a run wait, or go on."""
        ...

    async def costs(self, project: str, group_by: Sequence[cost_pb2.CostDimension.ValueType]) -> cost_pb2.CostSummary:
        """Sums over the ledger of a project, of all projects where it is empty."""
        ...

    async def spend_limits(self, project: str) -> cost_pb2.SpendLimits:
        """What a project may spend, and what it has spent."""
        ...

    async def trash(self, name: str) -> None:
        """Puts something of the bible, or a conversation, into the trash."""
        ...

    async def restore(self, name: str) -> None:
        """Takes it out of the trash."""
        ...

    async def instructions(self, project: str, page_token: str = "") -> instruction_pb2.ListInstructionsResponse:
        """A page of instructions, newest first."""
        ...

    async def instruction(self, name: str) -> instruction_pb2.Instruction:
        """One instruction with its plan."""
        ...

    async def show_instruction(self, name: str) -> instruction_pb2.Instruction:
        """A draft looked at again, with a new digest."""
        ...

    async def confirm_instruction(self, name: str, digest: str, spend: bool) -> instruction_pb2.Instruction:
        """Lets a draft be carried out as it was shown."""
        ...

    async def cancel_instruction(self, name: str) -> instruction_pb2.Instruction:
        """Ends an instruction."""
        ...

    async def retry_instruction(self, name: str, request_id: str) -> instruction_pb2.Instruction:
        """A new draft of a failed or canceled one."""
        ...

    async def chat_sessions(self, project: str) -> copilot_pb2.ListChatSessionsResponse:
        """Conversations, the one that was used last first."""
        ...

    async def chat_messages(self, session: str) -> copilot_pb2.ListChatMessagesResponse:
        """All messages of a conversation in their order."""
        ...

    async def new_chat(self, project: str, engine: str, request_id: str) -> copilot_pb2.ChatSession:
        """A new conversation; an empty `engine` is the usual one."""
        ...

    def send_chat(self, session: str, text: str, request_id: str) -> AsyncIterator[copilot_pb2.SendChatMessageResponse]:
        """Stores a message and streams the answer."""
        ...

    async def stop_answer(self, session: str) -> copilot_pb2.ChatSession:
        """Stops the answer that is being written."""
        ...

    async def chat_engines(self) -> copilot_pb2.ListChatEnginesResponse:
        """What can answer."""
        ...
