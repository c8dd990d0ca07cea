"""Export: the trained parts as a stock diffusers folder in fp16, with its manifest and card.

The folder is complete and offline:
`StableDiffusionInstructPix2PixPipeline.from_pretrained(folder, local_files_only=True)`.
"""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, StableDiffusionInstructPix2PixPipeline
from transformers import CLIPTextModel, CLIPTokenizer

from bullpen_starter import models_root
from bullpen_starter.train import data, edit, unet
from bullpen_starter.train.card import card

NAME = "starter-edit"
LIMIT = 15 * 2**20
DEFAULTS: dict[str, Any] = {
    "default_steps": 4,
    "min_steps": 1,
    "max_steps": 12,
    "default_guidance_scale": 1.0,
    "min_guidance_scale": 1.0,
    "max_guidance_scale": 2.0,
    "default_image_guidance_scale": 1.0,
}


def pipeline(cache: Path) -> StableDiffusionInstructPix2PixPipeline:
    """The stock pipeline from the checkpoints under `cache`, in fp32."""
    return StableDiffusionInstructPix2PixPipeline(
        vae=AutoencoderKL.from_pretrained(cache / "vae"),
        text_encoder=CLIPTextModel.from_pretrained(cache / "text_encoder"),
        tokenizer=CLIPTokenizer.from_pretrained(cache / "tokenizer"),
        unet=edit.averaged(cache),
        scheduler=unet.scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _hash(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}


def manifest(folder: Path, cache: Path, metrics: dict[str, Any]) -> dict[str, Any]:
    """What a registry needs to know of the model, with the hash of every file beside the manifest itself."""
    state = torch.load(cache / "edit.pt", weights_only=True)
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "bullpen-manifest.json")
    return {
        "schema_version": 1,
        "name": NAME,
        "title": "Starter edit",
        "family": "instruct-pix2pix",
        "licence": "Apache-2.0",
        "pipeline": "StableDiffusionInstructPix2PixPipeline",
        "width": data.SIZE,
        "height": data.SIZE,
        **DEFAULTS,
        "defaults": {
            "steps": DEFAULTS["default_steps"],
            "guidance_scale": DEFAULTS["default_guidance_scale"],
            "image_guidance_scale": DEFAULTS["default_image_guidance_scale"],
            "width": data.SIZE,
            "height": data.SIZE,
        },
        "capabilities": ["instruction_edit"],
        "training": {
            "data": "procedural renders of bullpen_starter.render",
            "steps": state["steps"],
            "batch_per_process": edit.BATCH,
            "processes": 2,
            "minutes": round(state["used"] / 60, 1),
            "rate": edit.RATE,
            "objective": "sample prediction, zero terminal SNR, trailing; first step and own rollouts",
            "seed": 3,
        },
        "metrics": metrics,
        "files": {p.relative_to(folder).as_posix(): _hash(p) for p in files},
    }


def export(cache: Path, folder: Path | None = None) -> Path:
    """Write the model folder; metrics come from `metrics.json` under `cache` when an evaluation has been made."""
    folder = folder or models_root() / NAME
    fresh = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    pipeline(cache).to(dtype=torch.float16).save_pretrained(fresh, safe_serialization=True)
    scores = cache / "metrics.json"
    metrics = json.loads(scores.read_text()) if scores.exists() else {}
    (fresh / "CARD.md").write_text(card(metrics, DEFAULTS))
    for path in fresh.rglob("*.json"):
        held = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(held, dict) and held.pop("_name_or_path", None):
            path.write_text(json.dumps(held, indent=2) + "\n", encoding="utf-8")
    for path in fresh.rglob("*.safetensors"):
        path.chmod(0o644)
        if path.stat().st_size > LIMIT:
            raise ValueError(f"{path.name} is larger than {LIMIT} bytes")
    text = json.dumps(manifest(fresh, cache, metrics), indent=2) + "\n"
    (fresh / "bullpen-manifest.json").write_text(text)
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    return folder
