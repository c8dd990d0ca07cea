"""Single orders, with a made-up scheduler and worker: nothing is sent too late, lost, or left lying about."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import pytest
from bullpen_api.worker.v1 import link_pb2
from bullpend.dispatch.singles import MOST, PRIORITY, Single, Singles
from bullpend.errors import ModelCorrupt, QueueFull
from bullpend.models.loading import References
from bullpend.runs.model import Failure
from bullpend.scheduling import model as s

DEVICE = "devices/cpu"


class World:
    """What a Singles touches: it remembers what it was told, and holds back the look at the model's files."""

    def __init__(self) -> None:
        self.facts: list[s.Fact] = []
        self.frames: list[link_pb2.ToWorker] = []
        self.tasks: list[asyncio.Future[None]] = []
        self.lease: tuple[int, str] | None = None
        self.damaged = False
        made: Any = Singles
        self.singles: Singles = made(self, self, self.facts.append, lambda _: self.lease, self.spawn)

    def spawn(self, work: Awaitable[None]) -> None:
        self.tasks.append(asyncio.ensure_future(work))

    def send(self, device: str, frame: link_pb2.ToWorker) -> bool:
        self.frames.append(frame)
        return True

    def references(self, name: str, digest: str, loras: object) -> References:
        if self.damaged:
            raise ModelCorrupt("unet differs.", remedy="Put it back.")
        return References(link_pb2.ModelRef(name=name, digest=digest))

    def submit(self, seeds: tuple[int, ...] = (7, 8)) -> Single:
        return self.singles.submit("models/text", "d" * 64, (), link_pb2.RunJob(prompt="a pier"), seeds, seq=41)

    def start(self, single: Single, attempt: int = 1) -> None:
        self.lease = (attempt, DEVICE)
        self.singles.carry_out(s.StartJob(single.job, attempt, DEVICE, single.model))

    async def settle(self) -> None:
        while self.tasks:
            await self.tasks.pop()

    def finish(self, single: Single, number: int, path: Path, attempt: int = 1) -> None:
        path.write_bytes(b"rgb")
        frame = link_pb2.CandidateReady(
            job=single.job, attempt=attempt, candidate=f"{single.job}/{number}", raw_path=str(path)
        )
        self.singles.made(frame, link_pb2.Ready(engine="torch"))


async def test_an_order_stands_behind_the_jobs_that_were_there() -> None:
    """Of its own collection, before runs without a priority, after equal ones that were accepted earlier."""
    world = World()
    first, second = world.submit(), world.submit()
    keys = [fact.job.key() for fact in world.facts if isinstance(fact, s.JobSubmitted)]
    before = s.QueuedJob("projects/p/runs/r/jobs/j", "r", "p", "m", priority=PRIORITY, seq=41).key()
    assert sorted([*keys, before]) == [before, *keys]
    assert first.job in world.singles
    assert second.job != first.job


async def test_the_worker_gets_what_is_still_to_be_made(tmp_path: Path) -> None:
    """All at first; after a lost worker only the rest, and late answers of the lost one are dropped."""
    world = World()
    single = world.submit((7, 8, 9))
    world.start(single)
    await world.settle()
    order = world.frames[-1].run_job
    assert (order.prompt, order.model.digest, order.attempt) == ("a pier", "d" * 64, 1)
    assert [(task.name, task.seed) for task in order.candidates] == [
        (f"{single.job}/{number}", seed) for number, seed in ((1, 7), (2, 8), (3, 9))
    ]
    world.finish(single, 1, tmp_path / "1")
    world.singles.carry_out(s.RequeueJob(single.job, 1, 1, "lost"))
    world.start(single, 2)
    await world.settle()
    assert [task.seed for task in world.frames[-1].run_job.candidates] == [8, 9]
    world.finish(single, 2, tmp_path / "late", attempt=1)
    assert not (tmp_path / "late").exists()
    assert [single.number(frame.candidate) for frame in single.made] == [1]


async def test_an_order_that_was_left_is_not_sent(tmp_path: Path) -> None:
    """Also when it is stopped while the model's files are looked at: the scheduler hears its end."""
    world = World()
    single = world.submit()
    world.start(single)
    world.singles.leave(single)
    world.singles.carry_out(s.StopJob(single.job, 1, DEVICE))
    await world.settle()
    assert world.frames == []
    ended = s.JobEnded(single.job, 1, DEVICE, s.Outcome.CANCELED)
    assert world.facts[1:] == [s.JobCanceled(single.job), ended]
    world.singles.carry_out(s.CancelJob(single.job, 1))
    assert single.job not in world.singles


async def test_what_nobody_waits_for_is_deleted(tmp_path: Path) -> None:
    """Pictures that were not taken away, and those that come afterwards; leaving twice tells nothing twice."""
    world = World()
    single = world.submit()
    world.start(single)
    await world.settle()
    world.finish(single, 1, tmp_path / "1")
    world.singles.leave(single)
    told = len(world.facts)
    world.singles.leave(single)
    assert len(world.facts) == told
    world.singles.carry_out(s.StopJob(single.job, 1, DEVICE))
    assert world.frames[-1].cancel_job.job == single.job
    world.finish(single, 2, tmp_path / "2")
    assert list(tmp_path.iterdir()) == []


async def test_a_model_that_is_damaged_by_now_ends_the_order() -> None:
    """With the reason of its files; the worker never hears of it."""
    world = World()
    world.damaged = True
    single = world.submit()
    world.start(single)
    await world.settle()
    assert world.frames == []
    failure = s.Failure("MODEL_CORRUPT", "unet differs.", "Put it back.")
    assert world.facts[-1] == s.JobEnded(single.job, 1, DEVICE, s.Outcome.FAILED, failure)
    world.singles.carry_out(s.FailJob(single.job, 1, failure))
    assert single.failure == Failure("MODEL_CORRUPT", "unet differs.", "Put it back.")
    assert single.ended
    assert single.changed.is_set()


async def test_a_lost_lease_sends_nothing() -> None:
    """The worker went while the model's files were looked at; what follows is the scheduler's."""
    world = World()
    single = world.submit()
    world.start(single)
    world.lease = None
    await world.settle()
    assert world.frames == []


async def test_more_than_can_wait_is_refused() -> None:
    """And the daemon's end is told to everybody who waits."""
    world = World()
    waiting = [world.submit() for _ in range(MOST)]
    with pytest.raises(QueueFull):
        world.submit()
    world.singles.close(Failure("SHUTTING_DOWN", "The daemon is shutting down."))
    assert all(single.ended and single.failure is not None for single in waiting)
