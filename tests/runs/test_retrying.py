"""Retries in the database: which of several attempts becomes the picture."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from bullpen_api.v1 import run_pb2
from bullpend.assets.files import Files
from bullpend.clock import ManualClock
from bullpend.db import Database, Row, Tx
from bullpend.projects import store as projects
from bullpend.quality.model import Finding, FindingKind, QualityReport, Severity
from bullpend.runs import accepting, retrying, store, transitions
from bullpend.runs.model import JobState, Sampling
from bullpend.runs.store import NewJob, NewRun

from tests.support.plans import MODEL

SOFT, HARD = Severity.SOFT, Severity.HARD


class World:
    """One run of one picture with one candidate, told to retry twice on soft colours and on blankness."""

    def __init__(self, database: Database, tmp_path: Path) -> None:
        self.database = database
        self.files = Files(tmp_path)

    async def start(self, change: int = run_pb2.AutomaticRetry.CHANGE_SEED) -> str:
        """Stores the run; returns its job's name."""
        spec = run_pb2.RunSpec(stage="style")
        spec.auto_retry.findings.extend([run_pb2.Finding.KIND_CHROMA, run_pb2.Finding.KIND_BLANK])
        spec.auto_retry.budget, spec.auto_retry.most_per_picture = 5, 2
        spec.auto_retry.change = change  # type: ignore[assignment]  # a number of the enum

        def write(tx: Tx) -> str:
            projects.create(tx, "p", {"title": "P", "story": "", "storage": "LOCAL", "s3": {}})
            job = NewJob("a.png", "", "projects/p/assets/s", "a.png", "e" * 64, "Ink it.", "", (7,))
            new = NewRun(
                "p",
                "style",
                spec.SerializeToString(),
                "",
                {},
                MODEL,
                Sampling(4, 7.5, 1.5, 64, 64),
                7,
                "BEST",
                0,
                (job,),
            )
            return f"{store.run_name(store.create(tx, new))}/jobs/j-001"

        return await self.database.write(write)

    async def finish(self, job: str, *findings: tuple[Severity, FindingKind]) -> int | None:
        """Makes the job's picture, with these findings; the run's id if it ended."""
        report = QualityReport(tuple(Finding(severity, kind, "It was found.", 1.0, 0.5) for severity, kind in findings))
        sha256 = hashlib.sha256(job.encode()).hexdigest()
        asset = {"project": "p", "kind": "CANDIDATE", "sha256": sha256, "mime_type": "image/png", "size_bytes": 1}
        asset |= {"width": 64, "height": 64, "display_name": "x", "origin": job}

        def write(tx: Tx) -> int | None:
            assert transitions.lease(tx, job, 1, "devices/cpu")
            done = transitions.Finished(f"{job}/candidates/c-1", job, 1, asset, report, "{}", [], 1.0, "devices/cpu")
            assert transitions.finish_candidate(tx, self.files, done)
            return transitions.finish_job(tx, job, JobState.SUCCEEDED)

        return await self.database.write(write)

    async def jobs(self) -> list[Row]:
        """All jobs with their candidates."""
        return await self.database.read(lambda view: store.jobs_page(view, 1, 0, 100))

    async def accepted(self) -> list[str]:
        """The jobs whose picture is accepted."""
        return [job["name"][-5:] for job in await self.jobs() if job["candidates"][0]["accepted"]]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    database = Database.open(tmp_path / "b.sqlite3", ManualClock(), lambda events: None)
    yield World(database, tmp_path)
    database.close()


async def test_a_better_retry_takes_over(world: World) -> None:
    """The flagged picture stands until a better one is there; the run ends with the last attempt only."""
    first = await world.start()
    assert await world.finish(first, (SOFT, FindingKind.CHROMA)) is None
    assert await world.accepted() == ["j-001"]
    assert await world.finish(first.replace("j-001", "j-002")) == 1
    assert await world.accepted() == ["j-002"]
    assert len(await world.jobs()) == 2


async def test_a_worse_or_equal_retry_changes_nothing(world: World) -> None:
    """The first of equals stays, and what was made again stays beside it."""
    first = await world.start()
    await world.finish(first, (SOFT, FindingKind.CHROMA))
    await world.finish(first.replace("j-001", "j-002"), (SOFT, FindingKind.CHROMA))
    assert await world.accepted() == ["j-001"]
    assert await world.finish(first.replace("j-001", "j-003"), (HARD, FindingKind.BLANK)) == 1
    assert await world.accepted() == ["j-001"]
    assert [job["parent_job"][-5:] for job in await world.jobs()] == ["", "j-001", "j-002"]


async def test_a_person_has_the_last_word(world: World) -> None:
    """What was taken by hand while the retry ran stays, however good the retry is."""
    first = await world.start()
    await world.finish(first, (HARD, FindingKind.BLANK))
    assert await world.accepted() == []
    await world.database.write(lambda tx: accepting.accept_by_hand(tx, f"{first}/candidates/c-1", "I like it."))
    assert await world.finish(first.replace("j-001", "j-002")) == 1
    assert await world.accepted() == ["j-001"]


async def test_a_moved_parameter_goes_on_from_the_last_one(world: World) -> None:
    """Each retry moves what the one before it had; the run's own row stays as it was."""
    first = await world.start(run_pb2.AutomaticRetry.CHANGE_STRENGTH)
    await world.finish(first, (SOFT, FindingKind.CHROMA))
    await world.finish(first.replace("j-001", "j-002"), (SOFT, FindingKind.CHROMA))
    run = await world.database.read(lambda view: store.by_id(view, 1))
    scales = [retrying.sampled(run, job)["guidance_scale"] for job in await world.jobs()]
    assert scales == [7.5, 6.0, 4.8]
    assert retrying.sampled({**run, "method": ""}, {"sampling": '{"strength": 0.5}'})["method"].count("0.5") == 1
