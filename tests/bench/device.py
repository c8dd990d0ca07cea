"""`python -m tests.bench --device cuda --family sdxl`: the engine with a model of real size and random weights.

What holds for the starter is measured where it matters: how fast such a model comes into the device's memory against a
copy of its bytes, a job against the library's own loop over the same networks, its memory. Everything takes turns.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench import shapes
from tests.bench.effort import Effort
from tests.bench.table import Row, Series

STEPS, GUIDANCE = 20, 5.0
RATIO, SHARE = 1.02, 0.85
WORDS = "a pier at night, ink"


def measure(effort: Effort, device: str, family: str, tiny: bool, folder: Path | None = None) -> list[Row]:
    """The rows of one family. `folder` is where the model is built, or lies from a run before."""
    with tempfile.TemporaryDirectory(prefix="bullpen-bench-") as place:
        path = (folder or Path(place)) / f"{family}{'-tiny' if tiny else ''}"
        if not (path / "model_index.json").is_file():
            shapes.build(path, family, device, tiny)
        return _measure(effort, device, family, path, shapes.side(family, tiny))


def _measure(effort: Effort, device: str, family: str, path: Path, side: int) -> list[Row]:
    import torch
    from bullpen_worker.engines.base import Controls, JobSpec, ModelSpec
    from bullpen_worker.engines.torch.engine import TorchEngine

    engine = TorchEngine(device, effort.threads)
    spec = ModelSpec(f"models/{family}", shapes.FAMILIES[family][0], str(path), digest=family)
    first = _timed(device, lambda: engine.load(spec))
    model: Any = first[1]
    source = torch.empty(model.size_bytes, dtype=torch.uint8)
    copies, loads = [], []
    for _ in range(effort.count(5, 2)):
        engine.unload(model)
        del model
        engine.recover()
        target = torch.empty(len(source), dtype=torch.uint8, device=device)
        target.copy_(source)
        copies.append(_timed(device, lambda target=target: target.copy_(source))[0])  # type: ignore[misc]  # bound now
        del target
        engine.recover()
        seconds, model = _timed(device, lambda: engine.load(spec))
        loads.append(seconds)
    order = JobSpec("", WORDS, "", STEPS, side, side, 1, 10**8)

    def own(seed: int) -> None:
        denoising = engine.prepare(model, order).denoise(1, seed, Controls(GUIDANCE, 1.0))
        while next(denoising, None) is not None:
            pass

    def stock(seed: int) -> None:
        model.pipeline(
            WORDS,
            width=side,
            height=side,
            num_inference_steps=STEPS,
            guidance_scale=GUIDANCE,
            generator=torch.Generator("cpu").manual_seed(seed),
        )

    engine.watch()
    own(0)
    taken = engine.taken()
    stock(0)
    alone, through = [], []
    for seed in range(1, effort.count(8, 2) + 1):
        alone.append(_timed(device, lambda seed=seed: stock(seed))[0])  # type: ignore[misc]  # bound now
        through.append(_timed(device, lambda seed=seed: own(seed))[0])  # type: ignore[misc]  # bound now
    share = Series.of([copy / load for copy, load in zip(copies, loads, strict=True)])
    ratio = Series.of([a / b for a, b in zip(through, alone, strict=True)])
    title = engine.info().device_title
    return [
        Row(
            f"{family} on {title}: comes back from the page cache, speed against a copy of its bytes",
            f"≥ {SHARE}",
            f"{share.text('').strip()}, {len(source) >> 20} MB in {Series.of(loads).text('s')}, "
            f"the first time {first[0]:.2f}",
            share.median >= SHARE,
            {"share": share.to_dict(), "loads": Series.of(loads).to_dict(), "copies": Series.of(copies).to_dict()},
        ),
        Row(
            f"{family}: {STEPS} steps of {side}×{side}, engine / the library's loop",
            f"≤ {RATIO}",
            f"{ratio.text('', digits=3).strip()}, {Series.of(through).median / STEPS * 1000:.1f} ms a step",
            ratio.median <= RATIO,
            {"ratio": ratio.to_dict(), "engine": through, "stock": alone},
        ),
        Row(
            f"{family}: memory of the weights, of the work on a picture",
            "–",
            f"{model.size_bytes >> 20} MB, {taken >> 20} MB",
            None,
            {"weights": model.size_bytes, "work": taken},
        ),
    ]


def _timed(device: str, work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds until the device is done, and what came of it."""
    import torch

    def settled() -> None:
        if device.startswith("cuda"):
            torch.cuda.synchronize(device)

    settled()
    began = time.perf_counter()
    result = work()
    settled()
    return time.perf_counter() - began, result
