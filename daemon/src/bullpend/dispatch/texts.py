"""Answers of language models: work for the language device that belongs to no run, streamed to the one who asked.

To the scheduler an answer is a job of the language lane. Nothing of it is durable here: where a worker is lost before
the first word, the answer is begun again under the scheduler's rules; where words were said already, it ends there, and
whoever listens keeps what there is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from bullpen_api.worker.v1 import link_pb2

from bullpend.dispatch.lane import LANGUAGE
from bullpend.errors import BY_REASON, BullpenError, EngineFailed, LimitExceeded, QueueFull, ShuttingDown, WorkerLost
from bullpend.models.loading import Loading
from bullpend.scheduling import model as s
from bullpend.workers.supervisor import Supervisor

MOST = 32


@dataclass(frozen=True, slots=True)
class Waiting:
    """What goes on before there are words; `share` is 0–1 where it is known."""

    text: str
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Tokens:
    """More of the answer. `finished` is set in the last: `stop`, `length` or `grammar`."""

    text: str
    count: int
    finished: str = ""


@dataclass(slots=True)
class Text:
    """One answer, as it is now."""

    job: str
    model: str
    digest: str
    work: link_pb2.LanguageWork
    items: asyncio.Queue[Waiting | Tokens | BullpenError | None] = field(default_factory=asyncio.Queue)
    # The attempt that a worker has; 0 while none does.
    sent: int = 0
    device: str = ""
    begun: bool = False
    over: bool = False
    stopping: bool = False
    # Of the conversation, and of the model's window, as the worker counted them.
    prompt_tokens: int = 0
    window: int = 0


class TooLong(LimitExceeded):
    """The conversation does not fit the model's window; says how many tokens it has, and how many would fit."""

    def __init__(self, message: str, tokens: int, window: int) -> None:
        super().__init__(message, field="text", limit=window)
        self.tokens = tokens
        self.window = window


class Texts:
    """The answers that are open. Used on the dispatcher's loop."""

    def __init__(
        self,
        supervisor: Supervisor,
        models: Loading,
        tell: Callable[[s.Fact], None],
        leased: Callable[[str], tuple[int, str] | None],
        spawn: Callable[[Awaitable[None]], Any],
        runs: Callable[[], bool],
    ) -> None:
        """`runs` says whether the worker that answers is there."""
        self._runs = runs
        self._supervisor = supervisor
        self._models = models
        self._tell = tell
        self._leased = leased
        self._spawn = spawn
        self._open: dict[str, Text] = {}
        self._numbers = count(1)

    def __contains__(self, job: str) -> bool:
        return job in self._open

    def submit(self, project: str, model: str, digest: str, work: link_pb2.LanguageWork) -> Text:
        """Takes an answer; projects take turns. Raises QueueFull."""
        if len(self._open) >= MOST:
            raise QueueFull(f"{MOST} answers wait already.", limit=MOST)
        number = next(self._numbers)
        text = Text(f"{LANGUAGE}/{number:09d}", model, digest, work)
        self._open[text.job] = text
        busy = any(other.sent and not other.over for other in self._open.values() if other is not text)
        said = "Another answer is being written; this one comes after it." if busy else f"{model} is asked."
        text.items.put_nowait(Waiting(said if self._runs() else "llama.cpp is being started."))
        self._tell(s.JobSubmitted(s.QueuedJob(text.job, text.job, project, model, seq=number)))
        return text

    async def follow(self, text: Text) -> AsyncGenerator[Waiting | Tokens, None]:
        """What comes of an answer, to its end. Whoever stops reading stops it. Raises BullpenError."""
        try:
            while (item := await text.items.get()) is not None:
                if isinstance(item, BullpenError):
                    raise item
                yield item
        finally:
            self.leave(text)

    def leave(self, text: Text) -> None:
        """Nobody listens any more. A second call changes nothing."""
        if not text.over:
            text.over = True
            self._tell(s.JobCanceled(text.job))

    def tune(self, text: Text, sampling: link_pb2.LanguageSampling) -> None:
        """From the next token on it is chosen otherwise."""
        text.work.sampling.MergeFrom(sampling)
        if text.sent and not text.over:
            tune = link_pb2.TuneJob(job=text.job, attempt=text.sent, language=sampling)
            self._supervisor.send(text.device, link_pb2.ToWorker(tune_job=tune))

    def close(self) -> None:
        """Tells everybody who waits that nothing will come."""
        for text in list(self._open.values()):
            self._end(text, ShuttingDown("The daemon is stopping."))

    # ---- what the scheduler commands --------------------------------------------------------------------------------

    def carry_out(self, command: s.Command) -> None:
        """Does what is decided about an open answer."""
        match command:
            case s.StartJob(job, attempt, device):
                self._spawn(self._start(self._open[job], attempt, device))
            case s.StopJob(job, attempt, device):
                text = self._open[job]
                text.stopping = True
                if text.sent == attempt:
                    cancel = link_pb2.CancelJob(job=job, attempt=attempt)
                    self._supervisor.send(device, link_pb2.ToWorker(cancel_job=cancel))
            case s.RequeueJob(job, _, _, reason):
                self._lost(self._open[job], reason)
            case s.SucceedJob(job) | s.CancelJob(job):
                self._end(self._open.pop(job))
            case s.FailJob(job, _, failure) | s.HoldJob(job, _, failure):
                self._end(text := self._open.pop(job), self._error(text, failure))

    def _lost(self, text: Text, reason: str) -> None:
        text.sent = 0
        if text.begun:
            self._end(text, WorkerLost(f"The language model's worker {reason}, in the midst of the answer."))
            self._tell(s.JobCanceled(text.job))
        else:
            text.items.put_nowait(Waiting(f"The language model's worker {reason}; it is tried once more."))

    @staticmethod
    def _error(text: Text, failure: s.Failure) -> BullpenError:
        if failure.reason == "LIMIT_EXCEEDED" and text.window:
            return TooLong(failure.message, text.prompt_tokens, text.window)
        found = BY_REASON.get(failure.reason, EngineFailed)
        return found(failure.message, **({"remedy": failure.remedy} if failure.remedy else {}), model=text.model)

    async def _start(self, text: Text, attempt: int, device: str) -> None:
        try:
            models = await asyncio.to_thread(self._models.references, text.model, text.digest)
        except BullpenError as error:
            failure = s.Failure(error.reason, error.message, error.remedy)
            self._tell(s.JobEnded(text.job, attempt, device, s.Outcome.FAILED, failure))
            return
        if self._leased(text.job) != (attempt, device):
            return
        if text.stopping:
            self._tell(s.JobEnded(text.job, attempt, device, s.Outcome.CANCELED))
            return
        frame = link_pb2.RunJob(job=text.job, attempt=attempt, model=models.model, language=text.work)
        text.sent, text.device = attempt, device
        self._supervisor.send(device, link_pb2.ToWorker(run_job=frame))

    @staticmethod
    def _end(text: Text, error: BullpenError | None = None) -> None:
        if not text.over:
            text.over = True
            text.items.put_nowait(error)

    # ---- what workers say -------------------------------------------------------------------------------------------

    def progressed(self, frame: link_pb2.StepDone) -> None:
        """What is done before there are words."""
        text = self._open[frame.job]
        if frame.phase == "loading":
            text.items.put_nowait(Waiting(f"{text.model} is being loaded.", 0.0))
        elif frame.phase == "reading" and frame.steps:
            text.items.put_nowait(Waiting("The conversation is read.", frame.step / frame.steps))

    def loading(self, device: str, frame: link_pb2.ModelProgress) -> None:
        """How far a model is on its way into memory."""
        for text in self._open.values():
            if text.sent and text.device == device and text.model == frame.model and not text.over:
                text.items.put_nowait(Waiting(f"{text.model} is being loaded.", frame.share))

    def made(self, frame: link_pb2.TokensMade) -> None:
        """More of an answer; what an attempt says that no longer counts is dropped."""
        text = self._open[frame.job]
        if text.over or text.sent != frame.attempt:
            return
        text.prompt_tokens, text.window = frame.prompt_tokens, frame.window
        if frame.text or frame.finished:
            text.begun = True
            text.items.put_nowait(Tokens(frame.text, frame.tokens, frame.finished))
