"""A daemon that has made a hundred thousand pictures beside one that has made none: the trivial job on both in turns.

The pictures are rows of all tables that a job touches, and files in the store's own folders; the files are empty, since
nothing that is measured reads them.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from pathlib import Path

import apsw
from bullpend.assets.files import Files

from tests.bench.effort import Effort
from tests.bench.studio import Ends, Studio
from tests.bench.table import Row, Series

RATIO = 1.1
JOBS_PER_RUN = 1000


async def measure(effort: Effort) -> list[Row]:
    """Jobs on both take turns; then a run of many on each, in turns."""
    artefacts, rounds, repeats = effort.count(100_000, 5_000), effort.count(150, 30), effort.count(4, 2)
    jobs = effort.count(300, 100)
    single: dict[Studio, list[float]] = {}
    many: dict[Studio, list[float]] = {}
    async with Studio() as full, Studio() as empty:
        scenes = {studio: await studio.project(jobs) for studio in (full, empty)}
        # One job's rows are what the others are made of.
        async with full.ends() as ends:
            await ends.logged((await full.create_run(scenes[full][:1])).name)
        await full.stop()
        await asyncio.to_thread(_fill, full.home, artefacts)
        await full.start()
        async with full.ends() as one, empty.ends() as other:
            both = ((full, one), (empty, other))
            for number in range(rounds + 10):
                for studio, ends in both if number % 2 else both[::-1]:
                    seconds = await _job(studio, ends, scenes[studio], number)
                    if number >= 10:
                        single.setdefault(studio, []).append(seconds)
            for number in range(repeats):
                for studio, ends in both if number % 2 else both[::-1]:
                    run = await studio.create_run([], seed=10_000 + number)
                    began = time.perf_counter()
                    many.setdefault(studio, []).append(jobs / (await ends.ended(run.name) - began))
                    await ends.logged(run.name)
    what = f"{artefacts} artefacts / none"
    crowded, alone = Series.of(single[full]), Series.of(single[empty])
    fast, free = Series.of(many[full]), Series.of(many[empty])
    return [
        Row(
            f"trivial durable job p50, {what}",
            f"≤ {RATIO}",
            f"{crowded.median / alone.median:.2f} ({crowded.median * 1000:.2f} / {alone.median * 1000:.2f} ms)",
            crowded.median / alone.median <= RATIO,
            {"full": crowded.to_dict(), "empty": alone.to_dict()},
        ),
        Row(
            f"seconds of a run of {jobs} jobs, {what}",
            f"≤ {RATIO}",
            f"{free.median / fast.median:.2f} ({fast.median:.0f} / {free.median:.0f} jobs a second)",
            free.median / fast.median <= RATIO,
            {"full": fast.to_dict(), "empty": free.to_dict()},
        ),
    ]


async def _job(studio: Studio, ends: Ends, scenes: list[str], number: int) -> float:
    began = time.perf_counter()
    run = await studio.create_run([scenes[number % len(scenes)]], seed=number)
    ended = await ends.ended(f"{run.name}/jobs/j-001")
    await ends.logged(run.name)
    return ended - began


def _fill(home: Path, artefacts: int) -> None:
    """Writes what so many finished pictures leave behind, by the rows of the one that is there."""
    hashes = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(artefacts)]
    folder = Files(home / "projects").assets("bench")
    for sha256 in hashes:
        place = folder / sha256[:2] / sha256[2:4]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{sha256}.png").touch()
        (place / f"{sha256}.json").touch()
    connection = apsw.Connection(str(home / "bullpen.sqlite3"))
    connection.execute("PRAGMA synchronous=OFF").fetchall()
    connection.execute("CREATE TEMP TABLE made (n INTEGER PRIMARY KEY, sha256 TEXT)").fetchall()
    with connection:
        connection.executemany("INSERT INTO made VALUES (?, ?)", list(enumerate(hashes))).fetchall()
        for table, others in _TABLES.items():
            _copies(connection, table, others)
    connection.close()


# Rows of each table that are made of its newest one: what is another value in each, by column. `n` counts pictures.
_ID, _RUN_ID = "100000 + n", f"100000 + n / {JOBS_PER_RUN} * {JOBS_PER_RUN}"
_RUN = f"'r-' || (9000 + n / {JOBS_PER_RUN}) || '-style'"
_JOB = f"'projects/bench/runs/' || {_RUN} || '/jobs/j-' || (n % {JOBS_PER_RUN})"
_NAME = f"{_JOB} || '/candidates/c-1'"
_SLUG = "substr(made.sha256, 1, 16)"
_TABLES: dict[str, dict[str, str]] = {
    "runs": {"id": _ID, "slug": _RUN},
    # Without its scene: a scene has few pictures.
    "jobs": {"id": _ID, "run_id": _RUN_ID, "name": _JOB, "scene": "''"},
    "candidates": {
        "id": _ID,
        "job_id": _ID,
        "run_id": _RUN_ID,
        "name": _NAME,
        "asset": f"'projects/bench/assets/' || {_SLUG}",
        "accepted": "0",
    },
    "assets": {"id": _ID, "sha256": "made.sha256", "slug": _SLUG},
    "cost_events": {"id": _ID, "key": _NAME, "subject": _NAME},
    "journal": {"revision": _ID, "subject": _NAME},
}


def _copies(connection: apsw.Connection, table: str, others: dict[str, str]) -> None:
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    values = ", ".join(others.get(column, f'first."{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    # A run for each so many pictures.
    where = f"WHERE n % {JOBS_PER_RUN} = 0" if table == "runs" else ""
    key = columns[0]
    connection.execute(
        f"INSERT INTO {table} ({names}) SELECT {values} FROM made, "
        f"(SELECT * FROM {table} ORDER BY {key} DESC LIMIT 1) AS first {where}"
    ).fetchall()
