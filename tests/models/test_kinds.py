"""Models that are no pipelines: what their manifest says, what is refused, and what they may be used for."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from bullpend.errors import ModelCorrupt, ModelUnsupported
from bullpend.models.model import INSTRUCTION_EDIT, LORA, TEXT_TO_IMAGE, ModelState
from bullpend.models.registry import Registry
from bullpend.models.rules import fits, require

from tests.models.folders import PIX2PIX, make_model, write

KINDS: dict[str, dict[str, Any]] = {
    "cutout": {"family": "matting", "capabilities": ["cutout"], "weights": "model.onnx"},
    "upscaler": {"family": "srvgg", "capabilities": ["upscale"], "weights": "x4.onnx"},
    "identity": {"family": "encoder", "capabilities": ["identity_embedding"], "weights": "model.safetensors"},
    "tagger": {"family": "tagger", "capabilities": ["tag"], "weights": "model.safetensors"},
    "mara": {
        "family": "lora",
        "capabilities": ["lora"],
        "weights": "pytorch_lora_weights.safetensors",
        "base_model": "starter-edit",
    },
}


def make_kind(folder: Path, kind: str, **changes: Any) -> Path:
    """A folder of this kind with a few bytes for weights."""
    about = {**KINDS[kind], **changes}
    folder.mkdir(parents=True)
    weights = folder / about.pop("weights")
    weights.write_bytes(b"weights")
    (folder / "CARD.md").write_text("A card.")
    files = {
        path.name: {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "size": path.stat().st_size}
        for path in (weights, folder / "CARD.md")
    }
    content = {"schema_version": 1, "title": kind.title(), "licence": "Apache-2.0", "files": files, **about}
    write(folder / "bullpen-manifest.json", content)
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_listed_with_what_it_can_do(tmp_path: Path, kind: str) -> None:
    """Ready, with family, capability, size, licence and engine; a stage that needs something else refuses it."""
    make_kind(tmp_path / kind, kind)
    registry = Registry([tmp_path])
    (model,) = registry.scan()
    about = KINDS[kind]
    assert (model.state, model.problem) == (ModelState.READY, "")
    assert (model.family, list(model.capabilities)) == (about["family"], about["capabilities"])
    assert (model.title, model.licence, model.size_bytes) == (kind.title(), "Apache-2.0", 7)
    assert model.engine == ("onnx" if about["weights"].endswith(".onnx") else "torch")
    with pytest.raises(ModelUnsupported, match=about["capabilities"][0]):
        require(registry.verify(model.name), INSTRUCTION_EDIT)
    assert require(model, about["capabilities"][0]) is model


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_verified(tmp_path: Path, kind: str) -> None:
    """Swapped weights of equal size and time are named, and sound again once they are put back."""
    folder = make_kind(tmp_path / kind, kind)
    weights = folder / KINDS[kind]["weights"]
    registry = Registry([tmp_path])
    digest = registry.verify(f"models/{kind}").digest
    before = weights.stat()
    weights.write_bytes(b"swapped")
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(ModelCorrupt, match=f"{weights.name}.*{hashlib.sha256(b'swapped').hexdigest()[:12]}"):
        registry.verify(f"models/{kind}")
    weights.write_bytes(b"weights")
    assert registry.verify(f"models/{kind}").digest == digest


@pytest.mark.parametrize(
    ("kind", "changes", "state", "words"),
    [
        ("tagger", {"family": "oracle"}, ModelState.UNSUPPORTED, "oracle"),
        ("tagger", {"family": "instruct-pix2pix"}, ModelState.CORRUPT, "model_index.json is missing"),
        ("tagger", {"family": None}, ModelState.CORRUPT, "model_index.json is missing"),
        ("tagger", {"capabilities": ["cutout"]}, ModelState.CORRUPT, "names none of tag"),
        ("tagger", {"capabilities": "tag"}, ModelState.CORRUPT, "names none of tag"),
        ("tagger", {"files": {}}, ModelState.CORRUPT, "lists no weights"),
        ("tagger", {"files": {"model.safetensors": {"sha256": "0" * 64, "size": 8}}}, ModelState.CORRUPT, "7 bytes"),
        ("tagger", {"weights": "model.pt"}, ModelState.UNSUPPORTED, "model.pt holds pickled weights"),
        ("mara", {"base_model": ""}, ModelState.CORRUPT, "base_model"),
        ("mara", {"weights": "lora.onnx"}, ModelState.CORRUPT, "one file of weights"),
    ],
)
def test_a_manifest_that_describes_no_such_model_is_refused(
    tmp_path: Path, kind: str, changes: dict[str, Any], state: ModelState, words: str
) -> None:
    """Listed with the reason, and of no use."""
    make_kind(tmp_path / kind, kind, **changes)
    (model,) = Registry([tmp_path]).scan()
    assert model.state is state
    assert words in model.problem
    assert not model.digest


def test_a_pipeline_that_lost_its_index_is_listed_as_damaged(tmp_path: Path) -> None:
    """Its manifest tells that there was one."""
    folder = make_model(tmp_path / "a", PIX2PIX, manifest={"family": "instruct-pix2pix"})
    (folder / "model_index.json").unlink()
    (model,) = Registry([tmp_path]).scan()
    assert (model.state, model.family) == (ModelState.CORRUPT, "instruct-pix2pix")


def test_a_lora_fits_the_model_that_it_was_trained_on(tmp_path: Path) -> None:
    """By the name in its manifest, also where the base is named by its path."""
    make_kind(tmp_path / "models" / "mara", "mara")
    make_model(tmp_path / "models" / "starter-edit")
    elsewhere = make_model(tmp_path / "work" / "starter-edit")
    other = make_model(tmp_path / "models" / "other")
    registry = Registry([tmp_path / "models"], roots=[tmp_path / "work"])
    lora = registry.get("mara")
    assert (lora.base_model, lora.weight_file) == ("models/starter-edit", "pytorch_lora_weights.safetensors")
    assert lora.capabilities == (LORA,)
    assert fits(lora, registry.get("starter-edit"))
    assert fits(lora, registry.get(str(elsewhere)))
    assert not fits(lora, registry.get(str(other)))


def test_a_text_to_image_pipeline_is_ready(tmp_path: Path) -> None:
    """Its UNet takes the latents alone; one that takes twice as many channels is a mix of models."""
    folder = make_model(tmp_path / "a", "StableDiffusionPipeline")
    (model,) = Registry([tmp_path]).scan()
    assert model.state is ModelState.UNSUPPORTED
    assert "16 channels" in model.problem
    write(folder / "unet" / "config.json", {"in_channels": 8, "sample_size": 32})
    (model,) = Registry([tmp_path]).scan()
    assert (model.state, model.family, model.capabilities[0]) == (ModelState.READY, "stable-diffusion", TEXT_TO_IMAGE)
