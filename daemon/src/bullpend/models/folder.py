"""What a folder says about the model in it, from its descriptions and file sizes alone.

A diffusers folder has a `model_index.json` whose `_class_name` names the pipeline and whose other keys name the
components, each a folder of its own. A `bullpen-manifest.json` beside it is optional and completes it:

    {"schema_version": 1, "title": "…", "licence": "Apache-2.0",
     "defaults": {"steps": 4, "guidance_scale": 1.0, "image_guidance_scale": 1.0, "width": 128, "height": 128},
     "files": {"unet/diffusion_pytorch_model.safetensors": {"sha256": "…", "size_bytes": 1}}}

A file's entry may also be its hash alone. Weights are never opened here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from bullpend.models.model import Model, ModelState
from bullpend.models.rules import FAMILIES, RECOGNISED, Family

INDEX = "model_index.json"
MANIFEST = "bullpen-manifest.json"
SAFE = frozenset({".safetensors"})
PICKLED = frozenset({".bin", ".ckpt", ".pt", ".pth", ".pkl"})

# A description larger than this is none.
_MAX_JSON = 4_000_000
_PART = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
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


def describe(folder: Path, name: str) -> Model:
    """The model in a folder. Never raises for what is in it: a problem becomes the model's state."""
    model = Model(
        name=name,
        title=folder.name,
        state=ModelState.READY,
        family="",
        licence="",
        path=str(folder),
        size_bytes=_weights_size(folder),
    )
    try:
        index = _read(folder / INDEX)
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
        model = _with_own_size(model, folder)
        model = _with_manifest(model, folder)
        _check_parts(folder, index)
        _check_listed(folder)
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


def listed_files(folder: Path) -> dict[str, Listed]:
    """The manifest's files by posix path below the folder; empty where there is no manifest or it lists none.

    Raises FolderError for a manifest that is malformed or names files outside of the folder.
    """
    if not (folder / MANIFEST).is_file():
        return {}
    files = _read(folder / MANIFEST).get("files", {})
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


def content_files(folder: Path) -> list[str]:
    """Posix paths of the files that decide what the model makes: weights, configurations, vocabularies; sorted."""
    kinds = {".safetensors", ".json", ".txt", ".model"}
    found = []
    for path in folder.rglob("*"):
        relative = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in relative.parts)
        if path.suffix.lower() in kinds and relative.as_posix() != MANIFEST and not hidden and path.is_file():
            found.append(relative.as_posix())
    return sorted(found)


def _read(path: Path) -> dict[str, Any]:
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


def _weights_size(folder: Path) -> int:
    """Bytes of the weights that would be loaded."""
    try:
        return sum(path.stat().st_size for path in folder.rglob("*.safetensors") if path.is_file())
    except OSError:
        return 0


def _with_own_size(model: Model, folder: Path) -> Model:
    """The picture size that the UNet was made for, where its configuration tells. Refuses shapes that cannot fit."""
    unet, vae = folder / "unet" / "config.json", folder / "vae" / "config.json"
    if not unet.is_file() or not vae.is_file():
        return model
    unet_config, vae_config = _read(unet), _read(vae)
    channels, latent = unet_config.get("in_channels"), vae_config.get("latent_channels")
    if isinstance(channels, int) and isinstance(latent, int) and channels != 2 * latent:
        message = (
            f"The UNet takes {channels} channels, and an instruction-editing one takes twice the VAE's {latent}; "
            "the folder mixes parts of different models."
        )
        raise FolderError("MODEL_UNSUPPORTED", message)
    sample, blocks = unet_config.get("sample_size"), vae_config.get("block_out_channels")
    if not isinstance(sample, int) or not isinstance(blocks, list) or not blocks:
        return model
    side = sample * 2 ** (len(blocks) - 1)
    return replace(model, default_width=side, default_height=side)


def _with_manifest(model: Model, folder: Path) -> Model:
    if not (folder / MANIFEST).is_file():
        return model
    data = _read(folder / MANIFEST)
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
        if part in {"unet", "vae", "text_encoder"} and not suffixes & SAFE:
            raise FolderError("MODEL_CORRUPT", f"The folder {part} has no weights (*.safetensors).")


def _check_listed(folder: Path) -> None:
    for path, listed in listed_files(folder).items():
        try:
            size = (folder / path).stat().st_size
        except OSError as error:
            raise FolderError("MODEL_CORRUPT", f"{path} is missing.") from error
        if listed.size_bytes is not None and size != listed.size_bytes:
            raise FolderError("MODEL_CORRUPT", f"{path} has {size} bytes where the manifest lists {listed.size_bytes}.")
