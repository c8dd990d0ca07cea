"""Model folders of a few bytes, in the layout of diffusers, for tests of the registry."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

PIX2PIX = "StableDiffusionInstructPix2PixPipeline"


def later() -> int:
    """A clock by which every file was written long ago."""
    return 2**62


def write(path: Path, data: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))


def make_model(folder: Path, pipeline: str = PIX2PIX, *, manifest: dict[str, Any] | None = None) -> Path:
    """A folder in diffusers layout with a few bytes for weights."""
    write(
        folder / "model_index.json",
        {
            "_class_name": pipeline,
            "_diffusers_version": "0.42.1",
            "unet": ["diffusers", "UNet2DConditionModel"],
            "vae": ["diffusers", "AutoencoderKL"],
            "scheduler": ["diffusers", "DDIMScheduler"],
            "safety_checker": [None, None],
            "requires_safety_checker": False,
        },
    )
    write(folder / "unet" / "config.json", {"in_channels": 16, "sample_size": 32})
    write(folder / "vae" / "config.json", {"latent_channels": 8, "block_out_channels": [16, 32, 64]})
    write(folder / "scheduler" / "scheduler_config.json", {})
    for part in ("unet", "vae"):
        (folder / part / "diffusion_pytorch_model.safetensors").write_bytes(part.encode() * 10)
    if manifest is not None:
        files = {
            path.relative_to(folder).as_posix(): {
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "size_bytes": path.stat().st_size,
            }
            for path in folder.rglob("*")
            if path.is_file()
        }
        write(folder / "bullpen-manifest.json", {"schema_version": 1, "files": files, **manifest})
    return folder
