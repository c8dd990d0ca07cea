"""Export of the edit model: the trained parts as a stock diffusers folder in fp16, with its manifest and card.

The folder is complete and offline:
`StableDiffusionInstructPix2PixPipeline.from_pretrained(folder, local_files_only=True)`.
"""

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, StableDiffusionInstructPix2PixPipeline
from transformers import CLIPTextModel, CLIPTokenizer

from bullpen_starter.train import data, edit, unet
from bullpen_starter.train.card import card
from bullpen_starter.train.packing import pack

NAME = "starter-edit"
SHARD = "14MB"
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


def _about(cache: Path, metrics: dict[str, Any]) -> dict[str, Any]:
    """What a registry needs to know of the model."""
    state = torch.load(cache / "edit.pt", weights_only=True)
    return {
        "title": "Starter edit",
        "family": "instruct-pix2pix",
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
    }


def _trained(cache: Path) -> str:
    state = torch.load(cache / "edit.pt", weights_only=True)
    return (
        f"the scripts of `bullpen_starter.train`: {state['steps']} steps of {2 * edit.BATCH} examples in"
        f" {state['used'] / 60:.0f} minutes on two CPU cores that had other work as well. The encoder of the codec is"
        " linear and written down, not trained."
    )


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


def export(cache: Path, root: Path | None = None) -> Path:
    """Write the model folder; metrics come from `metrics.json` under `cache` when they have been measured."""
    scores = cache / "metrics.json"
    metrics = json.loads(scores.read_text()) if scores.exists() else {}
    pipe = pipeline(cache)
    return pack(
        NAME, lambda folder: write(pipe, folder), _about(cache, metrics), card(metrics, DEFAULTS, _trained(cache)), root
    )
