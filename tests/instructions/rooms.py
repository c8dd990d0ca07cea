"""A desk and its workers over a real database, a stand-in for the runs, and a clock that is moved by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bullpen_api.v1 import cost_pb2, run_pb2
from bullpend.clock import ManualClock
from bullpend.db import Database, Row
from bullpend.errors import BullpenError, StageUnknown
from bullpend.events.bus import Bus
from bullpend.instructions import store
from bullpend.instructions.agent.delivery import Delivery
from bullpend.instructions.agent.model import Agent
from bullpend.instructions.desk import Desk
from bullpend.instructions.model import CREATE_RUN, Policy
from bullpend.instructions.proposal import Proposal
from bullpend.instructions.worker import Worker
from bullpend.rpc.inside import Calls

from tests.instructions.books import PROJECT

POLICY = Policy(poll_seconds=0.05)
PATIENCE = 180.0


class Runs:
    """Plans and makes runs as far as instructions can tell."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.digest, self.cost = "plan-1", 0.0
        self.refusals: list[BullpenError] = []
        self.asked: list[str] = []
        self.made: dict[str, run_pb2.Run] = {}
        self.state = "SUCCEEDED"
        self.gate = asyncio.Event()
        self.gate.set()

    async def PlanRun(self, request: Any, context: Any) -> run_pb2.Plan:  # noqa: N802
        if request.spec.stage == "nonsense":
            raise StageUnknown("There is no stage nonsense.")
        plan = run_pb2.Plan(digest=self.digest, spec=request.spec, estimated_cost_usd=self.cost, candidates=2)
        if self.cost:
            plan.estimated_cost.CopyFrom(cost_pb2.Money(currency_code="EUR", micros=int(self.cost * 1e6)))
        plan.jobs.add(scene="projects/p/scenes/s1")
        return plan

    async def CreateRun(self, request: Any, context: Any) -> run_pb2.Run:  # noqa: N802
        self.asked.append(request.plan_digest)
        if self.refusals:
            raise self.refusals.pop(0)
        if request.request_id not in self.made:
            slug = f"r-{len(self.made) + 1:04d}-style"
            name = f"projects/p/runs/{slug}"
            self.made[request.request_id] = run_pb2.Run(name=name)

            def write(tx: Any) -> None:
                run = {"project": "p", "slug": slug, "stage": "style", "state": self.state, "jobs_done": 1, "jobs": 1}
                rest = "model model_path model_family model_digest plan_digest plan acceptance parent_run"
                tx.insert("runs", {**dict.fromkeys(rest.split(), ""), **_numbers(), **run, "spec": b""})
                said = {"request_id": request.request_id, "method": "m", "digest": "d", "answer": name, "time": tx.now}
                tx.insert("requests", said)

            await self.database.write(write)
        await self.gate.wait()
        return self.made[request.request_id]

    async def CancelRun(self, request: Any, context: Any) -> run_pb2.Run:  # noqa: N802
        slug = request.name.rpartition("/")[2]
        await self.database.write(lambda tx: tx.run("UPDATE runs SET state = 'CANCELED' WHERE slug = ?", slug))
        return run_pb2.Run(name=request.name)


def _numbers() -> dict[str, float]:
    names = "steps guidance_scale image_guidance_scale width height seed priority create_time candidates revision"
    return dict.fromkeys(names.split(), 0)


class Room:
    """Desk, database, clock and runs."""

    def __init__(self, path: Path) -> None:
        self.clock, self.bus = ManualClock(), Bus()
        self.database = Database.open(path / "bullpen.db", self.clock, self.bus.committed)
        self.runs, self.calls = Runs(self.database), Calls()
        add: Any = None
        self.calls.mount(
            [
                (add, self.runs, "bullpen.v1.RunService"),
                (add, object(), "bullpen.v1.QualityService"),
            ]
        )
        self.delivery: Delivery | None = None
        self.desk = Desk(self.database, self.calls, POLICY)

    def worker(self) -> Worker:
        return Worker(self.database, self.calls, self.bus, POLICY, asyncio.Event(), self.delivery)

    def hire(self, agent: Agent, key: str) -> None:
        """From now on there is an external agent, which knows this key."""

        async def reveal(name: str) -> str:
            return key

        self.delivery = Delivery(self.database, self.bus, self.clock, agent, reveal)
        self.desk = Desk(self.database, self.calls, POLICY, self.delivery)

    async def propose(self, **more: Any) -> Row:
        inputs = {"spec": {"stage": "style", "scenes": {}, "seed": "7"}}
        return await self.desk.propose(Proposal(**{"project": "p", "method": CREATE_RUN, "inputs": inputs, **more}))

    async def confirmed(self, spend: bool = False) -> Row:
        row = await self.propose()
        return await self.desk.confirm("p", row["slug"], row["digest"], spend)

    async def row(self, slug: str) -> Row:
        return await self.database.read(lambda view: store.get(view, "p", slug))

    async def pass_time(self, seconds: float) -> None:
        """Time passes after all that was asked of the database, by those who are gone as well, is written."""
        await self.database.write(lambda tx: None)
        self.clock.at += seconds

    async def until(self, slug: str, when: Callable[[Row], bool]) -> Row:
        """The instruction as soon as `when` holds of it."""
        news = self.bus.subscribe()
        async with asyncio.timeout(PATIENCE):
            while not when(row := await self.row(slug)):
                await news.wait(0.1)
        self.bus.unsubscribe(news)
        return row


@asynccontextmanager
async def working(*workers: Worker) -> AsyncIterator[None]:
    """Workers that run meanwhile."""
    tasks = [asyncio.create_task(worker.run()) for worker in workers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def furnished(path: Path) -> AsyncIterator[Room]:
    """A room with a project in it."""
    made = Room(path)
    await made.database.write(lambda tx: tx.insert("projects", PROJECT))
    try:
        yield made
    finally:
        made.database.close()
