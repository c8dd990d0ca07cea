"""`kill -9` of a daemon with ten thousand jobs in its queue and a hundred thousand assets: how soon it serves again."""

from __future__ import annotations

import hashlib
import sqlite3
import sys
from pathlib import Path

from bullpen_api.v1 import queue_pb2, run_pb2

from tests.bench.effort import Effort
from tests.bench.studio import PROJECT, SCRIPTED, Studio
from tests.bench.table import Row, Series

SERVING_SECONDS = 2.0
RUN = 500
INDEXED_SECONDS = 1800.0
FLAGS = (*SCRIPTED, "scheduler.queue_limit=20000")
# What is its own in each row of `assets`; all else is that of the first.
OWN = ("id", "slug", "sha256", "display_name", "facts", "revision")


async def measure(effort: Effort) -> list[Row]:
    """Fills a home, kills its daemon some times while it works, and lets it look at the queue and finish some jobs."""
    jobs, assets, kills = effort.count(10_000, 1_000), effort.count(100_000, 10_000), effort.count(5, 2)
    serving: list[float] = []
    async with Studio(FLAGS) as studio:
        scenes = await studio.project(RUN)
        await studio.session.queue.PauseQueue(queue_pb2.PauseQueueRequest())
        for number in range(jobs // RUN):
            await studio.create_run(scenes, seed=number)
        await studio.stop()
        database = studio.home / "bullpen.sqlite3"
        fill(database, assets)
        # The first start after this brings all of them into the index of searches, as after an update.
        await studio.start(INDEXED_SECONDS)
        await studio.session.queue.ResumeQueue(queue_pb2.ResumeQueueRequest())
        for _ in range(kills):
            done = await _done(studio)
            async with studio.ends():
                while await _done(studio) < done + 5:
                    pass
            await studio.kill()
            serving.append(await studio.start())
            sys.stderr.write(f"{done} jobs done; killed, serving again after {serving[-1]:.2f} s\n")
        before = await studio.session.queue.GetQueue(queue_pb2.GetQueueRequest())
        open_jobs = _count(database, "jobs WHERE state IN ('QUEUED', 'RUNNING')")
        await studio.session.queue.PauseQueue(queue_pb2.PauseQueueRequest(now=True))
        await studio.quiet()
        left = _count(database, "jobs WHERE state IN ('QUEUED', 'RUNNING')")
        finished = _count(database, "jobs WHERE state = 'SUCCEEDED'")
        doubled = _count(
            database,
            "(SELECT subject FROM journal WHERE kind = 'candidate.succeeded' GROUP BY subject HAVING count(*) > 1)",
        )
    back = Series.of(serving)
    return [
        Row(
            f"kill -9 → serving again, {jobs} jobs queued, {assets} assets",
            f"≤ {SERVING_SECONDS:.0f} s",
            back.text("s"),
            back.median <= SERVING_SECONDS,
            {**back.to_dict(), "waiting": before.waiting_jobs, "open": open_jobs},
        ),
        Row(
            "  jobs that were acknowledged and are lost; pictures made known twice",
            "0; 0",
            f"{jobs - left - finished}; {doubled}",
            left + finished == jobs and doubled == 0,
        ),
    ]


def fill(database: Path, assets: int) -> None:
    """Registers so many assets that are like the first; their files are not there, since nothing looks for them."""
    connection = sqlite3.connect(database)
    columns = [row[1] for row in connection.execute("PRAGMA table_info(assets)")]
    shared = ", ".join(name for name in columns if name not in OWN)
    first, revision = connection.execute("SELECT max(id) + 1, max(revision) FROM assets").fetchone()
    digests = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(assets)]
    with connection:
        connection.executemany(
            f"INSERT INTO assets ({', '.join(OWN)}, {shared}) SELECT ?, ?, ?, ?, '', ?, {shared} FROM assets LIMIT 1",
            ((first + n, digest[:32], digest, f"picture {n}", revision) for n, digest in enumerate(digests)),
        )
    connection.close()


def _count(database: Path, what: str) -> int:
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)
    try:
        return int(connection.execute(f"SELECT count(*) FROM {what}").fetchone()[0])
    finally:
        connection.close()


async def _done(studio: Studio) -> int:
    request = run_pb2.ListRunsRequest(parent=PROJECT, page_size=500)
    return sum(run.figures.jobs_done for run in (await studio.session.runs.ListRuns(request)).runs)
