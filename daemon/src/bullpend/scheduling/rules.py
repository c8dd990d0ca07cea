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

_NO_RESIDENTS: Mapping[str, m.Resident] = MappingProxyType({})


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
            draft.unload_requested(fact.model)
        case m.Tick():
            draft.tick()
        case m.Draining():
            draft.draining = True
        case _:
            assert_never(fact)
    draft.fill()
    return draft.frozen(), tuple(draft.commands)


class _Draft:
    """The state while one step is made, and the commands so far."""

    __slots__ = ("_before", "commands", "devices", "draining", "jobs", "now", "policy", "queue")

    def __init__(self, state: m.State, now: float) -> None:
        self._before = state
        self.policy = state.policy
        self.jobs = state.jobs
        self.queue = state.queue
        self.devices: Mapping[str, m.Device] = state.devices
        self.draining = state.draining
        self.now = now
        self.commands: list[m.Command] = []

    def frozen(self) -> m.State:
        before = self._before
        if (
            self.jobs is before.jobs
            and self.queue is before.queue
            and self.devices is before.devices
            and self.draining == before.draining
        ):
            return before
        return m.State(self.policy, self.jobs, self.queue, self.devices, self.draining)

    def put(self, device: m.Device) -> None:
        self.devices = MappingProxyType({**self.devices, device.device: device})

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
        if entry is None or entry.phase is m.Phase.STOPPING:
            return
        # 3. A waiting job is canceled on the spot; no worker is needed.
        if entry.phase is m.Phase.QUEUED:
            self.queue = self.queue.drop(entry.spec.key())
            self._finish(entry, m.CancelJob(name, entry.attempt))
            return
        # 4. A running job is asked to stop, once, and its worker gets a time by which it must have.
        self.jobs = self.jobs.set(name, replace(entry, phase=m.Phase.STOPPING))
        device = self.devices[entry.device]
        self.put(replace(device, stop_by=self.now + self.policy.stop_grace_seconds))
        self.commands.append(m.StopJob(name, entry.attempt, entry.device))

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
        elif stopping:
            self._finish(entry, m.CancelJob(fact.job, fact.attempt))
        elif fact.outcome is m.Outcome.CANCELED:
            # A worker that stopped a job which nobody canceled did not do its work.
            self._attempt_lost(entry, "stopped the job unasked")
        else:
            self._failed(entry, fact.failure or m.Failure("ENGINE_FAILED", "The worker gave no reason."))

    def _failed(self, entry: m.Entry, failure: m.Failure) -> None:
        # 7. Out of device memory is tried once more with everything else unloaded; any other failure is final.
        if failure.reason != "DEVICE_OUT_OF_MEMORY" or entry.starved:
            self._finish(entry, m.FailJob(entry.spec.job, entry.attempt, failure))
            return
        device = self.devices[entry.device]
        for name, resident in device.residents.items():
            if name != entry.spec.model and not resident.leaving:
                self._unload(device.device, name)
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
        entry = replace(entry, phase=m.Phase.QUEUED, device="")
        self.jobs = self.jobs.set(entry.spec.job, entry)
        self.queue = self.queue.set(entry.spec.key(), entry.spec.job)

    def _requeue(self, entry: m.Entry, reason: str) -> None:
        # 9. A job that goes back takes its old place: it keeps its order of acceptance.
        self._enqueue(entry)
        self.commands.append(m.RequeueJob(entry.spec.job, entry.attempt, entry.deaths, reason))

    def _finish(self, entry: m.Entry, command: m.Command) -> None:
        self.jobs = self.jobs.drop(entry.spec.job)
        self.commands.append(command)

    def _running(self, job: str, attempt: int) -> m.Entry | None:
        """The entry of an attempt that runs now."""
        entry = self.jobs.get(job)
        if entry is None or entry.phase is m.Phase.QUEUED or entry.attempt != attempt:
            return None
        return entry

    def _release(self, entry: m.Entry) -> m.Device:
        """Takes the job off its device; its model counts as used just now."""
        device = self.devices[entry.device]
        residents = device.residents
        resident = residents.get(entry.spec.model)
        if resident is not None:
            residents = MappingProxyType({**residents, resident.model: replace(resident, last_used=self.now)})
        device = replace(device, job="", stop_by=None, residents=residents)
        self.put(device)
        return device

    # ---- placement --------------------------------------------------------------------------------------------------

    def fill(self) -> None:
        """Gives work to idle workers and starts cold ones, as far as it goes."""
        # 10. While the daemon drains, nothing is started.
        if self.draining or not self.queue:
            return
        idle = [d for d in self.devices.values() if d.phase is m.DevicePhase.READY and not d.job]
        while idle:
            placement = place(self.jobs, self.queue, idle, self.policy)
            if placement is None:
                break
            for entry in placement.overtakes:
                self.jobs = self.jobs.set(entry.spec.job, replace(entry, overtaken=entry.overtaken + 1))
            self._start(placement.job, placement.device)
            idle.remove(placement.device)
        self._start_workers()

    def _start(self, entry: m.Entry, device: m.Device) -> None:
        spec = entry.spec
        attempt = entry.attempt + 1
        self.queue = self.queue.drop(spec.key())
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
            )
        )
        entry = self.jobs.get(device.job) if device.job else None
        if entry is None:
            return
        # 17. A job that was being canceled is canceled; any other lost its attempt.
        if entry.phase is m.Phase.STOPPING:
            self._finish(entry, m.CancelJob(entry.spec.job, entry.attempt))
        else:
            self._attempt_lost(entry, fact.reason)

    # ---- models and time --------------------------------------------------------------------------------------------

    def loaded(self, fact: m.ModelLoaded) -> None:
        device = self.devices.get(fact.device)
        if device is None or device.phase is not m.DevicePhase.READY:
            return
        resident = m.Resident(fact.model, fact.size_bytes, since=self.now, last_used=self.now)
        self.put(replace(device, residents=MappingProxyType({**device.residents, fact.model: resident})))

    def unloaded(self, fact: m.ModelUnloaded) -> None:
        device = self.devices.get(fact.device)
        if device is None or fact.model not in device.residents:
            return
        rest = {name: resident for name, resident in device.residents.items() if name != fact.model}
        self.put(replace(device, residents=MappingProxyType(rest)))

    def _unload(self, device_name: str, model: str) -> None:
        device = self.devices[device_name]
        leaving = replace(device.residents[model], leaving=True)
        self.put(replace(device, residents=MappingProxyType({**device.residents, model: leaving})))
        self.commands.append(m.UnloadModel(device_name, model))

    def _unload_where(self, wanted: str | None) -> None:
        """Unloads what is not in use: one model, or with None whatever has expired."""
        for device in self.devices.values():
            if device.phase is not m.DevicePhase.READY:
                continue
            entry = self.jobs.get(device.job) if device.job else None
            for name, resident in device.residents.items():
                in_use = entry is not None and entry.spec.model == name
                due = resident.last_used + self.policy.keep_alive_seconds <= self.now if wanted is None else False
                if not resident.leaving and not in_use and (due or name == wanted):
                    self._unload(device.device, name)

    def unload_requested(self, model: str) -> None:
        # 18. A model that a running job needs stays; everywhere else it is unloaded.
        self._unload_where(model)

    def tick(self) -> None:
        # 19. A worker that did not stop a canceled job in time is killed.
        for device in self.devices.values():
            if device.phase is m.DevicePhase.READY and device.stop_by is not None and device.stop_by <= self.now:
                self.put(replace(device, phase=m.DevicePhase.DYING))
                grace = f"{self.policy.stop_grace_seconds:g} s"
                self.commands.append(m.KillWorker(device.device, f"did not stop a canceled job within {grace}"))
        # 20. A model that nobody used for its keep-alive is unloaded.
        self._unload_where(None)
