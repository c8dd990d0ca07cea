"""Looks at a model's folder before any library opens it: layout, pipeline class, safe and whole weights.

The layout is that of diffusers: `model_index.json` names the pipeline's class and its components, each component has a
folder. The safetensors header is described at https://github.com/huggingface/safetensors#format.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from bullpen_worker.engines.base import ModelSpec
from bullpen_worker.failures import WorkerError

PICKLED = frozenset({".bin", ".ckpt", ".pt", ".pth"})
_HEADER_LENGTH = struct.Struct("<Q")
_MAX_HEADER_BYTES = 100_000_000


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A folder that holds a pipeline. `variant` is `fp16` where some weights exist under such names only."""

    path: Path
    pipeline_class: str
    variant: str | None
    # Networks that are built already, by component.
    parts: Mapping[str, Any] = field(default_factory=dict)


def inspect_folder(model: ModelSpec) -> ModelFolder:
    """Checks a model's folder without loading it.

    Raises WorkerError: MODEL_NOT_FOUND, MODEL_CORRUPT, MODEL_UNSAFE, MODEL_UNSUPPORTED.
    """
    folder = Path(model.path)
    if not folder.is_dir():
        raise WorkerError("MODEL_NOT_FOUND", f"{model.name} has no folder at {folder}.")
    index = _read_index(model, folder / "model_index.json")
    pipeline_class = index.get("_class_name")
    if not isinstance(pipeline_class, str):
        raise WorkerError("MODEL_UNSUPPORTED", f"{model.name} names no pipeline class of the library.")
    variant: str | None = None
    for component, described in sorted(index.items()):
        if not component.startswith("_") and isinstance(described, list) and any(described):
            variant = _check_component(model, folder, component) or variant
    return ModelFolder(folder, pipeline_class, variant)


def _read_index(model: ModelSpec, path: Path) -> dict[str, object]:
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise WorkerError("MODEL_CORRUPT", f"{model.name} has no model_index.json; it is no such model.") from error
    except (OSError, ValueError) as error:
        raise WorkerError("MODEL_CORRUPT", f"model_index.json of {model.name} is unreadable: {error}.") from error
    if not isinstance(index, dict):
        raise WorkerError("MODEL_CORRUPT", f"model_index.json of {model.name} is not an object.")
    return index


def _check_component(model: ModelSpec, folder: Path, component: str) -> str | None:
    """Checks one component's weights; gives the variant to load where there are no plain ones."""
    place = folder / component
    if not place.is_dir():
        raise WorkerError("MODEL_CORRUPT", f"{model.name} lacks its {component} folder.")
    # Schedulers and tokenizers have settings of other names, and no weights.
    needs_weights = (place / "config.json").is_file()
    safe = sorted(place.glob("*.safetensors"))
    if safe:
        for file in safe:
            check_weights(model, file)
        return _variant([file.name for file in safe])
    if needs_weights and any(file.suffix in PICKLED for file in place.iterdir()):
        raise WorkerError("MODEL_UNSAFE", f"The {component} of {model.name} exists as pickled weights only.")
    if needs_weights:
        raise WorkerError("MODEL_CORRUPT", f"The {component} of {model.name} has no weights.")
    return None


def _variant(names: list[str]) -> str | None:
    """`fp16` for `model.fp16.safetensors` and its shards; None as soon as one file has a plain name."""
    middles = {name.removesuffix(".safetensors").partition(".")[2].partition("-")[0] for name in names}
    return None if "" in middles else sorted(middles)[0]


def check_weights(model: ModelSpec, file: Path) -> None:
    """Compares a safetensors file's size with what its header announces. Raises WorkerError MODEL_CORRUPT.

    A file that ends early would kill the process as soon as its missing pages are touched.
    """
    status = file.stat()
    size = status.st_size
    try:
        expected = _expected(file, status.st_ino, size, status.st_mtime_ns)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, struct.error) as error:
        raise WorkerError("MODEL_CORRUPT", f"{file.name} of {model.name} is damaged: {error}.") from error
    if size != expected:
        raise WorkerError(
            "MODEL_CORRUPT", f"{file.name} of {model.name} has {size} bytes instead of {expected}; it is incomplete."
        )


@lru_cache(maxsize=256)
def _expected(file: Path, inode: int, size: int, changed: int) -> int:
    """The size that a file's head announces; read once for a file that stays what it is. Raises what reading raises."""
    with file.open("rb") as stream:
        (length,) = _HEADER_LENGTH.unpack(stream.read(_HEADER_LENGTH.size))
        if length > min(size, _MAX_HEADER_BYTES):
            raise ValueError("its header is longer than the file")
        header = json.loads(stream.read(length))
    ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    return int(_HEADER_LENGTH.size + length + max(ends, default=0))
