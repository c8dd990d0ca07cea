"""How jobs come, stop, end and wait. Numbers as in docs/scheduler.md.

The half of a step that is about jobs by themselves: `rules` derives its draft from this one, and decides which of them
goes where.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from bullpend.scheduling import model as m
from bullpend.scheduling.residency import ModelDraft


class JobDraft(ModelDraft):
    """The part of a state under change that is about jobs."""

    __slots__ = ("bound", "paused", "paused_runs")

    paused: bool
    paused_runs: frozenset[str]
    bound: Mapping[str, int]

    # ---- coming, stopping, ending ------------------------------------------------------------------------------------

    def submitted(self, job: m.QueuedJob) -> None:
        """A job was accepted, or found in the store."""
        # 1. A job is known once: submitting it again changes nothing.
        if job.job in self.jobs:
            return
        # 2. A job that comes back from a restart with too much behind it is held, not tried again.
        failure = self._too_many(job.deaths, job.attempt, "")
        if failure is not None:
            self.commands.append(m.HoldJob(job.job, job.attempt, failure))
            return
        # 31. A job that is bound to a device that is not here any more is held: nothing could ever take it.
        if job.device and job.device not in self.devices:
            gone = m.Failure(
                "DEVICE_UNAVAILABLE",
                f"This job was to run on {job.device} only, which is not here any more.",
                "Retry the run: it goes to the devices that are here.",
            )
            self.commands.append(m.HoldJob(job.job, job.attempt, gone))
            return
        self.enqueue(m.Entry(job, attempt=job.attempt, deaths=job.deaths))

    def canceled(self, name: str) -> None:
        """Somebody wants a job to end."""
        entry = self.jobs.get(name)
        if entry is None:
            return
        # 3. A waiting job is canceled on the spot; no worker is needed.
        if entry.phase in (m.Phase.QUEUED, m.Phase.PAUSED):
            self._dequeue(entry)
            self.finish(entry, m.CancelJob(name, entry.attempt))
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
        """The store did not let a job start: it is forgotten."""
        entry = self._running(fact.job, fact.attempt)
        if entry is not None:
            self._release(entry)
            self.jobs = self.jobs.drop(fact.job)

    def ended(self, fact: m.JobEnded) -> None:
        """A worker is done with an attempt."""
        # 5. Only the attempt that runs, on the device where it runs, can end: all else is an echo.
        entry = self._running(fact.job, fact.attempt)
        if entry is None or entry.device != fact.device:
            return
        device = self._release(entry)
        self.put(replace(device, losses=0))
        stopping = entry.phase is m.Phase.STOPPING
        # 6. What was finished before the cancel was heard stays finished; any other end of a canceled job is a cancel.
        if fact.outcome is m.Outcome.SUCCEEDED:
            self.finish(entry, m.SucceedJob(fact.job, fact.attempt))
        elif entry.pausing:
            self._stopped_to_wait(entry, fact)
        elif stopping:
            self.finish(entry, m.CancelJob(fact.job, fact.attempt))
        elif fact.outcome is m.Outcome.CANCELED:
            # A worker that stopped a job which nobody canceled did not do its work.
            self.attempt_lost(entry, "stopped the job unasked")
        else:
            self._failed(entry, fact.failure or m.Failure("ENGINE_FAILED", "The worker gave no reason."))

    def _stopped_to_wait(self, entry: m.Entry, fact: m.JobEnded) -> None:
        # 24. A job that stopped because it was paused waits again and lost nothing that was finished; a failure is one.
        if fact.outcome is m.Outcome.CANCELED:
            self.requeue(entry, "was paused")
        else:
            self._failed(entry, fact.failure or m.Failure("ENGINE_FAILED", "The worker gave no reason."))

    def _failed(self, entry: m.Entry, failure: m.Failure) -> None:
        # 7. Out of device memory is tried once more with everything else unloaded; any other failure is final.
        if failure.reason != "DEVICE_OUT_OF_MEMORY" or entry.starved:
            self.finish(entry, m.FailJob(entry.spec.job, entry.attempt, failure))
            return
        self.unload_others(self.devices[entry.device], entry.spec.model)
        self.requeue(replace(entry, starved=True), failure.message)

    def attempt_lost(self, entry: m.Entry, reason: str) -> None:
        """An attempt went down with its worker."""
        # 8. An attempt that was lost with its worker is made again, until it looks as if the job is the cause.
        entry = replace(entry, deaths=entry.deaths + 1)
        failure = self._too_many(entry.deaths, entry.attempt, reason)
        if failure is None:
            self.requeue(entry, reason)
        else:
            self.finish(entry, m.HoldJob(entry.spec.job, entry.attempt, failure))

    def _too_many(self, deaths: int, leases: int, reason: str) -> m.Failure | None:
        last = f"; the last one {reason}" if reason else ""
        remedy = "See what the worker said last (`bullpen logs --level warning`), then retry the job."
        if deaths >= self.policy.max_attempts:
            return m.Failure("WORKER_LOST", f"{deaths} workers were lost over this job{last}.", remedy)
        if leases >= self.policy.max_leases:
            return m.Failure("WORKER_LOST", f"This job was begun {leases} times and never ended{last}.", remedy)
        return None

    def enqueue(self, entry: m.Entry) -> None:
        """Has a job wait, in the queue or outside of it."""
        # 21. A paused job, and every job of a paused run, waits outside of the queue and takes nobody's turn.
        spec = entry.spec
        waits = spec.paused or spec.run in self.paused_runs
        phase = m.Phase.PAUSED if waits else m.Phase.QUEUED
        self.jobs = self.jobs.set(spec.job, replace(entry, phase=phase, device="", pausing=False))
        if not waits:
            self.queue = self.queue.add(spec.priority, spec.project, spec.key())
            self.count_bound(spec.device, 1)

    def _dequeue(self, entry: m.Entry) -> None:
        if entry.phase is m.Phase.QUEUED:
            self.queue = self.queue.drop(entry.spec.priority, entry.spec.project, entry.spec.key())
            self.count_bound(entry.spec.device, -1)

    def count_bound(self, device: str, change: int) -> None:
        """Keeps count of the waiting jobs that only one device may take."""
        if device:
            counted = {**self.bound, device: self.bound.get(device, 0) + change}
            self.bound = MappingProxyType({name: count for name, count in counted.items() if count})

    def requeue(self, entry: m.Entry, reason: str) -> None:
        """Has a job wait that was leased."""
        # 9. A job that goes back takes its old place: it keeps its order of acceptance.
        self.enqueue(entry)
        self.commands.append(m.RequeueJob(entry.spec.job, entry.attempt, entry.deaths, reason))

    def finish(self, entry: m.Entry, command: m.Command) -> None:
        """Forgets a job with its final command."""
        self.jobs = self.jobs.drop(entry.spec.job)
        self.commands.append(command)

    # ---- what people decide about the order --------------------------------------------------------------------------

    def queue_paused(self, now: bool) -> None:
        """Nothing more is to begin."""
        # 22. While the queue is paused nothing begins. What runs ends, or with `now` stops and waits again.
        self.paused = True
        for entry in [self.jobs[device.job] for device in self.devices.values() if device.job] if now else ():
            if entry.phase is m.Phase.RUNNING:
                self._stop(entry, pausing=True)

    def run_paused(self, run: str) -> None:
        """The jobs of a run are to wait."""
        if run not in self.paused_runs:
            self.paused_runs |= {run}
            for entry in [entry for entry in self.jobs.values() if entry.spec.run == run]:
                self._pause(entry)

    def run_resumed(self, run: str) -> None:
        """The jobs of a run may begin."""
        if run in self.paused_runs:
            self.paused_runs -= {run}
            for entry in [entry for entry in self.jobs.values() if entry.spec.run == run]:
                self._resume(entry)

    def job_paused(self, name: str, paused: bool) -> None:
        """A job is to wait, or may begin."""
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
            self.enqueue(entry)
        elif entry.phase is m.Phase.RUNNING:
            self._stop(entry, pausing=True)

    def _resume(self, entry: m.Entry) -> None:
        if entry.phase is m.Phase.PAUSED:
            self.enqueue(entry)

    def moved(self, fact: m.JobMoved) -> None:
        """A job has another place or priority."""
        entry = self.jobs.get(fact.job)
        if entry is None:
            return
        # 25. A move changes where a job waits, or where it will wait if it comes back; what runs goes on.
        if (entry.spec.place, entry.spec.priority) != (fact.place, fact.priority):
            self._dequeue(entry)
            entry = replace(entry, spec=replace(entry.spec, place=fact.place, priority=fact.priority))
            self.jobs = self.jobs.set(fact.job, entry)
            if entry.phase is m.Phase.QUEUED:
                self.enqueue(entry)
        if fact.next_turn:
            self.queue = self.queue.next_turn(entry.spec.project)

    # ---- what people decide about devices ----------------------------------------------------------------------------

    def job_bound(self, fact: m.JobBound) -> None:
        """A job may run on one device only, or on any again."""
        # 32. A job that is bound elsewhere while it runs stops within a step, as if it was paused, and waits for its
        #     device; its finished candidates stay.
        entry = self.jobs.get(fact.job)
        if entry is None or entry.spec.device == fact.device:
            return
        self._dequeue(entry)
        entry = replace(entry, spec=replace(entry.spec, device=fact.device))
        self.jobs = self.jobs.set(fact.job, entry)
        if entry.phase is m.Phase.QUEUED:
            self.enqueue(entry)
        elif entry.phase is m.Phase.RUNNING and not self.devices[entry.device].takes(entry.spec):
            self._stop(entry, pausing=True)

    def switched(self, fact: m.DeviceSwitched) -> None:
        """A device may be given something else."""
        # 33. What a device must not run any more ends there, or with `now` stops and waits again.
        device = self.devices.get(fact.device)
        if device is None or (device.use is fact.use and not fact.now):
            return
        wanted = MappingProxyType({}) if fact.use is m.Use.NONE else device.wanted
        device = replace(device, use=fact.use, wanted=wanted)
        self.put(device)
        entry = self.jobs.get(device.job) if device.job else None
        if fact.now and entry is not None and entry.phase is m.Phase.RUNNING and not device.takes(entry.spec):
            self._stop(entry, pausing=True)

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
