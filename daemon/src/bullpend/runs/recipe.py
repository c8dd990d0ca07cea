"""The complete recipe of a picture: everything that decided its pixels, and where it came from.

It goes into the picture's file (keyword `bullpen`), its sidecar, the database and the run log. `infotext.py` makes
the A1111 `parameters` text from it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import bullpend
from bullpend.runs.cast import Use
from bullpend.runs.infotext import parameters_text, parse_parameters
from bullpend.runs.method import NOTHING, OWN_WAY, Inputs, Method
from bullpend.runs.model import AppliedChange, Lora, Sampling

__all__ = ["SCHEMA", "Recipe", "parameters_text", "parse_parameters", "to_json"]

SCHEMA = "bullpen.recipe/1"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decided one picture.

    Names are resource names. `versions` are the library versions by name, as the worker tells them; `device_kind` is
    `cuda`, `mps`, `cpu` or `scripted`. `uses` says what of the bible acted on it, and where it was taken from. The
    picture of a replay has the names of the one that it repeats. `changes` took effect while the picture was made.
    """

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
    loras: tuple[Lora, ...] = ()
    uses: tuple[Use, ...] = ()
    # What the choices in the words became; nothing where they had none.
    expansion: Mapping[str, Any] = field(default_factory=dict)
    method: Method = OWN_WAY
    inputs: Inputs = NOTHING

    def to_dict(self) -> dict[str, Any]:
        """As JSON. The scheduler of the sampler is the model's own, and so part of `model.digest`."""
        return {
            "schema": SCHEMA,
            "bullpen": bullpend.__version__,
            "project": self.project,
            "run": self.run,
            "job": self.job,
            "candidate": self.candidate,
            "stage": self.stage,
            "model": {"name": self.model, "digest": self.model_digest, "family": self.family},
            "loras": [lora.to_dict() for lora in self.loras],
            "engine": {"name": self.engine, "device_kind": self.device_kind},
            "versions": dict(sorted(self.versions.items())),
            "prompt": self.prompt,
            "negative_prompt": self.negative_prompt,
            **self.expansion,
            "variables": dict(sorted(self.variables.items())),
            "bible": [use.to_dict() for use in self.uses],
            "seed": self.seed,
            "sampling": asdict(self.sampling),
            "method": {**self.method.to_dict(), **self.inputs.to_dict()},
            "source": {
                "sha256": self.source_sha256,
                "asset": self.source_asset,
                "scene": self.scene,
                "path": self.source_path,
            },
            "changes": [change.to_dict() for change in self.changes],
        }


def to_json(recipe: Mapping[str, Any]) -> str:
    """The recipe as canonical JSON: sorted keys, no blanks, UTF-8."""
    return json.dumps(recipe, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
