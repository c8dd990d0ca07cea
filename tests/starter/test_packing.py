"""Packing: a model folder is whole, hashed and replaced at once, or left as it was."""

import hashlib
import json
from pathlib import Path

import pytest
from bullpen_starter.train.packing import LIMIT, MANIFEST, pack

ABOUT = {"title": "A", "family": "tagger", "capabilities": ["tag"], "training": {}, "metrics": {}}


def test_a_packed_model_lists_every_file_with_its_hash(tmp_path: Path) -> None:
    """Weights and card are in the manifest; the manifest itself is not."""
    folder = pack("one", lambda new: (new / "w.safetensors").write_bytes(b"weights"), ABOUT, "# one\n", tmp_path)
    manifest = json.loads((folder / MANIFEST).read_text())
    assert set(manifest["files"]) == {"w.safetensors", "CARD.md"}
    assert manifest["files"]["w.safetensors"] == {"sha256": hashlib.sha256(b"weights").hexdigest(), "size": 7}
    assert (manifest["name"], manifest["licence"], manifest["family"]) == ("one", "Apache-2.0", "tagger")


def test_an_older_model_stays_when_a_new_one_is_too_large(tmp_path: Path) -> None:
    """A file above the limit is refused, and what was there is untouched."""
    pack("one", lambda new: (new / "w.onnx").write_bytes(b"old"), ABOUT, "# one\n", tmp_path)
    with pytest.raises(ValueError, match="larger"):
        pack("one", lambda new: (new / "w.onnx").write_bytes(b"x" * (LIMIT + 1)), ABOUT, "# one\n", tmp_path)
    assert (tmp_path / "one" / "w.onnx").read_bytes() == b"old"
    pack("one", lambda new: (new / "w.onnx").write_bytes(b"new"), ABOUT, "# one\n", tmp_path)
    assert (tmp_path / "one" / "w.onnx").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["one"]
