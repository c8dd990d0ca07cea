"""Packing: a trained model becomes a folder with its weights, its card and a manifest of hashes, in one rename."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from bullpen_starter import models_root

MANIFEST = "bullpen-manifest.json"
LIMIT = 15 * 2**20
SHARD = "14MB"


def digest(path: Path) -> dict[str, Any]:
    """SHA-256 and size in bytes of one file, as a manifest lists it."""
    content = path.read_bytes()
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}


def _anonymous(folder: Path) -> None:
    """Take the paths of the machine that wrote them out of the descriptions."""
    for path in folder.rglob("*.json"):
        held = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(held, dict) and held.pop("_name_or_path", None):
            path.write_text(json.dumps(held, indent=2) + "\n", encoding="utf-8")


def write(pipe: Any, folder: Path) -> None:
    """A pipeline in fp16, in shards that a repository can carry."""
    pipe.to(dtype=torch.float16).save_pretrained(folder, safe_serialization=True, max_shard_size=SHARD)
    _anonymous(folder)


def pack(name: str, fill: Callable[[Path], object], about: dict[str, Any], card: str, root: Path | None = None) -> Path:
    """Write `models/<name>`: `fill(folder)` puts the weights there, `about` is the manifest without its hashes.

    `about` needs title, family, capabilities, training and metrics; the rest of the family's keys follow. The folder
    replaces an older one only when it is whole. Raises ValueError for a file above 15 MiB.
    """
    folder = (root or models_root()) / name
    fresh = folder.with_name(f".{name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    fill(fresh)
    (fresh / "CARD.md").write_text(card, encoding="utf-8")
    files = sorted(path for path in fresh.rglob("*") if path.is_file())
    for path in files:
        path.chmod(0o644)
        if path.stat().st_size > LIMIT:
            raise ValueError(f"{path.name} is larger than {LIMIT} bytes")
    listed = {path.relative_to(fresh).as_posix(): digest(path) for path in files}
    text = json.dumps({"schema_version": 1, "name": name, "licence": "Apache-2.0", **about, "files": listed}, indent=2)
    (fresh / MANIFEST).write_text(text + "\n", encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    return folder
