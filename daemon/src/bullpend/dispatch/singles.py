"""Single orders: work for a device that belongs to no run, and to nobody once the one who asked has left.

They stand in the same queue as the jobs of runs, and the scheduler sees no difference. But nothing of them is durable:
where a job has a lease in the database, a single order has this object, and its pictures are raw files that the one
who asked takes away.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from bullpen_api.worker.v1 import link_pb2

from bullpend.dispatch.spent import InVain
from bullpend.errors import BullpenError, QueueFull
from bullpend.models.loading import Loading
from bullpend.runs.model import Failure, Lora
from bullpend.scheduling import model as s
from bullpend.workers.supervisor import Supervisor

MOST = 32
# Just before the jobs of runs that were given no priority: somebody sits and waits for the answer.
PRIORITY = 1
# Sorts after `projects/…`: among equal places in the order of acceptance the job that was there goes first.
COLLECTION = "utilities"


@dataclass
class Single:
    """One order, as it is now. `order` is the frame to the worker but for models, attempt and candidates."""

    job: str
    model: str
    model_digest: str
    loras: tuple[Lora, ...]
    order: link_pb2.RunJob
    seeds: tuple[int, ...]
    # Set with each change of what follows.
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    device: str = ""
    progress: link_pb2.StepDone | None = None
    preview: link_pb2.PreviewReady | None = None
    made: deque[link_pb2.CandidateReady] = field(default_factory=deque)
    ready: link_pb2.Ready = field(default_factory=link_pb2.Ready)
    ended: bool = False
    failure: Failure | None = None
    # Candidates that are made, by their numbers from 1.
    done: set[int] = field(default_factory=set)
    # The attempt that a worker has; 0 while none does.
    sent: int = 0
    stopping: bool = False
    left: bool = False

    def number(self, candidate: str) -> int:
        """The place of a candidate, counted from 1, by its name."""
        return int(candidate.rsplit("/", 1)[-1])

    def frame(self, attempt: int) -> link_pb2.RunJob:
        """The order for this attempt: what is still to be made."""
        frame = link_pb2.RunJob()
        frame.CopyFrom(self.order)
        frame.job, frame.attempt = self.job, attempt
        for number, seed in enumerate(self.seeds, 1):
            if number not in self.done:
                frame.candidates.add(name=f"{self.job}/{number}", seed=seed)
        return frame


class Singles:
    """The orders that are open. Used on the dispatcher's loop."""

    def __init__(
        self,
        supervisor: Supervisor,
        models: Loading,
        tell: Callable[[s.Fact], None],
        leased: Callable[[str], tuple[int, str] | None],
        spawn: Callable[[Awaitable[None]], Any],
    ) -> None:
        self._supervisor = supervisor
        self._models = models
        self._tell = tell
        self._leased = leased
        self._spawn = spawn
        self._open: dict[str, Single] = {}
        self._numbers = count(1)
        # Told of each picture that somebody waits for.
        self.on_made: Callable[[Single, link_pb2.CandidateReady], None] = lambda single, frame: None
        # Told of seconds of a device that brought no picture, and why.
        self.on_spent: Callable[[Single, InVain, str], None] = lambda single, spent, why: None

    def __contains__(self, job: str) -> bool:
        return job in self._open

    def submit(
        self,
        model: str,
        model_digest: str,
        loras: Sequence[Lora],
        order: link_pb2.RunJob,
        seeds: Sequence[int],
        seq: int,
        keep_alive: float | None = None,
    ) -> Single:
        """Takes an order; `seq` is the place of the newest job. Raises QueueFull."""
        if len(self._open) >= MOST:
            raise QueueFull(f"{MOST} single orders wait already.", limit=MOST)
        job = f"{COLLECTION}/{next(self._numbers):09d}"
        single = Single(job, model, model_digest, tuple(loras), order, tuple(seeds))
        self._open[job] = single
        queued = s.QueuedJob(job, job, COLLECTION, model, priority=PRIORITY, seq=seq, keep_alive=keep_alive)
        self._tell(s.JobSubmitted(queued))
        return single

    def leave(self, single: Single) -> None:
        """Nobody waits for it any more: it is stopped, and what it made is deleted. A second call changes nothing."""
        if single.left:
            return
        single.left = True
        while single.made:
            Path(single.made.popleft().raw_path).unlink(missing_ok=True)
        if not single.ended:
            self._tell(s.JobCanceled(single.job))

    def close(self, failure: Failure) -> None:
        """Tells everybody who waits that nothing will come."""
        for single in self._open.values():
            self._end(single, failure)

    # ---- what the scheduler commands --------------------------------------------------------------------------------

    def carry_out(self, command: s.Command) -> None:
        """Does what is decided about an open order."""
        match command:
            case s.StartJob(job, attempt, device):
                self._spawn(self._start(self._open[job], attempt, device))
            case s.StopJob(job, attempt, device):
                single = self._open[job]
                single.stopping = True
                if single.sent == attempt:
                    cancel = link_pb2.CancelJob(job=job, attempt=attempt)
                    self._supervisor.send(device, link_pb2.ToWorker(cancel_job=cancel))
            case s.RequeueJob(job):
                self._open[job].sent = 0
            case s.SucceedJob(job) | s.CancelJob(job):
                self._end(self._open.pop(job))
            case s.FailJob(job, _, failure) | s.HoldJob(job, _, failure):
                self._end(self._open.pop(job), Failure(failure.reason, failure.message, failure.remedy))

    async def _start(self, single: Single, attempt: int, device: str) -> None:
        used = [(lora.name, lora.digest, lora.scale) for lora in single.loras]
        try:
            models = await asyncio.to_thread(self._models.references, single.model, single.model_digest, used)
        except BullpenError as error:
            failure = s.Failure(error.reason, error.message, error.remedy)
            self._tell(s.JobEnded(single.job, attempt, device, s.Outcome.FAILED, failure))
            return
        if self._leased(single.job) != (attempt, device):
            return
        if single.stopping:
            self._tell(s.JobEnded(single.job, attempt, device, s.Outcome.CANCELED))
            return
        frame = single.frame(attempt)
        frame.model.CopyFrom(models.model)
        frame.loras.extend(models.loras)
        single.sent, single.device = attempt, device
        self._supervisor.send(device, link_pb2.ToWorker(run_job=frame))

    @staticmethod
    def _end(single: Single, failure: Failure | None = None) -> None:
        single.ended, single.failure = True, single.failure or failure
        single.changed.set()

    # ---- what workers say -------------------------------------------------------------------------------------------

    def progressed(self, frame: link_pb2.StepDone) -> None:
        """The latest step."""
        single = self._open[frame.job]
        single.progress = frame
        single.changed.set()

    def previewed(self, frame: link_pb2.PreviewReady) -> None:
        """The latest preview; it goes out with the next step."""
        self._open[frame.job].preview = frame

    def made(self, frame: link_pb2.CandidateReady, ready: link_pb2.Ready) -> None:
        """A raw picture; one of an attempt that no longer counts, or that nobody waits for, is deleted."""
        single = self._open[frame.job]
        if single.left or single.sent != frame.attempt:
            Path(frame.raw_path).unlink(missing_ok=True)
            return
        single.done.add(single.number(frame.candidate))
        single.made.append(frame)
        single.ready = ready
        self.on_made(single, frame)
        single.changed.set()

    def model(self, job: str) -> str:
        """The model of an open order; empty for a job that is none."""
        single = self._open.get(job)
        return single.model if single is not None else ""

    def spent(self, spent: InVain, why: str) -> None:
        """Seconds of a device that brought no picture."""
        self.on_spent(self._open[spent.job], spent, why)
