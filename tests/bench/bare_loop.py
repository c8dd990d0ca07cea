"""The stock diffusers pipeline in a loop: what a job is compared with. Reads seeds, writes seconds, line by line."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import torch
from diffusers import StableDiffusionInstructPix2PixPipeline
from PIL import Image


def main() -> None:
    """Arguments: model folder, source picture, threads, instruction, [steps, guidance, image guidance] as JSON."""
    model, source, threads, instruction, numbers = sys.argv[1:]
    torch.set_num_threads(int(threads))
    steps, guidance, image_guidance = json.loads(numbers)
    half = any(Path(model).glob("*/*.fp16.safetensors"))
    pipeline = StableDiffusionInstructPix2PixPipeline.from_pretrained(
        model, dtype=torch.float32, variant="fp16" if half else None, use_safetensors=True, local_files_only=True
    )
    pipeline.set_progress_bar_config(disable=True)
    for line in sys.stdin:
        began = time.perf_counter()
        for seed in json.loads(line):
            image = Image.open(source).convert("RGB")
            pipeline(
                instruction,
                image=image,
                num_inference_steps=steps,
                guidance_scale=guidance,
                image_guidance_scale=image_guidance,
                generator=torch.Generator("cpu").manual_seed(seed),
            )
        sys.stdout.write(f"{time.perf_counter() - began}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
