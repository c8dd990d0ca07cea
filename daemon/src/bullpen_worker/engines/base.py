"""What the device loop needs of an engine, and the few values that pass between them.

Denoising is a generator: the engine yields after every step and the loop owns cancel, changes of parameters, previews
and pace. Engines know nothing of the link.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from bullpen_worker.memory_rules import Placement

# 32 KiB: the most that a preview may weigh on the link.
MAX_PREVIEW_BYTES = 32 * 1024


@dataclass(slots=True)
class Controls:
    """Parameters that may change between steps; an engine reads them anew at the beginning of each step.

    `steps` in all and `strength` are 0 where the job's own hold. Strength counts before the first step only, and so do
    steps for an engine whose prepared job does not say `respaces`.
    """

    guidance_scale: float
    image_guidance_scale: float
    steps: int = 0
    strength: float = 0.0


@dataclass(frozen=True, slots=True)
class Mark:
    """What the file system tells of a file's content without reading it: size, times of change in ns, number."""

    size: int
    modified_ns: int
    changed_ns: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> Mark:
        """The mark of a file's status."""
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


@dataclass(frozen=True, slots=True)
class FileSpec:
    """A file of a model as the daemon read it: posix path below the folder, hash, and mark at that time."""

    path: str
    sha256: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model to load: its resource name, family, and the folder that holds it.

    `digest` stands for the content of all its files, so that a model that was replaced under its name is another one;
    `files` are those that may be loaded, none where nobody checked them.
    """

    name: str
    family: str
    path: str
    digest: str = ""
    files: tuple[FileSpec, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class LoraSpec:
    """A LoRA on a job's model: its weights below the folder, and how strongly they act; 0 is not at all."""

    model: ModelSpec
    weight_file: str
    scale: float


@dataclass(frozen=True, slots=True)
class ControlSpec:
    """A ControlNet with what it was trained on (`canny`, `line`, `depth`) and how strongly it holds.

    `estimator` is the network that tells depth, None for the other kinds.
    """

    model: ModelSpec
    kind: str
    scale: float
    estimator: ModelSpec | None = None


@dataclass(frozen=True, slots=True)
class ReferenceSpec:
    """An IP-Adapter: its weights below the folder, how strongly it steers, and the pictures that it is shown."""

    model: ModelSpec
    weight_file: str
    scale: float
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MaskSpec:
    """Where an inpainting paints: boxes as shares (left, top, right, bottom), or, without one, where the source and
    the picture at `compared_path` differ. `feather` softens the border, as a share of the longer side.
    """

    boxes: tuple[tuple[float, float, float, float], ...] = ()
    compared_path: str = ""
    feather: float = 0.0


@dataclass(frozen=True, slots=True)
class MethodSpec:
    """A strategy of the manifest with what it needs; an empty one is the way of the model's family.

    `strength` is how far from the source to noise, 0–1.
    """

    strategy: str = ""
    strength: float = 0.0
    control: ControlSpec | None = None
    references: ReferenceSpec | None = None
    mask: MaskSpec | None = None


@dataclass(frozen=True, slots=True)
class JobSpec:
    """What all candidates of a job share. Sizes in pixels; 0 leaves a size to the model.

    `source_path` is empty for a job that starts from noise alone; `loras` act in their order.
    """

    source_path: str
    prompt: str
    negative_prompt: str
    steps: int
    width: int
    height: int
    attempt: int
    max_pixels: int
    loras: tuple[LoraSpec, ...] = ()
    method: MethodSpec = MethodSpec()


@dataclass(frozen=True, slots=True)
class Preview:
    """A small encoded picture, at most MAX_PREVIEW_BYTES."""

    image: bytes
    mime_type: str


@dataclass(frozen=True, slots=True)
class Step:
    """One denoising step that is done. `number` counts from 1 to `total`; `preview` costs time when called."""

    number: int
    total: int
    preview: Callable[[], Preview | None] | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A finished picture: width × height × 3 bytes, RGB, row by row. `not_finite` is the share of bad values, 0–1."""

    width: int
    height: int
    rgb: bytes
    not_finite: float = 0.0


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What an engine says of itself when it is ready."""

    name: str
    device_title: str
    memory_total_bytes: int
    versions: dict[str, str] = field(default_factory=dict)


Denoising = Generator[Step, None, Picture]
DenoisingTogether = Generator[Step, None, list[Picture]]


class PreparedJob(Protocol):
    """A job whose texts and source are encoded; shared by its candidates."""

    def denoise(self, number: int, seed: int, controls: Controls) -> Denoising:
        """Makes candidate `number` (counted from 1). Closing the generator cancels and leaves the model usable."""
        ...


@runtime_checkable
class BatchedJob(PreparedJob, Protocol):
    """A prepared job whose candidates can be computed together."""

    def denoise_together(self, seeds: Sequence[int], controls: Controls) -> DenoisingTogether:
        """Makes one candidate for each seed. What one becomes depends on their number and its place, not on the others.

        Previews show the first. Closing the generator cancels.
        """
        ...


@dataclass(frozen=True, slots=True)
class Weights:
    """Bytes of weights on a device: of the whole model, of its largest network, of its largest layer."""

    whole: int
    parts: int
    pieces: int


class LoadedModel(Protocol):
    """A model in the device's memory."""

    @property
    def size_bytes(self) -> int:
        """Bytes of its weights on the device."""
        ...


class Engine(Protocol):
    """A library that runs models on one device. Used by the device thread only, but for `memory_used`."""

    # True where decoding takes long enough to be announced.
    announces_decoding: bool
    # What it can do with models that do not fit.
    placements: frozenset[Placement]

    def info(self) -> EngineInfo:
        """Describes the engine and its device."""
        ...

    def memory_used(self) -> int:
        """Bytes in use on the device. Called from the heartbeat's thread; must not wait for the device."""
        ...

    def free_memory(self) -> int:
        """Bytes that models and their work can still take on the device."""
        ...

    def weigh(self, model: ModelSpec) -> Weights:
        """What a model's weights will take, without reading them. Raises WorkerError with a MODEL_… reason."""
        ...

    def watch(self) -> None:
        """Begins to watch how much memory is taken at the most."""
        ...

    def taken(self) -> int:
        """The most bytes that were taken since `watch` beside what was taken then; 0 where that is not known."""
        ...

    def load(self, model: ModelSpec, placement: Placement = Placement.WHOLE) -> Any:
        """Builds a model. Raises WorkerError with a MODEL_… reason, or what the library raises."""
        ...

    def unload(self, model: Any) -> None:
        """Empties a model. What it took may stay at hand for the next one until `recover`."""
        ...

    def rest(self, model: Any) -> None:
        """Called after each job, whatever came of it: a model that works in parts leaves the device."""
        ...

    def prepare(self, model: Any, job: JobSpec) -> PreparedJob:
        """Encodes what the job's candidates share. Raises WorkerError with a PICTURE_… reason."""
        ...

    def recover(self) -> None:
        """Frees what a failed or canceled job or an unloaded model may have left behind."""
        ...
