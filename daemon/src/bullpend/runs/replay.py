"""Reads a run log as the request to repeat it. Strict: nothing that decides pixels is guessed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError

from bullpend.errors import RunLogInvalid
from bullpend.runs import logform
from bullpend.runs.cast import Use, from_dicts
from bullpend.runs.method import NOTHING, OWN_WAY, Inputs, Method
from bullpend.runs.model import (
    Acceptance,
    AppliedChange,
    Lora,
    LoraUse,
    RunRequest,
    Sampling,
    SamplingRequest,
    retry_from,
)

# A log of the largest run stays far below; larger texts are refused unread.
MAX_BYTES = 64_000_000
CANDIDATE_NAME = re.compile(r"projects/[^/]{1,64}/runs/[^/]{1,64}/jobs/[^/]{1,64}/candidates/[^/]{1,64}")
Read = TypeVar("Read", bound=logform.Needed)


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
    inputs: Inputs = NOTHING
    parent_job: str = ""
    retry_reason: str = ""
    sampling: Mapping[str, float] = field(default_factory=dict)


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
    method: Method = OWN_WAY


def parse(text: str) -> ReplayRequest:
    """Reads what a replay needs of a run log. Raises RunLogInvalid naming the field that is missing or wrong."""
    return request_of(read(text, logform.Needed))


def read(text: str, form: type[Read]) -> Read:
    """Reads a run log in one of its forms. Raises RunLogInvalid naming the field that is missing or wrong."""
    return _validated(_decoded(text), form)


def request_of(log: logform.Needed) -> ReplayRequest:
    """The request to repeat a log."""
    asked = log.request.model_dump()
    request = RunRequest(
        **{
            **asked,
            "scenes": None if log.request.scenes is None else tuple(log.request.scenes),
            "sampling": SamplingRequest(**asked["sampling"]),
            "acceptance": Acceptance(log.request.acceptance),
            "loras": tuple(LoraUse(use.model, use.scale) for use in log.request.loras),
            "boxes": tuple((a, b, c, d) for a, b, c, d in log.request.boxes),
            "auto_retry": retry_from(asked["auto_retry"]),
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
        method=Method.from_dict(log.plan.method.model_dump()),
    )


def _loras(found: list[logform.Lora]) -> tuple[Lora, ...]:
    return tuple(Lora(lora.name, lora.digest, lora.scale) for lora in found)


def _job(job: logform.Job, of_run: list[logform.Lora]) -> ReplayJob:
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
        inputs=Inputs.from_dict(job.inputs.model_dump()),
        parent_job=job.parent_job,
        retry_reason=job.retry_reason,
        sampling=job.sampling.model_dump(exclude_none=True),
    )


def _repeats(candidate: logform.Candidate) -> str:
    """The name that the candidate's file has in it: its own, or that of the one that it repeated itself."""
    recipe = candidate.recipe
    # Read whole, a recipe is a dictionary; read for a replay, only this of it is looked at.
    said = recipe.get("candidate", "") if isinstance(recipe, dict) else recipe.candidate if recipe else ""
    name = str(said) or candidate.name
    return name if CANDIDATE_NAME.fullmatch(name) else ""


def _decoded(text: str) -> Any:
    if len(text) > MAX_BYTES:
        raise _wrong("run_log", "is too large to be a run log")
    try:
        data = json.loads(text)
        # What JSON does not know, numbers beyond a float and halves of characters would go wrong far from here.
        json.dumps(data, ensure_ascii=False, allow_nan=False).encode()
        return data
    except (ValueError, RecursionError) as error:
        raise _wrong("run_log", f"is not valid JSON ({error})") from error


def _validated(data: Any, form: type[Read]) -> Read:
    try:
        return form.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "run_log"
        raise _wrong(field, first["msg"][:1].lower() + first["msg"][1:]) from error


def _wrong(field: str, problem: str) -> RunLogInvalid:
    return RunLogInvalid(
        f"The run log cannot be read: {field}: {problem}.",
        field=field,
        remedy="Give the run.json of a run, unchanged.",
    )
