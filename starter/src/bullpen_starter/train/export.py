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
from bullpen_starter.train.packing import pack, write
from bullpen_starter.train.painters import averaged

NAME = "starter-edit"
DEFAULTS: dict[str, Any] = {
    "default_steps": 8,
    "min_steps": 1,
    "max_steps": 20,
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
        unet=averaged(cache, "edit"),
        scheduler=unet.scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _about(cache: Path, metrics: dict[str, Any]) -> dict[str, Any]:
    """What a registry needs to know of the model."""
    state = torch.load(cache / "edit.pt", weights_only=True, map_location="cpu")
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
            "batch": state["batch"],
            "device": state["device"],
            "minutes": round(state["used"] / 60, 1),
            "rate": edit.RATE,
            "objective": "diffusion, sample prediction, zero terminal SNR, trailing; begins as starter-text",
            "seed": 3,
        },
        "metrics": metrics,
    }


def _spent(cache: Path, name: str) -> str:
    state = torch.load(cache / f"{name}.pt", weights_only=True, map_location="cpu")
    place = "two CPU cores that had other work as well" if state["device"] == "cpu" else "one GPU"
    return f"{state['steps']} steps of {state['batch']} examples, {state['used'] / 60:.0f} minutes on {place}"


def _trained(cache: Path) -> str:
    return (
        f"the scripts of `bullpen_starter.train`: it begins as `starter-text` ({_spent(cache, 'generate')}) and then"
        f" learns to edit ({_spent(cache, 'edit')}). The encoder of the codec is linear and written down, not trained."
    )


def export(cache: Path, root: Path | None = None) -> Path:
    """Write the model folder; metrics come from `metrics.json` under `cache` when they have been measured."""
    scores = cache / "metrics.json"
    metrics = json.loads(scores.read_text()) if scores.exists() else {}
    pipe = pipeline(cache)
    return pack(
        NAME, lambda folder: write(pipe, folder), _about(cache, metrics), card(metrics, DEFAULTS, _trained(cache)), root
    )
