"""The form of a run log, as the published JSON schema describes it (docs/schemas/run-log-1.schema.json).

Two readings share it. A replay needs what decides pixels and nothing else (`Needed`), so that a log whose other parts
are damaged can still be repeated. An ingest needs all of it (`Whole`). Parts that later versions added have defaults:
older logs are read as they are. What is not in the form is ignored: logs may grow.

`python -m bullpend.runs.logform` writes the schema.
"""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bullpend.quality import retry
from bullpend.quality.model import FindingKind
from bullpend.runs import loras
from bullpend.runs.cast import Part
from bullpend.runs.manifest import SCALE, SIZE, SIZE_STEP, STEPS
from bullpend.runs.model import Strategy

SCHEMA = "bullpen.run/1"


class Form(BaseModel):
    """A part of a log. Its schema is built at the first reading, not at the start of the daemon."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, defer_build=True)


Seed = Annotated[int, Field(ge=0, lt=2**32)]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
# Of a picture that was not made there is none.
HashOrNone = Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
Scale = Annotated[float, Field(ge=SCALE[0], le=SCALE[1], allow_inf_nan=False)]
LoraScale = Annotated[float, Field(ge=loras.SCALE[0], le=loras.SCALE[1], allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
# Left, top, right, bottom as shares of the picture.
BoxOf = Annotated[list[Share], Field(min_length=4, max_length=4)]
Steps = Annotated[int, Field(ge=STEPS[0], le=STEPS[1])]
Side = Annotated[int, Field(ge=SIZE[0], le=SIZE[1])]
# A model's own size may be smaller than what a person may ask for.
OwnSide = Annotated[int, Field(ge=SIZE_STEP, le=SIZE[1])]
MostLoras = Field(max_length=loras.MOST)
Text = Annotated[str, Field(min_length=1)]
Number = Annotated[float, Field(allow_inf_nan=False)]
# Seconds since 1970, up to the year 9999.
Moment = Annotated[float, Field(ge=0, lt=253_402_300_800, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Priority = Annotated[int, Field(ge=-(2**31), lt=2**31)]
KindName = Annotated[str, Field(pattern=f"^({'|'.join(FindingKind)})$")]
PartName = Annotated[str, Field(pattern=f"^({'|'.join(Part)})$")]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]


class Change(Form):
    """A change of parameters that took effect before a denoising step, counted from 1."""

    step: Annotated[int, Field(ge=1)]
    guidance_scale: Scale | None = None
    image_guidance_scale: Scale | None = None
    steps: Steps | None = None
    strength: Share | None = None


class Recipe(Form):
    """What a replay needs of a recipe: the name that the picture's file has in it."""

    candidate: str = ""


class Candidate(Form):
    """One picture that was made, with its seed. `sha256` is empty where it was not made."""

    name: str = ""
    index: Annotated[int, Field(ge=1)]
    seed: Seed
    changes: list[Change]
    sha256: str
    recipe: Recipe | None = None


class Source(Form):
    """What a picture was made from. A replay finds it by its hash."""

    sha256: Hash
    asset: str
    scene: str
    path: str


class Lora(Form):
    """A LoRA as it acted."""

    name: Text
    digest: Hash
    scale: LoraScale


class Use(Form):
    """Something that acted on a picture, or that it was held against, and where it was taken from."""

    part: PartName
    item: str
    value: str
    source: str
    subject: str = ""


class Companion(Form):
    """A network that acted beside the model."""

    role: Literal["control", "estimator", "adapter"]
    name: Text
    digest: Hash
    kind: Literal["", "line", "canny", "depth"] = ""


class Method(Form):
    """How the pictures were made. What a strategy does not use is left out."""

    strategy: Annotated[str, Field(pattern=f"^({'|'.join(Strategy)})$")] = Strategy.INSTRUCTION_EDIT.value
    strength: Share | None = None
    control_scale: Scale | None = None
    reference_scale: Scale | None = None
    feather: Share | None = None
    companions: Annotated[list[Companion], Field(max_length=4)] = []
    batch: Annotated[int, Field(ge=1, le=8)] = 1


class Given(Form):
    """A picture that another was made with beside its source."""

    asset: str
    sha256: Hash


class Inputs(Form):
    """What a picture was made with beside its source: where it was painted, and what steered it."""

    boxes: Annotated[list[BoxOf], Field(max_length=16)] = []
    compared: Given | None = None
    references: Annotated[list[Given], Field(max_length=16)] = []


class OwnSampling(Form):
    """Sampling of one job in place of the plan's."""

    steps: Steps | None = None
    guidance_scale: Scale | None = None
    image_guidance_scale: Scale | None = None
    strength: Scale | None = None
    control_scale: Scale | None = None
    reference_scale: Scale | None = None


class Job(Form):
    """One picture with its candidates. `key` is what the seeds were derived from."""

    key: Text
    source: Source
    prompt: str
    negative_prompt: str
    candidates: Annotated[list[Candidate], Field(min_length=1)]
    # Logs of the first version have the run's LoRAs only, and nothing of the bible.
    loras: Annotated[list[Lora], MostLoras] | None = None
    bible: list[Use] = []
    inputs: Inputs = Field(default_factory=lambda: Inputs())
    # Where it made a picture again: of which job, why, and the sampling that differs from the plan's.
    parent_job: str = ""
    retry_reason: str = ""
    sampling: OwnSampling = OwnSampling()


class LoraUse(Form):
    """A LoRA as it was asked for."""

    model: Text
    scale: LoraScale


class AskedSampling(Form):
    """Sampling as it was asked for; null takes the value of the stage, then that of the model."""

    steps: Steps | None
    guidance_scale: Scale | None
    image_guidance_scale: Scale | None
    width: Side | None
    height: Side | None
    # Logs from before there were strategies know none of these.
    strength: Scale | None = None
    control_scale: Scale | None = None
    reference_scale: Scale | None = None


class AutoRetry(Form):
    """What the run was told to retry on by itself."""

    findings: Annotated[list[KindName], Field(min_length=1)]
    budget: Annotated[int, Field(ge=1, le=retry.MOST_BUDGET)]
    per_picture: Annotated[int, Field(ge=1, le=retry.MOST_PER_PICTURE)]
    change: Literal["SEED", "STRENGTH"]


class Request(Form):
    """What a person asked for."""

    project: Text
    stage: Text
    scenes: list[str] | None
    input_folder: str
    candidates: Count
    model: str
    sampling: AskedSampling
    seed: Seed | None
    style_guide: str
    variables: dict[str, str]
    instruction: str
    acceptance: Literal["BEST", "MANUAL"]
    priority: Priority
    # Logs of the first version know no LoRAs.
    loras: Annotated[list[LoraUse], MostLoras] = []
    prompt_template: str = ""
    strategy: str = ""
    boxes: list[BoxOf] = []
    auto_retry: AutoRetry | None = None


class Model(Form):
    """The model, with the digest of its files."""

    name: Text
    digest: str
    family: str


class Sampling(Form):
    """Sampling as it was done. Sizes are pixels."""

    steps: Steps
    guidance_scale: Scale
    image_guidance_scale: Scale
    width: OwnSide
    height: OwnSide


class Plan(Form):
    """What was carried out."""

    model: Model
    sampling: Sampling
    seed: Seed
    loras: Annotated[list[Lora], MostLoras] = []
    # Logs from before there were strategies are of models that follow instructions.
    method: Method = Field(default_factory=lambda: Method())


class Needed(Form):
    """What a replay needs of a log."""

    # `schema` is a name that pydantic keeps for itself.
    schema_: Annotated[Literal["bullpen.run/1"], Field(alias="schema")]
    run: Text
    request: Request
    plan: Plan
    jobs: Annotated[list[Job], Field(min_length=1)]


JobEnd = Literal["SUCCEEDED", "FAILED", "CANCELED", "HELD"]
RunEnd = Literal["SUCCEEDED", "PARTIAL", "FAILED", "CANCELED"]


class Failure(Form):
    """Why a job or a run failed: an error reason, what happened, and what to do."""

    reason: Text
    message: str
    remedy: str = ""


class Times(Form):
    """When something was accepted, began and ended."""

    create: Moment
    start: Moment | None
    end: Moment | None


class Found(Form):
    """One thing that was found in a picture, with what was measured and against which limit."""

    severity: Literal["SOFT", "HARD"]
    kind: KindName
    message: str
    value: Number
    limit: Number


class Quality(Form):
    """What was measured of a picture. A measure that did not apply is absent, never low."""

    hard_failures: Count
    soft_warnings: Count
    chroma_excess: Number
    findings: list[Found]
    measures: dict[str, Number]
    not_applicable: dict[str, str] = {}
    nearest: dict[str, str] = {}
    basis: dict[str, str] = {}


class WholeCandidate(Candidate):
    """One picture with all that came of it. The recipe is complete: everything that decided its pixels."""

    state: Literal["SUCCEEDED", "FAILED", "CANCELED"]
    asset: str
    sha256: HashOrNone
    device_seconds: Seconds
    end_time: Moment | None
    quality: Quality | None
    rank: Count
    rank_reason: str
    accepted: bool
    accept_reason: str
    accepted_by_hand: bool
    recipe: dict[str, Any] | None  # type: ignore[assignment]  # the whole of what a replay needs a part of


class WholeJob(Job):
    """One picture to be made, with how that went."""

    name: Text
    state: JobEnd
    attempt: Count
    device: str
    times: Times
    error: Failure | None
    candidates: Annotated[list[WholeCandidate], Field(min_length=1)]  # type: ignore[assignment]  # the same, whole


class Winner(Form):
    """The picture that was accepted for a scene, or for a file of a folder, and why."""

    scene: str
    source_path: str
    candidate: Text
    asset: str
    reason: str
    by_hand: bool


class Whole(Needed):
    """The complete log of a run that ended."""

    bullpen: str
    parent_run: str
    state: RunEnd
    times: Times
    versions: dict[str, str]
    error: Failure | None
    winners: list[Winner]
    jobs: Annotated[list[WholeJob], Field(min_length=1)]  # type: ignore[assignment]  # the same, whole


def schema() -> str:
    """The JSON schema of a complete log, as text that ends with a line break."""
    content = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{SCHEMA.replace('/', ':').replace('.', ':')}",
        **Whole.model_json_schema(),
        "title": "Run log",
        "description": "The complete log of an ended run of Bullpen. Later versions may add parts; none is taken away.",
    }
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema())
