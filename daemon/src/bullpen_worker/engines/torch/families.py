"""The families of pipelines that this engine runs. A family is added by writing its module and one entry here."""

from __future__ import annotations

from typing import Any, Protocol

import torch

from bullpen_worker.engines.base import JobSpec, PreparedJob
from bullpen_worker.engines.torch.instruct_pix2pix import InstructPix2Pix
from bullpen_worker.engines.torch.model_files import ModelFolder
from bullpen_worker.engines.torch.text_to_image import TextToImage


class Family(Protocol):
    """Pipelines that are built and driven in the same way."""

    pipeline_classes: frozenset[str]

    def build(self, folder: ModelFolder, dtype: torch.dtype) -> Any:
        """Builds the pipeline in main memory."""
        ...

    def prepare(self, pipeline: Any, job: JobSpec) -> PreparedJob:
        """Encodes what the candidates of a job share."""
        ...


FAMILIES: dict[str, Family] = {"instruct-pix2pix": InstructPix2Pix(), "stable-diffusion": TextToImage()}
