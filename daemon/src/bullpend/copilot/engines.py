"""What answers: one interface for the built-in grammar and for language models, whatever runs them.

An engine gets a turn and gives pieces. It reads through `Turn.read`, which knows only calls that change nothing, and
proposes through `Turn.propose`, which makes drafts. It has no other way to anything.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bullpen_api.v1 import copilot_pb2
from google.protobuf.message import Message

from bullpend.copilot.world import World
from bullpend.db import Row

Propose = Callable[[str, Mapping[str, Any], str], Awaitable[Row]]
Read = Callable[[str, Mapping[str, Any]], Awaitable[Message]]


@dataclass(frozen=True)
class Words:
    """More of the text."""

    text: str


@dataclass(frozen=True)
class Part:
    """A whole part of another kind."""

    part: copilot_pb2.ChatPart


@dataclass(frozen=True)
class Status:
    """What is going on before there are words; `share` is 0–1 where it is known."""

    text: str
    share: float | None = None


@dataclass(frozen=True)
class Asked:
    """What the next message may complete: the sentence, and which part of it is missing."""

    before: str
    slot: str


Piece = Words | Part | Status | Asked


@dataclass(frozen=True)
class Turn:
    """One message to be answered. `history` ends before it; `sampling` is asked anew whenever it matters."""

    project: str
    text: str
    history: Sequence[copilot_pb2.ChatMessage]
    asked: Asked | None
    sampling: Callable[[], copilot_pb2.ChatSampling]
    world: Callable[[], Awaitable[World]]
    read: Read
    propose: Propose
    # Proposes something for the external agent, in words. No language model has it: it sends words out of this machine.
    hand_over: Callable[[str], Awaitable[Row]]


class Engine(Protocol):
    """Something that answers. Cancelling the task that reads `answer` ends it, within a token where it is a model."""

    @property
    def card(self) -> copilot_pb2.ChatEngine:
        """What it is, and whether it can answer now."""
        ...

    def answer(self, turn: Turn) -> AsyncIterator[Piece]:
        """The pieces of an answer, in their order. Raises BullpenError."""
        ...
