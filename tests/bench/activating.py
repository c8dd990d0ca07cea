"""In a process of its own: a model from the page cache into memory against a copy of the same bytes, and the time from
an order for a model that is there to its first step. Argument: JSON; writes JSON.

Processor time of the thread that does it: what other programs take meanwhile is not counted, and here nothing waits.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from bullpen_worker.engines.base import Controls, JobSpec, ModelSpec
from bullpen_worker.engines.torch.engine import TorchEngine, TorchModel


def main() -> None:
    """Measures as the argument says: models' folders, a source picture, threads, repetitions."""
    asked = json.loads(sys.argv[1])
    torch.set_num_threads(asked["threads"])
    engine = TorchEngine("cpu", asked["threads"])
    told = {
        "activations": [_activation(engine, Path(folder), asked["count"]) for folder in asked["large"]],
        "first_step": _first_step(engine, asked, asked["count"]),
    }
    sys.stdout.write(json.dumps(told) + "\n")


def _activation(engine: TorchEngine, folder: Path, count: int) -> dict[str, Any]:
    """A model that was here comes back into warm memory, as in a swap; copies of its bytes take turns with it."""
    spec = ModelSpec(f"models/{folder.name}", "instruct-pix2pix", str(folder), digest=folder.name)
    began = time.thread_time()
    model = engine.load(spec)
    first = time.thread_time() - began
    source, target = (torch.ones(model.size_bytes, dtype=torch.uint8) for _ in range(2))
    copies, activations = [], []
    for _ in range(count):
        engine.unload(model)
        began = time.thread_time()
        target.copy_(source)
        copies.append(time.thread_time() - began)
        began = time.thread_time()
        model = engine.load(spec)
        activations.append(time.thread_time() - began)
    engine.unload(model)
    return {"bytes": model.size_bytes, "copies": copies, "activations": activations, "first": first}


class _Begun(Exception):
    """The first step was about to be computed."""


def _first_step(engine: TorchEngine, asked: dict[str, Any], count: int) -> dict[str, Any]:
    """From an order of the engine to the first call of the UNet, for a scene that is known and for a new text."""
    model = engine.load(ModelSpec("models/small", "instruct-pix2pix", asked["small"]))
    known: list[float] = []
    new: list[float] = []
    for number in range(count + 1):
        for text, series in (("the same words", known), (f"words of job {number}", new)):
            began = time.thread_time()
            _until_first_step(engine, model, asked, text)
            if number:
                series.append(time.thread_time() - began)
    return {"known": known, "new": new}


def _until_first_step(engine: TorchEngine, model: TorchModel, asked: dict[str, Any], text: str) -> None:
    def begun(*_: Any) -> None:
        raise _Begun

    hook = model.pipeline.unet.register_forward_pre_hook(begun)
    side = asked["side"]
    order = JobSpec(asked["source"], text, "", 20, side, side, 1, 10**7)
    try:
        next(engine.prepare(model, order).denoise(1, 1, Controls(5.0, 1.5)))
    except _Begun:
        return
    finally:
        hook.remove()


if __name__ == "__main__":
    main()
