"""`kill -9` in the middle of a queue: workers gone, daemon back, everything finished once."""

from __future__ import annotations

import asyncio
import time
from functools import partial

import psutil
from bullpen_api.v1 import run_pb2

from tests.bench.effort import Effort
from tests.bench.studio import Studio, until
from tests.bench.table import Row, Series

SERVING_SECONDS, GONE_SECONDS = 0.5, 2.0
SCRIPT = "scripted: steps=2 step_ms=5 size=8x8"


async def measure(effort: Effort) -> list[Row]:
    """Kills the daemon several times while it works through one queue, then lets it finish."""
    jobs, kills = effort.count(400, 100), effort.count(6, 2)
    gone: list[float] = []
    serving: list[float] = []
    async with Studio() as studio:
        scenes = await studio.project(jobs)
        run = await studio.create_run(scenes, SCRIPT)
        for _ in range(kills):
            await _some_done(studio, run.name)
            workers = psutil.Process(studio.pid).children(recursive=True)
            await studio.kill()
            began = time.perf_counter()
            for worker in workers:
                await until(partial(ended, worker))
            gone.append(time.perf_counter() - began)
            serving.append(await studio.start())
        async with asyncio.timeout(120):
            async with studio.ends() as ends:
                if (await _run(studio, run.name)).state != run_pb2.Run.STATE_SUCCEEDED:
                    await ends.ended(run.name)
        found = await _run(studio, run.name)
        assert found.figures.candidates_done == jobs, found.figures
        names, token = set(), ""
        while True:
            page = await studio.session.runs.ListJobs(
                run_pb2.ListJobsRequest(parent=run.name, page_size=500, page_token=token)
            )
            names |= {job.candidates[0].asset for job in page.jobs}
            if not (token := page.next_page_token):
                break
        files = list((studio.home / "projects/bench/assets").glob("??/??/*.png"))
    back, left = Series.of(serving), Series.of(gone)
    return [
        Row(
            f"kill -9 → serving again, {jobs} jobs queued",
            f"≤ {SERVING_SECONDS} s",
            back.text("s"),
            back.median <= SERVING_SECONDS,
            back.to_dict(),
        ),
        Row("  workers gone", f"≤ {GONE_SECONDS:.0f} s", left.text("s"), max(gone) <= GONE_SECONDS, left.to_dict()),
        Row(
            "  jobs done in the end; pictures without an owner",
            f"{jobs}; 0",
            f"{found.figures.jobs_done}; {len(files) - 1 - len(names)}",
            found.figures.jobs_done == jobs and len(files) - 1 == len(names),
        ),
    ]


def ended(process: psutil.Process) -> bool:
    """Whether a process does nothing any more, be it gone or not buried yet."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def _run(studio: Studio, name: str) -> run_pb2.Run:
    return await studio.session.runs.GetRun(run_pb2.GetRunRequest(name=name))


async def _some_done(studio: Studio, name: str, more: int = 5) -> None:
    """Waits until the run is a few candidates further than now."""
    goal = (await _run(studio, name)).figures.candidates_done + more
    async with asyncio.timeout(60):
        while (run := await _run(studio, name)).figures.candidates_done < goal:
            if run.state == run_pb2.Run.STATE_SUCCEEDED:
                return
