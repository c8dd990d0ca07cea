"""A queue of ten thousand jobs beside an empty one: what a page of it takes, and whether a submission notices it.

A submission is compared with a bare call, which has no token, no database and no disk.
"""

from __future__ import annotations

import time

from bullpen_api.v1 import project_pb2, queue_pb2

from tests.bench.bare_grpc import Bare
from tests.bench.effort import Effort
from tests.bench.studio import PROJECT, SCRIPTED, Studio, run_request
from tests.bench.table import Row, Series

PAGE_MS, SUBMIT_RATIO, ECHO_RATIO = 5.0, 1.2, 2.0
RUN = 500
FLAGS = (*SCRIPTED, "scheduler.queue_limit=20000")


async def measure(effort: Effort) -> list[Row]:
    """Two daemons with paused queues, one full and one empty, take turns with a bare echo of the same request."""
    jobs, rounds = effort.count(10_000, 1_000), effort.count(100, 25)
    pages: list[float] = []
    full: list[float] = []
    empty: list[float] = []
    echo: list[float] = []
    read: list[float] = []
    async with Studio(FLAGS) as crowded, Studio(FLAGS) as lonely, Bare(lonely.folder / "bare") as bare:
        scenes = {studio: await studio.project(RUN if studio is crowded else 1) for studio in (crowded, lonely)}
        for studio in (crowded, lonely):
            await studio.session.queue.PauseQueue(queue_pb2.PauseQueueRequest())
        for number in range(jobs // RUN):
            await crowded.create_run(scenes[crowded], seed=number)
        middle = await _token(crowded, jobs // 2)
        for number in range(rounds):
            for token in ("", middle):
                began = time.perf_counter()
                request = queue_pb2.ListQueuedJobsRequest(page_size=100, page_token=token)
                await crowded.session.queue.ListQueuedJobs(request)
                pages.append(time.perf_counter() - began)
            # The order changes, so that neither is always the one that finds warm caches.
            for studio in (crowded, lonely) if number % 2 else (lonely, crowded):
                began = time.perf_counter()
                await studio.create_run(scenes[studio][:1], seed=100_000 + number)
                (full if studio is crowded else empty).append(time.perf_counter() - began)
            echo.append(await bare.echo(run_request(scenes[lonely][:1]).SerializeToString()))
            began = time.perf_counter()
            await lonely.session.projects.GetProject(project_pb2.GetProjectRequest(name=PROJECT))
            read.append(time.perf_counter() - began)
    page, crowd, alone, call = Series.of(pages), Series.of(full), Series.of(empty), Series.of(echo)
    row = Series.of(read)
    beside, against = crowd.median / alone.median, alone.median / call.median
    return [
        Row(
            f"a page of 100 of a queue of {jobs}",
            f"≤ {PAGE_MS:.0f} ms",
            page.text("ms", 1000),
            page.median * 1000 <= PAGE_MS,
            page.to_dict(),
        ),
        Row(
            f"submit beside {jobs} waiting jobs / beside none",
            f"≤ {SUBMIT_RATIO}",
            f"{beside:.2f} ({crowd.text('ms', 1000)})",
            beside <= SUBMIT_RATIO,
            {"ratio": beside, "full": crowd.to_dict(), "empty": alone.to_dict()},
        ),
        Row(
            "durable submit / a bare echo",
            f"≤ {ECHO_RATIO:.0f}",
            f"{against:.2f} ({alone.median * 1000:.2f} / {call.median * 1000:.2f} ms)",
            against <= ECHO_RATIO,
            {"ratio": against, "echo": call.to_dict(), "submit": alone.to_dict()},
        ),
        Row(
            "  durable submit / a call that reads one row",
            "",
            f"{alone.median / row.median:.2f}",
            None,
            {"ratio": alone.median / row.median, "read": row.to_dict()},
        ),
    ]


async def _token(studio: Studio, skip: int) -> str:
    """The token of the page that begins after `skip` jobs."""
    token = ""
    for _ in range(skip // 500):
        request = queue_pb2.ListQueuedJobsRequest(page_size=500, page_token=token)
        token = (await studio.session.queue.ListQueuedJobs(request)).next_page_token
    return token
