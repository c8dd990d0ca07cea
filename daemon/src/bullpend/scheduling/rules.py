"""The scheduler's decisions: one pure function. Each numbered comment is the same number in docs/scheduler.md.

`step` works on a draft of the state that nobody else sees and hands out the frozen result. Whatever does not apply
(an old attempt, an unknown job, a second end) leaves the very same state object and gives no command.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import assert_never

from bullpend.scheduling import model as m
from bullpend.scheduling.jobs import JobDraft
from bullpend.scheduling.placement import place

_NO_RESIDENTS: Mapping[str, m.Resident] = MappingProxyType({})
_NOT_WANTED: Mapping[str, m.Wanted] = MappingProxyType({})


def step(state: m.State, fact: m.Fact, now: float) -> tuple[m.State, tuple[m.Command, ...]]:
    """Takes one fact, gives the new state and what is to be done, in order. `now` never goes back."""
    draft = _Draft(state, now)
    match fact:
        case m.JobSubmitted():
            draft.submitted(fact.job)
        case m.JobEnded():
            draft.ended(fact)
        case m.JobCanceled():
            draft.canceled(fact.job)
        case m.LeaseRefused():
            draft.refused(fact)
        case m.ModelLoaded():
            draft.loaded(fact)
        case m.ModelUnloaded():
            draft.unloaded(fact)
        case m.DeviceAdded():
            draft.added(fact.device)
        case m.DeviceReady():
            draft.ready(fact.device)
        case m.DeviceLost():
            draft.lost(fact)
        case m.UnloadRequested():
            draft.unload_requested(fact)
        case m.LoadRequested():
            draft.load_requested(fact)
        case m.ModelFailed():
            draft.model_failed(fact)
        case m.KeepingChanged():
            draft.keeping_changed(fact)
        case m.QueuePaused():
            draft.queue_paused(fact.now)
        case m.QueueResumed():
            draft.paused = False
        case m.RunPaused():
            draft.run_paused(fact.run)
        case m.RunResumed():
            draft.run_resumed(fact.run)
        case m.JobPaused():
            draft.job_paused(fact.job, True)
        case m.JobResumed():
            draft.job_paused(fact.job, False)
        case m.JobMoved():
            draft.moved(fact)
        case m.JobBound():
            draft.job_bound(fact)
        case m.DeviceSwitched():
            draft.switched(fact)
        case m.Tick():
            draft.tick()
        case m.Draining():
            draft.draining = True
        case _:
            assert_never(fact)
    draft.fill()
    draft.fill_wanted()
    return draft.frozen(), tuple(draft.commands)


class _Draft(JobDraft):
    """The state while one step is made, and the commands so far."""

    __slots__ = ("_before",)

    def __init__(self, state: m.State, now: float) -> None:
        self._before = state
        self.policy = state.policy
        self.keepings = state.keepings
        self.jobs = state.jobs
        self.queue = state.queue
        self.devices = state.devices
        self.draining = state.draining
        self.paused = state.paused
        self.paused_runs = state.paused_runs
        self.bound = state.bound
        self.now = now
        self.commands = []

    def frozen(self) -> m.State:
        before = self._before
        if (
            self.jobs is before.jobs
            and self.queue is before.queue
            and self.devices is before.devices
            and self.draining == before.draining
            and self.paused == before.paused
            and self.paused_runs is before.paused_runs
            and self.keepings is before.keepings
        ):
            return before
        return m.State(
            self.policy,
            self.jobs,
            self.queue,
            self.devices,
            self.draining,
            self.paused,
            self.paused_runs,
            self.keepings,
            self.bound,
        )

    # ---- placement --------------------------------------------------------------------------------------------------

    def fill(self) -> None:
        """Gives work to idle workers and starts cold ones, as far as it goes."""
        self._retire()
        # 10. While the daemon drains, nothing is started.
        if self.draining or self.paused or not self.queue:
            return
        idle = [d for d in self.devices.values() if d.phase is m.DevicePhase.READY and not d.job and self._work_for(d)]
        begun: list[str] = []
        while idle:
            placement = place(self.jobs, self.queue, idle, self.policy)
            if placement is None:
                break
            for entry in placement.overtakes:
                self.jobs = self.jobs.set(entry.spec.job, replace(entry, overtaken=entry.overtaken + 1))
            self._start(placement.job, placement.device)
            idle = [d for d in idle if d is not placement.device and self._work_for(d)]
            begun.append(placement.device.device)
        for name in begun:
            self.read_ahead(name)
        self._start_workers()

    def _start(self, entry: m.Entry, device: m.Device) -> None:
        spec = entry.spec
        attempt = entry.attempt + 1
        # 26. Projects of one priority take turns: the one that was served lines up behind the others.
        self.queue = self.queue.drop(spec.priority, spec.project, spec.key()).served(spec.project)
        self.count_bound(spec.device, -1)
        self.jobs = self.jobs.set(
            spec.job, replace(entry, phase=m.Phase.RUNNING, attempt=attempt, device=device.device)
        )
        self.put(replace(device, job=spec.job))
        self.commands.append(m.StartJob(spec.job, attempt, device.device, spec.model))

    def _start_workers(self) -> None:
        # 14. Where more jobs wait than workers are starting, cold devices are started in order of preference.
        starting = sum(d.phase is m.DevicePhase.STARTING for d in self.devices.values())
        for device in self.devices.values():
            if starting >= len(self.queue):
                return
            # 15. A device whose worker was lost waits its time out first.
            if device.phase is m.DevicePhase.COLD and device.retry_at <= self.now and self._work_for(device):
                self.put(replace(device, phase=m.DevicePhase.STARTING))
                self.commands.append(m.StartWorker(device.device))
                starting += 1

    def _work_for(self, device: m.Device) -> int:
        return m.work_for(device, len(self.queue), self.bound)

    def _retire(self) -> None:
        # 34. A device that is switched off lets its worker go as soon as nothing runs there.
        for device in self.devices.values():
            if device.use is m.Use.NONE and device.phase is m.DevicePhase.READY and not device.job:
                self.put(replace(device, phase=m.DevicePhase.DYING))
                self.commands.append(m.KillWorker(device.device, "was switched off"))

    # ---- devices ----------------------------------------------------------------------------------------------------

    def added(self, name: str) -> None:
        if name not in self.devices:
            self.put(m.Device(name))

    def ready(self, name: str) -> None:
        device = self.devices.get(name)
        if device is not None and device.phase is m.DevicePhase.STARTING:
            self.put(replace(device, phase=m.DevicePhase.READY))
            self.want_pinned(name)

    def lost(self, fact: m.DeviceLost) -> None:
        device = self.devices.get(fact.device)
        if device is None or device.phase is m.DevicePhase.COLD:
            return
        # 16. Each loss in a row doubles the wait; a worker that was killed on purpose is no loss.
        losses = device.losses + (device.phase is not m.DevicePhase.DYING)
        wait = 0.0
        if device.phase is not m.DevicePhase.DYING:
            wait = min(self.policy.backoff_seconds * 2 ** min(losses - 1, 30), self.policy.max_backoff_seconds)
        self.put(
            replace(
                device,
                phase=m.DevicePhase.COLD,
                job="",
                stop_by=None,
                losses=losses,
                retry_at=self.now + wait,
                lost_reason=fact.reason,
                residents=_NO_RESIDENTS,
                wanted=_NOT_WANTED,
                read_ahead="",
            )
        )
        entry = self.jobs.get(device.job) if device.job else None
        if entry is None:
            return
        # 17. A job that was being canceled is canceled, one whose worker did not let go of it in time waits again; any
        #     other lost its attempt.
        if entry.phase is m.Phase.STOPPING and not entry.pausing:
            self.finish(entry, m.CancelJob(entry.spec.job, entry.attempt))
        elif entry.pausing and device.phase is m.DevicePhase.DYING:
            self.requeue(entry, "was paused")
        else:
            self.attempt_lost(entry, fact.reason)

    # ---- models and time --------------------------------------------------------------------------------------------

    def tick(self) -> None:
        # 19. A worker that did not stop a canceled or paused job in time is killed.
        for device in self.devices.values():
            if device.phase is m.DevicePhase.READY and device.stop_by is not None and device.stop_by <= self.now:
                self.put(replace(device, phase=m.DevicePhase.DYING))
                grace = f"{self.policy.stop_grace_seconds:g} s"
                self.commands.append(m.KillWorker(device.device, f"did not stop a job within {grace}"))
        self.unload_expired()
