"""One candidate under way, or several that are computed together: drives the engine's generator and does what is due
between two steps.

Between steps, in this order: cancel, changes of parameters (replayed ones first, then those asked for now), report,
preview.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from bullpen_api.worker.v1 import link_pb2

from bullpen_worker.engines.base import Controls, Step
from bullpen_worker.heartbeat import Progress
from bullpen_worker.inbox import Inbox, JobKey
from bullpen_worker.pacing import PreviewPacer
from bullpen_worker.reports import Reports

T = TypeVar("T")

# Fields of AppliedChange, TuneJob and Controls alike.
CHANGEABLE: tuple[Literal["guidance_scale", "image_guidance_scale", "steps", "strength"], ...] = (
    "guidance_scale",
    "image_guidance_scale",
    "steps",
    "strength",
)


class CanceledError(Exception):
    """The job under way is to stop."""


@dataclass(slots=True)
class JobUnderWay:
    """What the candidates of one running job share.

    `controls` are the job's parameters with all that a person changed so far. A later candidate begins with them; the
    difference is booked as its change at step 1, so that a replay of it alone gives the same pixels.
    """

    job: link_pb2.RunJob
    inbox: Inbox
    reports: Reports
    progress: Progress
    pacer: PreviewPacer
    announces_decoding: bool
    controls: Controls = field(init=False)
    # Candidates of the order that are made, and all of them.
    made: int = 0
    total: int = field(init=False)

    def __post_init__(self) -> None:
        self.total = len(self.job.candidates)
        self.controls = Controls(self.job.guidance_scale, self.job.image_guidance_scale)

    @property
    def key(self) -> JobKey:
        """What marks the job and this attempt at it."""
        return self.job.job, self.job.attempt

    def check_canceled(self) -> None:
        """Raises CanceledError where the daemon asked to stop."""
        if self.inbox.canceled(self.key):
            raise CanceledError


class CandidateRun:
    """Makes one candidate, or several together. `applied` holds the changes that took effect, by step, for all."""

    def __init__(
        self,
        under_way: JobUnderWay,
        task: link_pb2.CandidateTask,
        *,
        beside: Sequence[link_pb2.CandidateTask] = (),
        respaces: bool = False,
        last: bool = True,
    ) -> None:
        """`beside` are computed together with the task and have the same changes to replay; `respaces` says that the
        number of steps may change on the way, `last` that no candidate follows.
        """
        self._shared = under_way
        self._task = task
        self._names = [one.name for one in (task, *beside)]
        self._respaces = respaces
        self._last = last
        self._replay = {change.step: change for change in task.changes}
        self.controls = Controls(under_way.job.guidance_scale, under_way.job.image_guidance_scale)
        self.applied: list[link_pb2.AppliedChange] = []

    def make(self, start: Callable[[Controls], Generator[Step, None, T]]) -> T:
        """Runs the generator to its picture or pictures. Raises CanceledError, or what the engine raises."""
        self._before_step(1)
        self._say(0, self._shared.job.steps, 0.0, "denoising")
        denoising = start(self.controls)
        try:
            while True:
                began = time.perf_counter()
                try:
                    step = next(denoising)
                except StopIteration as stop:
                    made: T = stop.value
                    return made
                self._after_step(step, time.perf_counter() - began)
        finally:
            denoising.close()

    def _before_step(self, step: int) -> None:
        shared = self._shared
        shared.check_canceled()
        booked = link_pb2.AppliedChange(step=step)
        if step == 1 and not self._replay:
            _carry_over(shared.controls, self.controls, booked)
        if (planned := self._replay.get(step)) is not None:
            _apply(planned, self.controls, booked)
        for asked in shared.inbox.changes(shared.key):
            self._hear(asked, step, booked)
        if any(booked.HasField(name) for name in CHANGEABLE):
            self.applied.append(booked)

    def _hear(self, asked: link_pb2.TuneJob, step: int, booked: link_pb2.AppliedChange) -> None:
        """Takes what a person asked for as far as it can take effect, and says so. Later candidates begin with it."""
        now = link_pb2.TuneJob()
        now.CopyFrom(asked)
        late = []
        if now.HasField("steps") and not (self._respaces or step == 1):
            now.ClearField("steps")
            late.append("steps")
        if now.HasField("strength") and step > 1:
            now.ClearField("strength")
            late.append("strength")
        if now.HasField("steps") and now.steps < step:
            # As many as are done: this is the last one.
            now.steps = step
        _apply(now, self.controls, booked)
        _apply(asked, self._shared.controls, link_pb2.AppliedChange())
        if asked.change_id:
            heard = any(now.HasField(name) for name in CHANGEABLE)
            refused = f"{' and '.join(late)} can only be set before a picture is begun, and this is the last one"
            self._shared.reports.send(
                link_pb2.FromWorker(
                    change_heard=link_pb2.ChangeHeard(
                        job=asked.job,
                        attempt=asked.attempt,
                        change_id=asked.change_id,
                        candidate=self._task.name if heard else "",
                        step=step if heard else 0,
                        refused=refused if late and self._last else "",
                    )
                )
            )

    def _after_step(self, step: Step, seconds: float) -> None:
        shared = self._shared
        shared.progress.advance()
        self._say(step.number, step.total, seconds, "denoising")
        if step.number < step.total:
            self._before_step(step.number + 1)
            self._preview(step, seconds)
            return
        shared.check_canceled()
        if shared.announces_decoding:
            self._say(step.number, step.total, 0.0, "decoding")

    def _preview(self, step: Step, seconds: float) -> None:
        shared = self._shared
        every = shared.job.preview_every
        if every <= 0 or step.preview is None:
            return
        shared.pacer.earned(seconds)
        began = time.perf_counter()
        if step.number % every or not shared.pacer.due(began):
            return
        preview = step.preview()
        now = time.perf_counter()
        shared.pacer.spent(now - began, now)
        if preview is None:
            return
        shared.reports.offer(
            link_pb2.FromWorker(
                preview_ready=link_pb2.PreviewReady(
                    job=shared.job.job,
                    attempt=shared.job.attempt,
                    candidate=self._task.name,
                    step=step.number,
                    image=preview.image,
                    mime_type=preview.mime_type,
                )
            )
        )

    def _say(self, step: int, steps: int, seconds: float, phase: str) -> None:
        job = self._shared.job
        for name in self._names:
            done = link_pb2.StepDone(
                job=job.job,
                attempt=job.attempt,
                candidate=name,
                step=step,
                steps=steps,
                seconds=seconds / len(self._names),
                phase=phase,
            )
            self._shared.reports.send(link_pb2.FromWorker(step_done=done))


def _apply(
    change: link_pb2.AppliedChange | link_pb2.TuneJob, controls: Controls, booked: link_pb2.AppliedChange
) -> None:
    for name in CHANGEABLE:
        if change.HasField(name) and math.isfinite(value := getattr(change, name)):
            setattr(controls, name, value)
            setattr(booked, name, value)


def _carry_over(current: Controls, controls: Controls, booked: link_pb2.AppliedChange) -> None:
    for name in CHANGEABLE:
        if (value := getattr(current, name)) != getattr(controls, name):
            setattr(controls, name, value)
            setattr(booked, name, value)
