"""What workers say, and who is told.

Each frame goes to the one who waits for it; what it means for jobs and devices becomes a fact for the scheduler.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import structlog
from bullpen_api.v1 import event_pb2
from bullpen_api.worker.v1 import link_pb2

from bullpend.dispatch.effects import Effects
from bullpend.dispatch.leasing import REMOTE
from bullpend.dispatch.memory import Memory
from bullpend.dispatch.sharing import Sharing
from bullpend.dispatch.singles import Singles
from bullpend.dispatch.spent import InVain, Spent
from bullpend.dispatch.texts import Texts
from bullpend.dispatch.tuning import Tuning
from bullpend.events.bus import Bus
from bullpend.rpc.wire import duration
from bullpend.scheduling import model as s
from bullpend.workers.model import Lost

log = structlog.get_logger("dispatch")

OUT_OF_MEMORY = "DEVICE_OUT_OF_MEMORY"

OUTCOMES = {
    link_pb2.JobEnded.OUTCOME_SUCCEEDED: s.Outcome.SUCCEEDED,
    link_pb2.JobEnded.OUTCOME_CANCELED: s.Outcome.CANCELED,
    link_pb2.JobEnded.OUTCOME_FAILED: s.Outcome.FAILED,
}


@dataclass(frozen=True)
class Hearing:
    """Passes on what workers say. `entry` is what the scheduler knows of a job, `working` the job of a device."""

    ready: dict[str, link_pb2.Ready]
    kinds: Mapping[str, str]
    bus: Bus
    memory: Memory
    sharing: Sharing
    tuning: Tuning
    clocked: Spent
    singles: Singles
    texts: Texts
    effects: Effects
    tell: Callable[[s.Fact], None]
    entry: Callable[[str], s.Entry | None]
    working: Callable[[str], str]

    def heard(self, device: str, said: link_pb2.FromWorker | Lost) -> None:
        """Takes what a device's worker says; never blocks."""
        if isinstance(said, Lost):
            self.tuning.ended(self.working(device))
            log.warning("worker.lost", device=device, reason=said.reason)
            self.ready.pop(device, None)
            self.bus.idle(device)
            self.memory.lost(device, said.reason)
            self._in_vain(self.clocked.lost(device), f"The worker was lost: {said.reason}.")
            self.tell(s.DeviceLost(device, said.reason))
            return
        match said.WhichOneof("body"):
            case "ready":
                self.ready[device] = said.ready
                self.memory.ready(device)
                self.tell(s.DeviceReady(device))
            case "tokens_made" if said.tokens_made.job in self.texts:
                self.texts.made(said.tokens_made)
            case "step_done" if said.step_done.job in self.texts:
                self.texts.progressed(said.step_done)
            case "model_progress":
                self.texts.loading(device, said.model_progress)
            case "step_done" if said.step_done.job in self.singles:
                self.clocked.stepped(device, said.step_done)
                self.singles.progressed(said.step_done)
            case "preview_ready" if said.preview_ready.job in self.singles:
                self.singles.previewed(said.preview_ready)
            case "candidate_ready" if said.candidate_ready.job in self.singles:
                self.clocked.made(said.candidate_ready)
                self.singles.made(said.candidate_ready, self.ready.get(device, link_pb2.Ready()))
            case "step_done":
                self.clocked.stepped(device, said.step_done)
                self.bus.progress(device, partial(_progress, device, said.step_done))
            case "preview_ready":
                frame = said.preview_ready
                self.bus.preview(
                    device,
                    event_pb2.Preview(
                        candidate=frame.candidate, step=frame.step, image=frame.image, mime_type=frame.mime_type
                    ),
                )
            case "change_heard":
                self.tuning.heard(said.change_heard)
            case "candidate_ready":
                self.clocked.made(said.candidate_ready)
                self.effects.store(said.candidate_ready, self.ready.get(device, link_pb2.Ready()))
            case "job_ended":
                self._job_ended(device, said.job_ended)
            case "model_loaded" | "model_unloaded" | "model_failed" | "footprint_measured":
                self.memory.heard(device, said)
                self.sharing.moved()

    def _job_ended(self, device: str, frame: link_pb2.JobEnded) -> None:
        self.tuning.ended(frame.job)
        self.bus.idle(device)
        spent = self.clocked.ended(frame.job, frame.attempt)
        failed = frame.outcome == link_pb2.JobEnded.OUTCOME_FAILED
        self._in_vain(spent, f"It failed: {frame.failure.reason}." if failed else "It was stopped.")
        failure = None
        if frame.outcome == link_pb2.JobEnded.OUTCOME_FAILED:
            entry, said = self.entry(frame.job), frame.failure
            remedy = self.memory.remedy(said.reason, said.remedy, entry.spec.model if entry else "", device)
            failure = s.Failure(said.reason, said.message, remedy)
        outcome = OUTCOMES.get(frame.outcome)
        if outcome is None:
            return
        ended = s.JobEnded(frame.job, frame.attempt, device, outcome, failure)
        if failure is not None and failure.reason == OUT_OF_MEMORY and self.sharing.idle(device):
            self.effects.spawn(self._after_room(ended))
        else:
            self.tell(ended)

    def under_way(self) -> list[InVain]:
        """Pictures that devices of this machine work on at this moment, and for how long they have."""
        return [
            replace(one, model=self.singles.model(one.job)) for one in self.clocked.under_way() if not self._paid(one)
        ]

    def _paid(self, one: InVain) -> bool:
        """A provider's seconds have a line of their own, with the money."""
        return self.kinds.get(one.device) == REMOTE

    def _in_vain(self, spent: Iterable[InVain], why: str) -> None:
        """Puts down seconds that brought no picture."""
        for one in spent:
            if self._paid(one):
                continue
            if one.job in self.singles:
                self.singles.spent(one, why)
            else:
                self.effects.spent(one, why)

    async def _after_room(self, ended: s.JobEnded) -> None:
        """The job is tried once more, which makes sense when others have given their memory back."""
        await self.sharing.make_room(ended.device)
        self.tell(ended)


def _progress(device: str, frame: link_pb2.StepDone) -> event_pb2.Progress:
    return event_pb2.Progress(
        candidate=frame.candidate,
        step=frame.step,
        steps=frame.steps,
        device=device,
        step_seconds=frame.seconds,
        phase=frame.phase,
        time_left=duration((frame.steps - frame.step) * frame.seconds) if frame.seconds else None,
    )
