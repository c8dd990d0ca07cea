"""What somebody writes who has diffusers and some scenes: every candidate of every scene, one after the other, saved as
PNG. Argument: JSON. Writes the seconds of its loop.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import torch
from diffusers import StableDiffusionInstructPix2PixPipeline
from PIL import Image


def main() -> None:
    """Makes the pictures."""
    asked = json.loads(sys.argv[1])
    torch.set_num_threads(asked["threads"])
    steps, guidance, image_guidance = asked["sampling"]
    half = any(Path(asked["model"]).glob("*/*.fp16.safetensors"))
    pipeline = StableDiffusionInstructPix2PixPipeline.from_pretrained(
        asked["model"], dtype=torch.float32, variant="fp16" if half else None, local_files_only=True
    )
    pipeline.set_progress_bar_config(disable=True)
    began = time.perf_counter()
    for scene, source in enumerate(asked["sources"]):
        for candidate in range(asked["candidates"]):
            image = Image.open(source).convert("RGB")
            made = pipeline(
                asked["instruction"],
                image=image,
                num_inference_steps=steps,
                guidance_scale=guidance,
                image_guidance_scale=image_guidance,
                generator=torch.Generator("cpu").manual_seed(candidate),
            ).images[0]
            made.save(Path(asked["out"], f"plain-{scene}-{candidate}.png"))
    sys.stdout.write(f"{time.perf_counter() - began}\n")


if __name__ == "__main__":
    main()
