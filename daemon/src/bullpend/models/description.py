"""What lies beside a model's weights: the JSON that describes it, and the files that its manifest lists.

Read here for every kind of model; what the descriptions mean is decided in `folder` and `kinds`. Weights are never
opened.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from bullpend.models.model import Model

INDEX = "model_index.json"
MANIFEST = "bullpen-manifest.json"
# Weights that hold numbers only. A pickle can run any program when it is loaded.
SAFE = frozenset({".safetensors"})
ONNX = frozenset({".onnx"})
PICKLED = frozenset({".bin", ".ckpt", ".pt", ".pth", ".pkl"})

_CONTENT = SAFE | ONNX | {".json", ".txt", ".model"}
# Words for people decide no pixel; they may be mended.
_WORDS = frozenset({".md"})
# A description larger than this is none.
_MAX_JSON = 4_000_000
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Listed:
    """A file as the manifest lists it; the size is None where it does not tell."""

    sha256: str
    size_bytes: int | None


class FolderError(Exception):
    """Why a folder cannot be used: an error reason, a sentence, and the family where it is known."""

    def __init__(self, reason: str, message: str, family: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.family = family


def read(path: Path) -> dict[str, Any]:
    """A JSON object. Raises FolderError for what is none, and for a file that is not there."""
    try:
        if path.stat().st_size > _MAX_JSON:
            raise FolderError("MODEL_CORRUPT", f"{path.name} is too large to be a description.")
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        message = f"There is no {path.name}, so this is no model in diffusers layout."
        raise FolderError("MODEL_UNSUPPORTED", message) from error
    except OSError as error:
        raise FolderError("MODEL_CORRUPT", f"{path.name} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise FolderError("MODEL_CORRUPT", f"{path.name} is not valid JSON.") from error
    if not isinstance(data, dict):
        raise FolderError("MODEL_CORRUPT", f"{path.name} is not a JSON object.")
    return data


def listed_files(folder: Path) -> dict[str, Listed]:
    """The manifest's files by posix path below the folder; empty where there is no manifest or it lists none.

    Raises FolderError for a manifest that is malformed or names files outside of the folder.
    """
    if not (folder / MANIFEST).is_file():
        return {}
    files = read(folder / MANIFEST).get("files", {})
    if not isinstance(files, dict):
        raise FolderError("MODEL_CORRUPT", f"{MANIFEST}: files is not an object.")
    found: dict[str, Listed] = {}
    for path, entry in files.items():
        pure = PurePosixPath(path)
        if pure.is_absolute() or ".." in pure.parts:
            raise FolderError("MODEL_CORRUPT", f"{MANIFEST}: files: {path} leads out of the model's folder.")
        sha256 = entry.get("sha256", "") if isinstance(entry, dict) else entry
        size = entry.get("size_bytes", entry.get("size")) if isinstance(entry, dict) else None
        if not isinstance(sha256, str) or not _HASH.fullmatch(sha256):
            raise FolderError("MODEL_CORRUPT", f"{MANIFEST}: files: {path} has no SHA-256.")
        found[path] = Listed(sha256, size if isinstance(size, int) else None)
    return found


def check_listed(folder: Path) -> None:
    """Every file that the manifest lists is there and has its size; hashes are not compared. Raises FolderError."""
    for path, listed in listed_files(folder).items():
        try:
            size = (folder / path).stat().st_size
        except OSError as error:
            raise FolderError("MODEL_CORRUPT", f"{path} is missing.") from error
        if PurePosixPath(path).suffix in _WORDS:
            continue
        if listed.size_bytes is not None and size != listed.size_bytes:
            raise FolderError("MODEL_CORRUPT", f"{path} has {size} bytes where the manifest lists {listed.size_bytes}.")


def content_files(folder: Path) -> list[str]:
    """Posix paths of the files that decide what the model makes, sorted: weights, configurations, vocabularies, and
    whatever else the manifest lists but words for people. Raises FolderError for a malformed manifest.
    """
    found = {path for path in listed_files(folder) if PurePosixPath(path).suffix not in _WORDS}
    for path in folder.rglob("*"):
        relative = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in relative.parts)
        if path.suffix.lower() in _CONTENT and relative.as_posix() != MANIFEST and not hidden and path.is_file():
            found.add(relative.as_posix())
    return sorted(found)


def is_weights(path: str) -> bool:
    """Whether a file holds weights, by its name."""
    return PurePosixPath(path).suffix.lower() in SAFE | ONNX | PICKLED


def weights_size(folder: Path) -> int:
    """Bytes of the weights that would be loaded."""
    try:
        return sum(path.stat().st_size for kind in SAFE | ONNX for path in folder.rglob(f"*{kind}") if path.is_file())
    except OSError:
        return 0


def with_manifest(model: Model, data: Mapping[str, Any]) -> Model:
    """The model completed by its manifest: title, licence and defaults. Raises FolderError."""
    defaults = data.get("defaults", {})
    if not isinstance(defaults, dict):
        raise FolderError("MODEL_CORRUPT", f"{MANIFEST}: defaults is not an object.")
    title, licence = data.get("title"), data.get("licence", data.get("license"))
    return replace(
        model,
        title=title if isinstance(title, str) and title else model.title,
        licence=licence if isinstance(licence, str) else "",
        default_steps=int(_number(defaults, "steps", model.default_steps, 1)),
        default_guidance_scale=_number(defaults, "guidance_scale", model.default_guidance_scale, 0),
        default_image_guidance_scale=_number(defaults, "image_guidance_scale", model.default_image_guidance_scale, 0),
        default_width=int(_number(defaults, "width", model.default_width, 8)),
        default_height=int(_number(defaults, "height", model.default_height, 8)),
    )


def _number(values: Mapping[str, Any], key: str, default: float, least: float) -> float:
    value = values.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < 1e6:
        raise FolderError("MODEL_CORRUPT", f"{MANIFEST}: defaults: {key} is not a usable number.")
    return float(value)
