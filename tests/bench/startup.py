"""Start of the daemon: seconds to serving, resident memory without a worker, and what it has imported."""

from __future__ import annotations

import os
import re
from pathlib import Path

import psutil

from tests.bench.effort import Effort
from tests.bench.studio import SCRIPTED, Studio
from tests.bench.table import Row, Series

SECONDS, MEBIBYTES = 0.5, 100
FORBIDDEN = ("torch", "numpy", "PIL", "diffusers", "transformers")


async def measure(effort: Effort) -> list[Row]:
    """Starts the daemon again and again on one home."""
    seconds, memory = [], []
    async with Studio() as studio:
        for _ in range(effort.count(15, 5)):
            await studio.stop()
            seconds.append(await studio.launch())
            assert not psutil.Process(studio.pid).children(), "a worker runs already"
            memory.append(psutil.Process(studio.pid).memory_info().rss / 2**20)
    start, size = Series.of(seconds), Series.of(memory)
    imported = await _imported()
    found = [name for name in FORBIDDEN if name in imported]
    return [
        Row("daemon start → serving", f"≤ {SECONDS} s", start.text("s"), start.median <= SECONDS, start.to_dict()),
        Row(
            "resident memory without a worker",
            f"≤ {MEBIBYTES} MB",
            size.text("MB", digits=1),
            size.median <= MEBIBYTES,
            size.to_dict(),
        ),
        Row(
            "torch, numpy, PIL in the daemon",
            "none",
            ", ".join(found) or f"none among {len(imported)} packages",
            not found and "bullpend" in imported,
            {"imported": sorted(imported)},
        ),
    ]


async def _imported() -> set[str]:
    """Top-level packages that a real daemon imported while it started, served a run and ended, by its own account."""
    before = os.environ.get("PYTHONPROFILEIMPORTTIME")
    os.environ["PYTHONPROFILEIMPORTTIME"] = "1"
    try:
        async with Studio(SCRIPTED) as studio:
            said = studio.folder / "stderr"
            (scene,) = await studio.project(1)
            async with studio.ends() as ends:
                await ends.ended((await studio.create_run([scene])).name)
            await studio.stop()
            return packages(said)
    finally:
        if before is None:
            del os.environ["PYTHONPROFILEIMPORTTIME"]
        else:
            os.environ["PYTHONPROFILEIMPORTTIME"] = before


def packages(said: Path) -> set[str]:
    """Top-level names in the lines of Python's import profile."""
    lines = said.read_text(encoding="utf-8", errors="replace").splitlines()
    matches = (re.match(r"import time:\s+\d+ \|\s+\d+ \|\s+([\w.]+)$", line) for line in lines)
    return {match.group(1).split(".")[0] for match in matches if match}
