"""How jobs get to workers and come back, on a real database with a made-up worker that answers when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from bullpen_api.v1 import run_pb2
from bullpen_api.worker.v1 import link_pb2
from bullpend.assets import store as assets
from bullpend.assets.files import Files, name_of
from bullpend.clock import ManualClock
from bullpend.db import Database, Row, Tx
from bullpend.dispatch.effects import Effects
from bullpend.dispatch.leasing import Orders
from bullpend.metrics.collect import Rate
from bullpend.models.loading import References
from bullpend.projects import store as projects
from bullpend.quality.model import Checks
from bullpend.runs import order_rows, store
from bullpend.runs.model import JobState, Sampling
from bullpend.runs.store import NewJob, NewRun
from bullpend.scheduling import model as s

from tests.support.plans import MODEL

DEVICE, OTHER, REMOTE = "devices/cpu", "devices/gpu", "devices/remote-1"
SECONDS = 60.0


class World:
    """Effects with everything around them; pictures are stored when `stored` is set."""

    def __init__(self, folder: Path) -> None:
        clock = ManualClock()
        self.database = Database.open(folder / "b.sqlite3", clock, lambda events: None)
        self.frames: list[tuple[str, link_pb2.ToWorker]] = []
        self.facts: list[s.Fact] = []
        self.leases: dict[str, tuple[int, str]] = {}
        self.stored = asyncio.Event()
        self.looks = 0
        kinds = {DEVICE: "cpu", OTHER: "cuda", REMOTE: "remote"}
        made: Any = Effects
        self.effects: Effects = made(
            self.database,
            Files(folder),
            self,
            Orders(kinds, self, folder, lambda project, stage: Checks(), 0),  # type: ignore[arg-type]  # `references`
            Rate(clock),
            self.leases.get,
            self.facts.append,
            lambda row: None,
        )

    # ---- what the effects see of the rest ---------------------------------------------------------------------------

    def send(self, device: str, frame: link_pb2.ToWorker) -> bool:
        self.frames.append((device, frame))
        return True

    def references(self, name: str, digest: str, *others: object) -> References:
        self.looks += 1
        return References(link_pb2.ModelRef(name=name, digest=digest))

    async def run_task(self, task: link_pb2.Task) -> link_pb2.TaskDone:
        await self.stored.wait()
        picture = link_pb2.StoredPicture(
            sha256=f"{len(self.frames):064x}", size_bytes=3, width=8, height=8, mime_type="image/png", path="/p.png"
        )
        return link_pb2.TaskDone(id=task.id, stored_picture=picture)

    # ---- what a test does -------------------------------------------------------------------------------------------

    async def jobs(self, count: int = 1) -> list[str]:
        """A run of so many jobs of one candidate; their names."""

        def write(tx: Tx) -> str:
            projects.create(tx, "p", {"title": "P", "story": "", "storage": "LOCAL", "s3": {}})
            picture: Row = {"project": "p", "kind": "SOURCE", "sha256": "e" * 64, "mime_type": "image/png"}
            picture |= {"size_bytes": 1, "width": 8, "height": 8, "display_name": "a.png", "origin": "a.png"}
            source = name_of("p", assets.add(tx, Files(Path("/nowhere")), picture)["sha256"])
            new = tuple(NewJob(f"k{n}", "", source, "a.png", "e" * 64, "Ink it.", "", (n,)) for n in range(count))
            spec = run_pb2.RunSpec(stage="style").SerializeToString()
            run = NewRun("p", "style", spec, "", {}, MODEL, Sampling(1, 7.5, 1.5, 8, 8), 7, "BEST", 0, new)
            return store.run_name(store.create(tx, run))

        run = await self.database.write(write)
        names = [f"{run}/jobs/j-{n:03d}" for n in range(1, count + 1)]
        for name in names:
            self.effects.open(name)
        return names

    async def known(self, job: str) -> None:
        """The job's rows are read ahead."""
        rows = await self.database.read(lambda view: order_rows.ahead(view, job))
        assert rows is not None
        self.effects.foreseen(rows)

    def start(self, job: str, attempt: int = 1, device: str = DEVICE) -> None:
        self.leases[job] = (attempt, device)
        self.effects.start(s.StartJob(job, attempt, device, MODEL.name))

    def made(self, job: str, attempt: int = 1) -> None:
        candidate = f"{job}/candidates/c-1"
        frame = link_pb2.CandidateReady(
            job=job, attempt=attempt, candidate=candidate, raw_path="/raw", width=8, height=8
        )
        self.effects.store(frame, link_pb2.Ready(engine="scripted"))

    async def orders(self, count: int) -> list[tuple[str, int]]:
        """Waits until so many orders were sent: job and attempt of each."""

        def sent() -> list[tuple[str, int]]:
            return [(one.run_job.job, one.run_job.attempt) for _, one in self.frames if one.HasField("run_job")]

        async with asyncio.timeout(SECONDS):
            while len(sent()) < count:  # noqa: ASYNC110 -- the list tells nobody when it grows
                await asyncio.sleep(0.001)
        return sent()

    async def ended(self, job: str) -> None:
        end = self.effects.ended(job)
        if end is not None:
            async with asyncio.timeout(SECONDS):
                await end.wait()

    async def row(self, job: str) -> Row:
        return await self.database.read(lambda view: store.job(view, job))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    yield made
    await made.effects.close()
    made.database.close()


async def test_an_order_that_was_foreseen_goes_out_before_its_lease(world: World) -> None:
    """Once the models were looked at, a job whose rows are here is ordered in the same turn of the loop."""
    first, second = await world.jobs(2)
    await world.known(first)
    await world.known(second)
    world.start(first)
    await world.orders(1)
    world.start(second)
    assert [frame.run_job.job for _, frame in world.frames] == [first, second], "nothing was waited for"
    assert world.looks == 1
    world.stored.set()
    for job in (first, second):
        world.made(job)
        world.effects.end(job, JobState.SUCCEEDED)
        await world.ended(job)
        assert (await world.row(job))["state"] == "SUCCEEDED"


async def test_what_goes_to_a_provider_waits_for_the_disk(world: World) -> None:
    """An order that costs money is never sent before its lease is durable."""
    (job,) = await world.jobs()
    await world.known(job)
    world.start(job, device=REMOTE)
    assert world.frames == []
    await world.orders(1)
    assert (await world.row(job))["state"] == "RUNNING"


async def test_a_refused_lease_takes_an_early_order_back(world: World) -> None:
    """Where the store knows the job as ended, the worker is told to stop, and the scheduler that it has no lease."""
    (job,) = await world.jobs()
    await world.known(job)
    world.effects.end(job, JobState.CANCELED)
    await world.ended(job)
    world.start(job)
    async with asyncio.timeout(SECONDS):
        while not world.facts:  # noqa: ASYNC110 -- as above
            await asyncio.sleep(0.001)
    assert world.facts == [s.LeaseRefused(job, 1)]
    assert [frame.WhichOneof("body") for _, frame in world.frames] == ["run_job", "cancel_job"]


async def test_rows_of_an_earlier_attempt_are_not_used(world: World) -> None:
    """What was read before a job ran is out of date when it runs again: its order has the candidates as they are."""
    (job,) = await world.jobs()
    await world.known(job)
    stale = await world.database.read(lambda view: order_rows.ahead(view, job))
    world.start(job)
    await world.orders(1)
    world.effects.requeue(s.RequeueJob(job, 1, 1, "was lost"))
    assert stale is not None
    world.effects.foreseen(stale)
    world.start(job, 2, OTHER)
    assert await world.orders(2) == [(job, 1), (job, 2)]


async def test_a_job_that_goes_back_while_its_picture_is_stored_begins_again(world: World) -> None:
    """Its next lease waits for the picture, and the picture for the lease that it was made under: not for the next."""
    (job,) = await world.jobs()
    await world.known(job)
    world.start(job)
    await world.orders(1)
    world.made(job)
    world.effects.requeue(s.RequeueJob(job, 1, 1, "was lost"))
    world.start(job, 2, OTHER)
    world.stored.set()
    assert await world.orders(2) == [(job, 1), (job, 2)]
    row = await world.row(job)
    assert [candidate["state"] for candidate in row["candidates"]] == ["SUCCEEDED"]
    assert list(world.frames[-1][1].run_job.candidates) == [], "nothing is left to be made"
