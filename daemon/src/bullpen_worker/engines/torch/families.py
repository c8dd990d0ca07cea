"""The families of pipelines that this engine runs. A family is added by writing its module and one entry here."""

from __future__ import annotations

from typing import Any, Protocol

import torch

from bullpen_worker.engines.base import JobSpec, PreparedJob
from bullpen_worker.engines.torch.companions import Companions
from bullpen_worker.engines.torch.instruct_pix2pix import InstructPix2Pix
from bullpen_worker.engines.torch.model_files import ModelFolder
from bullpen_worker.engines.torch.stock_families import CONTROL, EDIT, IMG2IMG, INPAINT, REFERENCE, TEXT, StockFamily
from bullpen_worker.engines.torch.text_to_image import TextToImage


class Family(Protocol):
    """Pipelines that are built and driven in the same way."""

    @property
    def pipeline_classes(self) -> frozenset[str]:
        """The classes of diffusers that a folder of the family may name."""
        ...

    def build(self, folder: ModelFolder, dtype: torch.dtype) -> Any:
        """Builds the pipeline in main memory."""
        ...

    def prepare(self, pipeline: Any, job: JobSpec, companions: Companions) -> PreparedJob:
        """Encodes what the candidates of a job share."""
        ...


def _stock(*classes: str, **ways: str) -> StockFamily:
    return StockFamily(frozenset(classes), {TEXT if name == "text" else name: way for name, way in ways.items()})


def _stable_diffusion(mark: str) -> dict[str, str]:
    """The ways to edit with Stable Diffusion, whose classes differ in a mark only."""
    return {
        IMG2IMG: f"StableDiffusion{mark}Img2ImgPipeline",
        CONTROL: f"StableDiffusion{mark}ControlNetImg2ImgPipeline",
        INPAINT: f"StableDiffusion{mark}InpaintPipeline",
        REFERENCE: f"StableDiffusion{mark}Img2ImgPipeline",
    }


FAMILIES: dict[str, Family] = {
    "instruct-pix2pix": InstructPix2Pix(),
    "stable-diffusion": TextToImage(StockFamily(frozenset(), _stable_diffusion(""))),
    "stable-diffusion-inpaint": _stock("StableDiffusionInpaintPipeline", inpaint="StableDiffusionInpaintPipeline"),
    "stable-diffusion-xl": _stock(
        "StableDiffusionXLPipeline",
        "StableDiffusionXLImg2ImgPipeline",
        text="StableDiffusionXLPipeline",
        **_stable_diffusion("XL"),
    ),
    "stable-diffusion-xl-inpaint": _stock(
        "StableDiffusionXLInpaintPipeline", inpaint="StableDiffusionXLInpaintPipeline"
    ),
    "flux": _stock(
        "FluxPipeline",
        text="FluxPipeline",
        img2img="FluxImg2ImgPipeline",
        structure_control="FluxControlNetImg2ImgPipeline",
        inpaint="FluxInpaintPipeline",
    ),
    "flux-fill": _stock("FluxFillPipeline", inpaint="FluxFillPipeline"),
    "flux-kontext": _stock("FluxKontextPipeline", **{EDIT: "FluxKontextPipeline"}),
}
