"""A long life of one daemon: ten thousand jobs, then a thousand workers that die. Nothing it holds may grow with age.

Memory, open files, threads and tasks are read again and again, of the daemon by its own metrics and by the system, of
its workers by the system. What is compared is the second half of the life: caches and pools are full by then.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil
from bullpen_api.v1 import run_pb2, system_pb2

from tests.bench.effort import Effort
from tests.bench.studio import SCRIPTED, TRIVIAL, Studio
from tests.bench.table import Row

MB = 1 << 20
# By how much a figure of the last quarter may exceed that of the second: what an allocator, a cache of the database or
# a hiccup of a busy machine makes is no leak. Ten thousand jobs that leaked a kilobyte each would be ten megabytes.
GROWTH = {"memory": 8 * MB, "descriptors": 3, "threads": 2, "tasks": 3, "workers": 8 * MB, "workers_descriptors": 3}
JOBS_OF_A_RUN = 100
# Each device loses its worker in the first attempt of each job, and is started again for the second.
DYING = "scripted: steps=1 size=8x8 crash_at=1 faults_until=1"
DEVICES = 4


@dataclass(frozen=True, slots=True)
class Reading:
    """What the daemon and its workers hold at one moment, after so many jobs; memory in bytes."""

    jobs: int
    memory: int
    descriptors: int
    threads: int
    tasks: int
    # The mean of the processes that live now: how many there are changes.
    workers: int
    workers_descriptors: int


def growth(readings: Sequence[Reading], figure: str) -> float:
    """By how much the median of the last quarter exceeds that of the second quarter."""
    values = [float(getattr(reading, figure)) for reading in readings]
    assert len(values) >= 8, "too few readings to tell growth from noise"
    quarter = len(values) // 4
    return statistics.median(values[-quarter:]) - statistics.median(values[quarter : 2 * quarter])


def leaks(readings: Sequence[Reading]) -> dict[str, float]:
    """The figures that grew with age, by how much."""
    found = {figure: growth(readings, figure) for figure in GROWTH}
    return {figure: more for figure, more in found.items() if more > GROWTH[figure]}


async def measure(effort: Effort) -> list[Row]:
    """Two lives, on daemons of their own."""
    return [*await measure_jobs(effort), *await measure_restarts(effort)]


async def measure_jobs(effort: Effort) -> list[Row]:
    """A life of ten thousand jobs."""
    jobs = effort.count(10_000, 1_000)
    async with Studio() as studio:
        began = time.perf_counter()
        readings, _ = await live(studio, jobs, TRIVIAL)
        took = time.perf_counter() - began
    return _rows(f"{jobs} jobs in {took:.0f} s", readings)


async def measure_restarts(effort: Effort) -> list[Row]:
    """A life in which a thousand workers die."""
    restarts = effort.count(1_000, 60)
    devices = ",".join(["scripted", *(f"scripted:{number}" for number in range(2, DEVICES + 1))])
    async with Studio((*SCRIPTED, f"devices.use={devices}")) as studio:
        began = time.perf_counter()
        readings, died = await live(studio, restarts, DYING)
        took = time.perf_counter() - began
    assert died >= restarts, f"{died} workers died, not {restarts}"
    return _rows(f"{died} workers lost and started again in {took:.0f} s", readings)


async def live(studio: Studio, jobs: int, instruction: str) -> tuple[list[Reading], int]:
    """So many jobs, run after run; a reading after each, when nothing is under way. Also how many workers died."""
    size = min(JOBS_OF_A_RUN, max(1, jobs // 16))
    scenes = await studio.project(size)
    readings: list[Reading] = []
    died = 0
    async with studio.ends() as ends:
        for number, done in enumerate(range(size, jobs + size, size), 1):
            run = await studio.create_run(scenes, instruction, seed=number)
            await ends.ended(run.name, 1800.0)
            await ends.logged(run.name, 600.0)
            died += await _attempts(studio, run)
            ends.events.clear()
            readings.append(await read(studio, done))
            # A life that is cut has said so much.
            sys.stderr.write(f"{readings[-1]}, {died} workers died\n")
    return readings, died


async def read(studio: Studio, jobs: int) -> Reading:
    """A reading now."""
    own = await studio.session.system.GetMetrics(system_pb2.GetMetricsRequest())
    workers = [held for child in psutil.Process(studio.pid).children() if (held := _held(child)) is not None]
    return Reading(
        jobs,
        own.daemon_memory_bytes,
        own.daemon_descriptors,
        own.daemon_threads,
        own.daemon_tasks,
        _mean(workers, lambda held: held[0]),
        _mean(workers, lambda held: held[1]),
    )


def _held(process: psutil.Process) -> tuple[int, int] | None:
    try:
        return process.memory_info().rss, process.num_fds()
    except psutil.Error:
        return None


def _mean(held: Sequence[tuple[int, int]], pick: Callable[[tuple[int, int]], int]) -> int:
    return round(statistics.mean([pick(each) for each in held])) if held else 0


async def _attempts(studio: Studio, run: run_pb2.Run) -> int:
    """How many attempts of a run's jobs were lost."""
    request = run_pb2.ListJobsRequest(parent=run.name, page_size=500)
    return sum(job.attempt - 1 for job in (await studio.session.runs.ListJobs(request)).jobs)


def _rows(what: str, readings: Sequence[Reading]) -> list[Row]:
    grown = {figure: growth(readings, figure) for figure in GROWTH}
    leaking = leaks(readings)
    values = {"growth": grown, "readings": [[getattr(r, name) for name in Reading.__slots__] for r in readings]}

    def words(memory: str, rest: Sequence[str]) -> str:
        figures = [f"memory {grown[memory] / MB:+.1f} MB of {getattr(readings[-1], memory) / MB:.0f}"]
        return ", ".join([*figures, *(f"{name.rsplit('_')[-1]} {grown[name]:+.0f}" for name in rest)])

    return [
        Row(
            f"{what}: growth of the daemon",
            f"≤ {GROWTH['memory'] // MB} MB, 3 files, 2 threads, 3 tasks",
            words("memory", ("descriptors", "threads", "tasks")),
            not leaking.keys() & {"memory", "descriptors", "threads", "tasks"},
            values,
        ),
        Row(
            "  growth of a worker",
            f"≤ {GROWTH['workers'] // MB} MB, 3 files",
            words("workers", ("workers_descriptors",)),
            not leaking.keys() & {"workers", "workers_descriptors"},
        ),
    ]
