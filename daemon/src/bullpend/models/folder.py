"""What a folder says about the model in it, from its descriptions and file sizes alone.

A diffusers folder has a `model_index.json` whose `_class_name` names the pipeline and whose other keys name the
components, each a folder of its own. A `bullpen-manifest.json` beside it is optional and completes it:

    {"schema_version": 1, "title": "…", "licence": "Apache-2.0",
     "defaults": {"steps": 4, "guidance_scale": 1.0, "image_guidance_scale": 1.0, "width": 128, "height": 128},
     "files": {"unet/diffusion_pytorch_model.safetensors": {"sha256": "…", "size_bytes": 1}}}

A file's entry may also be its hash alone. A folder with a manifest and no index is of another kind (`kinds`).
Weights are never opened here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bullpend.models.companions import describe_companion, is_companion
from bullpend.models.description import (
    INDEX,
    MANIFEST,
    PICKLED,
    SAFE,
    FolderError,
    check_listed,
    read,
    weights_size,
    with_manifest,
)
from bullpend.models.kinds import describe_kind
from bullpend.models.model import Model, ModelState
from bullpend.models.rules import FAMILIES, RECOGNISED, Family

_WITH_WEIGHTS = frozenset({"unet", "transformer", "vae", "text_encoder", "text_encoder_2"})
_PART = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def holds_model(folder: Path) -> bool:
    """Whether a folder describes a model."""
    return (folder / INDEX).is_file() or (folder / MANIFEST).is_file() or is_companion(folder)


def describe(folder: Path, name: str) -> Model:
    """The model in a folder. Never raises for what is in it: a problem becomes the model's state."""
    model = Model(
        name=name,
        title=folder.name,
        state=ModelState.READY,
        family="",
        licence="",
        path=str(folder),
        size_bytes=weights_size(folder),
    )
    try:
        manifest = read(folder / MANIFEST) if (folder / MANIFEST).is_file() else None
        if not (folder / INDEX).is_file():
            if is_companion(folder):
                return describe_companion(model, folder, manifest)
            if manifest is not None:
                return describe_kind(model, folder, manifest)
        index = read(folder / INDEX)
        family = _family(index)
        model = replace(
            model,
            family=family.name,
            capabilities=family.capabilities,
            default_width=family.width,
            default_height=family.height,
            default_steps=family.steps,
            default_guidance_scale=family.guidance_scale,
            default_image_guidance_scale=family.image_guidance_scale,
        )
        model = _with_own_size(model, folder, family)
        if manifest is not None:
            model = with_manifest(model, manifest)
        _check_parts(folder, index)
        check_listed(folder)
    except FolderError as problem:
        return replace(
            model,
            family=model.family or problem.family,
            state=ModelState.CORRUPT if problem.reason == "MODEL_CORRUPT" else ModelState.UNSUPPORTED,
            refusal=problem.reason,
            problem=problem.message,
        )
    return model


def lone_file(path: Path, name: str) -> Model:
    """A checkpoint that is one file: listed, so that a person sees why it cannot be chosen."""
    pickled = path.suffix.lower() in PICKLED
    return Model(
        name=name,
        title=path.stem,
        state=ModelState.UNSUPPORTED,
        family="",
        licence="",
        path=str(path),
        size_bytes=path.stat().st_size,
        refusal="MODEL_UNSAFE" if pickled else "MODEL_UNSUPPORTED",
        problem=f"{path.name} holds pickled weights, which can run code and are never loaded."
        if pickled
        else f"{path.name} is a single-file checkpoint; this version runs folders in diffusers layout.",
    )


def _family(index: Mapping[str, Any]) -> Family:
    pipeline = index.get("_class_name")
    if isinstance(pipeline, list):
        pipeline = pipeline[-1] if pipeline else None
    if not isinstance(pipeline, str):
        raise FolderError("MODEL_CORRUPT", f"{INDEX} does not name its pipeline (_class_name).")
    if pipeline not in FAMILIES:
        known = RECOGNISED.get(pipeline, pipeline)
        message = f"Models of the family {known} ({pipeline}) cannot be run by this version yet."
        raise FolderError("MODEL_UNSUPPORTED", message, known)
    return FAMILIES[pipeline]


def _with_own_size(model: Model, folder: Path, family: Family) -> Model:
    """The picture size that the UNet was made for, where its configuration tells. Refuses shapes that cannot fit."""
    unet, vae = folder / "unet" / "config.json", folder / "vae" / "config.json"
    if not unet.is_file() or not vae.is_file():
        return model
    unet_config, vae_config = read(unet), read(vae)
    channels, latent = unet_config.get("in_channels"), vae_config.get("latent_channels")
    width = unet_config.get("cross_attention_dim")
    if isinstance(width, int):
        model = replace(model, attention_width=width)
    expected = family.latents * latent + family.more_channels if isinstance(latent, int) else None
    if isinstance(channels, int) and expected is not None and channels != expected:
        wanted = "twice the VAE's" if family.latents == 2 else "the VAE's"
        message = (
            f"The UNet takes {channels} channels, and one of the family {family.name} takes {wanted} {latent}; "
            "the folder mixes parts of different models."
        )
        raise FolderError("MODEL_UNSUPPORTED", message)
    sample, blocks = unet_config.get("sample_size"), vae_config.get("block_out_channels")
    if not isinstance(sample, int) or not isinstance(blocks, list) or not blocks:
        return model
    side = sample * 2 ** (len(blocks) - 1)
    return replace(model, default_width=side, default_height=side)


def _check_parts(folder: Path, index: Mapping[str, Any]) -> None:
    """Every component that the index names has its folder, and weights that are not pickled."""
    for part, kind in index.items():
        if part.startswith("_") or not isinstance(kind, list) or len(kind) != 2 or kind[0] is None:
            continue
        if not _PART.fullmatch(part):
            raise FolderError("MODEL_CORRUPT", f"{INDEX}: {part!r} is not the name of a component.")
        place = folder / part
        if not place.is_dir():
            raise FolderError("MODEL_CORRUPT", f"The folder {part} is missing.")
        files = [path for path in place.iterdir() if path.is_file()]
        suffixes = {path.suffix.lower() for path in files}
        if suffixes & PICKLED and not suffixes & SAFE:
            pickled = sorted(path.name for path in files if path.suffix.lower() in PICKLED)
            message = f"{part}/{pickled[0]} holds pickled weights, which can run code and are never loaded."
            raise FolderError("MODEL_UNSAFE", message)
        if part in _WITH_WEIGHTS and not suffixes & SAFE:
            raise FolderError("MODEL_CORRUPT", f"The folder {part} has no weights (*.safetensors).")
