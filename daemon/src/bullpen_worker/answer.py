"""One answer under way: drives the engine's generator and does what is due between two tokens.

Between tokens, in this order: report, cancel, changes of sampling. Words are said as they come, but no more than some
dozens of times a second: a model that is faster than that is not read faster.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

from bullpen_api.worker.v1 import link_pb2

from bullpen_worker.candidate import JobUnderWay
from bullpen_worker.engines.language import Asked, Message, Reading, Sampling, Speaker

# Seconds between two reports of words.
PACE_SECONDS = 0.015
# Seconds between two words on how far the conversation is read.
READ_SECONDS = 0.1
_SEEDS = 2**32


@dataclass(slots=True)
class _Words:
    """What is said and not reported yet."""

    text: str = ""
    tokens: int = 0
    # Of anything that was reported last, on the monotonic clock.
    said_at: float = -1.0


class AnswerRun:
    """Writes one answer. `under_way` is the job as the loop has it."""

    def __init__(self, under_way: JobUnderWay, engine: Speaker, model: Any) -> None:
        self._shared = under_way
        self._engine = engine
        self._model = model
        self._words = _Words()

    def make(self) -> None:
        """Runs the generator to its end. Raises CanceledError, or what the engine raises."""
        work = self._shared.job.language
        messages = tuple(Message(one.role, one.content) for one in work.messages)
        asked = Asked(messages, sampling(work.sampling, Sampling()), work.grammar, work.trigger)
        try:
            for item in self._engine.write(self._model, asked):
                self._shared.progress.advance()
                if isinstance(item, Reading):
                    self._read(item.done, item.total)
                else:
                    self._say(item.text, item.finished, asked)
                self._shared.check_canceled()
                self._tune(asked)
        finally:
            if asked.prompt_tokens and not self._words.tokens:
                # Whoever asked for too much learns how much it was.
                self._report("", "", asked)

    def _tune(self, asked: Asked) -> None:
        shared = self._shared
        for change in shared.inbox.changes(shared.key):
            asked.sampling = sampling(change.language, asked.sampling)
            if change.change_id:
                heard = link_pb2.ChangeHeard(
                    job=change.job, attempt=change.attempt, change_id=change.change_id, step=self._words.tokens + 1
                )
                shared.reports.send(link_pb2.FromWorker(change_heard=heard))

    def _read(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._words.said_at < READ_SECONDS:
            return
        self._words.said_at = now
        job = self._shared.job
        step = link_pb2.StepDone(job=job.job, attempt=job.attempt, step=done, steps=total, phase="reading")
        self._shared.reports.offer(link_pb2.FromWorker(step_done=step))

    def _say(self, text: str, finished: str, asked: Asked) -> None:
        words = self._words
        words.text += text
        words.tokens += 1
        now = time.monotonic()
        if finished or words.tokens == 1 or (words.text and now - words.said_at >= PACE_SECONDS):
            words.said_at = now
            self._report(words.text, finished, asked)
            words.text = ""

    def _report(self, text: str, finished: str, asked: Asked) -> None:
        job = self._shared.job
        made = link_pb2.TokensMade(
            job=job.job,
            attempt=job.attempt,
            text=text,
            tokens=self._words.tokens,
            finished=finished,
            prompt_tokens=asked.prompt_tokens,
            window=asked.window,
        )
        self._shared.reports.send(link_pb2.FromWorker(tokens_made=made))


def sampling(said: link_pb2.LanguageSampling, before: Sampling) -> Sampling:
    """The sampling that a message asks for, over what was there before; what is not set stays."""
    values: dict[str, Any] = {descriptor.name: value for descriptor, value in said.ListFields()}
    if "seed" in values:
        values["seed"] %= _SEEDS
    return replace(before, **values)
