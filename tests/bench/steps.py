"""Jobs of twenty steps through the daemon, against the stock pipeline in a loop of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from bullpen_api.v1 import run_pb2

from tests.bench.effort import Effort
from tests.bench.stand_in import build
from tests.bench.studio import ROOT, Studio
from tests.bench.table import Row, Series

STARTER = ROOT / "starter/src/bullpen_starter/models/starter-edit"
RATIO = 1.02
STEPS, GUIDANCE, IMAGE_GUIDANCE = 20, 5.0, 1.5
# Pixels a side that the starter works at, and the stand-in.
STARTER_SIDE, STAND_IN_SIDE = 128, 64
INSTRUCTION = "Redraw this panel in ink style."


async def measure(effort: Effort) -> list[Row]:
    """The bare loop, a daemon with previews and one without take turns, job by job."""
    flags = ["devices.use=cpu", f"devices.threads={effort.threads}", "log.level=warning"]
    async with AsyncExitStack() as stack:
        shown = await stack.enter_async_context(Studio(flags))
        unseen = await stack.enter_async_context(Studio([*flags, "previews.enabled=false"]))
        model = STARTER if (STARTER / "model_index.json").is_file() else build(shown.folder / "model")
        side = STARTER_SIDE if model == STARTER else STAND_IN_SIDE
        sampling = Studio.sampling(STEPS, GUIDANCE, IMAGE_GUIDANCE, side)
        cases = (
            (f"{STEPS} steps, 1 candidate", shown, 1),
            (f"{STEPS} steps, 4 candidates", shown, 4),
            (f"{STEPS} steps, 4 candidates, previews off", unseen, 4),
        )
        scenes = {studio: await studio.project(1, side=side) for studio in (shown, unseen)}
        source = next((shown.home / "projects/bench/assets").glob("??/??/*.png"))
        bare = await stack.enter_async_context(BareLoop(model, source, effort.threads))
        for studio in (shown, unseen):
            await _through(studio, scenes[studio], str(model), sampling, 1, 0)  # loads the model
        await bare.make([0])
        alone: dict[str, list[float]] = {what: [] for what, *_ in cases}
        through: dict[str, list[float]] = {what: [] for what, *_ in cases}
        for number in range(1, effort.count(12, 4) + 1):
            for what, studio, candidates in cases:
                alone[what].append(await bare.make(list(range(number, number + candidates))))
                through[what].append(await _through(studio, scenes[studio], str(model), sampling, candidates, number))
        return [
            _row(what, candidates, Series.of(alone[what]), Series.of(through[what]), model == STARTER)
            for what, _, candidates in cases
        ]


def _row(what: str, candidates: int, alone: Series, through: Series, starter: bool) -> Row:
    # Neighbours in time meet the same machine; medians of all may not.
    pairs = list(zip(through.values, alone.values, strict=True))
    ratio, more = Series.of([a / b for a, b in pairs]), Series.of([(a - b) * 1000 for a, b in pairs])
    of = f"{through.median * 1000:.0f} / {alone.median * 1000:.0f} ms"
    return Row(
        f"{what}, daemon / bare loop" + ("" if starter else " (stand-in)"),
        f"≤ {RATIO}",
        f"{ratio.text('', digits=3).strip()}, {more.median:+.0f} ms a job ({of})",
        ratio.median <= RATIO,
        {
            "candidates": candidates,
            "ratio_of_pairs": ratio.to_dict(),
            "overhead_ms": more.to_dict(),
            "daemon": through.to_dict(),
            "bare": alone.to_dict(),
        },
    )


async def _through(
    studio: Studio,
    scenes: Sequence[str],
    model: str,
    sampling: run_pb2.SamplingParameters,
    candidates: int,
    seed: int,
) -> float:
    """Seconds from the call of CreateRun to the end of the run, durable and told."""
    async with studio.ends() as ends:
        began = time.perf_counter()
        run = await studio.create_run(
            scenes, INSTRUCTION, model=model, candidates=candidates, seed=seed, sampling=sampling
        )
        ended = await ends.ended(run.name)
        await ends.logged(run.name)
    return ended - began


class BareLoop:
    """A process that runs the stock pipeline, and nothing else. Use it as `async with`."""

    def __init__(self, model: Path, source: Path, threads: int) -> None:
        self._words = (str(model), str(source), str(threads), INSTRUCTION)
        self._numbers = json.dumps([STEPS, GUIDANCE, IMAGE_GUIDANCE])
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-P", str(Path(__file__).with_name("bare_loop.py"))),
            *self._words,
            self._numbers,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "OMP_WAIT_POLICY": "passive"},
        )
        return self

    async def make(self, seeds: list[int]) -> float:
        """Seconds that a picture for each seed took."""
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(seeds).encode() + b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("The bare loop ended.")
        return float(line)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.kill()
        await self._process.wait()
