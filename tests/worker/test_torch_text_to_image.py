"""Pictures from text on the torch engine: the stock pipeline's pixels, stoppable and repeatable."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import pytest
from bullpen_worker.engines.base import MAX_PREVIEW_BYTES, Controls, JobSpec, ModelSpec, Picture, Step
from bullpen_worker.engines.torch.engine import TorchEngine, TorchModel

from tests.support.tiny_pipeline import SIZE, TEXT_FAMILY, build_tiny_pipeline

STEPS = 4


@pytest.fixture(scope="module")
def engine(one_thread: None) -> TorchEngine:
    return TorchEngine("cpu", 1)


@pytest.fixture(scope="module", params=["ddim", "ddpm", "pndm"])
def model(engine: TorchEngine, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TorchModel:
    """A tiny model, also with schedulers that draw noise or remember."""
    folder = build_tiny_pipeline(
        tmp_path_factory.mktemp("m") / request.param, scheduler=request.param, family=TEXT_FAMILY
    )
    return engine.load(ModelSpec("models/tiny-text", TEXT_FAMILY, str(folder)))


def spec(**changes: Any) -> JobSpec:
    values: dict[str, Any] = {"prompt": "a pier at night", "negative_prompt": "", "attempt": 1, "max_pixels": 10**6}
    return JobSpec(**{"source_path": "", "steps": STEPS, "width": SIZE, "height": SIZE, **values, **changes})


def finish(denoising: Generator[Step, None, Picture]) -> Picture:
    while True:
        try:
            next(denoising)
        except StopIteration as stop:
            picture: Picture = stop.value
            return picture


def make(engine: TorchEngine, model: TorchModel, seed: int = 3, scale: float = 1.0, **changes: Any) -> Picture:
    return finish(engine.prepare(model, spec(**changes)).denoise(1, seed, Controls(scale, 1.0)))


@pytest.mark.parametrize("scale", [1.0, 7.5])
@pytest.mark.parametrize("negative", ["", "rain"])
def test_the_pixels_are_those_of_the_stock_pipeline(
    engine: TorchEngine, model: TorchModel, scale: float, negative: str
) -> None:
    """With and without guidance and a negative text, also where the sides differ: equal to the bit."""
    import torch

    ours = make(engine, model, scale=scale, negative_prompt=negative, width=2 * SIZE)
    stock = model.pipeline(
        "a pier at night",
        num_inference_steps=STEPS,
        guidance_scale=scale,
        negative_prompt=negative,
        width=2 * SIZE,
        height=SIZE,
        generator=torch.Generator("cpu").manual_seed(3),
    ).images[0]
    assert (ours.width, ours.height) == (2 * SIZE, SIZE)
    assert ours.rgb == stock.tobytes()
    assert np.asarray(stock).std() > 5


def test_what_is_asked_for_matters_and_a_stop_does_not(engine: TorchEngine, model: TorchModel) -> None:
    """Seed, text, guidance and negative text give other pictures; a canceled one changes nothing in the next."""
    ways: list[dict[str, Any]] = [
        {"scale": 5.0},
        {"scale": 5.0, "seed": 4},
        {"scale": 9.0},
        {"scale": 5.0, "prompt": "a market"},
        {"scale": 5.0, "negative_prompt": "rain"},
    ]
    made = [make(engine, model, **way).rgb for way in ways]
    assert len(set(made)) == len(ways)
    stopped = engine.prepare(model, spec()).denoise(1, 9, Controls(5.0, 1.0))
    step = next(stopped)
    assert step.preview is not None
    preview = step.preview()
    assert preview is not None
    assert 0 < len(preview.image) <= MAX_PREVIEW_BYTES
    stopped.close()
    assert make(engine, model, **ways[0]).rgb == made[0]


def test_guidance_may_begin_and_end_on_the_way(engine: TorchEngine, model: TorchModel) -> None:
    """Across the point where it takes two passes a step; the picture is one of its own, and repeats."""

    def changed(first: float, then: float) -> bytes:
        controls = Controls(first, 1.0)
        denoising = engine.prepare(model, spec()).denoise(1, 3, controls)
        next(denoising)
        controls.guidance_scale = then
        return finish(denoising).rgb

    up, down = changed(1.0, 6.0), changed(6.0, 1.0)
    assert (changed(1.0, 6.0), changed(6.0, 1.0)) == (up, down)
    assert len({up, down, make(engine, model).rgb, make(engine, model, scale=6.0).rgb}) == 4
