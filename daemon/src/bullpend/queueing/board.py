"""The queue's board: what it shows is made when somebody asks, and twice a second at most for those who watch."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from bullpen_api.v1 import queue_pb2

from bullpend.db import Database
from bullpend.db.database import View
from bullpend.events.bus import Bus
from bullpend.queueing import estimates
from bullpend.queueing.hindrance import hindrance
from bullpend.rpc.wire import duration
from bullpend.scheduling.model import Phase, State

INTERVAL_SECONDS = 0.5


@dataclass(frozen=True)
class Terms:
    """What is fixed while the daemon runs: the most jobs that are accepted, and the policy at its start."""

    limit: int
    start_policy: str


class Board:
    """Makes the public view of the queue from the scheduler's states, which are immutable and read at one moment.

    There is one for the devices and one for providers, whose jobs wait for nobody else; places count within each.
    """

    def __init__(
        self,
        database: Database,
        bus: Bus,
        states: Callable[[], Sequence[State]],
        terms: Terms,
        spawn: Callable[[Awaitable[None]], Any],
    ) -> None:
        self._database = database
        self._bus = bus
        self._states = states
        self._terms = terms
        self._spawn = spawn
        self._timer: asyncio.TimerHandle | None = None
        self._last = 0.0
        bus.on_queue_wanted = self.changed

    async def read(self) -> queue_pb2.Queue:
        """The queue as it is now."""
        speeds, revision = await self._database.read(lambda view: (_speeds(view), view.revision()))
        states = self._states()
        tables = await asyncio.to_thread(lambda: [estimates.timetable(state, speeds) for state in states])
        left = [table.left for table in tables]
        policy = f"START_POLICY_{self._terms.start_policy.replace('-', '_').upper()}"
        return queue_pb2.Queue(
            paused=states[0].paused,
            waiting_jobs=sum(len(state.queue) for state in states),
            paused_jobs=sum(table.paused for table in tables),
            running_jobs=sum(1 for state in states for device in state.devices.values() if device.job),
            limit=self._terms.limit,
            start_policy=queue_pb2.Queue.StartPolicy.Value(policy),
            time_left=duration(None if None in left else max(one for one in left if one is not None)),
            runs=[_pack(place) for table in tables for place in table.runs],
            revision=revision,
            hindrance=" ".join(filter(None, map(hindrance, states))),
        )

    async def page(self, project: str, skip: int, limit: int) -> tuple[list[queue_pb2.QueuedJob], int]:
        """Waiting jobs after the first `skip`, of one project or of all (`""`), paused ones last; and the revision."""
        speeds, revision = await self._database.read(lambda view: (_speeds(view), view.revision()))
        states = self._states()
        return await asyncio.to_thread(_page, states, speeds, project, skip, limit), revision

    def changed(self) -> None:
        """Something may stand elsewhere: whoever watches is told, soon."""
        if self._timer is not None or not self._bus.wants_queue:
            return
        loop = asyncio.get_running_loop()
        wait = max(0.0, self._last + INTERVAL_SECONDS - loop.time())
        self._timer = loop.call_later(wait, self._tell)

    def close(self) -> None:
        """Tells nobody any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _tell(self) -> None:
        self._timer = None
        self._last = asyncio.get_running_loop().time()
        self._spawn(self._publish())

    async def _publish(self) -> None:
        self._bus.queue(await self.read())


def _speeds(view: View) -> dict[str, float]:
    """Measured seconds of a step by model, on whatever device."""
    return {row["model"]: row["step_seconds"] for row in view.all("SELECT * FROM timings WHERE device = ''")}


def _pack(place: estimates.RunPlace) -> queue_pb2.QueuedRun:
    return queue_pb2.QueuedRun(
        run=place.run,
        position=place.position,
        waiting_jobs=place.waiting,
        paused_jobs=place.paused,
        priority=place.priority,
        time_to_start=duration(place.start),
        time_to_end=duration(place.end),
    )


def _page(
    states: Sequence[State], speeds: Mapping[str, float], project: str, skip: int, limit: int
) -> list[queue_pb2.QueuedJob]:
    # Thousands may be passed over on the way to a page: they are not looked at, a name tells whose they are.
    prefix = f"projects/{project}/" if project else ""

    def rows() -> Iterator[tuple[State, str, int, float | None]]:
        for state in states:
            for position, (job, begin, _) in enumerate(estimates.starts(state, speeds), 1):
                if job.startswith(prefix):
                    yield state, job, position, begin
        for state in states:
            for job, entry in state.jobs.items():
                if entry.phase is Phase.PAUSED and job.startswith(prefix):
                    yield state, job, 0, None

    found = []
    for state, job, position, begin in islice(rows(), skip, skip + limit):
        spec = state.jobs[job].spec
        found.append(
            queue_pb2.QueuedJob(
                job=spec.job,
                position=position,
                priority=spec.priority,
                model=spec.model,
                paused=not position,
                time_to_start=duration(begin),
            )
        )
    return found
