"""The trivial durable job: one step, 8×8 pixels, through every part of the daemon, beside what it needs at least: its
fsyncs, and two messages of a bare gRPC server. And how long a device waits between jobs of 50 ms.
"""

from __future__ import annotations

import asyncio
import os
import time

from bullpen_api.v1 import run_pb2

from tests.bench import fsyncs
from tests.bench.bare_grpc import Bare
from tests.bench.effort import Effort
from tests.bench.studio import Ends, Studio
from tests.bench.table import Row, Series

P50_MS, JOBS_PER_SECOND = 2.5, 600.0
IDLE_JOBS, IDLE_SCRIPT, IDLE_MS = 40, "scripted: steps=5 step_ms=10 size=8x8", 5.0
# Pictures that one run takes at most with the settings as they are shipped.
SHIPPED_LIMIT = 20


async def measure(effort: Effort) -> list[Row]:
    """Single jobs one after the other, then many at once, in one run and in many."""
    latency = await _latency(effort)
    return [*latency, *await _throughput(effort), await _idle(effort)]


async def _latency(effort: Effort) -> list[Row]:
    """Jobs and bare fsyncs take turns, so that both meet the same machine."""
    rounds, warm_up = effort.count(200, 40), 10
    done: list[float] = []
    accepted: list[float] = []
    bare: list[float] = []
    empty: list[float] = []
    async with Studio() as studio, Bare(studio.folder / "wire") as wire:
        scenes = await studio.project(1)
        disk = fsyncs.Bare(studio.folder / "bare")
        async with studio.ends() as ends:
            for number in range(rounds + warm_up):
                submitted = time.perf_counter()
                run = await studio.create_run(scenes, seed=number)
                answered = time.perf_counter()
                ended = await ends.ended(f"{run.name}/jobs/j-001")
                # The log and the sheet of the run belong to it, not to the next one.
                await ends.logged(run.name)
                share, call = disk.job(), await wire.echo(b"")
                if number >= warm_up:
                    done.append(ended - submitted)
                    accepted.append(answered - submitted)
                    bare.append(share)
                    empty.append(call)
    job, disk_share, answer = Series.of(done), Series.of(bare), Series.of(accepted)
    nothing = Series.of(empty)
    # What a call and a word of its end take on the way, and the disk.
    least = 2 * nothing.median + disk_share.median
    return [
        Row(
            "trivial durable job, submit → done, p50",
            f"≤ {P50_MS} ms",
            f"{job.text('ms', 1000)}; {job.median / least:.1f} times its fsyncs and two bare calls",
            job.median * 1000 <= P50_MS,
            {"job": job.to_dict(), "times_least": job.median / least, "p99_ms": job.percentile(99) * 1000},
        ),
        Row("  its fsyncs alone", "", disk_share.text("ms", 1000), None, disk_share.to_dict()),
        Row("  a bare call", "", nothing.text("ms", 1000), None, nothing.to_dict()),
        Row("  of it until CreateRun answers", "", answer.text("ms", 1000), None, answer.to_dict()),
    ]


async def _throughput(effort: Effort) -> list[Row]:
    jobs, repeats = effort.count(600, 200), effort.count(5, 2)
    one_run, many_runs, many_calls = [], [], []
    spent: list[dict[str, float]] = []
    async with Studio() as studio:
        scenes = await studio.project(jobs)
        async with studio.ends() as ends:
            await ends.ended((await studio.create_run(scenes[:SHIPPED_LIMIT])).name)
            for number in range(repeats):
                before = studio.processor_seconds()
                one_run.append(await _one_run(studio, ends, jobs, number))
                after = studio.processor_seconds()
                spent.append({who: (after[who] - before[who]) / jobs for who in after})
                many_runs.append(await _many_runs(studio, ends, scenes, SHIPPED_LIMIT, number))
                many_calls.append(await _many_runs(studio, ends, scenes[: jobs // 3], 1, number))
    each = {who: Series.of([one[who] for one in spent]).median * 1000 for who in spent[0]}
    cores, whole = len(os.sched_getaffinity(0)), sum(each.values())
    rows = [
        Row(
            "  processor time of one of them",
            "",
            f"{', '.join(f'{who} {ms:.1f}' for who, ms in each.items())} ms: {cores} cores have room for "
            f"{cores * 1000 / whole:.0f}/s",
            None,
            each,
        )
    ]
    for what, values, target in (
        (f"jobs a second, {jobs} jobs in one run", one_run, True),
        (f"jobs a second, runs of {SHIPPED_LIMIT}", many_runs, True),
        ("jobs a second, a run for each, with log and sheet", many_calls, False),
    ):
        rate = Series.of(values)
        rows.append(
            Row(
                what,
                f"≥ {JOBS_PER_SECOND:.0f}/s" if target else "",
                rate.text("/s", digits=0),
                rate.median >= JOBS_PER_SECOND if target else None,
                rate.to_dict(),
            )
        )
    return rows


async def _idle(effort: Effort) -> Row:
    """What a run takes beyond the seconds of its device, for each job; its first order and last picture included."""
    waits: list[float] = []
    async with Studio() as studio:
        await studio.project(IDLE_JOBS)
        async with studio.ends() as ends:
            for number in range(effort.count(6, 2) + 1):
                run = await studio.create_run([], IDLE_SCRIPT, seed=number)
                began = await ends.first(run.name, "job.started")
                ended = await ends.ended(run.name)
                request = run_pb2.ListJobsRequest(parent=run.name, page_size=500)
                jobs = (await studio.session.runs.ListJobs(request)).jobs
                busy = sum(candidate.device_seconds for job in jobs for candidate in job.candidates)
                # The first run starts the workers.
                waits += [max(0.0, ended - began - busy) / len(jobs)] if number else []
    idle = Series.of(waits)
    return Row(
        "device idle between jobs of 50 ms",
        f"≤ {IDLE_MS:.0f} ms",
        f"{idle.text('ms', 1000)} a job",
        idle.median * 1000 <= IDLE_MS,
        idle.to_dict(),
    )


async def _one_run(studio: Studio, ends: Ends, jobs: int, number: int) -> float:
    """Jobs a second from the answer of CreateRun to the end of the run, over all scenes of the project."""
    run = await studio.create_run([], seed=1000 + number)
    began = time.perf_counter()
    ended = await ends.ended(run.name)
    await ends.logged(run.name)
    return jobs / (ended - began)


async def _many_runs(studio: Studio, ends: Ends, scenes: list[str], size: int, number: int) -> float:
    """Jobs a second from the first call to the last job's end, for many concurrent CreateRun calls."""
    parts = [scenes[at : at + size] for at in range(0, len(scenes), size)]
    began = time.perf_counter()
    runs = await asyncio.gather(*(studio.create_run(part, seed=5000 + number * 31 + size) for part in parts))
    ended = max([await ends.ended(run.name) for run in runs])
    for run in runs:
        await ends.logged(run.name)
    return len(scenes) / (ended - began)
