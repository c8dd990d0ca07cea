"""What the runs room knows: a run, its jobs (one picture each), their candidates, and how their states may change.

States
    The tables below hold every permitted change. A change that is not in a table raises StateConflict and changes
    nothing. A store guards its SQL with `sources(TABLE, target)`.

    run        queued → running → succeeded | partial | failed | canceled
    job        queued ⇄ running → succeeded | failed | canceled | held
    candidate  queued ⇄ running → succeeded | failed | canceled
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from bullpend.errors import StateConflict
from bullpend.quality.model import FindingKind, QualityReport
from bullpend.quality.retry import Change, Retry


class RunState(StrEnum):
    """States of a run; the names are those of bullpen.v1.Run.State."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


class JobState(StrEnum):
    """States of a job; the names are those of bullpen.v1.Job.State."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    HELD = "HELD"


class CandidateState(StrEnum):
    """States of a candidate; the names are those of bullpen.v1.Candidate.State."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


class Acceptance(StrEnum):
    """Who decides which candidate becomes the picture of its scene."""

    BEST = "BEST"
    MANUAL = "MANUAL"


class Strategy(StrEnum):
    """The ways to make a stage's picture from the one before."""

    # A model that was trained to follow an instruction, such as InstructPix2Pix or Flux Kontext.
    INSTRUCTION_EDIT = "instruction_edit"
    # The source is noised part of the way, and denoised again with other words.
    IMG2IMG = "img2img"
    # The same, held to the source's lines, edges or depth by a ControlNet.
    STRUCTURE_CONTROL = "structure_control"
    # Only what lies under a mask is made anew.
    INPAINT = "inpaint"
    # Image to image, steered by reference pictures through an IP-Adapter.
    REFERENCE = "reference"


class Aspect(StrEnum):
    """What a stage may change in a picture, or must keep."""

    STYLE = "style"
    LIGHT = "light"
    WEATHER = "weather"
    CHARACTERS = "characters"
    STRUCTURE = "structure"


S = TypeVar("S", bound=StrEnum)
Table = Mapping[S, frozenset[S]]

RUN_TABLE: Mapping[RunState, frozenset[RunState]] = {
    # Failed without running: every job was refused before a worker took it, as for a damaged model.
    RunState.QUEUED: frozenset({RunState.RUNNING, RunState.FAILED, RunState.CANCELED}),
    RunState.RUNNING: frozenset({RunState.SUCCEEDED, RunState.PARTIAL, RunState.FAILED, RunState.CANCELED}),
    RunState.SUCCEEDED: frozenset(),
    RunState.PARTIAL: frozenset(),
    RunState.FAILED: frozenset(),
    RunState.CANCELED: frozenset(),
}

JOB_TABLE: Mapping[JobState, frozenset[JobState]] = {
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.FAILED, JobState.CANCELED}),
    # Back to queued: the worker or the daemon died and attempts are left.
    JobState.RUNNING: frozenset(
        {JobState.QUEUED, JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELED, JobState.HELD}
    ),
    JobState.SUCCEEDED: frozenset(),
    JobState.FAILED: frozenset(),
    JobState.CANCELED: frozenset(),
    JobState.HELD: frozenset(),
}

CANDIDATE_TABLE: Mapping[CandidateState, frozenset[CandidateState]] = {
    # Succeeded without running: that a candidate has begun is progress, which need not be made durable.
    CandidateState.QUEUED: frozenset(
        {CandidateState.RUNNING, CandidateState.SUCCEEDED, CandidateState.FAILED, CandidateState.CANCELED}
    ),
    CandidateState.RUNNING: frozenset(
        {CandidateState.QUEUED, CandidateState.SUCCEEDED, CandidateState.FAILED, CandidateState.CANCELED}
    ),
    CandidateState.SUCCEEDED: frozenset(),
    CandidateState.FAILED: frozenset(),
    CandidateState.CANCELED: frozenset(),
}


def move(table: Table[S], current: S, target: S, subject: str) -> S:
    """The state after the change. Raises StateConflict, naming `subject`, when the table does not hold the pair."""
    if target not in table[current]:
        raise StateConflict(
            f"{subject} is {current.lower()} and cannot become {target.lower()}.",
            subject=subject,
            state=current.value,
        )
    return target


def sources(table: Table[S], target: S) -> tuple[S, ...]:
    """The states from which `target` may be entered, in the order of the table."""
    return tuple(state for state, targets in table.items() if target in targets)


def is_final(table: Table[S], state: S) -> bool:
    """Whether no change leads out of the state."""
    return not table[state]


def run_state_of(jobs: Iterable[JobState]) -> RunState:
    """The state that a run has by its jobs' states; at least one job."""
    states = list(jobs)
    open_states = {JobState.QUEUED, JobState.RUNNING}
    if any(state in open_states for state in states):
        return RunState.QUEUED if all(state is JobState.QUEUED for state in states) else RunState.RUNNING
    succeeded = sum(state is JobState.SUCCEEDED for state in states)
    if succeeded == len(states):
        return RunState.SUCCEEDED
    if succeeded:
        return RunState.PARTIAL
    return RunState.CANCELED if all(state is JobState.CANCELED for state in states) else RunState.FAILED


@dataclass(frozen=True, slots=True)
class SamplingRequest:
    """Sampling as asked for; None takes the value of the stage, then that of the model."""

    steps: int | None = None
    guidance_scale: float | None = None
    image_guidance_scale: float | None = None
    width: int | None = None
    height: int | None = None
    strength: float | None = None
    control_scale: float | None = None
    reference_scale: float | None = None


@dataclass(frozen=True, slots=True)
class Sampling:
    """Sampling as it will be done. Sizes are pixels."""

    steps: int
    guidance_scale: float
    image_guidance_scale: float
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class LoraUse:
    """A LoRA as asked for: a model's name or path, and how strongly it is to act."""

    model: str
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Lora:
    """A LoRA as it will act: the model's name, the digest of its files, and its scale."""

    name: str
    digest: str
    scale: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON, for the database, the recipe and the run log."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What a person asks for: bullpen.v1.RunSpec with its project, by slug.

    `scenes` None means not given, () means all scenes. `candidates` 0 and empty strings take the defaults.
    """

    project: str
    stage: str
    scenes: tuple[str, ...] | None = None
    input_folder: str = ""
    candidates: int = 0
    model: str = ""
    sampling: SamplingRequest = SamplingRequest()
    seed: int | None = None
    style_guide: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    instruction: str = ""
    acceptance: Acceptance = Acceptance.BEST
    priority: int = 0
    loras: tuple[LoraUse, ...] = ()
    prompt_template: str = ""
    strategy: str = ""
    boxes: tuple[tuple[float, float, float, float], ...] = ()
    auto_retry: Retry | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON, for the database and the run log."""
        data = asdict(self)
        data["scenes"] = None if self.scenes is None else list(self.scenes)
        data["variables"] = dict(sorted(self.variables.items()))
        data["acceptance"] = self.acceptance.value
        data["loras"] = [asdict(use) for use in self.loras]
        data["boxes"] = [list(box) for box in self.boxes]
        data["auto_retry"] = None
        if self.auto_retry is not None:
            data["auto_retry"] = asdict(self.auto_retry) | {"findings": [*self.auto_retry.findings]}
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RunRequest:
        """The reverse of `to_dict`."""
        values = dict(data)
        scenes = values["scenes"]
        values["scenes"] = None if scenes is None else tuple(scenes)
        values["sampling"] = SamplingRequest(**values["sampling"])
        values["acceptance"] = Acceptance(values["acceptance"])
        values["loras"] = tuple(LoraUse(**use) for use in values.get("loras", ()))
        values["boxes"] = tuple((float(a), float(b), float(c), float(d)) for a, b, c, d in values.get("boxes", ()))
        values["auto_retry"] = retry_from(values.get("auto_retry"))
        return cls(**values)


def retry_from(data: Mapping[str, Any] | None) -> Retry | None:
    """The reverse of what `RunRequest.to_dict` makes of an automatic retry."""
    if data is None:
        return None
    kinds = tuple(FindingKind(kind) for kind in data["findings"])
    return Retry(kinds, int(data["budget"]), int(data["per_picture"]), Change(data["change"]))


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job or run failed: an error reason, what happened, and what to do."""

    reason: str
    message: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class AppliedChange:
    """A change of parameters that took effect before `step`, counted from 1."""

    step: int
    guidance_scale: float | None = None
    image_guidance_scale: float | None = None
    # Steps in all, and how far from the source to noise.
    steps: int | None = None
    strength: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON, without what did not change."""
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One picture of a job. Times are seconds since 1970, None before they happen."""

    name: str
    index: int
    seed: int
    state: CandidateState = CandidateState.QUEUED
    asset: str = ""
    sha256: str = ""
    quality: QualityReport | None = None
    rank: int = 0
    rank_reason: str = ""
    accepted: bool = False
    accept_reason: str = ""
    accepted_by_hand: bool = False
    device_seconds: float = 0.0
    changes: tuple[AppliedChange, ...] = ()
    recipe: Mapping[str, Any] | None = None
    end_time: float | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    """One picture to be made. `key` is what its seeds were derived from: the scene's id or the path below the folder.

    `loras` and `uses` are what acts on it, the latter as `cast.Use.to_dict` gives it; `inputs` what it is made with
    beside its source, as `method.Inputs.to_dict` gives it. `source_asset` may still be empty
    for a run over a folder until the picture is imported; `source_sha256` is set.
    """

    name: str
    key: str
    prompt: str
    negative_prompt: str
    source_sha256: str
    scene: str = ""
    source_asset: str = ""
    source_path: str = ""
    loras: tuple[Lora, ...] = ()
    uses: tuple[Mapping[str, str], ...] = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)
    parent_job: str = ""
    retry_reason: str = ""
    sampling: Mapping[str, float] = field(default_factory=dict)
    state: JobState = JobState.QUEUED
    attempt: int = 0
    device: str = ""
    candidates: tuple[Candidate, ...] = ()
    error: Failure | None = None
    create_time: float = 0.0
    start_time: float | None = None
    end_time: float | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """One stage over several pictures. `method` is how they are made, as `method.Method.to_dict` gives it."""

    name: str
    request: RunRequest
    plan_digest: str
    model: str
    model_digest: str
    sampling: Sampling
    seed: int
    model_family: str = ""
    loras: tuple[Lora, ...] = ()
    method: Mapping[str, Any] = field(default_factory=dict)
    state: RunState = RunState.QUEUED
    log_path: str = ""
    parent_run: str = ""
    error: Failure | None = None
    create_time: float = 0.0
    start_time: float | None = None
    end_time: float | None = None
    revision: int = 0
