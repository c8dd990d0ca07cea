"""Reads a run log as the request to repeat it. Strict: nothing that decides pixels is guessed."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bullpend.errors import RunLogInvalid
from bullpend.runs import loras
from bullpend.runs.cast import Part, Use, from_dicts
from bullpend.runs.manifest import SCALE, SIZE, SIZE_STEP, STEPS
from bullpend.runs.model import Acceptance, AppliedChange, Lora, LoraUse, RunRequest, Sampling, SamplingRequest

# A log of the largest run stays far below; larger texts are refused unread.
MAX_BYTES = 64_000_000


@dataclass(frozen=True, slots=True)
class ReplayCandidate:
    """A candidate to repeat. `sha256` is that of the picture it gave, empty if it gave none; `repeats` is the name that
    this picture's file has in it.
    """

    seed: int
    changes: tuple[AppliedChange, ...]
    sha256: str
    repeats: str = ""


@dataclass(frozen=True, slots=True)
class ReplayJob:
    """A picture to repeat; its source is found by its hash."""

    key: str
    scene: str
    source_path: str
    source_asset: str
    source_sha256: str
    prompt: str
    negative_prompt: str
    candidates: tuple[ReplayCandidate, ...]
    loras: tuple[Lora, ...] = ()
    uses: tuple[Use, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """What a run log asks to be repeated. `run` is the name of the run that wrote it."""

    run: str
    request: RunRequest
    model: str
    model_digest: str
    model_family: str
    sampling: Sampling
    seed: int
    jobs: tuple[ReplayJob, ...]
    loras: tuple[Lora, ...] = ()


class _Part(BaseModel):
    # Parts of the log that tell what came of the run are not read, and so may grow.
    # Built at the first replay, not at the start of the daemon.
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, defer_build=True)


Seed = Annotated[int, Field(ge=0, lt=2**32)]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Scale = Annotated[float, Field(ge=SCALE[0], le=SCALE[1], allow_inf_nan=False)]
LoraScale = Annotated[float, Field(ge=loras.SCALE[0], le=loras.SCALE[1], allow_inf_nan=False)]
Steps = Annotated[int, Field(ge=STEPS[0], le=STEPS[1])]
Side = Annotated[int, Field(ge=SIZE[0], le=SIZE[1])]
# A model's own size may be smaller than what a person may ask for.
OwnSide = Annotated[int, Field(ge=SIZE_STEP, le=SIZE[1])]
MostLoras = Field(max_length=loras.MOST)
Text = Annotated[str, Field(min_length=1)]
CANDIDATE_NAME = re.compile(r"projects/[^/]{1,64}/runs/[^/]{1,64}/jobs/[^/]{1,64}/candidates/[^/]{1,64}")


class _Change(_Part):
    step: Annotated[int, Field(ge=1)]
    guidance_scale: Scale | None = None
    image_guidance_scale: Scale | None = None


class _Recipe(_Part):
    candidate: str = ""


class _Candidate(_Part):
    name: str = ""
    index: Annotated[int, Field(ge=1)]
    seed: Seed
    changes: list[_Change]
    sha256: str
    recipe: _Recipe | None = None


class _Source(_Part):
    sha256: Hash
    asset: str
    scene: str
    path: str


class _Lora(_Part):
    name: Text
    digest: Hash
    scale: LoraScale


class _Use(_Part):
    part: Literal[*(part.value for part in Part)]  # type: ignore[valid-type]  # the names of an enum
    item: str
    value: str
    source: str


class _Job(_Part):
    key: Text
    source: _Source
    prompt: str
    negative_prompt: str
    candidates: Annotated[list[_Candidate], Field(min_length=1)]
    # Logs of the first version have the run's LoRAs only, and nothing of the bible.
    loras: Annotated[list[_Lora], MostLoras] | None = None
    bible: list[_Use] = []


class _LoraUse(_Part):
    model: Text
    scale: LoraScale


class _AskedSampling(_Part):
    steps: Steps | None
    guidance_scale: Scale | None
    image_guidance_scale: Scale | None
    width: Side | None
    height: Side | None
    # Logs from before there were strategies know none of these.
    strength: Scale | None = None
    control_scale: Scale | None = None
    reference_scale: Scale | None = None


class _Request(_Part):
    project: Text
    stage: Text
    scenes: list[str] | None
    input_folder: str
    candidates: int
    model: str
    sampling: _AskedSampling
    seed: Seed | None
    style_guide: str
    variables: dict[str, str]
    instruction: str
    acceptance: Literal["BEST", "MANUAL"]
    priority: int
    # Logs of the first version know no LoRAs.
    loras: Annotated[list[_LoraUse], MostLoras] = []
    prompt_template: str = ""


class _Model(_Part):
    name: Text
    digest: str
    family: str


class _Sampling(_Part):
    steps: Steps
    guidance_scale: Scale
    image_guidance_scale: Scale
    width: OwnSide
    height: OwnSide


class _Plan(_Part):
    model: _Model
    sampling: _Sampling
    seed: Seed
    loras: Annotated[list[_Lora], MostLoras] = []


class _Log(_Part):
    # `schema` is a name that pydantic keeps for itself.
    schema_: Annotated[Literal["bullpen.run/1"], Field(alias="schema")]
    run: Text
    request: _Request
    plan: _Plan
    jobs: Annotated[list[_Job], Field(min_length=1)]


def parse(text: str) -> ReplayRequest:
    """Reads a run log. Raises RunLogInvalid naming the field that is missing or wrong."""
    log = _validated(_decoded(text))
    asked = log.request.model_dump()
    request = RunRequest(
        **{
            **asked,
            "scenes": None if log.request.scenes is None else tuple(log.request.scenes),
            "sampling": SamplingRequest(**asked["sampling"]),
            "acceptance": Acceptance(log.request.acceptance),
            "loras": tuple(LoraUse(use.model, use.scale) for use in log.request.loras),
        }
    )
    return ReplayRequest(
        run=log.run,
        request=request,
        model=log.plan.model.name,
        model_digest=log.plan.model.digest,
        model_family=log.plan.model.family,
        sampling=Sampling(**log.plan.sampling.model_dump()),
        seed=log.plan.seed,
        jobs=tuple(_job(job, log.plan.loras) for job in log.jobs),
        loras=_loras(log.plan.loras),
    )


def _loras(found: list[_Lora]) -> tuple[Lora, ...]:
    return tuple(Lora(lora.name, lora.digest, lora.scale) for lora in found)


def _job(job: _Job, of_run: list[_Lora]) -> ReplayJob:
    return ReplayJob(
        key=job.key,
        scene=job.source.scene,
        source_path=job.source.path,
        source_asset=job.source.asset,
        source_sha256=job.source.sha256,
        prompt=job.prompt,
        negative_prompt=job.negative_prompt,
        candidates=tuple(
            ReplayCandidate(
                seed=candidate.seed,
                changes=tuple(AppliedChange(**change.model_dump()) for change in candidate.changes),
                sha256=candidate.sha256,
                repeats=_repeats(candidate),
            )
            for candidate in sorted(job.candidates, key=lambda item: item.index)
        ),
        loras=_loras(of_run if job.loras is None else job.loras),
        uses=from_dicts(use.model_dump() for use in job.bible),
    )


def _repeats(candidate: _Candidate) -> str:
    """The name that the candidate's file has in it: its own, or that of the one that it repeated itself."""
    name = (candidate.recipe.candidate if candidate.recipe else "") or candidate.name
    return name if CANDIDATE_NAME.fullmatch(name) else ""


def _decoded(text: str) -> Any:
    if len(text) > MAX_BYTES:
        raise _wrong("run_log", "is too large to be a run log")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _wrong("run_log", f"is not valid JSON ({error})") from error


def _validated(data: Any) -> _Log:
    try:
        return _Log.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "run_log"
        raise _wrong(field, first["msg"][:1].lower() + first["msg"][1:]) from error


def _wrong(field: str, problem: str) -> RunLogInvalid:
    return RunLogInvalid(
        f"The run log cannot be replayed: {field}: {problem}.",
        field=field,
        remedy="Give the run.json that a run of this version wrote, unchanged.",
    )
