"""The dispatcher: the single place where scheduling, workers and the database meet.

Facts are taken one at a time on the event loop; the scheduler answers each with commands, which are carried out in
order. Commands about one job form a chain: each waits for the one before it and for pictures of that job that are
still being stored, so that what is durable never overtakes what was made. Different jobs never wait for each other,
and the device goes on with the next job meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog
from bullpen_api.v1 import event_pb2
from bullpen_api.worker.v1 import link_pb2

from bullpend.assets import store as assets
from bullpend.assets.files import Files
from bullpend.clock import Clock
from bullpend.db import Database, Row, Tx
from bullpend.dispatch.archive import Archive
from bullpend.dispatch.finishing import Finishing
from bullpend.dispatch.lease import Lease
from bullpend.errors import BullpenError, DatabaseUnavailable, DiskFull, ShuttingDown, StateConflict
from bullpend.events.bus import Bus
from bullpend.metrics.collect import Rate
from bullpend.quality.model import Limits
from bullpend.rpc.wire import duration
from bullpend.runs import store, transitions
from bullpend.runs.model import Failure, JobState
from bullpend.scheduling import model as s
from bullpend.scheduling import views
from bullpend.scheduling.rules import step
from bullpend.workers.model import DeviceInfo, Lost
from bullpend.workers.supervisor import Supervisor

log = structlog.get_logger("dispatch")
T = TypeVar("T")

RETRY_SECONDS = 1.0
LOG_RETRY_SECONDS = 3.0
FINAL = {s.SucceedJob: JobState.SUCCEEDED, s.FailJob: JobState.FAILED, s.HoldJob: JobState.HELD}
OUTCOMES = {
    link_pb2.JobEnded.OUTCOME_SUCCEEDED: s.Outcome.SUCCEEDED,
    link_pb2.JobEnded.OUTCOME_CANCELED: s.Outcome.CANCELED,
    link_pb2.JobEnded.OUTCOME_FAILED: s.Outcome.FAILED,
}


@dataclass
class Work:
    """What the dispatcher remembers of a job that is not final."""

    chain: asyncio.Task[None] | None = None
    lease: Lease | None = None
    storing: set[asyncio.Task[None]] = field(default_factory=set)
    broken: Failure | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    # All pictures of the job are made, and some are still being stored.
    made: bool = False
    # The job's end is written, and with it, where this was its run's last open job, that of this run.
    sealed: bool = False
    ended_run: int | None = None


def queued(row: Row) -> s.QueuedJob:
    """An open job's row as the scheduler takes it."""
    return s.QueuedJob(
        job=row["name"],
        run=f"projects/{row['project']}/runs/{row['slug']}",
        project=row["project"],
        model=row["model"],
        priority=row["priority"],
        seq=row["id"],
        attempt=row["attempt"],
        deaths=row["strikes"],
    )


class Dispatcher:
    """Carries out what the scheduler decides. Create it on the loop, then `run` it; use it on that loop only."""

    def __init__(
        self,
        *,
        database: Database,
        bus: Bus,
        files: Files,
        clock: Clock,
        policy: s.Policy,
        devices: Iterable[DeviceInfo],
        scratch: Path,
        limits: Callable[[str], Limits],
        previews: bool,
    ) -> None:
        self.state = s.State(policy=policy)
        self.devices = {device.name: device for device in devices}
        self.ready: dict[str, link_pb2.Ready] = {}
        self.rate = Rate(clock)
        self._database = database
        self._bus = bus
        self._files = files
        self._clock = clock
        self._scratch = scratch
        self._limits = limits
        self._preview_every = 1 if previews else 0
        self._work: dict[str, Work] = {}
        self._facts: deque[s.Fact] = deque()
        self._stepping = False
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._supervisor: Supervisor | None = None
        self._finishing: Finishing | None = None
        self._archive: Archive | None = None
        self.closing = False

    # ---- life -------------------------------------------------------------------------------------------------------

    async def start(self, supervisor: Supervisor) -> int:
        """Takes up what the last daemon left: returns how many jobs were leased then. Called once."""
        self._supervisor = supervisor
        self._finishing = Finishing(self._files, supervisor.run_task)
        self._archive = Archive(self._database, self._files, supervisor.run_task)
        recovered = await self._database.write(transitions.recover)
        for device in self.devices:
            self.tell(s.DeviceAdded(device))
        for row in await self._database.read(store.open_jobs):
            self.submit(row)
        for run_id in await self._database.read(store.runs_without_log):
            self._spawn(self._write_log(run_id))
        return recovered

    async def drain(self, seconds: float) -> None:
        """Starts nothing new, and gives what runs some time to end; the rest stays queued for the next start."""
        self.tell(s.Draining())
        busy = [work for work in self._work.values() if work.lease is not None]
        waits = [asyncio.create_task(work.ended.wait()) for work in busy]
        if waits:
            _, late = await asyncio.wait(waits, timeout=seconds)
            for task in late:
                task.cancel()
        self.closing = True
        if self._timer is not None:
            self._timer.cancel()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ---- what services ask ------------------------------------------------------------------------------------------

    def submit(self, row: Row) -> None:
        """Takes a job that is durable."""
        self._work.setdefault(row["name"], Work())
        self.tell(s.JobSubmitted(queued(row)))

    async def cancel(self, jobs: Iterable[str], seconds: float) -> None:
        """Cancels jobs and waits until that is durable, `seconds` at most. Ended ones are left alone."""
        waits = []
        for job in jobs:
            if work := self._work.get(job):
                waits.append(asyncio.create_task(work.ended.wait()))
                self.tell(s.JobCanceled(job))
        if waits:
            _, late = await asyncio.wait(waits, timeout=seconds)
            for task in late:
                task.cancel()

    def tune(self, job: str, guidance_scale: float | None, image_guidance_scale: float | None) -> None:
        """Changes parameters of a running job from its next step on. Raises StateConflict when it does not run."""
        entry = self.state.jobs.get(job)
        if entry is None or entry.phase is not s.Phase.RUNNING:
            raise StateConflict(f"{job} is not running.", field="name", remedy="Only a running job can be changed.")
        frame = link_pb2.TuneJob(
            job=job, attempt=entry.attempt, guidance_scale=guidance_scale, image_guidance_scale=image_guidance_scale
        )
        self._send(entry.device, link_pb2.ToWorker(tune_job=frame))

    def position(self, job: str) -> int:
        """A job's place in the queue, counted from 1; 0 when it does not wait."""
        return views.position(self.state, job)

    def unload(self, model: str) -> None:
        """Frees a model's memory. Raises StateConflict while a job uses it."""
        if views.model_in_use(self.state, model):
            raise StateConflict(f"{model} is in use.", field="name", remedy="Wait for its jobs, or cancel them.")
        self.tell(s.UnloadRequested(model))

    def residents(self) -> list[views.ResidentView]:
        """Models in memory, with wall-clock times."""
        return views.residents(self.state, offset=self._clock.now() - self._clock.monotonic())

    # ---- facts ------------------------------------------------------------------------------------------------------

    def tell(self, fact: s.Fact) -> None:
        """Takes a fact, and carries out what follows from it. Facts told meanwhile wait their turn."""
        self._facts.append(fact)
        if self._stepping:
            return
        self._stepping = True
        try:
            while self._facts:
                self.state, commands = step(self.state, self._facts.popleft(), self._clock.monotonic())
                for command in commands:
                    self._carry_out(command)
        finally:
            self._stepping = False
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = views.wake_at(self.state)
        if due is not None and not self.closing:
            wait = max(0.0, due - self._clock.monotonic())
            self._timer = asyncio.get_running_loop().call_later(wait, self.tell, s.Tick())

    def heard(self, device: str, said: link_pb2.FromWorker | Lost) -> None:
        """Takes what a device's worker says; never blocks."""
        if isinstance(said, Lost):
            log.warning("worker.lost", device=device, reason=said.reason)
            self.ready.pop(device, None)
            self._bus.idle(device)
            self.tell(s.DeviceLost(device, said.reason))
            return
        match said.WhichOneof("body"):
            case "ready":
                self.ready[device] = said.ready
                self.tell(s.DeviceReady(device))
            case "step_done":
                self._bus.progress(device, partial(_progress, device, said.step_done))
            case "preview_ready":
                frame = said.preview_ready
                self._bus.preview(
                    device,
                    event_pb2.Preview(
                        candidate=frame.candidate, step=frame.step, image=frame.image, mime_type=frame.mime_type
                    ),
                )
            case "candidate_ready":
                self._store(said.candidate_ready)
            case "job_ended":
                self._job_ended(device, said.job_ended)
            case "model_loaded":
                loaded = said.model_loaded
                self.tell(s.ModelLoaded(device, loaded.model, loaded.size_bytes))
                self._notice("model.loaded", loaded.model, device, seconds=f"{loaded.seconds:.2f}")
            case "model_unloaded":
                self.tell(s.ModelUnloaded(device, said.model_unloaded.model))
                self._notice("model.unloaded", said.model_unloaded.model, device)
            case "model_failed":
                failed = said.model_failed
                log.warning("model.failed", device=device, model=failed.model, reason=failed.failure.reason)

    def _job_ended(self, device: str, frame: link_pb2.JobEnded) -> None:
        self._bus.idle(device)
        failure = None
        if frame.outcome == link_pb2.JobEnded.OUTCOME_FAILED:
            failure = s.Failure(frame.failure.reason, frame.failure.message, frame.failure.remedy)
        outcome = OUTCOMES.get(frame.outcome)
        if outcome is not None:
            self.tell(s.JobEnded(frame.job, frame.attempt, device, outcome, failure))

    def _notice(self, kind: str, model: str, device: str, **details: str) -> None:
        text = f"{model} {'is in memory' if kind == 'model.loaded' else 'left the memory'} of {device}."
        notice = event_pb2.Notice(message=text, details={"model": model, "device": device, **details})
        payload = event_pb2.Event(notice=notice).SerializeToString()
        self._spawn(self._durably(lambda tx: tx.emit("", model, kind, payload)))

    # ---- commands ---------------------------------------------------------------------------------------------------

    def _carry_out(self, command: s.Command) -> None:
        match command:
            case s.StartWorker(device):
                assert self._supervisor is not None
                self._spawn(self._supervisor.start_device(device))
            case s.KillWorker(device, reason):
                assert self._supervisor is not None
                self._supervisor.kill(device, reason)
            case s.UnloadModel(device, model):
                self._send(device, link_pb2.ToWorker(unload_model=link_pb2.UnloadModel(model=model)))
            case s.StartJob(job):
                self._chain(job, self._start_job(command))
            case s.StopJob(job):
                self._chain(job, self._stop_job(command))
            case s.RequeueJob(job, attempt, deaths, reason):
                log.warning("job.requeued", job=job, attempt=attempt, reason=reason)
                self._chain(job, self._requeue(job, attempt, deaths))
            case s.SucceedJob(job):
                self._chain(job, self._end(job, JobState.SUCCEEDED, None))
            case s.CancelJob(job):
                self._chain(job, self._end(job, JobState.CANCELED, None))
            case s.FailJob(job, _, failure) | s.HoldJob(job, _, failure):
                target = JobState.FAILED if isinstance(command, s.FailJob) else JobState.HELD
                self._chain(job, self._end(job, target, Failure(failure.reason, failure.message, failure.remedy)))

    def _chain(self, job: str, effect: Coroutine[Any, Any, None]) -> None:
        work = self._work.setdefault(job, Work())
        before = work.chain

        async def link() -> None:
            if before is not None:
                await asyncio.wait([before])
            await effect

        work.chain = self._spawn(link())

    async def _start_job(self, command: s.StartJob) -> None:
        def take(tx: Tx) -> tuple[Row, Row, Row] | None:
            leased = transitions.lease(tx, command.job, command.attempt, command.device)
            if leased is None:
                return None
            run, job = leased
            return run, job, assets.by_name(tx, job["source_asset"])

        taken = await self._durably(take)
        if taken is None:
            self._work.pop(command.job, Work()).ended.set()
            self.tell(s.LeaseRefused(command.job, command.attempt))
            return
        entry = self.state.jobs.get(command.job)
        if entry is None or (entry.attempt, entry.device) != (command.attempt, command.device):
            return  # the worker was lost while the lease was written; what follows is under way
        run, job, source = taken
        path = self._files.content(source["project"], source["sha256"], source["mime_type"])
        lease = Lease(
            run, job, path, (source["width"], source["height"]), command.device, self.devices[command.device].kind
        )
        self._work[command.job].lease = lease
        self._send(command.device, lease.frame(self._scratch, self._preview_every))

    async def _stop_job(self, command: s.StopJob) -> None:
        frame = link_pb2.CancelJob(job=command.job, attempt=command.attempt)
        self._send(command.device, link_pb2.ToWorker(cancel_job=frame))

    async def _requeue(self, job: str, attempt: int, deaths: int) -> None:
        work = self._work[job]
        await self._stored(work)
        work.lease = None
        await self._durably(lambda tx: transitions.requeue(tx, job, attempt, deaths))

    async def _end(self, job: str, target: JobState, failure: Failure | None) -> None:
        work = self._work[job]
        work.made = target is JobState.SUCCEEDED
        await self._stored(work)
        if work.broken is not None and target is JobState.SUCCEEDED:
            target, failure = JobState.FAILED, work.broken
        if not work.sealed:
            work.ended_run = await self._durably(lambda tx: transitions.finish_job(tx, job, target, failure))
        self._work.pop(job, None)
        work.ended.set()
        if work.ended_run is not None:
            self._spawn(self._write_log(work.ended_run))

    async def _stored(self, work: Work) -> None:
        while work.storing:
            await asyncio.wait(work.storing)

    def _store(self, frame: link_pb2.CandidateReady) -> None:
        work = self._work.get(frame.job)
        if work is None or work.lease is None or work.lease.attempt != frame.attempt:
            log.info("candidate.stale", candidate=frame.candidate, attempt=frame.attempt)
            Path(frame.raw_path).unlink(missing_ok=True)
            return
        ready = self.ready.get(work.lease.device, link_pb2.Ready())
        task = self._spawn(self._finish(work, work.lease, frame, ready))
        work.storing.add(task)
        task.add_done_callback(work.storing.discard)

    async def _finish(self, work: Work, lease: Lease, frame: link_pb2.CandidateReady, ready: link_pb2.Ready) -> None:
        assert self._finishing is not None
        try:
            done = await self._finishing.finish(lease, frame, ready, self._limits(lease.run["stage"]))
            await self._register(work, done)
        except ShuttingDown:
            return  # the candidate is made again after the next start
        except BullpenError as error:
            log.error("candidate.lost", candidate=frame.candidate, reason=error.reason, message=error.message)
            work.broken = Failure(error.reason, error.message, error.remedy)
            Path(frame.raw_path).unlink(missing_ok=True)

    async def _register(self, work: Work, done: transitions.Finished) -> None:
        """Makes a stored picture visible; the last one that its job waits for ends the job in the same transaction."""
        last = work.made and work.broken is None and len(work.storing) == 1

        def write(tx: Tx) -> tuple[bool, int | None]:
            registered = transitions.finish_candidate(tx, self._files, done)
            return registered, transitions.finish_job(tx, done.job, JobState.SUCCEEDED) if last else None

        registered, ended_run = await self._database.write(write)
        if registered:
            self.rate.add()
        if last:
            work.sealed, work.ended_run = True, ended_run

    async def _write_log(self, run_id: int) -> None:
        assert self._archive is not None
        while True:
            try:
                await self._archive.write(run_id)
                return
            except BullpenError as error:
                log.error("run.log_failed", run=run_id, reason=error.reason, message=error.message)
                if not isinstance(error, DiskFull | DatabaseUnavailable):
                    return  # made up for at the next start
            await asyncio.sleep(LOG_RETRY_SECONDS)

    # ---- small parts ------------------------------------------------------------------------------------------------

    async def _durably(self, work: Callable[[Tx], T]) -> T:
        """Writes, and tries again while the disk is full or the database cannot be used."""
        while True:
            try:
                return await self._database.write(work)
            except (DiskFull, DatabaseUnavailable) as error:
                log.error("database.write_failed", reason=error.reason, message=error.message)
                await asyncio.sleep(RETRY_SECONDS)

    def _send(self, device: str, frame: link_pb2.ToWorker) -> None:
        assert self._supervisor is not None
        self._supervisor.send(device, frame)

    def _spawn(self, work: Awaitable[T]) -> asyncio.Task[T]:
        task: asyncio.Task[T] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, ShuttingDown):
            log.error("dispatch.fault", exc_info=error)


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
