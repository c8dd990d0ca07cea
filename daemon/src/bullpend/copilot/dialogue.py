"""A conversation with a language model, wherever it runs: what it is told, rounds of tools, and what does not fit.

A voice does one exchange: messages in, words and calls of tools out. Everything around it is the same for all of them:
the system's words, what was said before (summed up where it does not fit, and said so), tools that read at once, and
drafts that only a person confirms.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from bullpen_api.v1 import copilot_pb2

from bullpend.copilot import tools as toolbox
from bullpend.copilot import wire
from bullpend.copilot.engines import Part, Piece, Turn, Words
from bullpend.copilot.tools import Tool
from bullpend.errors import BullpenError, LanguageEngineFailed, LimitExceeded

PROMPT_FILE = "copilot-prompt.md"
ROUNDS = 6
MOST_ANSWER = 200_000
# Lines of a summary, and characters of each.
_LINES, _LINE = 40, 120
# How often what is sent is made shorter before the model is said to be too small for it.
_SHORTER = 8
# A result of a tool that is cut further is not worth sending.
_LEAST_RESULT = 200

Known = Mapping[str, Tool]
Sent = dict[str, Any]


@dataclass
class Call:
    """A tool that the model wants to be used."""

    name: str = ""
    arguments: str = ""
    identity: str = ""


@dataclass
class Round:
    """What one exchange gave: words were passed on already, calls of tools are carried out after it."""

    text: str = ""
    calls: dict[int, Call] = field(default_factory=dict)
    # `length` where the model stopped at a limit.
    finished: str = ""


class DoesNotFit(Exception):
    """What was sent is longer than the model's window; `share` of it would fit. Nothing was said yet."""

    def __init__(self, words: str, share: float) -> None:
        super().__init__(words)
        self.words = words
        self.share = share


class Voice(Protocol):
    """One exchange with a model, and how its calls and their results are said back to it."""

    @property
    def budget(self) -> int:
        """Characters of a conversation that are sent as they are."""
        ...

    def introductions(self, known: Known) -> Sequence[str]:
        """What the model is told of the tools, and shorter ways to say it; none where they are sent otherwise."""
        ...

    def exchange(self, turn: Turn, messages: Sequence[Sent], known: Known, made: Round) -> AsyncIterator[Piece]:
        """The words of one exchange. Raises DoesNotFit, BullpenError."""
        ...

    def asked(self, made: Round, calls: Sequence[Call]) -> Sent:
        """What the model said, as it has to be said back to it."""
        ...

    def result(self, call: Call, text: str) -> Sent:
        """What came of a call."""
        ...


class Dialogue:
    """Answers by a voice."""

    def __init__(self, voice: Voice, prompt: Path, known: Callable[[], Known]) -> None:
        self._voice = voice
        self._prompt = prompt
        self._known = known

    async def answer(self, turn: Turn) -> AsyncGenerator[Piece, None]:
        """Words as they come; tools are used between the rounds."""
        known = self._known()
        told = _Told(turn, await self._systems(turn, known), self._voice.budget)
        noted = written = 0
        for number in range(ROUNDS):
            made = Round()
            usable = known if number < ROUNDS - 1 else {}
            async for piece in self._fitting(turn, told, usable, made):
                if told.older > noted:
                    noted = told.older
                    yield Part(reading("", f"{noted} earlier messages were summed up to fit the model's window."))
                if isinstance(piece, Words):
                    written += len(piece.text)
                    if written > MOST_ANSWER:
                        yield Part(failure("The answer did not end, and was stopped."))
                        return
                yield piece
            if not made.calls:
                if made.finished == "length":
                    limit = "The model stopped at its limit of words; the answer is not whole."
                    yield Part(failure(limit, "Ask it to go on, or allow it more tokens."))
                return
            calls = [made.calls[index] for index in sorted(made.calls)]
            told.since.append(self._voice.asked(made, calls))
            for call in calls:
                result = await toolbox.use(turn, known, call.name, call.arguments)
                tool = known.get(call.name)
                if result.instruction:
                    yield Part(copilot_pb2.ChatPart(card=copilot_pb2.ChatCard(instruction=result.instruction)))
                elif tool is not None:
                    yield Part(reading(tool.method, tool.words))
                told.since.append(self._voice.result(call, result.text))
        yield Part(failure(f"The model asked for tools {ROUNDS} times without an answer, and was stopped."))

    async def _fitting(self, turn: Turn, told: _Told, known: Known, made: Round) -> AsyncIterator[Piece]:
        """One exchange; what does not fit the model's window is sent again in short. Raises LimitExceeded."""
        for _ in range(_SHORTER):
            try:
                async for piece in self._voice.exchange(turn, told.messages(), known, made):
                    yield piece
                return
            except DoesNotFit as problem:
                if not told.shorten(problem.share):
                    raise LimitExceeded(
                        f"{problem.words} The message is too long for this model, without what was said before, too.",
                        field="text",
                        remedy="Say it in fewer words, or take a model with a larger window (copilot.context_tokens).",
                    ) from problem
        raise LanguageEngineFailed("The conversation could not be made to fit the model's window.")

    async def _systems(self, turn: Turn, known: Known) -> list[str]:
        """What the system says, and shorter ways to say it."""
        world = await turn.world()
        template = await asyncio.to_thread(self._prompt.read_text, "utf-8")
        values = {
            "project": world.project,
            "stages": ", ".join(stage.id for stage in world.stages),
            "scenes": ", ".join(scene.slug for scene in world.scenes[:60]) or "none yet",
            "candidate_cap": str(world.candidate_cap),
        }
        for name, value in values.items():
            template = template.replace(f"{{{name}}}", value)
        return [f"{template}\n\n{more}" for more in self._voice.introductions(known)] or [template]


class _Told:
    """What a model is told: the system, what was said before, the message, and the rounds of tools since."""

    def __init__(self, turn: Turn, systems: Sequence[str], budget: int) -> None:
        self._turn = turn
        self._system, *self._shorter = systems
        self._budget = budget
        self._said = [(message, text) for message in turn.history if (text := wire.words_of(message))]
        self.since: list[Sent] = []
        # Messages that were summed up.
        self.older = 0
        # Characters of what was sent last, and of the budget that were not needed.
        self._size = self._left = 0

    def messages(self) -> list[Sent]:
        """All of it. What does not fit the budget is summed up, never left out in silence."""
        said = list(self._said)
        budget = self._budget - len(self._turn.text)
        keep: list[Sent] = []
        while said and budget - len(said[-1][1]) > 0:
            message, text = said.pop()
            budget -= len(text)
            keep.insert(0, {"role": _role(message), "content": text})
        self.older, self._left = len(said), max(0, budget)
        head = [{"role": "system", "content": self._system}]
        if said:
            head.append({"role": "system", "content": self._summary(said)})
        made = [*head, *keep, {"role": "user", "content": self._turn.text}, *self.since]
        self._size = sum(len(one["content"] or "") for one in made)
        return made

    def _summary(self, said: Sequence[tuple[copilot_pb2.ChatMessage, str]]) -> str:
        """Messages in short: the beginning of each of the last, and how many lie before them."""
        count = max(1, min(_LINES, max(self._budget, 0) // _LINE))
        lines = [f"- {_who(message)}: {' '.join(text.split())[:_LINE]}" for message, text in said[-count:]]
        more = f"- ({len(said) - count} messages before that)\n" if len(said) > count else ""
        return "Earlier in this conversation, in short:\n" + more + "\n".join(lines)

    def shorten(self, share: float) -> bool:
        """Has less sent the next time, `share` of it at the most. False where nothing is left to be made shorter."""
        share = min(share, 0.98) * 0.97
        if self._said and self._budget > 0:
            # All that is too much has to come out of what was said before.
            kept = self._budget - self._left
            self._budget = max(0, int(kept - self._size * (1 - share)))
            return True
        if self._shorter:
            self._system = self._shorter.pop(0)
            return True
        long = [one for one in self.since if one["role"] != "assistant" and len(one["content"]) > _LEAST_RESULT]
        for one in long:
            kept = max(_LEAST_RESULT, int(len(one["content"]) * share / 2))
            one["content"] = f"{one['content'][:kept]}\n(cut here: the model's window is full)"
        return bool(long)


def reading(method: str, summary: str) -> copilot_pb2.ChatPart:
    """Something that was read or done to answer."""
    return copilot_pb2.ChatPart(reading=copilot_pb2.ChatReading(method=method, summary=summary))


def failure(message: str, remedy: str = "") -> copilot_pb2.ChatPart:
    """Why an answer is not what it should be."""
    error: BullpenError = LanguageEngineFailed(message, **({"remedy": remedy} if remedy else {}))
    said = copilot_pb2.ChatFailure(reason=error.reason, message=error.message, remedy=error.remedy)
    return copilot_pb2.ChatPart(failure=said)


def _role(message: copilot_pb2.ChatMessage) -> str:
    return "user" if message.role == copilot_pb2.ChatMessage.ROLE_PERSON else "assistant"


def _who(message: copilot_pb2.ChatMessage) -> str:
    return "person" if message.role == copilot_pb2.ChatMessage.ROLE_PERSON else "copilot"
