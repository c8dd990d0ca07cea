"""Models that are no pipelines: cutout, upscaling, encoders, taggers, LoRAs. Their manifest says what they are.

    {"schema_version": 1, "title": "…", "licence": "Apache-2.0", "family": "lora", "capabilities": ["lora"],
     "base_model": "starter-edit", "files": {"pytorch_lora_weights.safetensors": {"sha256": "…", "size": 1}}}

The folder must list its weights with their hashes: without an index nothing else says what belongs to the model.
`base_model` is a LoRA's, the name of the model that it was trained on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from bullpend.models.companions import as_ip_adapter, is_ip_adapter
from bullpend.models.description import (
    INDEX,
    MANIFEST,
    ONNX,
    PICKLED,
    SAFE,
    FolderError,
    check_listed,
    listed_files,
    with_manifest,
)
from bullpend.models.model import LORA, Model
from bullpend.models.rules import FAMILIES, KINDS


def describe_kind(model: Model, folder: Path, data: Mapping[str, Any]) -> Model:
    """The model that a manifest without an index describes. Raises FolderError."""
    family = data.get("family")
    if not isinstance(family, str) or family in {known.name for known in FAMILIES.values()}:
        raise FolderError("MODEL_CORRUPT", f"{INDEX} is missing.", family if isinstance(family, str) else "")
    if family not in KINDS:
        message = f"Models of the family {family} cannot be used by this version yet."
        raise FolderError("MODEL_UNSUPPORTED", message, family)
    model = replace(model, family=family, default_width=0, default_height=0, default_steps=0)
    try:
        model = with_manifest(model, data)
        weights = _weights(folder)
        model = replace(
            model,
            capabilities=_capabilities(data, KINDS[family]),
            engine="onnx" if any(PurePosixPath(path).suffix in ONNX for path in weights) else "torch",
        )
        check_listed(folder)
        if is_ip_adapter(model):
            return as_ip_adapter(model, folder, data, weights)
        return _as_lora(model, data, weights) if LORA in model.capabilities else model
    except FolderError as problem:
        problem.family = family
        raise


def _capabilities(data: Mapping[str, Any], possible: tuple[str, ...]) -> tuple[str, ...]:
    named = data.get("capabilities")
    found = tuple(name for name in possible if isinstance(named, list) and name in named)
    if not found:
        raise FolderError("MODEL_CORRUPT", f"{MANIFEST}: capabilities names none of {', '.join(possible)}.")
    return found


def _weights(folder: Path) -> list[str]:
    """The listed weights, sorted."""
    listed = sorted(listed_files(folder))
    safe = [path for path in listed if PurePosixPath(path).suffix.lower() in SAFE | ONNX]
    if safe:
        return safe
    pickled = [path for path in listed if PurePosixPath(path).suffix.lower() in PICKLED]
    if pickled:
        message = f"{pickled[0]} holds pickled weights, which can run code and are never loaded."
        raise FolderError("MODEL_UNSAFE", message)
    raise FolderError("MODEL_CORRUPT", f"{MANIFEST}: files lists no weights (*.safetensors, *.onnx).")


def _as_lora(model: Model, data: Mapping[str, Any], weights: list[str]) -> Model:
    base = data.get("base_model")
    if not isinstance(base, str) or not base:
        raise FolderError("MODEL_CORRUPT", f"{MANIFEST}: base_model does not name the model that the LoRA is for.")
    if len(weights) != 1 or PurePosixPath(weights[0]).suffix.lower() not in SAFE:
        raise FolderError("MODEL_CORRUPT", f"{MANIFEST}: files must list one file of weights (*.safetensors).")
    name = base if "/" in base else f"models/{base}"
    return replace(model, base_model=name, weight_file=weights[0])
