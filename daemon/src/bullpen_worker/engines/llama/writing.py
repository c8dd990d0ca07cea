"""An answer, token by token: takes the conversation in, chooses, says. A generator, so that its caller owns the pace.

Between two of its items the caller may change how tokens are chosen, or close it. Where a trigger is set, what the
model says up to it is free, and all that follows keeps to the grammar: a call of a tool that is no valid one cannot be
said. A token that reaches beyond the trigger is taken apart at its end.
"""

from __future__ import annotations

import codecs
from collections.abc import Generator, Sequence

from bullpen_worker.engines.language import GRAMMAR, LENGTH, STOP, Asked, Reading, Said
from bullpen_worker.engines.llama.loaded import BATCH, LoadedText
from bullpen_worker.engines.llama.sampling import Sampler
from bullpen_worker.failures import WorkerError

# Room that a conversation must leave for its answer.
LEAST_ROOM = 16


def write(
    model: LoadedText, prompt: Sequence[int], asked: Asked, stops: Sequence[str] = ()
) -> Generator[Reading | Said, None, None]:
    """The answer to a conversation. Raises WorkerError LIMIT_EXCEEDED where the window cannot hold it."""
    if len(prompt) + LEAST_ROOM > model.window:
        message = f"The conversation has {len(prompt)} tokens, and the model's window holds {model.window}."
        raise WorkerError("LIMIT_EXCEEDED", message)
    begin = model.keep(prompt)
    for at in range(begin, len(prompt), BATCH):
        model.take(prompt[at : at + BATCH])
        if at + BATCH < len(prompt):
            yield Reading(at + BATCH, len(prompt))
    yield from _answer(model, asked, stops)


def _answer(model: LoadedText, asked: Asked, stops: Sequence[str]) -> Generator[Said, None, None]:
    sampler = Sampler(model, asked.sampling)
    spoken = Spoken(stops)
    made = 0
    try:
        if asked.grammar and not asked.trigger:
            sampler.constrain(asked.grammar)
        while True:
            sampler.tune(asked.sampling, made)
            token = sampler.choose()
            made += 1
            if model.is_end(token):
                yield Said(spoken.rest(), GRAMMAR if sampler.constrained else STOP)
                return
            piece, follow = model.piece(token), [token]
            cut = spoken.reaches(piece, asked.trigger) if asked.grammar and not sampler.constrained else None
            if cut is not None:
                if cut < len(piece):
                    piece = piece[:cut]
                    follow = model.tokens(piece.decode("utf-8", "replace"), special=True)
                sampler.constrain(asked.grammar)
            text, stopped = spoken.add(piece)
            if stopped:
                yield Said(text, STOP)
                return
            if len(model.held) + len(follow) >= model.window or made >= asked.sampling.max_tokens > 0:
                yield Said(text + spoken.rest(), LENGTH)
                return
            yield Said(text)
            model.take(follow)
    finally:
        sampler.close()


class Spoken:
    """What was said so far: bytes become characters, and nothing is said that may turn out to be a stop."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._held = ""
        self._tail = b""

    def reaches(self, piece: bytes, trigger: str) -> int | None:
        """How much of a piece belongs to the trigger that it completes; None where it completes none."""
        wanted = trigger.encode()
        before = self._tail[-(len(wanted) - 1) :]
        at = (before + piece).find(wanted)
        return None if at < 0 else at + len(wanted) - len(before)

    def add(self, piece: bytes) -> tuple[str, bool]:
        """What can be said now, and whether a stop was met."""
        self._tail = (self._tail + piece)[-256:]
        text = self._held + self._decode(piece)
        self._held = ""
        for stop in self._stops:
            at = text.find(stop)
            if at >= 0:
                return text[:at], True
            for length in range(min(len(stop) - 1, len(text)), 0, -1):
                if text.endswith(stop[:length]):
                    text, self._held = text[:-length], text[-length:]
                    break
        return text, False

    def rest(self) -> str:
        """What was held back, at the end."""
        held, self._held = self._held, ""
        return held + self._decode(b"", True)
