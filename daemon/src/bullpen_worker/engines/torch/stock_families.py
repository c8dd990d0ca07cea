"""Families that are run by the library's own pipelines, and edits by any family: which class, with which arguments.

A strategy of the manifest is another class over the same weights: Stable Diffusion's text pipeline, its image-to-image
and its inpainting share every network. So a model is loaded once, and each job sees it through the class that it needs.
"""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import diffusers
import torch
from PIL import Image

from bullpen_worker.engines.base import Controls, Denoising, JobSpec, MethodSpec, Picture, Preview
from bullpen_worker.engines.torch.activation import stock
from bullpen_worker.engines.torch.companions import Companions
from bullpen_worker.engines.torch.latents import own_size
from bullpen_worker.engines.torch.model_files import ModelFolder
from bullpen_worker.engines.torch.preview import render_preview
from bullpen_worker.engines.torch.stock import StockCall, watched
from bullpen_worker.failures import WorkerError
from bullpen_worker.ops.fit import Fitted, fit
from bullpen_worker.ops.inpaint_mask import inpaint_mask, keep_outside
from bullpen_worker.ops.lines import DRAWN
from bullpen_worker.ops.picture import open_picture

TEXT, EDIT, IMG2IMG = "", "instruction_edit", "img2img"
CONTROL, INPAINT, REFERENCE = "structure_control", "inpaint", "reference"


@dataclass(frozen=True, slots=True)
class StockFamily:
    """A family by the classes of diffusers that can be built from it; `ways` maps each strategy to the class for it.

    The empty strategy is a picture from text alone.
    """

    pipeline_classes: frozenset[str]
    ways: Mapping[str, str] = field(default_factory=dict)

    def build(self, folder: ModelFolder, dtype: torch.dtype) -> Any:
        """Builds the stock pipeline from safetensors on this machine."""
        return stock(getattr(diffusers, folder.pipeline_class), folder, dtype)

    def prepare(self, pipeline: Any, job: JobSpec, companions: Companions) -> StockJob:
        """Reads what the job starts from. Raises WorkerError: PICTURE_…, PATH_NOT_FOUND, MODEL_…, FIELD_INVALID."""
        strategy = job.method.strategy or (TEXT if not job.source_path else EDIT if EDIT in self.ways else IMG2IMG)
        name = self.ways.get(strategy)
        if name is None:
            can = ", ".join(way for way in self.ways if way) or "pictures from text alone"
            raise WorkerError(
                "MODEL_UNSUPPORTED", f"The model cannot do {strategy or 'pictures from text'}; it can do: {can}."
            )
        return StockJob(pipeline, getattr(diffusers, name), strategy, job, companions)


class StockJob:
    """What a job's candidates share: the source on its canvas, the mask, the drawing that holds it, the references."""

    def __init__(self, pipeline: Any, view: Any, strategy: str, job: JobSpec, companions: Companions) -> None:
        _require(strategy, job.method)
        self._job = job
        self._strategy = strategy
        more = {"controlnet": control} if (control := companions.apply(job.method)) is not None else {}
        self._view = view.from_pipe(pipeline, dtype=pipeline.dtype, **more)
        self._view.set_progress_bar_config(disable=True)
        self._scheduler = self._view.scheduler
        self._takes = frozenset(inspect.signature(self._view.__call__).parameters)
        self._size = _canvas(pipeline, job)
        self._fitted: Fitted | None = None
        self._mask: Image.Image | None = None
        self._inputs: dict[str, Any] = {}
        if strategy != TEXT:
            self._read(job.method, companions)

    def denoise(self, number: int, seed: int, controls: Controls) -> Denoising:
        """Makes one candidate; `number` has no influence."""
        view = self._view
        # A scheduler keeps state from step to step; each candidate begins with one that nobody has used.
        view.scheduler = watched(copy.deepcopy(self._scheduler))
        arguments = self._arguments(controls) | {"generator": torch.Generator("cpu").manual_seed(seed)}
        found = yield from StockCall(view, arguments, controls, self._preview).steps()
        return self._picture(found.images[0])

    def _read(self, method: MethodSpec, companions: Companions) -> None:
        source = open_picture(self._job.source_path, self._job.max_pixels)
        self._fitted = fit(source, *self._size)
        canvas = self._fitted.image
        self._inputs["image"] = canvas
        if self._strategy == CONTROL and (control := method.control) is not None:
            drawn = companions.depth(control, canvas) if control.kind == "depth" else DRAWN[control.kind](canvas)
            self._inputs |= {"control_image": drawn, "controlnet_conditioning_scale": control.scale}
        if self._strategy == INPAINT and method.mask is not None:
            mask = inpaint_mask(method.mask, source, self._job.max_pixels)
            self._mask = fit(mask.convert("RGB"), *self._size).image.convert("L")
            self._inputs["mask_image"] = self._mask
        if self._strategy == REFERENCE and method.references is not None:
            shown = [open_picture(path, self._job.max_pixels) for path in method.references.paths]
            self._inputs["ip_adapter_image"] = [shown]

    def _arguments(self, controls: Controls) -> dict[str, Any]:
        job, (width, height) = self._job, self._size
        steps = max(1, controls.steps or job.steps)
        given = {
            "prompt": job.prompt,
            "guidance_scale": controls.guidance_scale,
            "num_inference_steps": steps,
            "output_type": "pt",
            "width": width,
            "height": height,
            **self._inputs,
        }
        if job.negative_prompt:
            given["negative_prompt"] = job.negative_prompt
        if "image_guidance_scale" in self._takes:
            given["image_guidance_scale"] = controls.image_guidance_scale
        if self._strategy not in (TEXT, EDIT) and "strength" in self._takes:
            given["strength"] = strength = controls.strength or job.method.strength or 1.0
            # At least one step is to be left of them.
            given["num_inference_steps"] = max(steps, math.ceil(1 / strength))
        if "_auto_resize" in self._takes:
            # Kontext would choose a size of its own; here the size is the job's.
            given |= {"_auto_resize": False, "max_area": width * height}
        return {name: value for name, value in given.items() if name in self._takes}

    def _picture(self, made: torch.Tensor) -> Picture:
        bad = 1.0 - float(torch.isfinite(made).float().mean())
        pixels = (torch.nan_to_num(made.float(), nan=0.5).clamp(0, 1) * 255).round().to(torch.uint8)
        image = Image.fromarray(pixels.permute(1, 2, 0).contiguous().cpu().numpy())
        if self._fitted is not None:
            if self._mask is not None:
                image = keep_outside(image, self._fitted.image, self._mask)
            image = self._fitted.restore(image)
        return Picture(image.width, image.height, image.tobytes(), bad)

    def _preview(self, latents: torch.Tensor) -> Preview | None:
        view, (width, height) = self._view, self._size
        with torch.no_grad():
            if latents.ndim == 3:  # Flux keeps its latents packed
                latents = view._unpack_latents(latents, height, width, view.vae_scale_factor)
            shift = getattr(view.vae.config, "shift_factor", None) or 0.0
            return render_preview(
                view.vae,
                latents + shift * view.vae.config.scaling_factor,
                self._fitted.restore if self._fitted is not None else None,
            )


def _require(strategy: str, method: MethodSpec) -> None:
    """Raises WorkerError where a strategy lacks what it works with."""
    if strategy == CONTROL and method.control is None:
        raise WorkerError("MODEL_UNSUPPORTED", "No ControlNet was given to hold the structure.")
    if strategy == INPAINT and method.mask is None:
        raise WorkerError("FIELD_INVALID", "No place to paint is given.", "Give a box that says where to paint.")
    if strategy == REFERENCE and (method.references is None or not method.references.paths):
        raise WorkerError("FIELD_INVALID", "No reference pictures are given.", "Give the bible some to steer by.")


def _canvas(pipeline: Any, job: JobSpec) -> tuple[int, int]:
    """Width and height that the model works at: the job's, or the model's own, in whole cells."""
    cell = int(pipeline.vae_scale_factor) * (2 if getattr(pipeline, "transformer", None) is not None else 1)
    own = own_size(pipeline)
    return max(cell, (job.width or own) // cell * cell), max(cell, (job.height or own) // cell * cell)
