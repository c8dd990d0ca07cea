"""R03: (job, attempt) is the fence. What a lost, stopped or doubled worker still says changes nothing in the store.

The clock is moved about meanwhile, also back: order comes from revisions and attempts, never from the time of day.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bullpen_api.v1 import project_pb2, run_pb2
from bullpend.assets.files import Files
from bullpend.clock import ManualClock
from bullpend.db import Database, Row, Tx
from bullpend.models.model import Model, ModelState
from bullpend.projects import rules as project_rules
from bullpend.projects import store as projects
from bullpend.quality.model import QualityReport
from bullpend.runs import store, transitions
from bullpend.runs.model import JobState, Sampling

DEVICE = "devices/cpu"


class Desk:
    """A database with one run of one job with two candidates, and a clock that anybody may set."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.events: list[tuple[int, str]] = []
        self.database = Database.open(
            folder / "bullpen.sqlite3",
            self.clock,
            lambda events: self.events.extend((event.revision, event.kind) for event in events),
        )
        self.files = Files(folder / "projects")
        self.job = ""

    async def begin(self) -> None:
        """Stores the run."""
        model = Model("models/m", "M", ModelState.READY, "scripted", "", "", 1, digest="d")
        job = store.NewJob("k", "", "projects/p/assets/a", "a.png", "0" * 64, "words", "", (1, 2))
        new = store.NewRun(
            "p",
            "style",
            run_pb2.RunSpec().SerializeToString(),
            "",
            {},
            model,
            Sampling(4, 5, 1, 8, 8),
            1,
            "BEST",
            0,
            (job,),
        )

        def write(tx: Tx) -> str:
            projects.create(tx, "p", project_rules.checked("p", project_pb2.Project()))
            return f"{store.run_name(store.create(tx, new))}/jobs/j-001"

        self.job = await self.database.write(write)

    async def lease(self, attempt: int) -> bool:
        """Leases the job; says whether the store let it."""
        found = await self.database.write(lambda tx: transitions.lease(tx, self.job, attempt, DEVICE))
        return found is not None

    async def requeue(self, attempt: int) -> bool:
        """Takes a lease back, as when its worker was lost."""
        return await self.database.write(lambda tx: transitions.requeue(tx, self.job, attempt, 1))

    async def finish(self, candidate: int, attempt: int) -> bool:
        """A picture of an attempt comes in; says whether it counts."""
        sha256 = f"{candidate}{attempt}".rjust(64, "a")
        done = transitions.Finished(
            candidate=f"{self.job}/candidates/c-{candidate}",
            job=self.job,
            attempt=attempt,
            asset={
                "project": "p",
                "kind": "CANDIDATE",
                "sha256": sha256,
                "mime_type": "image/png",
                "size_bytes": 1,
                "width": 8,
                "height": 8,
                "display_name": "x.png",
                "origin": self.job,
            },
            quality=QualityReport(),
            recipe="{}",
            changes=[],
            device_seconds=1.0,
            device=DEVICE,
        )
        return await self.database.write(lambda tx: transitions.finish_candidate(tx, self.files, done))

    async def end(self, target: JobState = JobState.SUCCEEDED) -> int | None:
        """The job ends."""
        return await self.database.write(lambda tx: transitions.finish_job(tx, self.job, target))

    async def row(self) -> Row:
        """The job now."""
        return await self.database.read(lambda view: store.job(view, self.job))

    def kinds(self) -> list[str]:
        """Events so far; they came in the order of their revisions."""
        revisions = [revision for revision, _ in self.events]
        assert revisions == sorted(set(revisions))
        return [kind for _, kind in self.events]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.database.close()


async def test_r03_late_picture_of_a_lost_attempt_is_refused(desk: Desk) -> None:
    """What the first attempt made after its lease was taken back is not registered; the second attempt's is."""
    await desk.begin()
    assert await desk.lease(1)
    assert await desk.requeue(1)
    assert not await desk.finish(1, attempt=1), "the job waits"
    desk.clock.at -= 86_400
    assert await desk.lease(2)
    assert not await desk.finish(1, attempt=1), "another attempt runs"
    assert await desk.finish(1, attempt=2)
    assert desk.kinds().count("candidate.succeeded") == 1


async def test_r03_doubled_answers_count_once(desk: Desk) -> None:
    """The same picture, the same end, the same lease a second time: refused, and nothing is told twice."""
    await desk.begin()
    assert await desk.lease(1)
    assert not await desk.lease(1)
    for candidate in (1, 2):
        assert await desk.finish(candidate, attempt=1)
        assert not await desk.finish(candidate, attempt=1)
    desk.clock.at += 1e6
    assert await desk.end() is not None
    before = desk.kinds()
    assert await desk.end() is None
    assert await desk.end(JobState.CANCELED) is None
    assert not await desk.requeue(1)
    assert not await desk.lease(2), "an ended job is never begun again"
    assert desk.kinds() == before
    assert [row["state"] for row in (await desk.row())["candidates"]] == ["SUCCEEDED", "SUCCEEDED"]


async def test_r03_picture_after_the_cancel_is_refused(desk: Desk) -> None:
    """What comes in after a job was canceled is not registered; what came before stays."""
    await desk.begin()
    assert await desk.lease(1)
    assert await desk.finish(1, attempt=1)
    desk.clock.at -= 1e9
    assert await desk.end(JobState.CANCELED) is not None
    assert not await desk.finish(2, attempt=1)
    job = await desk.row()
    assert (job["state"], [row["state"] for row in job["candidates"]]) == ("CANCELED", ["SUCCEEDED", "CANCELED"])


async def test_r03_requeue_of_an_old_attempt_takes_nothing_back(desk: Desk) -> None:
    """News of the first worker's death that comes late does not touch the second lease."""
    await desk.begin()
    assert await desk.lease(1)
    assert await desk.requeue(1)
    assert await desk.lease(2)
    assert not await desk.requeue(1)
    assert (await desk.row())["attempt"] == 2
    assert desk.kinds().count("job.requeued") == 1
