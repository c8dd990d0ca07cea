"""Networks that act beside a pipeline for a job: a ControlNet that holds the structure, an IP-Adapter that shows
references, a network that estimates depth.

They are loaded when a job needs them, stay while the next one needs the same, and leave the pipeline as it was when
they go: a job without them gives the pixels of the pipeline to the bit.

Sources: Zhang, Rao, Agrawala, "Adding Conditional Control", https://arxiv.org/abs/2302.05543; Ye et al., "IP-Adapter",
https://arxiv.org/abs/2308.06721.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import torch
from PIL import Image

from bullpen_worker.checked_files import CheckedFiles
from bullpen_worker.engines.base import ControlSpec, MethodSpec, ModelSpec, ReferenceSpec
from bullpen_worker.engines.torch.weights import own_module
from bullpen_worker.failures import WorkerError, classify, is_out_of_memory

# The folder of an IP-Adapter's own picture encoder.
ENCODER = "image_encoder"


class Companions:
    """What acts beside one pipeline now. Used by the device thread."""

    def __init__(self, pipeline: Any, base: str) -> None:
        """`base` is the model's name, for words."""
        self._pipeline = pipeline
        self._base = base
        self._control: tuple[ModelSpec, Any] | None = None
        self._estimator: tuple[ModelSpec, Any] | None = None
        self._adapter: ModelSpec | None = None

    def apply(self, method: MethodSpec) -> Any | None:
        """Makes exactly what a method needs act, and gives its ControlNet, if it has one.

        Raises WorkerError: MODEL_CORRUPT, MODEL_UNSUPPORTED, DEVICE_OUT_OF_MEMORY. Then no IP-Adapter acts.
        """
        self._steer(method.references)
        if method.control is None:
            self._control = self._estimator = None
            return None
        return self._network(method.control)

    def depth(self, control: ControlSpec, image: Image.Image) -> Image.Image:
        """The depth of an RGB picture as an RGB picture of its size, near is white."""
        spec = control.estimator
        if spec is None:
            raise WorkerError(
                "MODEL_UNSUPPORTED",
                "Depth has to be estimated, and no network for it was given.",
                "Install a depth estimator, or choose a ControlNet for canny or line.",
            )
        if self._estimator is None or self._estimator[0] != spec:
            self._estimator = None
            self._estimator = (spec, self._loaded(spec, lambda: _estimator(spec, self._pipeline)))
        return _depth(self._estimator[1], image)

    def drop(self) -> None:
        """Lets go of everything."""
        self._control = self._estimator = None
        self._steer(None)

    def _network(self, control: ControlSpec) -> Any:
        if self._control is None or self._control[0] != control.model:
            # The old one first: two of them may not fit.
            self._control = None
            self._control = (control.model, self._loaded(control.model, lambda: self._control_net(control.model)))
        return self._control[1]

    def _control_net(self, spec: ModelSpec) -> Any:
        flux = type(self._pipeline).__name__.startswith("Flux")
        kind = diffusers.FluxControlNetModel if flux else diffusers.ControlNetModel
        network = kind.from_pretrained(
            spec.path, dtype=self._pipeline.dtype, use_safetensors=True, local_files_only=True
        ).to(self._pipeline._execution_device)
        own_module(network)
        return network

    def _steer(self, references: ReferenceSpec | None) -> None:
        if references is None or self._adapter != references.model:
            if self._adapter is not None:
                self._pipeline.unload_ip_adapter()
                self._adapter = None
            if references is not None:
                self._loaded(references.model, lambda: self._put_on(references))
                self._adapter = references.model
        if references is not None:
            self._pipeline.set_ip_adapter_scale(references.scale)

    def _put_on(self, references: ReferenceSpec) -> None:
        pipeline, folder = self._pipeline, Path(references.model.path)
        if not hasattr(pipeline, "load_ip_adapter"):
            raise WorkerError("MODEL_UNSUPPORTED", f"Pipelines such as that of {self._base} take no IP-Adapter here.")
        if not list((folder / ENCODER).glob("*.safetensors")):
            raise WorkerError("MODEL_CORRUPT", f"{references.model.name} has no {ENCODER} with safetensors weights.")
        try:
            pipeline.load_ip_adapter(
                str(folder),
                subfolder="",
                weight_name=references.weight_file,
                image_encoder_folder=ENCODER,
                local_files_only=True,
            )
            pipeline.unet.to(device=pipeline._execution_device, dtype=pipeline.dtype)
            own_module(pipeline.image_encoder)
            own_module(pipeline.unet.encoder_hid_proj)
        except Exception:
            pipeline.unload_ip_adapter()
            raise

    def _loaded(self, spec: ModelSpec, load: Callable[[], Any]) -> Any:
        files = CheckedFiles(spec)
        try:
            found = load()
        except WorkerError:
            files.still_sound()
            raise
        except Exception as error:
            files.still_sound()
            if is_out_of_memory(error):
                raise classify(error) from error
            words = str(error).strip().splitlines() or [type(error).__name__]
            raise WorkerError(
                "MODEL_UNSUPPORTED",
                f"{spec.name} cannot act on {self._base}: {words[0][:300]}",
                "Choose one that was made for this model's family.",
            ) from error
        files.still_sound()
        return found


def _estimator(spec: ModelSpec, pipeline: Any) -> tuple[Any, Any]:
    from transformers import AutoImageProcessor, AutoModelForDepthEstimation

    network = AutoModelForDepthEstimation.from_pretrained(
        spec.path, dtype=pipeline.dtype, use_safetensors=True, local_files_only=True
    ).to(pipeline._execution_device)
    own_module(network)
    return AutoImageProcessor.from_pretrained(spec.path, local_files_only=True), network


def _depth(estimator: tuple[Any, Any], image: Image.Image) -> Image.Image:
    processor, network = estimator
    with torch.no_grad():
        pixels = processor(images=image, return_tensors="pt")["pixel_values"]
        found = network(pixels.to(device=network.device, dtype=network.dtype)).predicted_depth.float()
    plane = torch.nn.functional.interpolate(
        found[None], size=(image.height, image.width), mode="bicubic", align_corners=False
    )[0, 0]
    low, high = plane.min(), plane.max()
    shares = (plane - low) / (high - low).clamp(min=1e-6)
    return Image.fromarray((shares * 255).round().to(torch.uint8).cpu().numpy()).convert("RGB")
