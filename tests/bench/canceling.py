"""Cancel: from the call to the answer, which comes when everything has stopped and that is durable."""

from __future__ import annotations

import asyncio
import random
import time

from bullpen_api.v1 import run_pb2

from tests.bench.effort import Effort
from tests.bench.studio import Studio
from tests.bench.table import Row, Series

STEP_MS, ALLOWED_MS = 40, 50
SCRIPT = f"scripted: steps=500 step_ms={STEP_MS} size=64x64"


async def measure(effort: Effort) -> list[Row]:
    """Runs of one job with long candidates, each canceled at a random moment of a step."""
    chance, seconds, again = random.Random(7), [], []
    async with Studio() as studio:
        scenes = await studio.project(1)
        async with studio.ends() as ends:
            for number in range(effort.count(25, 8)):
                run = await studio.create_run(scenes, SCRIPT, seed=number)
                await ends.first(run.name, "job.started")
                await asyncio.sleep((2 + 3 * chance.random()) * STEP_MS / 1000)
                request = run_pb2.CancelRunRequest(name=run.name)
                began = time.perf_counter()
                stopped = await studio.session.runs.CancelRun(request)
                seconds.append(time.perf_counter() - began)
                assert stopped.state == run_pb2.Run.STATE_CANCELED, stopped
                began = time.perf_counter()
                same = await studio.session.runs.CancelRun(request)
                again.append(time.perf_counter() - began)
                assert same.state == stopped.state, same
    stop, second = Series.of(seconds), Series.of(again)
    limit = (STEP_MS + ALLOWED_MS) / 1000
    return [
        Row(
            f"cancel → stopped, steps of {STEP_MS} ms",
            f"≤ {limit * 1000:.0f} ms, each",
            stop.text("ms", 1000, 1),
            max(stop.values) <= limit,
            stop.to_dict(),
        ),
        Row("  a second cancel, a no-op", "", second.text("ms", 1000), None, second.to_dict()),
    ]
