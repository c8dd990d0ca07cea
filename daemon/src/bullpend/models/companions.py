"""Networks that act beside a model: ControlNets, IP-Adapters, estimators of depth; what a folder says of one.

ControlNets and estimators are handed on as one network with its `config.json`, without an index or a manifest: so a
ControlNet says in its name what it was trained on, such as `sd-controlnet-canny`. A `bullpen-manifest.json` may say it
better: `{"family": "controlnet", "capabilities": ["control_line"], "files": {…}}`. An IP-Adapter needs one, since
nothing else in its folder tells what it is:

    {"schema_version": 1, "title": "…", "family": "ip-adapter", "capabilities": ["reference_adapter"],
     "base_family": "stable-diffusion",
     "files": {"ip-adapter.safetensors": "…", "image_encoder/model.safetensors": "…"}}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from bullpend.models.description import MANIFEST, PICKLED, SAFE, FolderError, check_listed, read, with_manifest
from bullpend.models.model import CONTROLS, DEPTH, REFERENCE_ADAPTER, Model
from bullpend.models.rules import CONTROL_NETS, FAMILIES, KINDS

CONFIG = "config.json"
ENCODER = "image_encoder"
_XL = "stable-diffusion-xl"
_DEPTH_CLASS = "ForDepthEstimation"
# What names of ControlNets say of what they were trained on.
_IN_NAMES = {"canny": "canny", "lineart": "line", "line": "line", "scribble": "line", "depth": "depth"}


def is_companion(folder: Path) -> bool:
    """Whether a folder holds one network that acts beside a model, by its own description."""
    try:
        config = read(folder / CONFIG) if (folder / CONFIG).is_file() else {}
    except FolderError:
        return False
    return config.get("_class_name") in CONTROL_NETS or _estimates_depth(config)


def describe_companion(model: Model, folder: Path, manifest: Mapping[str, Any] | None) -> Model:
    """The network in a folder. Raises FolderError."""
    config = read(folder / CONFIG)
    depth = _estimates_depth(config)
    family = "depth-estimator" if depth else "controlnet"
    model = replace(model, family=family, default_width=0, default_height=0, default_steps=0)
    try:
        if manifest is not None:
            model = with_manifest(model, manifest)
            check_listed(folder)
        _check_weights(folder)
        if depth:
            return replace(model, capabilities=(DEPTH,))
        return replace(
            model,
            capabilities=(_control(model, folder, manifest),),
            base_family=_base_family(config),
            attention_width=_width(config),
        )
    except FolderError as problem:
        problem.family = family
        raise


def as_ip_adapter(model: Model, folder: Path, data: Mapping[str, Any], weights: list[str]) -> Model:
    """The IP-Adapter that a manifest describes; `weights` are the files that it lists. Raises FolderError."""
    family = data.get("base_family")
    known = {item.name for item in FAMILIES.values()}
    if not isinstance(family, str) or family not in known:
        names = ", ".join(sorted(known))
        raise FolderError("MODEL_CORRUPT", f"{MANIFEST}: base_family does not name a family; there are: {names}.")
    own = [path for path in weights if PurePosixPath(path).parts[0] != ENCODER]
    if len(own) != 1 or PurePosixPath(own[0]).suffix.lower() not in SAFE:
        raise FolderError("MODEL_CORRUPT", f"{MANIFEST}: files must list one file of weights beside {ENCODER}.")
    if len(own) == len(weights) or not (folder / ENCODER / CONFIG).is_file():
        raise FolderError("MODEL_CORRUPT", f"The folder {ENCODER} with its {CONFIG} and weights is missing.")
    width = data.get("attention_width")
    return replace(
        model,
        base_family=family,
        weight_file=own[0],
        attention_width=width if isinstance(width, int) and not isinstance(width, bool) and width > 0 else 0,
    )


def is_ip_adapter(model: Model) -> bool:
    """Whether a described model is one."""
    return REFERENCE_ADAPTER in model.capabilities


def _estimates_depth(config: Mapping[str, Any]) -> bool:
    classes = config.get("architectures")
    return isinstance(classes, list) and any(isinstance(name, str) and name.endswith(_DEPTH_CLASS) for name in classes)


def _check_weights(folder: Path) -> None:
    suffixes = {path.suffix.lower() for path in folder.iterdir() if path.is_file()}
    if suffixes & SAFE:
        return
    if suffixes & PICKLED:
        raise FolderError("MODEL_UNSAFE", "Its weights are pickled, which can run code, and are never loaded.")
    raise FolderError("MODEL_CORRUPT", "There are no weights (*.safetensors) in its folder.")


def _control(model: Model, folder: Path, manifest: Mapping[str, Any] | None) -> str:
    named = (manifest or {}).get("capabilities")
    for capability in KINDS["controlnet"]:
        if isinstance(named, list) and capability in named:
            return capability
    # A snapshot of a hub's cache lies in a folder that is named by a hash; the model's own name tells more.
    for word in re.split(r"[^a-z0-9]+", f"{model.name} {folder.name}".lower()):
        for sign, kind in _IN_NAMES.items():
            if sign in word:
                return CONTROLS[kind]
    raise FolderError(
        "MODEL_UNSUPPORTED",
        "Its name does not say what the ControlNet was trained on; canny, line and depth can be drawn here. "
        f"A {MANIFEST} may say it: capabilities with one of {', '.join(KINDS['controlnet'])}.",
    )


def _base_family(config: Mapping[str, Any]) -> str:
    family = CONTROL_NETS[str(config["_class_name"])]
    return _XL if family == "stable-diffusion" and config.get("addition_embed_type") == "text_time" else family


def _width(config: Mapping[str, Any]) -> int:
    width = config.get("cross_attention_dim")
    return width if isinstance(width, int) and not isinstance(width, bool) else 0
