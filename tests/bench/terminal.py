"""The studio in a terminal of its own: keys, start, memory, and bytes over the line.

Ten thousand rows are the made-up run of `tests.bench.crowd`, on one core; all else is the real program over a real
daemon. A key counts as painted when the row that it leads to stands on the terminal under the cursor's colour.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from pathlib import Path

import psutil

from tests.bench.crowd import panel
from tests.bench.effort import Effort
from tests.bench.pty_child import PtyChild
from tests.bench.studio import PROJECT, Studio
from tests.bench.table import Row, Series

ROWS, RATE = 10_000, 30
KEY_SECONDS, START_SECONDS, MEGABYTES = 0.05, 0.6, 150
REST_BYTES, RUN_BYTES = 200, 60_000
CURSOR = rb"48;2;34;48;58m[^\x1b]*(?:\x1b\[[0-9;]*m[^\x1b]*){0,3}?"
"""The colour of the row under the cursor, then the beginning of the row."""
PICTURES = "scripted: steps=400 step_ms=60 size=256x256"


async def measure(effort: Effort) -> list[Row]:
    """All rows."""
    keys = await asyncio.to_thread(_keys, effort.count(200, 40))
    async with Studio() as studio:
        await studio.project(3, side=256)
        scenes = [f"{PROJECT}/scenes/s{number:04d}" for number in range(1, 4)]
        start = await asyncio.to_thread(_start, studio.home, effort.count(7, 3))
        rest = await asyncio.to_thread(_rest, studio.home, float(effort.count(20, 10)))
        await studio.create_run(scenes, PICTURES)
        run = await asyncio.to_thread(_run, studio.home, float(effort.count(15, 6)))
    return [*keys, *start, *rest, *run]


def _keys(count: int) -> list[Row]:
    """`k`, and letters of a filter, while things happen; the wall clock and the processor's, side by side."""
    chance = random.Random(3)
    seconds, effort = [], []
    command = [sys.executable, "-m", "tests.bench.crowd", "--rows", str(ROWS), "--rate", str(RATE)]
    with PtyChild(command, one_core=True) as child:
        child.until(rb"Harbor Lights")
        child.press("2")
        child.until(rb"r-0009-style")
        child.press("\r")
        child.until(rb"panel-")
        child.read(3.0)
        child.press("G")
        child.until(panel(ROWS)[:-4].encode())
        for number in range(ROWS - 1, ROWS - 1 - count, -1):
            child.read(chance.uniform(0.03, 0.13))
            before, began = child.processor_seconds, time.perf_counter()
            child.press("k")
            seconds.append(child.until(CURSOR + panel(number)[:-4].encode()) - began)
            effort.append(child.processor_seconds - before)
        child.press("/")
        child.read(0.5)
        letters = []
        for at in range(1, 6):
            began = time.perf_counter()
            child.press("panel"[at - 1])
            letters.append(child.until(rb"panel"[at - 1 : at]) - began)
            child.read(0.3)
    wall, used, letter = Series.of(seconds), Series.of(effort), Series.of(letters)
    worst = wall.percentile(95)
    return [
        Row(
            f"key → painted, {ROWS:,} rows, {RATE} events/s, one core, p95",
            f"≤ {KEY_SECONDS * 1000:.0f} ms",
            f"{worst * 1000:.0f} ms, median {wall.median * 1000:.0f}",
            worst <= KEY_SECONDS,
            wall.to_dict(),
        ),
        Row("its processor time, p95", "–", f"{used.percentile(95) * 1000:.0f} ms, median {used.median * 1000:.0f}"),
        Row(
            f"first letters of a filter over {ROWS:,} rows → painted, the slowest",
            f"≤ {KEY_SECONDS * 1000:.0f} ms",
            f"{max(letters) * 1000:.0f} ms",
            max(letters) <= KEY_SECONDS,
            letter.to_dict(),
        ),
    ]


def _bullpen(home: Path) -> list[str]:
    return [sys.executable, "-m", "bullpen_cli", "tui", "--home", str(home), "--graphics", "half"]


def _start(home: Path, count: int) -> list[Row]:
    seconds, used, memory = [], [], []
    for _ in range(count):
        began = time.perf_counter()
        with PtyChild(_bullpen(home)) as child:
            seconds.append(child.until(rb"Bench") - began)
            used.append(child.processor_seconds)
            child.read(2.0)
            memory.append(psutil.Process(child.pid).memory_info().rss / 1e6)
    start, size, effort = Series.of(seconds), Series.of(memory), Series.of(used)
    return [
        Row(
            "studio: start → projects on the screen, running daemon",
            f"≤ {START_SECONDS} s",
            start.text("s"),
            start.median <= START_SECONDS,
            start.to_dict(),
        ),
        Row("its processor time", "–", effort.text("s"), None, effort.to_dict()),
        Row(
            "studio: resident memory",
            f"≤ {MEGABYTES} MB",
            size.text("MB", digits=0),
            max(memory) <= MEGABYTES,
            size.to_dict(),
        ),
    ]


def _rest(home: Path, seconds: float) -> list[Row]:
    """Bytes a second with nothing going on, on the places where figures live."""
    rows = []
    with PtyChild(_bullpen(home)) as child:
        child.until(rb"Bench")
        for key, place in (("1", "projects"), ("6", "metrics"), ("w", "tasks"), ("L", "logs")):
            child.press(key)
            child.read(6.0)  # what is painted once after arriving
            child.output.clear()
            child.read(seconds)
            rate = len(child.output) / seconds
            row = Row(f"bytes a second at rest, {place}", f"≤ {REST_BYTES}", f"{rate:.0f}", rate <= REST_BYTES)
            rows.append(row)
    return rows


def _run(home: Path, seconds: float) -> list[Row]:
    """Bytes a second on the screen of a run whose pictures are drawn as half blocks."""
    rows = []
    for size in ((80, 24), (160, 50)):
        with PtyChild(_bullpen(home), size) as child:
            child.until(rb"Bench")
            child.press("2")
            child.until(rb"running")
            child.press("\r")
            child.until("▰".encode())
            child.read(2.0)
            child.output.clear()
            child.read(seconds)
            rate = len(child.output) / seconds
        what = f"bytes a second of a run with half-block previews, {size[0]}×{size[1]}"
        rows.append(Row(what, f"≤ {RUN_BYTES // 1000} kB", f"{rate / 1000:.1f} kB", rate <= RUN_BYTES))
    return rows
