"""Text embeddings and source latents are made once for equal content, and never served for other content."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from bullpen_worker.engines.base import Controls, ModelSpec
from bullpen_worker.engines.torch.engine import TorchEngine, TorchModel
from bullpen_worker.engines.torch.remembered import Remembered

from tests.support.tiny_lora import build_tiny_lora
from tests.support.tiny_pipeline import FAMILY, SIZE
from tests.worker.conftest import drawing
from tests.worker.test_torch_engine import _make
from tests.worker.test_torch_lora import finish, lora


@pytest.fixture(scope="module")
def engine(one_thread: None) -> TorchEngine:
    return TorchEngine("cpu", 1)


@pytest.fixture
def model(engine: TorchEngine, tiny_model: Path) -> TorchModel:
    return engine.load(ModelSpec("models/tiny", FAMILY, str(tiny_model)))


class Counting:
    """Counts the calls that reach a network below its memory."""

    def __init__(self, part: torch.nn.Module) -> None:
        self.calls = 0
        self._hook = part.register_forward_pre_hook(self._count)

    def _count(self, *_: Any) -> None:
        self.calls += 1


def test_a_second_job_of_a_scene_encodes_nothing(engine: TorchEngine, model: TorchModel, picture: Path) -> None:
    """Equal text and equal source, another seed: the networks that encode are not run, and the pixels are the same."""
    text = Counting(model.pipeline.text_encoder.encoder.layers[0])
    source = Counting(model.pipeline.vae.encoder)
    fresh = _make(engine, model, picture, seed=3, scale=5.0)
    made = text.calls, source.calls
    assert made == (2, 1)
    _make(engine, model, picture, seed=4, scale=5.0)
    again = _make(engine, model, picture, seed=3, scale=5.0)
    assert (text.calls, source.calls) == made
    assert again.rgb == fresh.rgb
    model.remembered.clear()
    assert _make(engine, model, picture, seed=3, scale=5.0).rgb == fresh.rgb
    assert (text.calls, source.calls) == (4, 2)


def test_another_text_or_another_source_is_encoded(
    engine: TorchEngine, model: TorchModel, picture: Path, tmp_path: Path
) -> None:
    """What is known by content is not known by its path: a source that changes under its name is another one."""
    text = Counting(model.pipeline.text_encoder.encoder.layers[0])
    source = Counting(model.pipeline.vae.encoder)
    first = _make(engine, model, picture)
    _make(engine, model, picture, prompt="make it day")
    assert (text.calls, source.calls) == (2, 1)
    drawing(SIZE, SIZE).rotate(90).save(picture)
    assert _make(engine, model, picture).rgb != first.rgb
    assert (text.calls, source.calls) == (2, 2)


def test_a_lora_on_the_text_encoder_is_another_text(
    engine: TorchEngine, model: TorchModel, tiny_model: Path, picture: Path, tmp_path: Path
) -> None:
    """Under other LoRAs, or other strengths, texts are encoded anew; the source is not. Without them all is known."""
    one = lora(build_tiny_lora(tmp_path / "one", tiny_model))
    text = Counting(model.pipeline.text_encoder.encoder.layers[0])
    source = Counting(model.pipeline.vae.encoder)

    def make(*loras: Any) -> bytes:
        from tests.worker.test_torch_lora import make as drawn

        return drawn(engine, model, picture, *loras)

    plain = make()
    before = text.calls
    with_lora = make(one)
    assert with_lora != plain
    assert text.calls > before
    known = text.calls
    assert make() == plain
    assert make(one) == with_lora
    assert text.calls == known
    assert source.calls == 1


def test_loras_come_and_go_without_the_base_being_built_again(
    engine: TorchEngine, model: TorchModel, tiny_model: Path, picture: Path, tmp_path: Path
) -> None:
    """The weights of the base stay where they are in memory, through every change of LoRAs."""
    from tests.worker.test_torch_lora import make

    one = lora(build_tiny_lora(tmp_path / "one", tiny_model))
    two = lora(build_tiny_lora(tmp_path / "two", tiny_model, seed=6))
    names = {name: tensor.data_ptr() for name, tensor in model.pipeline.unet.named_parameters()}
    for loras in ((one,), (two,), (one, two), ()):
        make(engine, model, picture, *loras)
        now = {
            name.replace(".base_layer", ""): tensor.data_ptr()
            for name, tensor in model.pipeline.unet.named_parameters()
            if "lora_" not in name
        }
        assert now == names


def test_an_output_that_somebody_changed_is_not_served(one_thread: None) -> None:
    """Torch counts changes in place; what was changed after it was kept is made anew."""
    encoder = torch.nn.Linear(3, 3)
    remembered = Remembered(SimpleNamespace(components={"text_encoder": encoder}))
    text = torch.ones(1, 3)
    with torch.no_grad():
        first = encoder(text)
        expected = first.clone()
        assert encoder(text) is first
        first.zero_()
        assert torch.equal(encoder(text), expected)
    assert remembered.hits == 1


def test_nothing_is_kept_while_somebody_trains(one_thread: None) -> None:
    """An output with a gradient belongs to one graph."""
    encoder = torch.nn.Linear(3, 3)
    remembered = Remembered(SimpleNamespace(components={"text_encoder": encoder}))
    encoder(torch.ones(1, 3)).sum().backward()
    assert remembered.size_bytes == 0


def test_the_oldest_go_when_it_is_too_much(one_thread: None) -> None:
    """What is kept is bounded in bytes, and one that would fill it alone is not kept."""
    encoder = torch.nn.Identity()
    remembered = Remembered(SimpleNamespace(components={"text_encoder_2": encoder}), most_bytes=1000)
    with torch.no_grad():
        for number in range(5):
            encoder(torch.full((100,), float(number)))
        assert remembered.size_bytes == 800
        encoder(torch.full((100,), 4.0))
        encoder(torch.full((100,), 0.0))
        assert remembered.hits == 1
        encoder(torch.zeros(1000))
    assert remembered.size_bytes <= 1000


def test_half_way_jobs_share_too(engine: TorchEngine, model: TorchModel, picture: Path) -> None:
    """A job that was stopped leaves what it encoded for the next one."""
    from tests.worker.test_torch_engine import _spec

    source = Counting(model.pipeline.vae.encoder)
    stopped = engine.prepare(model, _spec(picture)).denoise(1, 9, Controls(5.0, 1.5))
    next(stopped)
    stopped.close()
    finish(engine.prepare(model, _spec(picture)).denoise(1, 9, Controls(5.0, 1.5)))
    assert source.calls == 1
