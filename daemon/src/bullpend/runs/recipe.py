"""The complete recipe of a picture, and the A1111 `parameters` text made from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bullpend.runs.model import AppliedChange, Sampling

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decided one picture. `versions` are the library versions by name, from the worker."""

    project: str
    run: str
    job: str
    candidate: str
    stage: str
    model: str
    model_digest: str
    family: str
    engine: str
    device_kind: str
    versions: Mapping[str, str]
    prompt: str
    negative_prompt: str
    seed: int
    sampling: Sampling
    source_sha256: str
    source_asset: str = ""
    scene: str = ""
    source_path: str = ""
    changes: tuple[AppliedChange, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As JSON with schema version and version of Bullpen."""
        raise NotImplementedError


def to_json(recipe: Mapping[str, Any]) -> str:
    """The recipe as canonical JSON: sorted keys, no blanks, UTF-8."""
    raise NotImplementedError


def parameters_text(recipe: Mapping[str, Any]) -> str:
    """The A1111 `parameters` text of a recipe."""
    raise NotImplementedError


def parse_parameters(text: str) -> dict[str, str]:
    """Prompt, `Negative prompt` and the settings of a `parameters` text."""
    raise NotImplementedError
