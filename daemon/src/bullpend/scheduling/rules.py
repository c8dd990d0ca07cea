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
from bullpend.scheduling.placement import place
from bullpend.scheduling.residency import ModelDraft

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
        case m.Tick():
            draft.tick()
        case m.Draining():
            draft.draining = True
        case _:
            assert_never(fact)
    draft.fill()
    draft.fill_wanted()
    return draft.frozen(), tuple(draft.commands)


class _Draft(ModelDraft):
    """The state while one step is made, and the commands so far."""

    __slots__ = ("_before", "paused", "paused_runs")

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
        )

    # ---- jobs -------------------------------------------------------------------------------------------------------

    def submitted(self, job: m.QueuedJob) -> None:
        # 1. A job is known once: submitting it again changes nothing.
        if job.job in self.jobs:
            return
        # 2. A job that comes back from a restart with too much behind it is held, not tried again.
        failure = self._too_many(job.deaths, job.attempt, "")
        if failure is not None:
            self.commands.append(m.HoldJob(job.job, job.attempt, failure))
            return
        self._enqueue(m.Entry(job, attempt=job.attempt, deaths=job.deaths))

    def canceled(self, name: str) -> None:
        entry = self.jobs.get(name)
        if entry is None:
            return
        # 3. A waiting job is canceled on the spot; no worker is needed.
        if entry.phase in (m.Phase.QUEUED, m.Phase.PAUSED):
            self._dequeue(entry)
            self._finish(entry, m.CancelJob(name, entry.attempt))
        elif entry.phase is m.Phase.RUNNING:
            self._stop(entry, pausing=False)
        elif entry.pausing:
            # It was stopping only to wait; now it stops to end.
            self.jobs = self.jobs.set(name, replace(entry, pausing=False))

    def _stop(self, entry: m.Entry, *, pausing: bool) -> None:
        # 4. A running job is asked to stop, once, and its worker gets a time by which it must have.
        self.jobs = self.jobs.set(entry.spec.job, replace(entry, phase=m.Phase.STOPPING, pausing=pausing))
        device = self.devices[entry.device]
        self.put(replace(device, stop_by=self.now + self.policy.stop_grace_seconds))
        self.commands.append(m.StopJob(entry.spec.job, entry.attempt, entry.device))

    def refused(self, fact: m.LeaseRefused) -> None:
        entry = self._running(fact.job, fact.attempt)
        if entry is not None:
            self._release(entry)
            self.jobs = self.jobs.drop(fact.job)

    def ended(self, fact: m.JobEnded) -> None:
        # 5. Only the attempt that runs, on the device where it runs, can end: all else is an echo.
        entry = self._running(fact.job, fact.attempt)
        if entry is None or entry.device != fact.device:
            return
        device = self._release(entry)
        self.put(replace(device, losses=0))
        stopping = entry.phase is m.Phase.STOPPING
        # 6. What was finished before the cancel was heard stays finished; any other end of a canceled job is a cancel.
        if fact.outcome is m.Outcome.SUCCEEDED:
            self._finish(entry, m.SucceedJob(fact.job, fact.attempt))
        elif entry.pausing:
            self._stopped_to_wait(entry, fact)
        elif stopping:
            self._finish(entry, m.CancelJob(fact.job, fact.attempt))
        elif fact.outcome is m.Outcome.CANCELED:
            # A worker that stopped a job which nobody canceled did not do its work.
            self._attempt_lost(entry, "stopped the job unasked")
        else:
            self._failed(entry, fact.failure or m.Failure("ENGINE_FAILED", "The worker gave no reason."))

    def _stopped_to_wait(self, entry: m.Entry, fact: m.JobEnded) -> None:
        # 24. A job that stopped because it was paused waits again and lost nothing that was finished; a failure is one.
        if fact.outcome is m.Outcome.CANCELED:
            self._requeue(entry, "was paused")
        else:
            self._failed(entry, fact.failure or m.Failure("ENGINE_FAILED", "The worker gave no reason."))

    def _failed(self, entry: m.Entry, failure: m.Failure) -> None:
        # 7. Out of device memory is tried once more with everything else unloaded; any other failure is final.
        if failure.reason != "DEVICE_OUT_OF_MEMORY" or entry.starved:
            self._finish(entry, m.FailJob(entry.spec.job, entry.attempt, failure))
            return
        self.unload_others(self.devices[entry.device], entry.spec.model)
        self._requeue(replace(entry, starved=True), failure.message)

    def _attempt_lost(self, entry: m.Entry, reason: str) -> None:
        # 8. An attempt that was lost with its worker is made again, until it looks as if the job is the cause.
        entry = replace(entry, deaths=entry.deaths + 1)
        failure = self._too_many(entry.deaths, entry.attempt, reason)
        if failure is None:
            self._requeue(entry, reason)
        else:
            self._finish(entry, m.HoldJob(entry.spec.job, entry.attempt, failure))

    def _too_many(self, deaths: int, leases: int, reason: str) -> m.Failure | None:
        last = f"; the last one {reason}" if reason else ""
        remedy = "Look at the worker's lines in the daemon's log, then retry the job."
        if deaths >= self.policy.max_attempts:
            return m.Failure("WORKER_LOST", f"{deaths} workers were lost over this job{last}.", remedy)
        if leases >= self.policy.max_leases:
            return m.Failure("WORKER_LOST", f"This job was begun {leases} times and never ended{last}.", remedy)
        return None

    def _enqueue(self, entry: m.Entry) -> None:
        # 21. A paused job, and every job of a paused run, waits outside of the queue and takes nobody's turn.
        spec = entry.spec
        waits = spec.paused or spec.run in self.paused_runs
        phase = m.Phase.PAUSED if waits else m.Phase.QUEUED
        self.jobs = self.jobs.set(spec.job, replace(entry, phase=phase, device="", pausing=False))
        if not waits:
            self.queue = self.queue.add(spec.priority, spec.project, spec.key())

    def _dequeue(self, entry: m.Entry) -> None:
        if entry.phase is m.Phase.QUEUED:
            self.queue = self.queue.drop(entry.spec.priority, entry.spec.project, entry.spec.key())

    def _requeue(self, entry: m.Entry, reason: str) -> None:
        # 9. A job that goes back takes its old place: it keeps its order of acceptance.
        self._enqueue(entry)
        self.commands.append(m.RequeueJob(entry.spec.job, entry.attempt, entry.deaths, reason))

    def _finish(self, entry: m.Entry, command: m.Command) -> None:
        self.jobs = self.jobs.drop(entry.spec.job)
        self.commands.append(command)

    # ---- what people decide about the order --------------------------------------------------------------------------

    def queue_paused(self, now: bool) -> None:
        # 22. While the queue is paused nothing begins. What runs ends, or with `now` stops and waits again.
        self.paused = True
        for entry in [self.jobs[device.job] for device in self.devices.values() if device.job] if now else ():
            if entry.phase is m.Phase.RUNNING:
                self._stop(entry, pausing=True)

    def run_paused(self, run: str) -> None:
        if run not in self.paused_runs:
            self.paused_runs |= {run}
            for entry in [entry for entry in self.jobs.values() if entry.spec.run == run]:
                self._pause(entry)

    def run_resumed(self, run: str) -> None:
        if run in self.paused_runs:
            self.paused_runs -= {run}
            for entry in [entry for entry in self.jobs.values() if entry.spec.run == run]:
                self._resume(entry)

    def job_paused(self, name: str, paused: bool) -> None:
        entry = self.jobs.get(name)
        if entry is None or entry.spec.paused == paused:
            return
        entry = replace(entry, spec=replace(entry.spec, paused=paused))
        self.jobs = self.jobs.set(name, entry)
        if paused:
            self._pause(entry)
        else:
            self._resume(entry)

    def _pause(self, entry: m.Entry) -> None:
        # 23. Pausing stops what runs within a step; a job that is being canceled stays so.
        if entry.phase is m.Phase.QUEUED:
            self._dequeue(entry)
            self._enqueue(entry)
        elif entry.phase is m.Phase.RUNNING:
            self._stop(entry, pausing=True)

    def _resume(self, entry: m.Entry) -> None:
        if entry.phase is m.Phase.PAUSED:
            self._enqueue(entry)

    def moved(self, fact: m.JobMoved) -> None:
        entry = self.jobs.get(fact.job)
        if entry is None:
            return
        # 25. A move changes where a job waits, or where it will wait if it comes back; what runs goes on.
        if (entry.spec.place, entry.spec.priority) != (fact.place, fact.priority):
            self._dequeue(entry)
            entry = replace(entry, spec=replace(entry.spec, place=fact.place, priority=fact.priority))
            self.jobs = self.jobs.set(fact.job, entry)
            if entry.phase is m.Phase.QUEUED:
                self._enqueue(entry)
        if fact.next_turn:
            self.queue = self.queue.next_turn(entry.spec.project)

    def _running(self, job: str, attempt: int) -> m.Entry | None:
        """The entry of an attempt that runs now."""
        entry = self.jobs.get(job)
        if entry is None or entry.phase in (m.Phase.QUEUED, m.Phase.PAUSED) or entry.attempt != attempt:
            return None
        return entry

    def _release(self, entry: m.Entry) -> m.Device:
        """Takes the job off its device; its model counts as used just now."""
        device = self.devices[entry.device]
        residents = device.residents
        resident = residents.get(entry.spec.model)
        if resident is not None:
            used = replace(resident, last_used=self.now, keep_alive=entry.spec.keep_alive)
            residents = MappingProxyType({**residents, resident.model: used})
        device = replace(device, job="", stop_by=None, residents=residents)
        self.put(device)
        return device

    # ---- placement --------------------------------------------------------------------------------------------------

    def fill(self) -> None:
        """Gives work to idle workers and starts cold ones, as far as it goes."""
        # 10. While the daemon drains, nothing is started.
        if self.draining or self.paused or not self.queue:
            return
        idle = [d for d in self.devices.values() if d.phase is m.DevicePhase.READY and not d.job]
        begun: list[str] = []
        while idle:
            placement = place(self.jobs, self.queue, idle, self.policy)
            if placement is None:
                break
            for entry in placement.overtakes:
                self.jobs = self.jobs.set(entry.spec.job, replace(entry, overtaken=entry.overtaken + 1))
            self._start(placement.job, placement.device)
            idle.remove(placement.device)
            begun.append(placement.device.device)
        for name in begun:
            self.read_ahead(name)
        self._start_workers()

    def _start(self, entry: m.Entry, device: m.Device) -> None:
        spec = entry.spec
        attempt = entry.attempt + 1
        # 26. Projects of one priority take turns: the one that was served lines up behind the others.
        self.queue = self.queue.drop(spec.priority, spec.project, spec.key()).served(spec.project)
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
            if device.phase is m.DevicePhase.COLD and device.retry_at <= self.now:
                self.put(replace(device, phase=m.DevicePhase.STARTING))
                self.commands.append(m.StartWorker(device.device))
                starting += 1

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
            self._finish(entry, m.CancelJob(entry.spec.job, entry.attempt))
        elif entry.pausing and device.phase is m.DevicePhase.DYING:
            self._requeue(entry, "was paused")
        else:
            self._attempt_lost(entry, fact.reason)

    # ---- models and time --------------------------------------------------------------------------------------------

    def tick(self) -> None:
        # 19. A worker that did not stop a canceled or paused job in time is killed.
        for device in self.devices.values():
            if device.phase is m.DevicePhase.READY and device.stop_by is not None and device.stop_by <= self.now:
                self.put(replace(device, phase=m.DevicePhase.DYING))
                grace = f"{self.policy.stop_grace_seconds:g} s"
                self.commands.append(m.KillWorker(device.device, f"did not stop a job within {grace}"))
        self.unload_expired()
