"""How the pictures of a run are made from their sources: the strategy that was chosen, and what it works with.

All of it is settled when a run is planned and kept with the run and its jobs, so that a retry and a replay repeat it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from bullpend.runs.model import Strategy

# Left, top, right, bottom as shares of the picture.
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Companion:
    """A network that acts beside the model: the resource name, the digest of its files, what it does there.

    `role` is `control`, `estimator` or `adapter`; `kind` is what a ControlNet was trained on.
    """

    role: str
    name: str
    digest: str
    kind: str = ""

    def to_dict(self) -> dict[str, str]:
        """As JSON."""
        return {"role": self.role, "name": self.name, "digest": self.digest, "kind": self.kind}


@dataclass(frozen=True, slots=True)
class Method:
    """A strategy with its parameters; those that it does not use are None. `feather` softens a mask's border."""

    strategy: Strategy = Strategy.INSTRUCTION_EDIT
    strength: float | None = None
    control_scale: float | None = None
    reference_scale: float | None = None
    feather: float | None = None
    companions: tuple[Companion, ...] = ()
    # Candidates of a job that are computed together.
    batch: int = 1

    def companion(self, role: str) -> Companion | None:
        """The network of a role, if there is one."""
        return next((item for item in self.companions if item.role == role), None)

    def to_dict(self) -> dict[str, Any]:
        """As JSON, without what it does not use; the way of a model that follows instructions is its name alone."""
        found: dict[str, Any] = {"strategy": self.strategy.value}
        for name in ("strength", "control_scale", "reference_scale", "feather"):
            if (value := getattr(self, name)) is not None:
                found[name] = value
        if self.companions:
            found["companions"] = [item.to_dict() for item in self.companions]
        if self.batch > 1:
            found["batch"] = self.batch
        return found

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Method:
        """The reverse of `to_dict`. An empty one is that of runs from before there were strategies."""
        values = dict(data)
        companions = tuple(Companion(**item) for item in values.pop("companions", ()))
        return cls(Strategy(values.pop("strategy", Strategy.INSTRUCTION_EDIT)), companions=companions, **values)


@dataclass(frozen=True, slots=True)
class Given:
    """A picture that a job works with beside its source: the asset's name and the hash of its content."""

    asset: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """What one picture is made with beside its source: boxes to paint in, or a picture whose difference from the source
    says where; and pictures that steer.
    """

    boxes: tuple[Box, ...] = ()
    compared: Given | None = None
    references: tuple[Given, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON, without what there is none of."""
        found: dict[str, Any] = {}
        if self.boxes:
            found["boxes"] = [list(box) for box in self.boxes]
        if self.compared is not None:
            found["compared"] = {"asset": self.compared.asset, "sha256": self.compared.sha256}
        if self.references:
            found["references"] = [{"asset": item.asset, "sha256": item.sha256} for item in self.references]
        return found

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Inputs:
        """The reverse of `to_dict`."""
        compared = data.get("compared")
        return cls(
            tuple((float(a), float(b), float(c), float(d)) for a, b, c, d in data.get("boxes", ())),
            Given(**compared) if compared else None,
            tuple(Given(**item) for item in data.get("references", ())),
        )

    def renamed(self, name: Callable[[Given], str]) -> Inputs:
        """The same with other names for its pictures."""

        def new(given: Given) -> Given:
            return Given(name(given), given.sha256)

        return Inputs(
            self.boxes, new(self.compared) if self.compared else None, tuple(new(item) for item in self.references)
        )

    @property
    def given(self) -> tuple[Given, ...]:
        """The pictures that are needed."""
        return (*([self.compared] if self.compared else []), *self.references)

    @property
    def assets(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(item.asset for item in self.given)


# The way of a model that follows instructions, and a picture that needs nothing but its source.
OWN_WAY, NOTHING = Method(), Inputs()


def to_json(value: Method | Inputs) -> str:
    """As the database keeps it."""
    return json.dumps(value.to_dict())


@lru_cache(maxsize=256)
def method_from_json(text: str) -> Method:
    """The reverse of `to_json`; empty is the way of a model that follows instructions."""
    return Method.from_dict(json.loads(text)) if text else Method()


@lru_cache(maxsize=256)
def inputs_from_json(text: str) -> Inputs:
    """The reverse of `to_json`; empty is none."""
    return Inputs.from_dict(json.loads(text)) if text else Inputs()
