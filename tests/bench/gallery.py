"""A gallery of a million assets: searches, the pages after them, jumps to the end and to a position, and the memory.

The store is filled with rows as runs make them (`tests/support/gallery.py`), with their facts and words. Everything is
asked over the socket, in turns with the bare read of a hundred rows by their ids from the same file, which is the least
that a page can take.
"""

from __future__ import annotations

import itertools
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

import apsw
import psutil
from bullpen_api.v1 import asset_pb2
from bullpend.clock import SystemClock
from bullpend.db import Database

from tests.bench.effort import Effort
from tests.bench.studio import Studio
from tests.bench.table import Row, Series
from tests.support import gallery

MOST_MS, MOST_GROWTH = 50.0, 48 * 1024 * 1024
MANY, FEW, AT_ONCE, PAGE = 1_000_000, 20_000, 20_000, 100
PARENT = f"projects/{gallery.PROJECT}"
SEARCHES = (
    "",
    "rain",
    "rain character:mara stage:weather rating:>3 model:starter date:2026-11",
    "-draft",
    '"clear sky at"',
    "harbour rating:5 tag:cover",
    "harbour stage:time rating:>0",
    "drizzle stage:weather kind:post",
    "word17 pier",
    "run:r-00100",
    "date:2026-03..2026-06 rating:>2",
    "rain fog",
    "character:mara character:otto -model:starter",
    "is:accepted rain stage:time",
    "rain OR fog -is:rejected",
    "(drizzle stage:weather) OR rating:5",
)


async def measure(effort: Effort) -> list[Row]:
    """Each kind of call over all searches, in turns; then many searches, and what the daemon's memory grows by."""
    count, rounds = effort.count(MANY, FEW), effort.count(8, 3)
    async with Studio() as studio:
        await studio.stop()
        await fill(studio.home / "bullpen.sqlite3", count)
        await studio.start()
        process, dice = psutil.Process(studio.pid), random.Random(1)
        bare = _bare(studio.home / "bullpen.sqlite3", count)
        took: dict[str, list[float]] = {name: [] for name in ("search", "page", "end", "position", "count", "bare")}
        for number, text in itertools.product(range(rounds), SEARCHES):
            first = await _list(studio, took["search"], text)
            if first.next_page_token:
                await _list(studio, took["page"], text, page_token=first.next_page_token)
            await _list(studio, took["end"], text, from_end=True)
            began = time.perf_counter()
            request = asset_pb2.SummarizeAssetsRequest(parent=PARENT, filter=text)
            total = (await studio.session.assets.SummarizeAssets(request)).total_size
            took["count"].append(time.perf_counter() - began)
            await _list(studio, took["position"], text, skip=dice.randrange(max(total, 1)))
            began = time.perf_counter()
            bare(dice.randrange(PAGE, count))
            took["bare"].append(time.perf_counter() - began)
            if number == 0 and text == SEARCHES[-1]:
                before = process.memory_info().rss
        for number in range(effort.count(400, 50)):
            text = f"word{number} {dice.choice(gallery.WEATHERS).split()[0]} rating:>{dice.randrange(5)}"
            await _list(studio, [], text, skip=dice.randrange(50))
        grown = process.memory_info().rss - before
    return _rows(count, {name: Series.of(values) for name, values in took.items()}, grown)


def _rows(count: int, took: dict[str, Series], grown: int) -> list[Row]:
    what = {
        "search": f"a search among {count:,} assets, first page of {PAGE}",
        "page": "  the next page",
        "end": "  the last page",
        "position": "  a page at a position, after the count",
    }
    rows = []
    for name, words in what.items():
        worst = took[name].percentile(95) * 1000
        ratio = took[name].median / took["bare"].median
        text = f"p95 {worst:.1f} ms; {took[name].text('ms', 1000, 1)}; {ratio:.1f} × a bare read"
        rows.append(Row(words, f"p95 ≤ {MOST_MS:.0f} ms", text, worst <= MOST_MS, took[name].to_dict()))
    rows.append(Row("  count and facets", "", took["count"].text("ms", 1000, 1), None, took["count"].to_dict()))
    rows.append(
        Row("  a bare indexed read of 100 rows", "", took["bare"].text("ms", 1000, 2), None, took["bare"].to_dict())
    )
    growth = f"{grown / 2**20:.1f} MB more"
    target = f"≤ {MOST_GROWTH / 2**20:.0f} MB more"
    rows.append(
        Row("  memory of the daemon after 400 searches", target, growth, grown <= MOST_GROWTH, {"grown": grown})
    )
    return rows


async def fill(path: Path, count: int) -> None:
    """Writes the assets into a store that no daemon serves."""
    database = Database.open(path, SystemClock(), lambda _: None)
    await database.write(gallery.add_project)
    for first in range(1, count + 1, AT_ONCE):
        size = min(AT_ONCE, count - first + 1)
        await database.write(lambda tx: gallery.fill(tx, size, seed=first, first=first))  # noqa: B023 -- awaited at once
        sys.stderr.write(f"\r{first + size - 1:,} of {count:,} assets written")
    sys.stderr.write("\n")
    database.close()


async def _list(studio: Studio, took: list[float], text: str, **more: object) -> asset_pb2.ListAssetsResponse:
    request = asset_pb2.ListAssetsRequest(parent=PARENT, filter=text, page_size=PAGE, **more)  # type: ignore[arg-type]
    began = time.perf_counter()
    answer = await studio.session.assets.ListAssets(request)
    took.append(time.perf_counter() - began)
    return answer


def _bare(path: Path, count: int) -> Callable[[int], list[tuple[object, ...]]]:
    """Reads a hundred rows below an id."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    sql = "SELECT * FROM assets WHERE id < ? ORDER BY id DESC LIMIT 100"
    return lambda below: list(connection.execute(sql, (min(below, count),)))
