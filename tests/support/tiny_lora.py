"""A tiny random LoRA for the tiny pipeline, saved by the stock calls of peft and diffusers, with its manifest."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

WEIGHTS = "pytorch_lora_weights.safetensors"


def build_tiny_lora(folder: Path, base: Path, *, seed: int = 5, rank: int = 2, base_model: str = "") -> Path:
    """Writes a LoRA for the UNet of the pipeline in `base` and returns its folder. Equal arguments, equal weights.

    `base_model` is the name that its manifest gives; without one that of the base's folder.
    """
    import torch
    from diffusers import DiffusionPipeline
    from diffusers.utils import convert_state_dict_to_diffusers
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    pipeline = DiffusionPipeline.from_pretrained(base, local_files_only=True)
    targets = ["to_q", "to_k", "to_v", "to_out.0"]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        # An alpha other than the rank: it is kept in the file's head and must be read from there.
        pipeline.unet.add_adapter(LoraConfig(r=rank, lora_alpha=3 * rank, target_modules=targets))
        with torch.no_grad():
            for name, parameter in pipeline.unet.named_parameters():
                if ".lora_" in name:
                    parameter.normal_(std=0.3)
    layers = convert_state_dict_to_diffusers(get_peft_model_state_dict(pipeline.unet))
    pipeline.save_lora_weights(
        folder, unet_lora_layers=layers, unet_lora_adapter_metadata=pipeline.unet.peft_config["default"].to_dict()
    )
    write_manifest(folder, base_model or base.name)
    return folder


def write_manifest(folder: Path, base_model: str) -> None:
    """Lists the weights as they are now."""
    content = (folder / WEIGHTS).read_bytes()
    manifest = {
        "schema_version": 1,
        "title": folder.name,
        "licence": "Apache-2.0",
        "family": "lora",
        "capabilities": ["lora"],
        "base_model": base_model,
        "files": {WEIGHTS: {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}},
    }
    (folder / "bullpen-manifest.json").write_text(json.dumps(manifest))
