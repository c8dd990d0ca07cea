"""Editing by instruction: StableDiffusionInstructPix2PixPipeline, step by step.

The loop below is that of the pipeline's own `__call__`, written as a generator over the pipeline's own parts, and gives
the same pixels to the bit (`tests/worker/test_torch_engine.py` holds the two together). What it adds: texts and source
are encoded once for all candidates, parameters may change between steps, also across the point where guidance begins,
and previews show the picture as the model expects it to become.

Source: Brooks, Holynski, Efros, "InstructPix2Pix", https://arxiv.org/abs/2211.09800, equation 3.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from diffusers import StableDiffusionInstructPix2PixPipeline

from bullpen_worker.engines.base import Controls, Denoising, DenoisingTogether, JobSpec, Picture, Preview, Step
from bullpen_worker.engines.torch.activation import stock
from bullpen_worker.engines.torch.companions import Companions
from bullpen_worker.engines.torch.latents import canvas_size, decode, each, first_noise, generators, step_options
from bullpen_worker.engines.torch.model_files import ModelFolder
from bullpen_worker.engines.torch.placing import device_of
from bullpen_worker.engines.torch.preview import render_preview
from bullpen_worker.engines.torch.respacing import respaces, timesteps
from bullpen_worker.failures import WorkerError
from bullpen_worker.ops.fit import Fitted, fit
from bullpen_worker.ops.picture import open_picture


class InstructPix2Pix:
    """The family `instruct-pix2pix`."""

    pipeline_classes = frozenset({"StableDiffusionInstructPix2PixPipeline"})

    def build(self, folder: ModelFolder, dtype: torch.dtype) -> Any:
        """Builds the stock pipeline from safetensors on this machine."""
        return stock(StableDiffusionInstructPix2PixPipeline, folder, dtype)

    def prepare(self, pipeline: Any, job: JobSpec, companions: Companions) -> EditJob:
        """Reads the source, fits it to the job's size and encodes it and the instruction.

        Raises WorkerError: PICTURE_UNREADABLE, PICTURE_TOO_LARGE, PATH_NOT_FOUND, MODEL_UNSUPPORTED.
        """
        if job.method.strategy not in ("", "instruction_edit"):
            raise WorkerError(
                "MODEL_UNSUPPORTED", f"The model cannot do {job.method.strategy}; it can do: instruction_edit."
            )
        width, height = canvas_size(pipeline, job)
        return EditJob(pipeline, job, fit(open_picture(job.source_path, job.max_pixels), width, height))


class EditJob:
    """A source picture and an instruction in the model's own terms."""

    def __init__(self, pipeline: Any, job: JobSpec, fitted: Fitted) -> None:
        self._pipeline = pipeline
        self._job = job
        self._fitted = fitted
        self.respaces = respaces(pipeline.scheduler)
        self._device = device_of(pipeline)
        with torch.no_grad():
            self._instruction = self._encode_text(job.prompt)
            pixels = pipeline.image_processor.preprocess(fitted.image)
            self._source = pipeline.prepare_image_latents(
                pixels, 1, 1, self._instruction.dtype, self._device, do_classifier_free_guidance=False
            )
        # Inputs with and without guidance: (text, image). The guided ones are made when first needed.
        self._plain = (self._instruction, self._source)
        self._guided: tuple[torch.Tensor, torch.Tensor] | None = None

    def denoise(self, number: int, seed: int, controls: Controls) -> Denoising:
        """Makes one candidate; `number` has no influence."""
        (picture,) = yield from self.denoise_together((seed,), controls)
        return picture

    def denoise_together(self, seeds: Sequence[int], controls: Controls) -> DenoisingTogether:
        """Makes one candidate for each seed."""
        pipeline, device = self._pipeline, self._device
        # A scheduler keeps state from step to step; each candidate begins with one that nobody has used.
        scheduler = copy.deepcopy(pipeline.scheduler)
        noises = generators(seeds)
        with torch.no_grad():
            scheduler.set_timesteps(max(1, controls.steps or self._job.steps), device=device)
            cells = (self._source.shape[-2], self._source.shape[-1])
            latents = first_noise(pipeline, scheduler, cells, noises, self._instruction.dtype)
        options = step_options(scheduler, noises)
        for at, total, t in timesteps(scheduler, controls, device):
            with torch.no_grad():
                predicted = self._predict(scheduler, latents, t, controls)
                stepped = scheduler.step(predicted, t, latents, **options)
            latents = stepped.prev_sample
            expected = getattr(stepped, "pred_original_sample", None)
            yield Step(at, total, partial(self._preview, latents if expected is None else expected))
        with torch.no_grad():
            return [self._decode(one) for one in latents.chunk(len(latents))]

    def _encode_text(self, text: str) -> torch.Tensor:
        encoded: torch.Tensor = self._pipeline._encode_prompt(text, self._device, 1, False)
        return encoded

    def _inputs(self, guided: bool) -> tuple[torch.Tensor, torch.Tensor]:
        if not guided:
            return self._plain
        if self._guided is None:
            negative = self._encode_text(self._job.negative_prompt)
            self._guided = (
                torch.cat([self._instruction, negative, negative]),
                torch.cat([self._source, self._source, torch.zeros_like(self._source)], dim=0),
            )
        return self._guided

    def _predict(self, scheduler: Any, latents: torch.Tensor, t: torch.Tensor, controls: Controls) -> torch.Tensor:
        guided = controls.guidance_scale > 1.0 and controls.image_guidance_scale >= 1.0
        text, image = (each(part, len(latents)) for part in self._inputs(guided))
        scaled = scheduler.scale_model_input(torch.cat([latents] * 3) if guided else latents, t)
        noise: torch.Tensor = self._pipeline.unet(
            torch.cat([scaled, image], dim=1), t, encoder_hidden_states=text, return_dict=False
        )[0]
        if not guided:
            return noise
        for_text, for_image, free = noise.chunk(3)
        return (
            free + controls.guidance_scale * (for_text - for_image) + controls.image_guidance_scale * (for_image - free)
        )

    def _decode(self, latents: torch.Tensor) -> Picture:
        picture, bad = decode(self._pipeline, latents, self._instruction.dtype)
        cropped = self._fitted.restore(picture)
        return Picture(cropped.width, cropped.height, cropped.tobytes(), bad)

    def _preview(self, latents: torch.Tensor) -> Preview | None:
        with torch.no_grad():
            return render_preview(self._pipeline.vae, latents[:1], self._fitted.restore)
