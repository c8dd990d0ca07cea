"""LoRAs on the torch engine: put on, scaled and taken off, and the base is never another one afterwards."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bullpen_worker.engines.base import Controls, FileSpec, JobSpec, LoraSpec, Mark, ModelSpec, Picture, Step
from bullpen_worker.engines.torch.engine import TorchEngine, TorchModel
from bullpen_worker.failures import WorkerError
from PIL import Image

from tests.support.tiny_lora import WEIGHTS, build_tiny_lora
from tests.support.tiny_pipeline import FAMILY, SIZE

STEPS = 3


@pytest.fixture(scope="module")
def engine(one_thread: None) -> TorchEngine:
    return TorchEngine("cpu", 1)


@pytest.fixture(scope="module")
def model(engine: TorchEngine, tiny_model: Path) -> TorchModel:
    return engine.load(ModelSpec("models/tiny", FAMILY, str(tiny_model)))


@pytest.fixture(scope="module")
def first(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> LoraSpec:
    return lora(build_tiny_lora(tmp_path_factory.mktemp("l") / "first", tiny_model))


@pytest.fixture(scope="module")
def second(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> LoraSpec:
    return lora(build_tiny_lora(tmp_path_factory.mktemp("l") / "second", tiny_model, seed=6))


def lora(folder: Path, scale: float = 1.0) -> LoraSpec:
    """The LoRA of a folder, as the daemon would refer a worker to it."""
    content, mark = (folder / WEIGHTS).read_bytes(), Mark.of((folder / WEIGHTS).stat())
    sha256 = hashlib.sha256(content).hexdigest()
    model = ModelSpec(f"models/{folder.name}", "lora", str(folder), sha256, (FileSpec(WEIGHTS, sha256, mark),))
    return LoraSpec(model, WEIGHTS, scale)


def make(engine: TorchEngine, model: TorchModel, source: Path, *loras: LoraSpec) -> bytes:
    """The pixels of one edit with these LoRAs."""
    values: dict[str, Any] = {"prompt": "make it night", "negative_prompt": "", "attempt": 1, "max_pixels": 10**6}
    spec = JobSpec(source_path=str(source), steps=STEPS, width=SIZE, height=SIZE, loras=loras, **values)
    return finish(engine.prepare(model, spec).denoise(1, 3, Controls(1.0, 1.5))).rgb


def finish(denoising: Generator[Step, None, Picture]) -> Picture:
    while True:
        try:
            next(denoising)
        except StopIteration as stop:
            picture: Picture = stop.value
            return picture


def test_a_lora_acts_as_in_the_stock_pipeline(
    engine: TorchEngine, model: TorchModel, first: LoraSpec, tiny_model: Path, picture: Path
) -> None:
    """Also its alpha, which only the file's head tells: the pixels are those of diffusers' own calls, to the bit."""
    import torch
    from diffusers import StableDiffusionInstructPix2PixPipeline

    stock = StableDiffusionInstructPix2PixPipeline.from_pretrained(tiny_model, local_files_only=True)
    stock.set_progress_bar_config(disable=True)
    stock.load_lora_weights(first.model.path, weight_name=WEIGHTS, adapter_name="one")
    stock.set_adapters(["one"], [0.5])
    expected = stock(
        "make it night",
        image=Image.open(io.BytesIO(picture.read_bytes())),
        num_inference_steps=STEPS,
        guidance_scale=1.0,
        image_guidance_scale=1.5,
        generator=torch.Generator("cpu").manual_seed(3),
    ).images[0]
    assert make(engine, model, picture, replace(first, scale=0.5)) == expected.tobytes()


def test_the_base_is_as_before_without_it(
    engine: TorchEngine, model: TorchModel, first: LoraSpec, second: LoraSpec, picture: Path
) -> None:
    """No LoRA, or one with scale 0, gives the base's pixels to the bit, whatever acted before."""
    before = make(engine, model, picture)
    with_it = make(engine, model, picture, first)
    assert with_it != before
    assert make(engine, model, picture, replace(first, scale=0.0)) == before
    assert make(engine, model, picture, first) == with_it
    assert make(engine, model, picture) == before
    assert make(engine, model, picture, second) not in (before, with_it)


def test_scale_and_company_matter_and_repeat(
    engine: TorchEngine, model: TorchModel, first: LoraSpec, second: LoraSpec, picture: Path
) -> None:
    """Scales, also negative ones, and pairs of LoRAs give pictures of their own, the same ones each time."""
    ways = [
        (first,),
        (replace(first, scale=-1.0),),
        (replace(first, scale=0.4),),
        (second,),
        (first, second),
        (replace(first, scale=0.4), second),
    ]
    made = [make(engine, model, picture, *way) for way in ways]
    assert len(set(made)) == len(ways)
    assert [make(engine, model, picture, *way) for way in reversed(ways)] == made[::-1]


def test_a_swap_of_loras_does_not_build_the_base_anew(
    engine: TorchEngine,
    model: TorchModel,
    first: LoraSpec,
    second: LoraSpec,
    picture: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A LoRA that acts already is not read again; another scale needs no file at all."""
    make(engine, model, picture, first)
    read: list[str] = []
    load = model.pipeline.load_lora_weights

    def watched(path: str, **rest: Any) -> None:
        read.append(path)
        load(path, **rest)

    monkeypatch.setattr(model.pipeline, "load_lora_weights", watched)
    make(engine, model, picture, replace(first, scale=0.3))
    assert read == []
    make(engine, model, picture, replace(first, scale=0.3), second)
    make(engine, model, picture, second)
    assert read == [second.model.path]


def test_a_swapped_lora_is_refused_and_the_base_goes_on(
    engine: TorchEngine, model: TorchModel, tiny_model: Path, picture: Path, tmp_path: Path
) -> None:
    """Its weights are compared as a model's are; nothing of it acts, and repaired it does."""
    plain = make(engine, model, picture)
    use = lora(build_tiny_lora(tmp_path / "mine", tiny_model, seed=7))
    weights = Path(use.model.path, WEIGHTS)
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(WorkerError, match=WEIGHTS) as caught:
        make(engine, model, picture, use)
    assert caught.value.reason == "MODEL_CORRUPT"
    assert make(engine, model, picture) == plain
    weights.write_bytes(content)
    assert make(engine, model, picture, use) != plain


def test_a_lora_of_another_model_is_refused(
    engine: TorchEngine, model: TorchModel, first: LoraSpec, picture: Path, tmp_path: Path
) -> None:
    """Weights of a wrong shape, or for layers that are not there, are named with the base; the base is unharmed."""
    from safetensors.torch import load_file, save_file

    plain = make(engine, model, picture)
    weights = load_file(Path(first.model.path, WEIGHTS))
    wide = {name: value.repeat(1, 2) if ".lora.down." in name else value for name, value in weights.items()}
    elsewhere = {name.replace("unet.", "transformer."): value for name, value in weights.items()}
    for name, content in (("wide", wide), ("elsewhere", elsewhere)):
        (tmp_path / name).mkdir()
        save_file({key: value.contiguous() for key, value in content.items()}, tmp_path / name / WEIGHTS)
        with pytest.raises(WorkerError, match=rf"models/{name} does not fit models/tiny") as caught:
            make(engine, model, picture, lora(tmp_path / name))
        assert caught.value.reason == "MODEL_UNSUPPORTED"
        assert make(engine, model, picture) == plain


def test_weights_of_a_lora_are_given_back_with_its_model(
    engine: TorchEngine, tiny_model: Path, first: LoraSpec, picture: Path
) -> None:
    """A model that leaves the memory takes its LoRAs along."""
    own = engine.load(ModelSpec("models/own", FAMILY, str(tiny_model)))
    make(engine, own, picture, first)
    engine.unload(own)
    parameters = dict(own.pipeline.unet.named_parameters())
    # They are off, so that the model comes back without them, and nothing else is left either.
    assert not any(".lora_" in name for name in parameters)
    assert all(parameter.is_meta for parameter in parameters.values())
