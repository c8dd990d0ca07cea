"""The torch engine: one device, pipelines of the known families, equal pixels for equal jobs.

Families differ in what a job needs and how it is denoised; all that is in their modules. Here is what they share:
device, number type, loading, memory.
"""

from __future__ import annotations

import gc
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import diffusers.utils.logging
import torch
import transformers.utils.logging

from bullpen_worker.checked_files import CheckedFiles
from bullpen_worker.engines.base import EngineInfo, JobSpec, ModelSpec, PreparedJob, Weights
from bullpen_worker.engines.torch.activation import activate, heads
from bullpen_worker.engines.torch.arena import Arena
from bullpen_worker.engines.torch.companions import Companions
from bullpen_worker.engines.torch.families import FAMILIES, Family
from bullpen_worker.engines.torch.lora import Adapters
from bullpen_worker.engines.torch.memory import DeviceMemory
from bullpen_worker.engines.torch.model_files import ModelFolder, inspect_folder
from bullpen_worker.engines.torch.placing import displace, place, placements, rest
from bullpen_worker.engines.torch.refilling import plan
from bullpen_worker.engines.torch.remembered import Remembered
from bullpen_worker.engines.torch.shells import Shell, Shells, computed
from bullpen_worker.engines.torch.weight_files import weigh
from bullpen_worker.engines.torch.weights import modules, own, size_bytes
from bullpen_worker.failures import WorkerError, classify, is_out_of_memory
from bullpen_worker.machine import process_memory, processor_title, total_memory
from bullpen_worker.memory_rules import Placement

_LIBRARIES = ("torch", "diffusers", "transformers", "safetensors", "peft", "pillow", "numpy")


@dataclass(frozen=True, slots=True)
class TorchModel:
    """A pipeline on the device, with its family."""

    spec: ModelSpec
    family: Family
    pipeline: Any
    size_bytes: int
    adapters: Adapters
    remembered: Remembered
    companions: Companions
    placement: Placement = Placement.WHOLE
    # Its networks where all of them were activated from its files.
    activated: frozenset[str] = frozenset()


class TorchEngine:
    """Runs diffusers pipelines on one device."""

    announces_decoding = True

    def __init__(self, device: str, threads: int) -> None:
        """`device` is `cpu`, `mps` or `cuda:N`; `threads` 0 leaves the library's choice.

        Raises RuntimeError where the device does not exist.
        """
        self.device = torch.device(device)
        self.dtype = _number_type(self.device)
        if threads > 0:
            torch.set_num_threads(threads)
        # Equal jobs give equal pixels: no algorithm is chosen by timing.
        torch.backends.cudnn.benchmark = False
        torch.use_deterministic_algorithms(True, warn_only=True)
        # With it torch would fill all fresh memory, which takes some percent of each step and changes no pixel.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # set by a class
        # Their bars would fill the log.
        diffusers.utils.logging.disable_progress_bar()
        transformers.utils.logging.disable_progress_bar()
        torch.zeros(1, device=self.device)
        self.placements = placements(self.device)
        self._memory = DeviceMemory(self.device)
        self._arena = Arena()
        self._shells = Shells()

    def info(self) -> EngineInfo:
        """Names the device and the libraries' versions."""
        if self.device.type == "cuda":
            properties = torch.cuda.get_device_properties(self.device)
            title, memory = str(properties.name), int(properties.total_memory)
        else:
            title, memory = processor_title(), total_memory()
        return EngineInfo("torch", title, memory, _versions())

    def memory_used(self) -> int:
        """Bytes in use on the device; on the CPU, of this process."""
        if self.device.type == "cuda":
            free, total = torch.cuda.mem_get_info(self.device)
            return int(total - free)
        return process_memory()

    def free_memory(self) -> int:
        """Bytes that models and their work can still take on the device."""
        return self._memory.free() + self._arena.warm_bytes()

    def weigh(self, model: ModelSpec) -> Weights:
        """What the model's weights will take. Raises WorkerError: MODEL_NOT_FOUND, MODEL_CORRUPT, MODEL_UNSAFE."""
        folder = inspect_folder(model)
        try:
            return weigh(folder, self.dtype)
        except (OSError, ValueError, KeyError) as error:
            raise WorkerError("MODEL_CORRUPT", f"A head of {model.name} is damaged: {error}.") from error

    def watch(self) -> None:
        """Begins to watch how much memory is taken at the most."""
        self._memory.watch()

    def taken(self) -> int:
        """The most bytes that were taken since `watch`; 0 where that is not known."""
        return self._memory.taken()

    def load(self, model: ModelSpec, placement: Placement = Placement.WHOLE) -> TorchModel:
        """Builds a pipeline from a local folder's safetensors; nothing is fetched and no code of the folder is run.

        Raises WorkerError: MODEL_NOT_FOUND, MODEL_CORRUPT, MODEL_UNSAFE, MODEL_UNSUPPORTED, DEVICE_OUT_OF_MEMORY.
        """
        folder = inspect_folder(model)
        family = FAMILIES.get(model.family)
        if family is None:
            known = ", ".join(sorted(FAMILIES))
            raise WorkerError(
                "MODEL_UNSUPPORTED", f"{model.name} is of the family {model.family!r}; this engine knows {known}."
            )
        if folder.pipeline_class not in family.pipeline_classes:
            raise WorkerError(
                "MODEL_UNSUPPORTED",
                f"{model.name} is a {folder.pipeline_class}, which is not of the family {model.family}.",
            )
        files = CheckedFiles(model)
        try:
            filled = self._filled(model) if placement is Placement.WHOLE else None
            built = None if filled else self._build(model, family, folder, placement)
        except WorkerError:
            files.still_sound()
            raise
        files.still_sound()
        if filled:
            return filled
        assert built is not None
        pipeline, activated = built
        pipeline.set_progress_bar_config(disable=True)
        weights = weigh(folder, self.dtype)
        size = {Placement.PARTS: weights.parts, Placement.PIECES: weights.pieces}.get(placement, size_bytes(pipeline))
        adapters, companions = Adapters(pipeline, model.name), Companions(pipeline, model.name)
        return TorchModel(
            model, family, pipeline, size, adapters, Remembered(pipeline), companions, placement, activated
        )

    def unload(self, model: TorchModel) -> None:
        """Empties the model. Its blocks stay warm for a model that is loaded next; `recover` gives them back."""
        model.adapters.drop()
        model.companions.drop()
        displace(model.pipeline)
        model.remembered.clear()
        if model.activated and model.placement is Placement.WHOLE:
            self._keep_shell(model)
        for module in modules(model.pipeline):
            # Empties the weights even where something still holds the module.
            module.to("meta")
        gc.collect()

    def prepare(self, model: TorchModel, job: JobSpec) -> PreparedJob:
        """Puts the job's LoRAs and companions on, and encodes its texts and its source, once for all its candidates."""
        model.adapters.apply(job.loras)
        model.remembered.context = model.adapters.acting
        return model.family.prepare(model.pipeline, job, model.companions)

    def rest(self, model: TorchModel) -> None:
        """After a job: a model that works in parts leaves the device."""
        if model.placement is not Placement.WHOLE:
            rest(model.pipeline)

    def recover(self) -> None:
        """Collects what a failed job or an unloaded model left, and hands kept memory back."""
        gc.collect()
        self._arena.release()
        self._memory.give_back()

    def _keep_shell(self, model: TorchModel) -> None:
        """Keeps what is left of a model that is about to be emptied, for the day when it comes back."""
        networks = {name: getattr(model.pipeline, name) for name in model.activated}
        try:
            files = heads(inspect_folder(model.spec), self.dtype)
        except (OSError, ValueError, KeyError, WorkerError):
            return  # its files are gone or others now
        refill = plan(files, self.dtype, self.device, networks)
        if refill is not None:
            self._shells.keep(model.spec, Shell(model, networks, computed(networks), refill))

    def _filled(self, spec: ModelSpec) -> TorchModel | None:
        """The model as it was before it was emptied; None where it was never here, or is another one now."""
        shell = self._shells.take(spec)
        if shell is None:
            return None
        shell.restore()
        try:
            if not shell.refill.run(self.device, self._arena):
                return None
        except Exception as error:
            if is_out_of_memory(error):
                raise classify(error) from error
            return None  # built anew, it says what is wrong with it
        found: TorchModel = shell.model
        return replace(found, spec=spec)

    def _build(
        self, model: ModelSpec, family: Family, folder: ModelFolder, placement: Placement
    ) -> tuple[Any, frozenset[str]]:
        """The pipeline, and its networks where all of them were activated."""
        # What does not stay on the device as a whole is built in main memory.
        target = self.device if placement is Placement.WHOLE else torch.device("cpu")
        try:
            parts = activate(folder, self.dtype, target, self._arena)
            pipeline = family.build(replace(folder, parts=parts), self.dtype)
            own(pipeline, read=list(parts.values()))
            place(pipeline, placement, self.device)
            return pipeline, frozenset(parts) if len(parts) == len(list(modules(pipeline))) else frozenset()
        except WorkerError:
            raise
        except Exception as error:
            if is_out_of_memory(error):
                raise classify(error) from error
            words = str(error).strip().splitlines() or [type(error).__name__]
            raise WorkerError("MODEL_CORRUPT", f"{model.name} cannot be built: {words[0][:300]}") from error


def _versions() -> dict[str, str]:
    """Of the libraries that are there; without peft all but LoRAs works."""
    found = {}
    for name in _LIBRARIES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _number_type(device: torch.device) -> torch.dtype:
    """Half precision on accelerators; never on a CPU, where it is some hundred times slower than fp32."""
    return torch.float32 if device.type == "cpu" else torch.float16
