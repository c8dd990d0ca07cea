"""The LoRAs on one pipeline: loaded, scaled and taken off again without building the base anew.

The stock calls of diffusers are used, with peft behind them: a LoRA becomes an adapter beside the layers that it
changes. Taking the last one off puts the base's own layers back, so a job without LoRAs, or with scale 0, gives the
pixels of the base to the bit.

Source: Hu et al., "LoRA", https://arxiv.org/abs/2106.09685.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from bullpen_worker.checked_files import CheckedFiles
from bullpen_worker.engines.base import LoraSpec
from bullpen_worker.engines.torch.weights import own
from bullpen_worker.failures import WorkerError, classify, is_out_of_memory


class Adapters:
    """What acts on a pipeline now. Used by the device thread."""

    def __init__(self, pipeline: Any, base: str) -> None:
        """`base` is the model's name, for words."""
        self._pipeline = pipeline
        self._base = base
        self._loaded: set[str] = set()
        # What acts now: adapters with their scales, in order.
        self.acting: tuple[tuple[str, float], ...] = ()

    def apply(self, loras: Sequence[LoraSpec]) -> None:
        """Makes exactly these act, those with scale 0 left out; what is loaded already is not loaded again.

        Raises WorkerError: MODEL_CORRUPT, MODEL_UNSUPPORTED (it does not fit the base), LORA_UNSUPPORTED_ENGINE,
        DEVICE_OUT_OF_MEMORY. Then none acts.
        """
        wanted = {_adapter(lora): lora for lora in loras if lora.scale != 0}
        if not wanted:
            self._take_off()
            return
        try:
            gone = sorted(self._loaded - wanted.keys())
            if gone:
                self._pipeline.delete_adapters(gone)
                self._loaded -= set(gone)
            for name, lora in wanted.items():
                if name not in self._loaded:
                    self._load(name, lora)
            self._pipeline.set_adapters(list(wanted), [lora.scale for lora in wanted.values()])
            self.acting = tuple((name, lora.scale) for name, lora in wanted.items())
        except BaseException:
            self._take_off()
            raise

    def _load(self, name: str, lora: LoraSpec) -> None:
        if not hasattr(self._pipeline, "load_lora_weights"):
            raise WorkerError("LORA_UNSUPPORTED_ENGINE", f"Pipelines such as that of {self._base} take no LoRA here.")
        files = CheckedFiles(lora.model)
        # It may be half there when loading fails, and has to come off then.
        self._loaded.add(name)
        try:
            with warnings.catch_warnings():
                # That there are several adapters is what is wanted.
                warnings.filterwarnings("ignore", message="Already found a `peft_config` attribute")
                self._pipeline.load_lora_weights(
                    lora.model.path,
                    weight_name=lora.weight_file,
                    adapter_name=name,
                    use_safetensors=True,
                    local_files_only=True,
                )
            if name not in {found for names in self._pipeline.get_list_adapters().values() for found in names}:
                raise ValueError("none of its weights is for a layer of the model")
        except Exception as error:
            files.still_sound()
            if is_out_of_memory(error):
                raise classify(error) from error
            words = str(error).strip().splitlines() or [type(error).__name__]
            if "PEFT" in words[0]:
                raise WorkerError(
                    "LORA_UNSUPPORTED_ENGINE",
                    "LoRAs need the library peft, which is not installed here.",
                    "Install it: pip install 'bullpen[starter]'.",
                ) from error
            raise WorkerError(
                "MODEL_UNSUPPORTED",
                f"The LoRA {lora.model.name} does not fit {self._base}: {words[0][:300]}",
                "Leave it out, or choose the model that it was made for.",
            ) from error
        own(self._pipeline, f".{name}.")
        files.still_sound()

    def drop(self) -> None:
        """Takes all of them off."""
        self._take_off()

    def _take_off(self) -> None:
        self.acting = ()
        if self._loaded:
            self._pipeline.unload_lora_weights()
            self._loaded.clear()


def _adapter(lora: LoraSpec) -> str:
    """A name that stands for the LoRA's content: one that was replaced under its name is loaded anew."""
    model = lora.model
    return f"lora_{model.digest[:24] or abs(hash((model.name, model.path)))}"
