"""Models for the scripted device: folders that look like pipelines, with a script of how they load and how large they
are (`bullpen_worker/engines/scripted/engine.py` says what a script may hold).
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

MB = 1024 * 1024


def write_scripted_model(folder: Path, **script: Any) -> Path:
    """Writes a model in diffusers layout whose weights are but a name, and its script; returns the folder."""
    content = len(header := b"{}").to_bytes(8, "little") + header + folder.name.encode()
    listed = {}
    for part, file in (("unet", "diffusion_pytorch_model"), ("vae", "diffusion_pytorch_model")):
        place = folder / part
        place.mkdir(parents=True)
        (place / "config.json").write_text(json.dumps({"sample_size": 16}))
        (place / f"{file}.safetensors").write_bytes(content)
        about = {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
        listed[f"{part}/{file}.safetensors"] = about
    parts = {"unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"]}
    index = {"_class_name": "StableDiffusionInstructPix2PixPipeline", "_diffusers_version": "0.42.1", **parts}
    (folder / "model_index.json").write_text(json.dumps(index))
    manifest = {"schema_version": 1, "title": folder.name, "licence": "Apache-2.0", "files": listed}
    (folder / "bullpen-manifest.json").write_text(json.dumps(manifest))
    (folder / "scripted.json").write_text(json.dumps(script))
    return folder
