"""Pictures from a text alone: StableDiffusionPipeline, step by step.

As for edits, the loop is that of the pipeline's own `__call__` over its own parts, with the same pixels to the bit
(`tests/worker/test_torch_text_to_image.py`), written so that it may be stopped and changed between steps.

Source: Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models",
https://arxiv.org/abs/2112.10752; guidance: Ho, Salimans, https://arxiv.org/abs/2207.12598.
"""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import torch
from diffusers import StableDiffusionPipeline

from bullpen_worker.engines.base import Controls, Denoising, JobSpec, Picture, Preview, Step
from bullpen_worker.engines.torch.activation import stock
from bullpen_worker.engines.torch.companions import Companions
from bullpen_worker.engines.torch.latents import canvas_size, decode, first_noise, generators, step_options
from bullpen_worker.engines.torch.model_files import ModelFolder
from bullpen_worker.engines.torch.placing import device_of
from bullpen_worker.engines.torch.preview import render_preview
from bullpen_worker.engines.torch.respacing import respaces, timesteps
from bullpen_worker.engines.torch.stock_families import StockFamily, StockJob


class TextToImage:
    """The family `stable-diffusion`: pictures from text here, edits by the library's own classes."""

    pipeline_classes = frozenset({"StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline"})

    def __init__(self, edits: StockFamily) -> None:
        self._edits = edits

    def build(self, folder: ModelFolder, dtype: torch.dtype) -> Any:
        """Builds the stock pipeline from safetensors on this machine."""
        return stock(StableDiffusionPipeline, folder, dtype)

    def prepare(self, pipeline: Any, job: JobSpec, companions: Companions) -> TextJob | StockJob:
        """Encodes the text; with a strategy of the manifest the source picture is what it starts from."""
        if job.method.strategy:
            return self._edits.prepare(pipeline, job, companions)
        companions.drop()
        return TextJob(pipeline, job)


class TextJob:
    """A text in the model's own terms."""

    def __init__(self, pipeline: Any, job: JobSpec) -> None:
        self._pipeline = pipeline
        self._job = job
        self.respaces = respaces(pipeline.scheduler)
        width, height = canvas_size(pipeline, job)
        cell = int(pipeline.vae_scale_factor)
        self._cells = (height // cell, width // cell)
        with torch.no_grad():
            self._plain = self._encode(False)
        # [negative, text]; made when first needed.
        self._guided: torch.Tensor | None = None

    def denoise(self, number: int, seed: int, controls: Controls) -> Denoising:
        """Makes one candidate; `number` has no influence."""
        pipeline = self._pipeline
        # A scheduler keeps state from step to step; each candidate begins with one that nobody has used.
        scheduler = copy.deepcopy(pipeline.scheduler)
        noises = generators((seed,))
        with torch.no_grad():
            scheduler.set_timesteps(max(1, controls.steps or self._job.steps), device=device_of(pipeline))
            latents = first_noise(pipeline, scheduler, self._cells, noises, self._plain.dtype)
        options = step_options(scheduler, noises)
        for at, total, t in timesteps(scheduler, controls, device_of(pipeline)):
            with torch.no_grad():
                predicted = self._predict(scheduler, latents, t, controls)
                stepped = scheduler.step(predicted, t, latents, **options)
            latents = stepped.prev_sample
            expected = getattr(stepped, "pred_original_sample", None)
            yield Step(at, total, partial(self._preview, latents if expected is None else expected))
        with torch.no_grad():
            picture, bad = decode(pipeline, latents, self._plain.dtype)
        return Picture(picture.width, picture.height, picture.tobytes(), bad)

    def _encode(self, guided: bool) -> torch.Tensor:
        job = self._job
        text, negative = self._pipeline.encode_prompt(
            job.prompt, device_of(self._pipeline), 1, guided, job.negative_prompt if guided else None
        )
        encoded: torch.Tensor = torch.cat([negative, text]) if guided else text
        return encoded

    def _predict(self, scheduler: Any, latents: torch.Tensor, t: torch.Tensor, controls: Controls) -> torch.Tensor:
        guided = controls.guidance_scale > 1.0 and self._pipeline.unet.config.time_cond_proj_dim is None
        if guided and self._guided is None:
            self._guided = self._encode(True)
        scaled = scheduler.scale_model_input(torch.cat([latents] * 2) if guided else latents, t)
        noise: torch.Tensor = self._pipeline.unet(
            scaled,
            t,
            encoder_hidden_states=self._guided if guided else self._plain,
            timestep_cond=self._timestep_cond(controls, latents),
            return_dict=False,
        )[0]
        if not guided:
            return noise
        free, for_text = noise.chunk(2)
        return free + controls.guidance_scale * (for_text - free)

    def _timestep_cond(self, controls: Controls, latents: torch.Tensor) -> torch.Tensor | None:
        """For models that were distilled with their guidance as an input (latent consistency models)."""
        width = self._pipeline.unet.config.time_cond_proj_dim
        if width is None:
            return None
        scale = torch.tensor(controls.guidance_scale - 1).repeat(1)
        embedded: torch.Tensor = self._pipeline.get_guidance_scale_embedding(scale, embedding_dim=width)
        return embedded.to(device=latents.device, dtype=latents.dtype)

    def _preview(self, latents: torch.Tensor) -> Preview | None:
        with torch.no_grad():
            return render_preview(self._pipeline.vae, latents)
