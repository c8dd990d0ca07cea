"""The torch engine on a tiny random pipeline: the stock pipeline's pixels, repeatable whatever happened before."""

from __future__ import annotations

import io
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bullpen_worker.engines.base import MAX_PREVIEW_BYTES, Controls, JobSpec, ModelSpec, Picture, Step
from bullpen_worker.engines.torch.engine import TorchEngine, TorchModel
from bullpen_worker.failures import WorkerError
from PIL import Image

from tests.support.tiny_pipeline import FAMILY, SIZE
from tests.worker.conftest import drawing

STEPS = 4


@pytest.fixture(scope="module")
def engine(one_thread: None) -> TorchEngine:
    return TorchEngine("cpu", 1)


@pytest.fixture(scope="module")
def model(engine: TorchEngine, tiny_model: Path) -> TorchModel:
    return engine.load(ModelSpec("models/tiny", FAMILY, str(tiny_model)))


@pytest.fixture(scope="module")
def noisy(engine: TorchEngine, noisy_model: Path) -> TorchModel:
    return engine.load(ModelSpec("models/noisy", FAMILY, str(noisy_model)))


@pytest.fixture(scope="module")
def stateful(engine: TorchEngine, stateful_model: Path) -> TorchModel:
    return engine.load(ModelSpec("models/stateful", FAMILY, str(stateful_model)))


def _spec(source: Path, **changes: Any) -> JobSpec:
    values: dict[str, Any] = {
        "source_path": str(source),
        "prompt": "make it night",
        "negative_prompt": "",
        "steps": STEPS,
        "width": SIZE,
        "height": SIZE,
        "attempt": 1,
        "max_pixels": 10**6,
    }
    return JobSpec(**(values | changes))


def _finish(denoising: Generator[Step, None, Picture], previews: bool = False) -> Picture:
    while True:
        try:
            step = next(denoising)
        except StopIteration as stop:
            picture: Picture = stop.value
            return picture
        if previews and step.preview is not None:
            step.preview()


def _make(
    engine: TorchEngine, model: TorchModel, source: Path, seed: int = 3, scale: float = 1.0, **changes: Any
) -> Picture:
    return _finish(engine.prepare(model, _spec(source, **changes)).denoise(1, seed, Controls(scale, 1.5)))


@pytest.mark.parametrize("scale", [1.0, 7.5])
@pytest.mark.parametrize("negative", ["", "ugly"])
@pytest.mark.parametrize("which", ["model", "noisy", "stateful"])
def test_the_pixels_are_those_of_the_stock_pipeline(
    engine: TorchEngine, request: pytest.FixtureRequest, picture: Path, scale: float, negative: str, which: str
) -> None:
    """With and without guidance, with schedulers that draw noise or remember: equal to the bit."""
    import torch

    model: TorchModel = request.getfixturevalue(which)
    ours = _make(engine, model, picture, scale=scale, negative_prompt=negative)
    stock = model.pipeline(
        "make it night",
        image=Image.open(picture),
        num_inference_steps=STEPS,
        guidance_scale=scale,
        image_guidance_scale=1.5,
        negative_prompt=negative,
        generator=torch.Generator("cpu").manual_seed(3),
    ).images[0]
    assert ours.rgb == stock.tobytes()
    assert np.asarray(stock).std() > 5
    assert ours.not_finite == 0.0


def test_seed_instruction_and_guidance_all_matter(engine: TorchEngine, model: TorchModel, picture: Path) -> None:
    """Otherwise the tests of sameness here would prove nothing."""
    pictures = [
        _make(engine, model, picture, seed=3, scale=5.0),
        _make(engine, model, picture, seed=4, scale=5.0),
        _make(engine, model, picture, seed=3, scale=9.0),
        _make(engine, model, picture, seed=3, scale=5.0, prompt="make it day"),
        _make(engine, model, picture, seed=3, scale=5.0, negative_prompt="ugly"),
    ]
    assert len({made.rgb for made in pictures}) == len(pictures)


@pytest.mark.parametrize("which", ["noisy", "stateful"])
def test_a_canceled_job_leaves_the_model_as_it_was(
    engine: TorchEngine, request: pytest.FixtureRequest, picture: Path, which: str
) -> None:
    """Stopping after two steps changes nothing in the next picture."""
    model: TorchModel = request.getfixturevalue(which)
    before = _make(engine, model, picture, scale=5.0)
    stopped = engine.prepare(model, _spec(picture)).denoise(1, 9, Controls(5.0, 1.5))
    next(stopped)
    next(stopped)
    stopped.close()
    assert _make(engine, model, picture, scale=5.0).rgb == before.rgb


def test_a_candidate_does_not_depend_on_its_siblings(engine: TorchEngine, noisy: TorchModel, picture: Path) -> None:
    """The second of three candidates equals the same candidate made alone, also with previews on the way."""
    alone = _make(engine, noisy, picture, seed=2, scale=5.0)
    prepared = engine.prepare(noisy, _spec(picture))
    made = [
        _finish(prepared.denoise(number, seed, Controls(5.0, 1.5)), previews=True)
        for number, seed in enumerate((1, 2, 3), start=1)
    ]
    assert made[1].rgb == alone.rgb
    assert len({picture.rgb for picture in made}) == 3


@pytest.mark.parametrize(("first", "then"), [(5.0, 2.0), (1.0, 5.0), (5.0, 1.0)])
def test_guidance_may_change_between_steps(
    engine: TorchEngine, model: TorchModel, picture: Path, first: float, then: float
) -> None:
    """Also across the point where guidance begins; the picture is another one, and repeats."""

    def changed() -> bytes:
        controls = Controls(first, 1.5)
        denoising = engine.prepare(model, _spec(picture)).denoise(1, 3, controls)
        next(denoising)
        next(denoising)
        controls.guidance_scale = then
        return _finish(denoising).rgb

    assert changed() == changed()
    unchanged = {_make(engine, model, picture, scale=scale).rgb for scale in (first, then)}
    assert changed() not in unchanged


@pytest.mark.parametrize("steps", [3, 9])
def test_the_number_of_steps_may_change_between_steps(
    engine: TorchEngine, model: TorchModel, picture: Path, steps: int
) -> None:
    """So many in all are made; the picture is another one, and repeats."""

    def changed() -> tuple[int, bytes]:
        controls = Controls(5.0, 1.5)
        prepared = engine.prepare(model, _spec(picture))
        assert getattr(prepared, "respaces", False)
        denoising = prepared.denoise(1, 3, controls)
        next(denoising)
        controls.steps = steps
        seen = 1
        while True:
            try:
                seen = next(denoising).number
            except StopIteration as stop:
                return seen, stop.value.rgb

    assert changed() == changed()
    assert changed()[0] == steps
    assert changed()[1] != _make(engine, model, picture, scale=5.0).rgb


def test_a_wide_source_keeps_its_shape(engine: TorchEngine, model: TorchModel, tmp_path: Path) -> None:
    """The picture has the source's proportions, and the previews too."""
    source = tmp_path / "wide.png"
    drawing(80, 40).save(source)
    denoising = engine.prepare(model, _spec(source)).denoise(1, 3, Controls(1.0, 1.5))
    step = next(denoising)
    assert step.preview is not None
    preview = step.preview()
    made = _finish(denoising)
    assert (made.width, made.height) == (SIZE, SIZE // 2)
    assert len(made.rgb) == SIZE * SIZE // 2 * 3
    assert preview is not None
    assert len(preview.image) <= MAX_PREVIEW_BYTES
    shown = Image.open(io.BytesIO(preview.image))
    assert shown.width == 2 * shown.height


def test_a_size_is_rounded_to_whole_latent_cells(engine: TorchEngine, model: TorchModel, picture: Path) -> None:
    """33 pixels cannot be denoised; 32 can. 0 takes the model's own size."""
    assert _make(engine, model, picture, width=SIZE + 1, height=SIZE + 1).width == SIZE
    assert _make(engine, model, picture, width=0, height=0).width == SIZE


def test_values_that_are_not_finite_are_counted(engine: TorchEngine, tiny_model: Path, picture: Path) -> None:
    """A model that breaks down gives a picture all the same, with the share of its bad values."""
    import torch

    broken = engine.load(ModelSpec("models/broken", FAMILY, str(tiny_model)))
    with torch.no_grad():
        broken.pipeline.vae.decoder.conv_out.bias.fill_(float("nan"))
    made = _make(engine, broken, picture)
    assert made.not_finite == 1.0
    assert len(made.rgb) == SIZE * SIZE * 3


def test_an_unreadable_source_is_refused(engine: TorchEngine, model: TorchModel, tmp_path: Path) -> None:
    """Refused before anything is denoised, with the reason of a picture, not of the engine."""
    source = tmp_path / "notes.png"
    source.write_text("buy milk")
    with pytest.raises(WorkerError) as caught:
        engine.prepare(model, _spec(source))
    assert caught.value.reason == "PICTURE_UNREADABLE"


def test_an_unloaded_model_gives_its_memory_back(engine: TorchEngine, tiny_model: Path) -> None:
    """Its weights are gone even while something still refers to the model."""
    extra = engine.load(ModelSpec("models/extra", FAMILY, str(tiny_model)))
    assert extra.size_bytes > 100_000
    engine.unload(extra)
    assert all(parameter.is_meta for parameter in extra.pipeline.unet.parameters())


def test_the_engine_describes_itself(engine: TorchEngine) -> None:
    """Versions go into recipes; memory into the daemon's placement."""
    info = engine.info()
    assert {"torch", "diffusers", "transformers"} <= info.versions.keys()
    assert info.memory_total_bytes > engine.memory_used() > 0
