"""What is done about jobs, durably and in order.

Effects on one job form a chain: each waits for the one before it and for pictures of that job that are still being
stored, so that what is durable never overtakes what was made. Different jobs never wait for each other, and the device
goes on with the next job meanwhile.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import structlog
from bullpen_api.worker.v1 import link_pb2

from bullpend import failpoints
from bullpend.assets.files import Files
from bullpend.costs import local
from bullpend.db import Database, Row, Tx
from bullpend.dispatch.archive import Archive
from bullpend.dispatch.finishing import Finishing
from bullpend.dispatch.judging import Judging
from bullpend.dispatch.lease import Lease
from bullpend.dispatch.leasing import Leasing, Orders
from bullpend.dispatch.spent import InVain
from bullpend.errors import BullpenError, DatabaseUnavailable, DiskFull, ShuttingDown
from bullpend.metrics.collect import Rate
from bullpend.runs import retrying, store, transitions
from bullpend.runs.model import Failure, JobState
from bullpend.runs.order_rows import OrderRows
from bullpend.scheduling import model as s
from bullpend.scheduling.queue import Queue
from bullpend.workers.supervisor import Supervisor

log = structlog.get_logger("dispatch")
T = TypeVar("T")

RETRY_SECONDS = 1.0
LOG_RETRY_SECONDS = 3.0


@dataclass
class Work:
    """What is remembered of a job that is not final."""

    chain: asyncio.Task[None] | None = None
    lease: Lease | None = None
    storing: set[asyncio.Task[None]] = field(default_factory=set)
    broken: Failure | None = None
    # Seconds of a device that brought no picture, each with why; they are written with what follows.
    in_vain: list[tuple[InVain, str]] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    # All pictures of the job are made, and some are still being stored.
    made: bool = False
    # Set when its newest lease is durable, or was refused; each lease has its own.
    leased: asyncio.Event = field(default_factory=asyncio.Event)
    # The job's end is written, and with it, where this was its run's last open job, that of this run.
    sealed: bool = False
    ended_run: int | None = None


class Effects:
    """Starts, stores, ends and archives. `leased` tells which (attempt, device) the scheduler knows of a job now."""

    def __init__(
        self,
        database: Database,
        files: Files,
        supervisor: Supervisor,
        orders: Orders,
        rate: Rate,
        leased: Callable[[str], tuple[int, str] | None],
        tell: Callable[[s.Fact], None],
        submit: Callable[[Row], None],
    ) -> None:
        self._database = database
        self._files = files
        self._supervisor = supervisor
        self._orders = orders
        self._rate = rate
        self._leasing = Leasing(database, files, orders, supervisor.send, leased, tell, self.durably)
        self._tell = tell
        self._submit = submit
        judging = Judging(database, files, orders.models, supervisor.run_task)
        self._finishing = Finishing(files, supervisor.run_task, judging)
        self._archive = Archive(database, files, supervisor.run_task)
        self._work: dict[str, Work] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        # One at a time writes the files of a run; the last one sees what all before it decided.
        self._archiving: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    def open(self, job: str) -> None:
        """A job is in the scheduler's care from now on."""
        self._work.setdefault(job, Work())

    def foreseen(self, rows: OrderRows) -> None:
        """Keeps the rows of a job that may be started at once."""
        self._leasing.foreseen(rows)

    def foresee(self, queue: Queue, devices: int) -> None:
        """Reads the rows of the jobs that come next, so that their devices need not wait for that."""
        self.spawn(self._leasing.foresee(queue, devices))

    def ended(self, job: str) -> asyncio.Event | None:
        """Set when the job's end is durable; None for a job that is final already."""
        work = self._work.get(job)
        return work.ended if work else None

    def busy(self) -> list[asyncio.Event]:
        """The ends of all jobs that were given to a worker."""
        return [work.ended for work in self._work.values() if work.lease is not None]

    def spawn(self, work: Awaitable[T]) -> asyncio.Task[T]:
        """Runs something that is waited for when the daemon stops; its faults are logged."""
        task: asyncio.Task[T] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def close(self) -> None:
        """Cuts off what is under way; it is taken up at the next start."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # ---- one job's chain --------------------------------------------------------------------------------------------

    def start(self, command: s.StartJob) -> None:
        """Writes the lease and gives the job to the device's worker."""
        work = self._work.setdefault(command.job, Work())
        work.leased = leased = asyncio.Event()
        at_once = self._leasing.at_once(command) if work.chain is None or work.chain.done() else None
        if at_once is not None:
            work.lease = at_once
        self._chain(command.job, self._start(command, at_once is not None, leased))

    def stop(self, command: s.StopJob) -> None:
        """Asks the worker to stop."""
        self._chain(command.job, self._stop(command))

    def requeue(self, command: s.RequeueJob) -> None:
        """Puts the job back; its finished candidates stay."""
        log.warning("job.requeued", job=command.job, attempt=command.attempt, reason=command.reason)
        self._chain(command.job, self._requeue(command))

    def end(self, job: str, target: JobState, failure: Failure | None = None) -> None:
        """Ends the job, and its run with the last one."""
        self._chain(job, self._end(job, target, failure))

    def store(self, frame: link_pb2.CandidateReady, ready: link_pb2.Ready) -> None:
        """Has a raw picture stored and registered; one of an attempt that no longer counts is dropped."""
        work = self._work.get(frame.job)
        if work is None or work.lease is None or work.lease.attempt != frame.attempt:
            log.info("candidate.stale", candidate=frame.candidate, attempt=frame.attempt)
            Path(frame.raw_path).unlink(missing_ok=True)
            return
        task = self.spawn(self._finish(work, work.lease, work.leased, frame, ready))
        work.storing.add(task)
        task.add_done_callback(work.storing.discard)

    def spent(self, spent: InVain, why: str) -> None:
        """Keeps what an attempt spent in vain until its end, or its return to the queue, is written."""
        work = self._work.get(spent.job)
        if work is not None and work.lease is not None and work.lease.attempt == spent.attempt:
            work.in_vain.append((spent, why))

    def _chain(self, job: str, effect: Coroutine[Any, Any, None]) -> None:
        work = self._work.setdefault(job, Work())
        before = work.chain

        async def link() -> None:
            if before is not None:
                await asyncio.wait([before])
            await effect

        work.chain = self.spawn(link())

    async def _start(self, command: s.StartJob, ordered: bool, leased: asyncio.Event) -> None:
        work = self._work[command.job]

        def keep(lease: Lease) -> None:
            work.lease = lease

        try:
            taken = await self._leasing.start(command, ordered, keep)
        finally:
            leased.set()
        if not taken:
            self._work.pop(command.job, Work()).ended.set()
            self._tell(s.LeaseRefused(command.job, command.attempt))

    async def _stop(self, command: s.StopJob) -> None:
        frame = link_pb2.CancelJob(job=command.job, attempt=command.attempt)
        self._supervisor.send(command.device, link_pb2.ToWorker(cancel_job=frame))

    async def _requeue(self, command: s.RequeueJob) -> None:
        work = self._work[command.job]
        await self._stored(work)
        book = _booking(work)
        work.lease = None

        def write(tx: Tx) -> None:
            book(tx)
            transitions.requeue(tx, command.job, command.attempt, command.deaths)

        await self.durably(write)

    async def _end(self, job: str, target: JobState, failure: Failure | None) -> None:
        work = self._work[job]
        work.made = target is JobState.SUCCEEDED
        await self._stored(work)
        if work.broken is not None and target is JobState.SUCCEEDED:
            target, failure = JobState.FAILED, work.broken
        if failure is not None:
            log.warning("job.failed", job=job, state=target.value, reason=failure.reason, message=failure.message)
        if not work.sealed:
            book = _booking(work)

            def write(tx: Tx) -> int | None:
                book(tx)
                return transitions.finish_job(tx, job, target, failure)

            work.ended_run = await self.durably(write)
        self._work.pop(job, None)
        work.ended.set()
        if target is JobState.SUCCEEDED and work.lease is not None and retrying.policy_of(work.lease.run):
            for row in await self._database.read(lambda view: store.open_jobs(view, "j.parent_job = ?", job)):
                log.info("job.retried", job=job, by=row["name"])
                self._submit(row)
        if work.ended_run is not None:
            log.info("run.ended", run=job.rsplit("/jobs/", 1)[0])
            self.spawn(self.write_log(work.ended_run))

    async def _stored(self, work: Work) -> None:
        while work.storing:
            await asyncio.wait(work.storing)

    async def _finish(
        self,
        work: Work,
        lease: Lease,
        leased: asyncio.Event,
        frame: link_pb2.CandidateReady,
        ready: link_pb2.Ready,
    ) -> None:
        try:
            done = await self._finishing.finish(
                lease, frame, ready, self._orders.checks(lease.run["project"], lease.run["stage"])
            )
            failpoints.reach("picture.stored")
            # A lease that could not be written at first is written again: what was made under it comes after it.
            await leased.wait()
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
            if last:
                return transitions.finish_last(tx, self._files, done)
            return transitions.finish_candidate(tx, self._files, done), None

        registered, ended_run = await self._database.write(write)
        failpoints.reach("picture.registered")
        if registered:
            self._rate.add()
        if last:
            work.sealed, work.ended_run = True, ended_run

    # ---- small parts ------------------------------------------------------------------------------------------------

    async def write_log(self, run_id: int) -> None:
        """Archives an ended run; waits for room on the disk, and leaves other faults to the next start."""
        while True:
            try:
                async with self._archiving[run_id]:
                    path = await self._archive.write(run_id)
                log.info("run.archived", run=run_id, path=str(path))
                return
            except BullpenError as error:
                log.error("run.log_failed", run=run_id, reason=error.reason, message=error.message)
                if not isinstance(error, DiskFull | DatabaseUnavailable):
                    return
            await asyncio.sleep(LOG_RETRY_SECONDS)

    async def durably(self, work: Callable[[Tx], T]) -> T:
        """Writes, and tries again while the disk is full or the database cannot be used."""
        while True:
            try:
                return await self._database.write(work)
            except (DiskFull, DatabaseUnavailable) as error:
                log.error("database.write_failed", reason=error.reason, message=error.message)
                await asyncio.sleep(RETRY_SECONDS)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, ShuttingDown):
            log.error("dispatch.fault", exc_info=error)


def _booking(work: Work) -> Callable[[Tx], None]:
    """Writes what an attempt spent in vain; it is taken from the work."""
    run = work.lease.run if work.lease is not None else None
    spent, work.in_vain = work.in_vain, []

    def book(tx: Tx) -> None:
        for one, why in spent if run is not None else ():
            assert run is not None
            local.in_vain(tx, run, one.candidate, one.attempt, one.device, one.seconds, why)

    return book
