"""A run over many scenes against a plain script, candidates made alone and in batches, and how long the device waits
between queued jobs.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

from bullpen_api.v1 import run_pb2

from tests.bench.effort import Effort
from tests.bench.stand_in import build
from tests.bench.steps import GUIDANCE, IMAGE_GUIDANCE, INSTRUCTION, STAND_IN_SIDE, STARTER, STARTER_SIDE, STEPS
from tests.bench.studio import Studio
from tests.bench.table import Row, Series

CANDIDATES = 4
# Runs in which a daemon finds out which batches pay: alone, in pairs, in fours, and one that loads the model.
BATCHES_MEASURED = 4
RATIO = 0.8
IDLE_SHARE, IDLE_MS = 0.01, 5.0


async def measure(effort: Effort) -> list[Row]:
    """Runs and scripts take turns; the script is measured as a person starts it, and without its start."""
    flags = ["devices.use=cpu", f"devices.threads={effort.threads}", "log.level=warning"]
    scenes = effort.count(8, 2)
    async with AsyncExitStack() as stack:
        studio = await stack.enter_async_context(Studio(flags))
        grouped = await stack.enter_async_context(Studio([*flags, f"scheduler.batch_limit={CANDIDATES}"]))
        starter = (STARTER / "model_index.json").is_file()
        model = STARTER if starter else await asyncio.to_thread(build, studio.folder / "model")
        side = STARTER_SIDE if starter else STAND_IN_SIDE
        names = await studio.project(scenes, side=side)
        await grouped.project(scenes, side=side)
        source = next((studio.home / "projects/bench/assets").glob("??/??/*.png"))
        await _run(studio, names[:1], model, side, 0)  # loads the model
        for number in range(BATCHES_MEASURED):
            await _run(grouped, names[:1], model, side, number)
        through, together, whole, alone, idle = [], [], [], [], []
        for number in range(1, effort.count(4, 2) + 1):
            seconds, waits = await _run(studio, names, model, side, number)
            through.append(seconds)
            idle += waits
            together.append((await _run(grouped, names, model, side, number))[0])
            from_start, loop = await _script(studio.folder, model, source, scenes, effort.threads)
            whole.append(from_start)
            alone.append(loop)
    what = f"{scenes} scenes × {CANDIDATES} candidates, daemon / plain script"
    pictures = scenes * CANDIDATES
    return [
        _ratio(f"{what}, from its start", through, whole, pictures, RATIO),
        _ratio(f"{what}, model loaded", through, alone, pictures, None),
        _ratio(f"{what}, model loaded, batches that pay", together, alone, pictures, None),
        _idle(Series.of(idle), Series.of(through).median / scenes),
    ]


async def _run(studio: Studio, scenes: list[str], model: Path, side: int, seed: int) -> tuple[float, list[float]]:
    """Seconds of a run, and of the device's waits between its jobs."""
    sampling = Studio.sampling(STEPS, GUIDANCE, IMAGE_GUIDANCE, side)
    async with studio.ends() as ends:
        began = time.perf_counter()
        run = await studio.create_run(
            scenes, INSTRUCTION, model=str(model), candidates=CANDIDATES, seed=seed, sampling=sampling
        )
        ended = await ends.ended(run.name, 900.0)
        await ends.logged(run.name)
    jobs = (await studio.session.runs.ListJobs(run_pb2.ListJobsRequest(parent=run.name, page_size=500))).jobs
    busy = sum(candidate.device_seconds for job in jobs for candidate in job.candidates)
    return ended - began, [max(0.0, ended - began - busy) / len(jobs)]


async def _script(folder: Path, model: Path, source: Path, scenes: int, threads: int) -> tuple[float, float]:
    """Seconds of the script from its start to its end, and of its loop alone."""
    asked = {
        "model": str(model),
        "sources": [str(source)] * scenes,
        "candidates": CANDIDATES,
        "threads": threads,
        "sampling": [STEPS, GUIDANCE, IMAGE_GUIDANCE],
        "instruction": INSTRUCTION,
        "out": str(folder),
    }
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        # Without its own folder on the path, where some names are those of the standard library.
        *("-P", str(Path(__file__).with_name("plain_script.py"))),
        json.dumps(asked),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "OMP_WAIT_POLICY": "passive"},
    )
    answer, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError("The plain script failed.")
    return time.perf_counter() - began, float(answer)


def _ratio(what: str, through: list[float], script: list[float], pictures: int, most: float | None) -> Row:
    ratio = Series.of([a / b for a, b in zip(through, script, strict=True)])
    each = f"{Series.of(through).median / pictures * 1000:.0f} / {Series.of(script).median / pictures * 1000:.0f} ms"
    return Row(
        what,
        "–" if most is None else f"≤ {most}",
        f"{ratio.text('', digits=3).strip()} ({each} a picture)",
        None if most is None else ratio.median <= most,
        {"ratio": ratio.to_dict(), "daemon": through, "script": script},
    )


def _idle(idle: Series, job_seconds: float) -> Row:
    most = max(IDLE_MS, IDLE_SHARE * job_seconds * 1000)
    return Row(
        "device idle between queued jobs of one model",
        f"≤ {IDLE_SHARE:.0%} or {IDLE_MS:g} ms",
        f"{idle.text('ms', 1000, 1)}, {idle.median / job_seconds:.1%} of a job",
        idle.median * 1000 <= most,
        idle.to_dict(),
    )
