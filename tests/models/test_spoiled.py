"""Folders that are spoiled, changed or swapped: found, named and refused, and sound again when they are mended."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any

import pytest
from bullpend.errors import BullpenError, ModelCorrupt, ModelUnsafe, ModelUnsupported
from bullpend.models.hashes import Hashes, Mark
from bullpend.models.model import ModelState
from bullpend.models.registry import Registry

from tests.models.folders import PIX2PIX, later, make_model, write


def test_a_swap_that_hides_its_time_is_noticed(tmp_path: Path) -> None:
    """Equal size and a time of content set back: the time of the status and the file's number tell."""
    folder = make_model(tmp_path / "a", manifest={})
    registry = Registry([tmp_path], hashes=Hashes(later))
    registry.verify("models/a")
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    before = weights.stat()
    other = weights.with_suffix(".new")
    other.write_bytes(bytes(reversed(weights.read_bytes())))
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(weights)
    found, listed = (hashlib.sha256(content).hexdigest()[:12] for content in (weights.read_bytes(), b"unet" * 10))
    with pytest.raises(ModelCorrupt, match=f"{found}.*{listed}") as caught:
        registry.verify("models/a")
    assert caught.value.remedy
    assert caught.value.field == "model"


def test_a_deep_check_reads_what_has_no_new_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rot on a disk changes bytes and no times: only reading anew finds it, and a repair clears it."""
    folder = make_model(tmp_path / "a", manifest={})
    registry = Registry([tmp_path], hashes=Hashes(later))
    registry.verify("models/a")
    weights = folder / "vae" / "diffusion_pytorch_model.safetensors"
    mark = Mark.of(weights.stat())
    sound = weights.read_bytes()
    weights.write_bytes(b"X" + sound[1:])
    real = Mark.of
    monkeypatch.setattr(Mark, "of", lambda status: mark if status.st_ino == mark.inode else real(status))
    assert registry.verify("models/a").state is ModelState.READY
    with pytest.raises(ModelCorrupt, match=r"vae/diffusion_pytorch_model\.safetensors"):
        registry.verify("models/a", anew=True)
    with pytest.raises(ModelCorrupt):
        registry.verify("models/a")
    weights.write_bytes(sound)
    assert registry.verify("models/a", anew=True).state is ModelState.READY


def test_weights_that_no_manifest_lists_are_refused(tmp_path: Path) -> None:
    """A file that was put beside the listed ones might be loaded in their place."""
    folder = make_model(tmp_path / "a", manifest={})
    (folder / "unet" / "diffusion_pytorch_model.fp16.safetensors").write_bytes(b"other")
    with pytest.raises(ModelCorrupt, match=r"fp16\.safetensors"):
        Registry([tmp_path]).verify("models/a")


@pytest.mark.parametrize("same_size", [True, False])
def test_a_file_that_differs_from_the_manifest_is_named(tmp_path: Path, same_size: bool) -> None:
    """Another content is MODEL_CORRUPT with the file's name, and the list shows it from then on."""
    folder = make_model(tmp_path / "a", manifest={})
    registry = Registry([tmp_path], hashes=Hashes(later))
    registry.verify("models/a")
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(b"X" + content[1:] if same_size else content[:-1])
    os.utime(weights, ns=(1, 1))
    with pytest.raises(ModelCorrupt, match=r"unet/diffusion_pytorch_model\.safetensors"):
        registry.verify("models/a")
    (listed,) = registry.scan()
    assert listed.state is ModelState.CORRUPT
    assert "unet/diffusion_pytorch_model.safetensors" in listed.problem
    weights.write_bytes(content)
    assert registry.verify("models/a").state is ModelState.READY


def remove(folder: Path, name: str) -> None:
    path = folder / name
    path.unlink() if path.is_file() else path.rename(folder.parent / "away")


def pickle_weights(folder: Path) -> None:
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))


@pytest.mark.parametrize(
    ("spoil", "error", "words"),
    [
        (lambda folder: remove(folder, "vae"), ModelCorrupt, "vae is missing"),
        (lambda folder: remove(folder, "unet/diffusion_pytorch_model.safetensors"), ModelCorrupt, "no weights"),
        (lambda folder: (folder / "model_index.json").write_text("{"), ModelCorrupt, "not valid JSON"),
        (lambda folder: (folder / "model_index.json").write_text("[]"), ModelCorrupt, "not a JSON object"),
        (lambda folder: write(folder / "model_index.json", {}), ModelCorrupt, "does not name its pipeline"),
        (
            lambda folder: write(folder / "model_index.json", {"_class_name": PIX2PIX, "../x": ["a", "b"]}),
            ModelCorrupt,
            "not the name of a component",
        ),
        (lambda folder: write(folder / "unet" / "config.json", {"in_channels": 4}), ModelUnsupported, "4 channels"),
        (pickle_weights, ModelUnsafe, "unet/diffusion_pytorch_model.bin holds pickled weights"),
        (
            lambda folder: write(folder / "bullpen-manifest.json", {"files": {"../../x": "a" * 64}}),
            ModelCorrupt,
            "leads out",
        ),
        (
            lambda folder: write(folder / "bullpen-manifest.json", {"files": {"unet/more.bin": "a" * 64}}),
            ModelCorrupt,
            "unet/more.bin is missing",
        ),
        (
            lambda folder: write(folder / "bullpen-manifest.json", {"defaults": {"steps": "many"}}),
            ModelCorrupt,
            "steps is not a usable number",
        ),
    ],
)
def test_a_spoiled_folder_is_listed_with_its_problem(
    tmp_path: Path, spoil: Any, error: type[BullpenError], words: str
) -> None:
    """The list tells what is wrong; using the model gives the error of that kind."""
    spoil(make_model(tmp_path / "models" / "a"))
    registry = Registry([tmp_path / "models"])
    (model,) = registry.scan()
    assert model.state is not ModelState.READY
    assert words in model.problem
    with pytest.raises(error, match=re.escape(words)):
        registry.verify("models/a")
