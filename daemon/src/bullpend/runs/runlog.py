"""The complete log of an ended run, as JSON, and what it takes to run it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bullpend.runs.model import AppliedChange, Job, Run, RunRequest, Sampling

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class ReplayCandidate:
    """A candidate to repeat."""

    seed: int
    changes: tuple[AppliedChange, ...]
    sha256: str


@dataclass(frozen=True, slots=True)
class ReplayJob:
    """A picture to repeat; its source is found by its hash."""

    key: str
    scene: str
    source_path: str
    source_sha256: str
    prompt: str
    negative_prompt: str
    candidates: tuple[ReplayCandidate, ...]


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """What a run log asks to be repeated. `run` is the name of the run that wrote it."""

    run: str
    request: RunRequest
    model: str
    model_digest: str
    sampling: Sampling
    seed: int
    jobs: tuple[ReplayJob, ...]


def render(
    run: Run, jobs: Sequence[Job], *, plan: Mapping[str, Any], versions: Mapping[str, str], family: str = ""
) -> str:
    """The run log, with deterministic order of keys. `plan` is the draft's `plan_dict`."""
    raise NotImplementedError


def parse(text: str) -> ReplayRequest:
    """Reads a run log. Raises RunLogInvalid naming the field that is missing or wrong."""
    raise NotImplementedError
