"""What every family of latent diffusion does alike: the canvas, the first noise, a scheduler's step, the decoding."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from diffusers.utils.torch_utils import randn_tensor
from PIL import Image

from bullpen_worker.engines.base import JobSpec
from bullpen_worker.engines.torch.placing import device_of


def canvas_size(pipeline: Any, job: JobSpec) -> tuple[int, int]:
    """Width and height that the model works at: the job's, or the model's own, in whole latent cells."""
    cell, own = int(pipeline.vae_scale_factor), own_size(pipeline)
    return max(cell, (job.width or own) // cell * cell), max(cell, (job.height or own) // cell * cell)


def own_size(pipeline: Any) -> int:
    """Pixels a side that the model was made for."""
    unet = getattr(pipeline, "unet", None)
    cells = unet.config.sample_size if unet is not None else pipeline.default_sample_size
    return int(cells) * int(pipeline.vae_scale_factor)


def generators(seeds: Sequence[int]) -> list[torch.Generator]:
    """One source of noise for each candidate, seeded on the CPU: the same noise on every device."""
    return [torch.Generator("cpu").manual_seed(seed) for seed in seeds]


def each(encoded: torch.Tensor, count: int) -> torch.Tensor:
    """What all candidates share, once for each of them: [k, …] becomes [k × count, …], each row `count` times."""
    return encoded if count == 1 else encoded.repeat_interleave(count, dim=0)


def first_noise(
    pipeline: Any, scheduler: Any, cells: tuple[int, int], noises: Sequence[torch.Generator], dtype: torch.dtype
) -> torch.Tensor:
    """Noise [n, C, h, w] as the scheduler begins with, one row of each generator."""
    shape = (1, pipeline.vae.config.latent_channels, *cells)
    device = device_of(pipeline)
    rows = [randn_tensor(shape, generator=generator, device=device, dtype=dtype) for generator in noises]
    noise = rows[0] if len(rows) == 1 else torch.cat(rows)
    scaled: torch.Tensor = noise * scheduler.init_noise_sigma
    return scaled


def step_options(scheduler: Any, noises: Sequence[torch.Generator]) -> dict[str, Any]:
    """What the scheduler's step takes besides the sample; schedulers differ in it."""
    options: dict[str, Any] = {"eta": 0.0, "generator": noises[0] if len(noises) == 1 else list(noises)}
    return {name: value for name, value in options.items() if name in _parameters(type(scheduler).step)}


@cache
def _parameters(step: Callable[..., Any]) -> frozenset[str]:
    return frozenset(inspect.signature(step).parameters)


def decode(pipeline: Any, latents: torch.Tensor, dtype: torch.dtype) -> tuple[Image.Image, float]:
    """The picture of finished latents, and the share of its values that were not finite, 0–1."""
    image = pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor, return_dict=False)[0]
    bad = 1.0 - float(torch.isfinite(image).float().mean())
    if bad:
        image = torch.nan_to_num(image, nan=0.0, posinf=1.0, neginf=-1.0)
    image, flagged = pipeline.run_safety_checker(image, device_of(pipeline), dtype)
    denormalize = [True] if flagged is None else [not flag for flag in flagged]
    (picture,) = pipeline.image_processor.postprocess(image, output_type="pil", do_denormalize=denormalize)
    return picture, bad
