"""Model folders that must not be loaded, and why."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from bullpen_worker.engines.base import ModelSpec
from bullpen_worker.engines.torch.engine import TorchEngine
from bullpen_worker.failures import WorkerError

from tests.support.tiny_pipeline import FAMILY


@pytest.fixture(scope="module")
def engine(one_thread: None) -> TorchEngine:
    return TorchEngine("cpu", 1)


@pytest.fixture
def folder(tiny_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model, tmp_path / "model"))


def _weights(folder: Path) -> Path:
    (file,) = (folder / "unet").glob("*.safetensors")
    return file


def _pickle(folder: Path) -> None:
    _weights(folder).rename(folder / "unet" / "diffusion_pytorch_model.bin")


def _cut(folder: Path) -> None:
    data = _weights(folder).read_bytes()
    _weights(folder).write_bytes(data[:-100])


def _scribble(folder: Path) -> None:
    data = bytearray(_weights(folder).read_bytes())
    data[:8] = b"\xff" * 8
    _weights(folder).write_bytes(data)


def _index(folder: Path, text: str) -> None:
    (folder / "model_index.json").write_text(text)


def _rename_class(folder: Path) -> None:
    index = json.loads((folder / "model_index.json").read_text())
    index["_class_name"] = "StableVideoDiffusionPipeline"
    _index(folder, json.dumps(index))


def _other_shape(folder: Path) -> None:
    config = json.loads((folder / "unet" / "config.json").read_text())
    config["block_out_channels"] = [16, 32]
    (folder / "unet" / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (_pickle, "MODEL_UNSAFE"),
        (_cut, "MODEL_CORRUPT"),
        (_scribble, "MODEL_CORRUPT"),
        (_other_shape, "MODEL_CORRUPT"),
        (lambda folder: _weights(folder).unlink(), "MODEL_CORRUPT"),
        (lambda folder: shutil.rmtree(folder / "vae"), "MODEL_CORRUPT"),
        (lambda folder: (folder / "model_index.json").unlink(), "MODEL_CORRUPT"),
        (lambda folder: _index(folder, "[1"), "MODEL_CORRUPT"),
        (lambda folder: _index(folder, "[]"), "MODEL_CORRUPT"),
        (lambda folder: _index(folder, "{}"), "MODEL_UNSUPPORTED"),
        (_rename_class, "MODEL_UNSUPPORTED"),
        (shutil.rmtree, "MODEL_NOT_FOUND"),
    ],
)
def test_a_bad_model_is_refused_with_its_reason(
    engine: TorchEngine, folder: Path, damage: Callable[[Path], None], reason: str
) -> None:
    """Each kind of damage has a typed reason and words that name the model."""
    damage(folder)
    with pytest.raises(WorkerError) as caught:
        engine.load(ModelSpec("models/tiny", FAMILY, str(folder)))
    assert caught.value.reason == reason
    assert "models/tiny" in caught.value.message


def test_an_unknown_family_is_refused(engine: TorchEngine, folder: Path) -> None:
    """The words name what the engine knows."""
    with pytest.raises(WorkerError, match=FAMILY) as caught:
        engine.load(ModelSpec("models/tiny", "kandinsky", str(folder)))
    assert caught.value.reason == "MODEL_UNSUPPORTED"


def test_half_precision_files_are_loaded_as_full_precision_on_a_cpu(engine: TorchEngine, folder: Path) -> None:
    """Weights that exist as `.fp16.safetensors` only are found, and never computed with in fp16 on a CPU."""
    import torch

    for file in folder.glob("*/*.safetensors"):
        file.rename(file.with_name(file.name.replace(".safetensors", ".fp16.safetensors")))
    model = engine.load(ModelSpec("models/tiny", FAMILY, str(folder)))
    assert {parameter.dtype for parameter in model.pipeline.unet.parameters()} == {torch.float32}
