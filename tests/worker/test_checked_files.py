"""Only bytes that were checked are loaded, whenever somebody swaps them."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bullpen_worker.engines.base import FileSpec, Mark, ModelSpec
from bullpen_worker.engines.torch.engine import TorchEngine
from bullpen_worker.engines.torch.instruct_pix2pix import InstructPix2Pix
from bullpen_worker.failures import WorkerError

from tests.support.tiny_pipeline import FAMILY

WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def engine(one_thread: None) -> TorchEngine:
    return TorchEngine("cpu", 1)


@pytest.fixture
def checked(tiny_model: Path, tmp_path: Path) -> ModelSpec:
    """A model of its own with all its files, as the daemon would refer a worker to it."""
    folder = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    files = tuple(
        FileSpec(
            path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest(), Mark.of(path.stat())
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    )
    return ModelSpec("models/tiny", FAMILY, str(folder), "d" * 64, files)


def swap(model: ModelSpec, path: str = WEIGHTS) -> None:
    """Puts another file of equal size and time of content in the place of one."""
    place = Path(model.path, path)
    before, content = place.stat(), bytearray(place.read_bytes())
    content[-1] ^= 1
    other = place.with_name("other")
    other.write_bytes(content)
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(place)


def test_a_swapped_file_is_refused_before_it_is_loaded(
    engine: TorchEngine, checked: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal size and times do not help: the words name the file, what it is and what it should be."""
    swap(checked)
    monkeypatch.setattr(InstructPix2Pix, "build", lambda *_: pytest.fail("the file was loaded"))
    with pytest.raises(WorkerError) as caught:
        engine.load(checked)
    assert caught.value.reason == "MODEL_CORRUPT"
    (entry,) = (file for file in checked.files if file.path == WEIGHTS)
    found = hashlib.sha256(Path(checked.path, WEIGHTS).read_bytes()).hexdigest()
    for word in (WEIGHTS, entry.sha256[:12], found[:12]):
        assert word in caught.value.message
    assert caught.value.remedy


def test_a_swapped_description_is_refused_too(engine: TorchEngine, checked: ModelSpec) -> None:
    """Configurations and vocabularies decide pixels as weights do."""
    config = Path(checked.path, "scheduler", "scheduler_config.json")
    config.write_text(config.read_text().replace("0.02", "0.03"))
    with pytest.raises(WorkerError, match=r"scheduler/scheduler_config\.json"):
        engine.load(checked)


def test_a_file_that_was_only_touched_is_loaded(engine: TorchEngine, checked: ModelSpec) -> None:
    """Another time means that the file is hashed, not that it is refused."""
    os.utime(Path(checked.path, WEIGHTS))
    assert engine.load(checked).size_bytes > 0


def test_weights_beside_the_checked_ones_are_refused(engine: TorchEngine, checked: ModelSpec) -> None:
    """A library might prefer them."""
    other = "unet/diffusion_pytorch_model.fp16.safetensors"
    shutil.copy(Path(checked.path, WEIGHTS), Path(checked.path, other))
    with pytest.raises(WorkerError, match=r"fp16\.safetensors"):
        engine.load(checked)


def test_a_swap_while_loading_is_noticed(
    engine: TorchEngine, checked: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was built from files that changed meanwhile is dropped; the next load of sound files works."""
    build = InstructPix2Pix.build

    def slowly(self: InstructPix2Pix, *arguments: Any) -> Any:
        built = build(self, *arguments)
        swap(checked)
        return built

    with monkeypatch.context() as patch:
        patch.setattr(InstructPix2Pix, "build", slowly)
        with pytest.raises(WorkerError, match=f"{WEIGHTS} .*changed while it was loaded"):
            engine.load(checked)
    swap(checked)
    assert engine.load(checked).size_bytes > 0


def test_a_file_that_changes_after_loading_changes_nothing(engine: TorchEngine, checked: ModelSpec) -> None:
    """Weights lie in memory, not in a mapped file that somebody else may write to."""
    model = engine.load(checked)
    before = {name: value.clone() for name, value in model.pipeline.unet.state_dict().items()}
    with Path(checked.path, WEIGHTS).open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        file.write(bytes(size))
    assert all(bool((value == before[name]).all()) for name, value in model.pipeline.unet.state_dict().items())


def test_a_model_that_was_replaced_is_another_one(checked: ModelSpec) -> None:
    """The same name and folder with another digest is not taken for what is in memory; marks alone do not matter."""
    assert replace(checked, digest="e" * 64) != checked
    assert replace(checked, files=()) == checked
