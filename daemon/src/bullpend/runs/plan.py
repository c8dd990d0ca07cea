"""The planner's two ends: the facts that it is given and the draft that it gives. Plain data, no decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bullpend.costs.model import Budget, Money, Quote
from bullpend.errors import BullpenError
from bullpend.models.model import Model
from bullpend.prompts.dynamic import Lines
from bullpend.prompts.frozen import no_wildcards
from bullpend.runs.cast import Member, Reference, Use
from bullpend.runs.estimates import Basis, Timing
from bullpend.runs.manifest import Manifest
from bullpend.runs.method import NOTHING, OWN_WAY, Inputs, Method
from bullpend.runs.model import Lora, RunRequest, Sampling
from bullpend.runs.sizes import Suggestion


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """A stored picture: asset name, content hash, size in pixels, and why it is out of date, if it is."""

    asset: str
    sha256: str
    width: int
    height: int
    stale: str = ""


@dataclass(frozen=True, slots=True)
class SceneFacts:
    """A scene: its source, its variables, its characters' words in order, its accepted picture by stage.

    `cast` holds the same characters with all that they bring.
    """

    name: str
    title: str
    ordinal: int
    source: PictureFacts | None
    variables: Mapping[str, str] = field(default_factory=dict)
    characters: tuple[str, ...] = ()
    accepted: Mapping[str, PictureFacts] = field(default_factory=dict)
    cast: tuple[Member, ...] = ()


@dataclass(frozen=True, slots=True)
class FolderPicture:
    """An inspected picture of the input folder: path below the folder (posix), absolute path, hash, size in pixels."""

    path: str
    file: str
    sha256: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class StyleGuideFacts:
    """A style guide with the values that it gives to templates, and the pictures that show the style.

    `empty_set` is the name of a reference set without items, where it names one.
    """

    name: str
    title: str
    variables: Mapping[str, str] = field(default_factory=dict)
    references: tuple[Reference, ...] = ()
    empty_set: str = ""


@dataclass(frozen=True, slots=True)
class TemplateFacts:
    """A prompt template: the stage it was written for (empty: any), its words, the variables that it declares, and
    the values that they have where none is given.
    """

    name: str
    title: str
    stage: str
    text: str
    negative_text: str = ""
    declared: frozenset[str] = frozenset()
    defaults: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """A device that could take the run; `kind` is `cuda`, `mps`, `cpu` or `scripted`."""

    name: str
    kind: str
    title: str = ""
    reason: str = ""
    memory_total_bytes: int = 0


@dataclass(frozen=True, slots=True)
class PlanWorld:
    """All facts that a plan depends on, read before.

    `scenes` holds all scenes of the project. `pictures` is None unless the request names an input folder; `skipped`
    lists its other files, as paths below it. `model` is the one that `rules.wanted_model` names, `loras` are those
    that the request names, in its order; `cast_loras` are those of the scenes' characters, by the names that the bible
    gives, or why they cannot be used. `templates` are those of the project outside of the trash. `companions` are the
    networks that fit beside the model, `installed` all models, for words. `seconds_per_step` (of
    any size), `timings` and `load_seconds` are measured on the first device, and `footprints` are what the work on a
    picture took there beside the weights, by (pixels, bytes).

    `wildcards` gives the lines of a wildcard that the project sees.

    `quote` is what a provider takes for a picture, None for work on own devices; only with it `budget` is read, the
    project's limits with what it has spent.
    """

    manifest: Manifest
    model: Model
    scenes: tuple[SceneFacts, ...] = ()
    style_guides: tuple[StyleGuideFacts, ...] = ()
    pictures: tuple[FolderPicture, ...] | None = None
    skipped: tuple[str, ...] = ()
    loras: tuple[Model, ...] = ()
    cast_loras: Mapping[str, Model | BullpenError] = field(default_factory=dict)
    templates: tuple[TemplateFacts, ...] = ()
    companions: tuple[Model, ...] = ()
    installed: tuple[Model, ...] = ()
    resident_models: frozenset[str] = frozenset()
    devices: tuple[DeviceFacts, ...] = ()
    seconds_per_step: float | None = None
    timings: tuple[Timing, ...] = ()
    footprints: tuple[tuple[int, int], ...] = ()
    load_seconds: float | None = None
    quote: Quote | None = None
    budget: Budget = field(default_factory=Budget)
    wildcards: Lines = no_wildcards


class FindingSeverity(StrEnum):
    """The names are those of bullpen.v1.PolicyFinding.Severity."""

    INFO = "INFO"
    WARNING = "WARNING"


@dataclass(frozen=True, slots=True)
class PolicyFinding:
    """Something that a person should know before the run starts."""

    severity: FindingSeverity
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """One picture to be made.

    `scene` and `source_asset` are set for scenes; `source_path` (below the folder) and `source_file` (absolute) for
    a folder. `key` is what the seeds were derived from. `loras` act on this picture; `uses` says what acts on it and
    where it was taken from.
    """

    key: str
    prompt: str
    negative_prompt: str
    seeds: tuple[int, ...]
    source_sha256: str
    scene: str = ""
    source_asset: str = ""
    source_path: str = ""
    source_file: str = ""
    loras: tuple[Lora, ...] = ()
    uses: tuple[Use, ...] = ()
    inputs: Inputs = NOTHING


@dataclass(frozen=True, slots=True)
class PlannedModel:
    """A model that the run needs, with whether it is in memory now; `purpose` is what it is there for."""

    model: str
    size_bytes: int
    resident: bool
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class PlannedStrategy:
    """How the pictures are made, why so, and what was passed over with the reason."""

    name: str
    reason: str
    passed_over: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PlanDraft:
    """What a run would do. `candidates` is the number of all pictures; `estimated_seconds` None means unknown."""

    digest: str
    request: RunRequest
    stage: str
    model: Model
    jobs: tuple[PlannedJob, ...]
    candidates: int
    sampling: Sampling
    seed: int
    models: tuple[PlannedModel, ...]
    device: str
    device_reason: str
    findings: tuple[PolicyFinding, ...] = ()
    estimated_seconds: float | None = None
    basis: Basis | None = None
    memory_bytes: int = 0
    suggestion: Suggestion | None = None
    quote: Quote | None = None
    loras: tuple[Lora, ...] = ()
    method: Method = OWN_WAY
    strategy: PlannedStrategy = PlannedStrategy("instruction_edit", "")

    @property
    def cost(self) -> Money | None:
        """What the whole run is expected to cost; None where it costs time of own devices only."""
        return self.quote.each.times(self.candidates) if self.quote else None
