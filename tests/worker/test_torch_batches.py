"""Batches of the torch engine on a tiny random pipeline: nearly the pictures of each alone, and to the bit those of
their place, whatever stands beside them.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bullpen_worker.engines.base import BatchedJob, Controls, JobSpec, ModelSpec, Picture, Step
from bullpen_worker.engines.torch.engine import TorchEngine

from tests.support.tiny_pipeline import FAMILY, SIZE

STEPS = 4


@pytest.fixture(scope="module")
def engine(one_thread: None) -> TorchEngine:
    return TorchEngine("cpu", 1)


def together(job: Any, seeds: tuple[int, ...], scale: float) -> list[Picture]:
    """The pictures of a batch."""
    assert isinstance(job, BatchedJob)
    denoising: Generator[Step, None, list[Picture]] = job.denoise_together(seeds, Controls(scale, 1.5))
    steps = 0
    while True:
        try:
            step = next(denoising)
        except StopIteration as stop:
            assert steps >= STEPS
            pictures: list[Picture] = stop.value
            return pictures
        steps += 1
        if step.preview is not None:
            assert step.preview() is not None


def apart(one: Picture, other: Picture) -> int:
    """The largest difference of two pictures, of 255."""
    first, second = (np.frombuffer(picture.rgb, np.uint8).astype(int) for picture in (one, other))
    return int(np.abs(first - second).max())


@pytest.mark.parametrize("scale", [1.0, 7.5])
@pytest.mark.parametrize("which", ["tiny_model", "noisy_model", "stateful_model"])
def test_a_batch_is_as_good_as_each_alone_and_depends_on_nothing_beside(
    engine: TorchEngine, request: pytest.FixtureRequest, picture: Path, scale: float, which: str
) -> None:
    """Also with schedulers that draw noise at each step, or remember earlier ones, with and without guidance."""
    model = engine.load(ModelSpec(f"models/{which}", FAMILY, str(request.getfixturevalue(which))))
    job = engine.prepare(model, JobSpec(str(picture), "make it night", "ugly", STEPS, SIZE, SIZE, 1, 10**6))
    batch = together(job, (3, 4), scale)
    (first,), (second,) = together(job, (3,), scale), together(job, (4,), scale)
    assert apart(batch[0], first) <= 1
    assert apart(batch[1], second) <= 1
    assert apart(first, second) > 5, "otherwise this would prove nothing"
    again = together(job, (0, 4), scale)
    assert again[1].rgb == batch[1].rgb
