"""The dispatcher: the single place where scheduling, workers and the database meet.

Facts are taken one at a time on the event loop; the scheduler answers each with commands, which are carried out in
order. What a command does about a job is in effects.py.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import structlog
from bullpen_api.worker.v1 import link_pb2

from bullpend import failpoints
from bullpend.assets.files import Files
from bullpend.clock import Clock
from bullpend.db import Database, Row
from bullpend.dispatch.effects import Effects
from bullpend.dispatch.hearing import Hearing
from bullpend.dispatch.lane import LANGUAGE_DEVICE, Lane, LanguageLane, RemoteLane
from bullpend.dispatch.leasing import Orders
from bullpend.dispatch.memory import Memory
from bullpend.dispatch.sharing import Sharing
from bullpend.dispatch.singles import Single, Singles
from bullpend.dispatch.spent import InVain, Spent
from bullpend.dispatch.texts import Texts
from bullpend.dispatch.tuning import Change, Tuning
from bullpend.errors import StateConflict
from bullpend.events.bus import Bus
from bullpend.metrics.collect import Rate
from bullpend.models import keeping
from bullpend.models.loading import Loading
from bullpend.models.model import Model
from bullpend.quality.model import Checks
from bullpend.queueing import store as queueing
from bullpend.runs import store, transitions
from bullpend.runs.model import Failure, JobState, Lora
from bullpend.runs.order_rows import OrderRows
from bullpend.scheduling import model as s
from bullpend.scheduling import views
from bullpend.scheduling.rules import step
from bullpend.workers.model import DeviceInfo, Lost
from bullpend.workers.supervisor import Supervisor

log = structlog.get_logger("dispatch")


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
        place=row["place"],
        paused=bool(row["paused"]),
        steps=row["steps"],
        keep_alive=row["keep_alive"],
        device=row["bound_device"],
    )


# What a job that does not run does instead, and what whoever wants to change it can do.
_IDLE: Mapping[s.Phase | None, tuple[str, str]] = {
    None: ("does not run", "Try again when it runs, or retry it."),
    s.Phase.QUEUED: ("waits for its turn", "Try again when it runs (`bullpen queue list` says when), or move it up."),
    s.Phase.PAUSED: ("is paused", "Resume it first: `bullpen runs resume JOB`."),
    s.Phase.STOPPING: ("is about to stop", "Try again when it runs."),
}


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
        models: Loading,
        scratch: Path,
        checks: Callable[[str, str], Checks],
        previews: bool,
        start_policy: str = "as-it-was",
        uses: Mapping[str, s.Use] = MappingProxyType({}),
    ) -> None:
        """`uses` is what the settings say of devices that are not in general use."""
        self._uses = dict(uses)
        self.state = s.State(policy=policy)
        self.remote = RemoteLane(policy)
        self.language = LanguageLane(policy)
        self._lanes: tuple[Lane, ...] = (self.remote, self.language)
        self.devices = {device.name: device for device in devices}
        self.ready: dict[str, link_pb2.Ready] = {}
        self.rate = Rate(clock)
        self._database = database
        self._bus = bus
        self._files = files
        self._clock = clock
        kinds = {device.name: device.kind for device in self.devices.values()}
        self._newest = 0
        self._orders = Orders(kinds, models, scratch, checks, preview_every=1 if previews else 0)
        self.memory = Memory(database, models, self.devices, self.tell, self.spawn)
        self._sharing = Sharing(self.devices, self.residents, self.tell)
        self._tuning = Tuning()
        self._facts: deque[s.Fact] = deque()
        self._start_policy = start_policy
        # Called after facts that may have changed somebody's place in the queue.
        self.on_queue_changed: Callable[[], None] = lambda: None
        self._stepping = False
        self._timer: asyncio.TimerHandle | None = None
        self._closing = False
        self._supervisor: Supervisor
        self._effects: Effects
        self._hearing: Hearing
        self.singles: Singles
        self.texts: Texts

    # ---- life -------------------------------------------------------------------------------------------------------

    async def start(self, supervisor: Supervisor) -> int:
        """Takes up what the last daemon left: returns how many jobs were leased then. Called once."""
        self._supervisor = supervisor
        self._effects = Effects(
            self._database,
            self._files,
            supervisor,
            self._orders,
            self.rate,
            self._leased,
            self.tell,
            self.submit,
        )
        self.singles = Singles(supervisor, self._orders.models, self.tell, self._leased, self._effects.spawn)
        self.texts = Texts(
            supervisor,
            self._orders.models,
            self.tell,
            self._leased,
            self._effects.spawn,
            lambda: LANGUAGE_DEVICE in self.ready,
        )
        self._hearing = Hearing(
            self.ready,
            self._orders.kinds,
            self._bus,
            self.memory,
            self._sharing,
            self._tuning,
            Spent(self._clock),
            self.singles,
            self.texts,
            self._effects,
            self.tell,
            self._entry,
            self._working,
        )
        await self.memory.start(supervisor)
        recovered = await self._database.write(transitions.recover)
        failpoints.reach("start.recovered")
        if await self._database.write(lambda tx: queueing.begin(tx, self._start_policy)):
            self.tell(s.QueuePaused())
        for run in await self._database.read(queueing.paused_runs):
            self.tell(s.RunPaused(run))
        for device in self.devices:
            self.tell(s.DeviceAdded(device))
        decided = await self._database.read(keeping.device_uses)
        for device, use in {**self._uses, **decided}.items():
            self.tell(s.DeviceSwitched(device, use))
        for row in await self._database.read(store.open_jobs):
            self.submit(row)
        for run_id in await self._database.read(store.runs_without_log):
            self._effects.spawn(self._effects.write_log(run_id))
        return recovered

    async def drain(self, seconds: float) -> None:
        """Starts nothing new, and gives what runs some time to end; the rest stays queued for the next start."""
        self.tell(s.Draining())
        await _wait(self._effects.busy(), seconds)
        self._closing = True
        self.memory.close()
        if self._timer is not None:
            self._timer.cancel()
        await self._effects.close()

    # ---- what services ask ------------------------------------------------------------------------------------------

    def submit(self, row: Row, rows: OrderRows | None = None) -> None:
        """Takes a job that is durable, with the rows of its order where they are known."""
        if rows is not None:
            self._effects.foreseen(rows)
        self._effects.open(row["name"])
        self._newest = max(self._newest, row["id"])
        self.tell(s.JobSubmitted(queued(row)))

    def single(
        self,
        model: Model,
        loras: Sequence[Lora],
        order: link_pb2.RunJob,
        seeds: Sequence[int],
        keep_alive: float | None = None,
    ) -> Single:
        """Takes an order that belongs to no run, after all jobs that were accepted before. Raises QueueFull."""
        order.out_folder, order.preview_every = str(self._orders.scratch), self._orders.preview_every
        return self.singles.submit(model.name, model.digest, loras, order, seeds, self._newest, keep_alive)

    async def cancel(self, jobs: Iterable[str], seconds: float) -> None:
        """Cancels jobs and waits until that is durable, `seconds` at most. Ended ones are left alone."""
        ends = []
        for job in jobs:
            if (ended := self._effects.ended(job)) is not None:
                ends.append(ended)
                self.tell(s.JobCanceled(job))
        await _wait(ends, seconds)

    def tune(self, job: str, change: Change) -> asyncio.Future[link_pb2.ChangeHeard]:
        """Changes parameters of a running job from its next step on; the future gets what became of it.

        Raises StateConflict when the job does not run.
        """
        entry = self.state.jobs.get(job)
        if entry is None or entry.phase is not s.Phase.RUNNING:
            how, what = _IDLE[None if entry is None else entry.phase]
            raise StateConflict(f"{job} {how}; a change acts on a job that runs.", field="name", remedy=what)
        return self._tuning.send(self._supervisor.send, entry.device, job, entry.attempt, change)

    def knows(self, job: str) -> bool:
        """Whether the job is in the dispatcher's care: it waits, runs, or its end is being written."""
        return self._effects.ended(job) is not None

    def position(self, job: str) -> int:
        """A job's place in the queue, counted from 1; 0 when it does not wait."""
        return self.remote.position(job) or views.position(self.state, job)

    def spawn(self, work: Awaitable[None]) -> None:
        """Runs something that is cut off when the daemon stops; its faults are logged."""
        self._effects.spawn(work)

    def archive(self, run_id: int) -> None:
        """Writes an ended run's log and contact sheet anew, after a person decided otherwise."""
        self._effects.spawn(self._effects.write_log(run_id))

    def residents(self) -> list[views.ResidentView]:
        """Models in memory, with wall-clock times."""
        offset = self._clock.now() - self._clock.monotonic()
        return [*views.residents(self.state, offset=offset), *views.residents(self.language.state, offset=offset)]

    def device(self, name: str) -> s.Device | None:
        """What the scheduler knows of a device of this machine."""
        return self.state.devices.get(name) or self.language.state.devices.get(name)

    # ---- facts ------------------------------------------------------------------------------------------------------

    def tell(self, fact: s.Fact) -> None:
        """Takes a fact, and carries out what follows from it. Facts told meanwhile wait their turn."""
        self._facts.append(fact)
        if self._stepping:
            return
        self._stepping = True
        before, away, talk = self.state, self.remote.state, self.language.state
        begun = False
        try:
            while self._facts:
                for command in self._step(self._facts.popleft()):
                    begun |= isinstance(command, s.StartJob)
                    self._carry_out(command)
        finally:
            self._stepping = False
        if begun and self.state.queue:
            self._effects.foresee(self.state.queue, len(self.state.devices))
        if self.state is not before or self.remote.state is not away or self.language.state is not talk:
            self._set_timer()
            moved = self.state.jobs is not before.jobs or self.remote.state.jobs is not away.jobs
            if moved or self.state.paused != before.paused:
                self.on_queue_changed()
        elif self._timer is None:
            self._set_timer()

    def _step(self, fact: s.Fact) -> tuple[s.Command, ...]:
        """Tells the lanes that a fact concerns, that of the devices first."""
        now, owned = self._clock.monotonic(), [lane.owns(fact) for lane in self._lanes]
        commands: tuple[s.Command, ...] = ()
        if True not in owned:
            self.state, commands = step(self.state, fact, now)
        for lane, own in zip(self._lanes, owned, strict=True):
            if own or (own is None and True not in owned):
                commands += lane.tell(fact, now)
        return commands

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        moments = (views.wake_at(self.state), *(lane.wake_at() for lane in self._lanes))
        due = min((moment for moment in moments if moment is not None), default=None)
        if due is not None and not self._closing:
            wait = max(0.0, due - self._clock.monotonic())
            self._timer = asyncio.get_running_loop().call_later(wait, self._tick)

    def _tick(self) -> None:
        # A timer may ring a moment early, and then nothing is due: it is set again.
        self._timer = None
        self.tell(s.Tick())

    def heard(self, device: str, said: link_pb2.FromWorker | Lost) -> None:
        """Takes what a device's worker says; never blocks."""
        self._hearing.heard(device, said)

    def under_way(self) -> list[InVain]:
        """Pictures that devices of this machine work on at this moment, and for how long they have."""
        return self._hearing.under_way()

    # ---- commands ---------------------------------------------------------------------------------------------------

    def _carry_out(self, command: s.Command) -> None:
        if getattr(command, "job", "") in self.texts:
            self.texts.carry_out(command)
            return
        if getattr(command, "job", "") in self.singles:
            self.singles.carry_out(command)
            return
        match command:
            case s.StartWorker(device):
                self._effects.spawn(self._supervisor.start_device(device))
            case s.KillWorker(device, reason):
                self._supervisor.kill(device, reason)
            case s.UnloadModel() | s.LoadModel() | s.ReadAhead():
                self.memory.carry_out(command)
            case s.StartJob():
                self._effects.start(command)
            case s.StopJob():
                self._effects.stop(command)
            case s.RequeueJob():
                self._effects.requeue(command)
            case s.SucceedJob(job):
                self._effects.end(job, JobState.SUCCEEDED)
            case s.CancelJob(job):
                self._effects.end(job, JobState.CANCELED)
            case s.FailJob(job, _, failure) | s.HoldJob(job, _, failure):
                target = JobState.FAILED if isinstance(command, s.FailJob) else JobState.HELD
                self._effects.end(job, target, Failure(failure.reason, failure.message, failure.remedy))

    def _leased(self, job: str) -> tuple[int, str] | None:
        entry = self._entry(job)
        return None if entry is None else (entry.attempt, entry.device)

    def _working(self, device: str) -> str:
        known = self.state.devices.get(device)
        return "" if known is None else known.job

    def _entry(self, job: str) -> s.Entry | None:
        lanes = (self.state, *(lane.state for lane in self._lanes))
        return next((state.jobs[job] for state in lanes if job in state.jobs), None)


async def _wait(ends: list[asyncio.Event], seconds: float) -> None:
    """Waits for all of the events, `seconds` at most."""
    waits = [asyncio.create_task(end.wait()) for end in ends]
    if waits:
        _, late = await asyncio.wait(waits, timeout=seconds)
        for task in late:
            task.cancel()
