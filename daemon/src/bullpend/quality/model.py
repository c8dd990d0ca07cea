"""What the quality room knows: limits, measured values, findings and places in a ranking.

Measures come from a post worker as a map of names; a measure that does not apply is absent, never low.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

# Names of the measures that the rules read; a post worker measures them, but for NOT_FINITE, which an engine counts.
# docs/quality.md describes them all.
CHROMA = "chroma_mean"  # mean chroma C* of CIE L*a*b*, 0 to about 130
BLANK = "blank"  # largest standard deviation of the three channels, 0–255
STRUCTURE_F1 = "structure_f1"  # agreement of the edges with those of the source, 0–1
NOT_FINITE = "not_finite"  # share of values that were not finite before rounding, 0–1
WIDTH = "width"  # pixels
HEIGHT = "height"  # pixels
SHARPNESS = "sharpness"  # variance of the Laplacian of luma
ALPHA_COVERAGE = "alpha_coverage"  # share of pixels that a cutout kept, 0–1
STYLE_DRIFT = "style_drift"  # 0 for the same style, 0.5 at the encoder's threshold, at most 1
IDENTITY_DRIFT = "identity_drift"  # the same for a character, of several the worst; of each behind a slash
COPY_RATE = "copy_rate"  # share of the picture that the nearest reference has too, 0–1
CHARACTER_CHANGE = "character_change"  # characters more than in the source
# Stands for all that is measured against references and by models.
LIKENESS = "likeness"

# What a model may judge, and the measure that comes of it.
JUDGED = {"style": STYLE_DRIFT, "identity": IDENTITY_DRIFT, "characters": CHARACTER_CHANGE}


class FindingKind(StrEnum):
    """The closed list of what can be found in a picture; the names are those of bullpen.v1.Finding.Kind."""

    BLANK = "BLANK"
    NOT_FINITE = "NOT_FINITE"
    CHROMA = "CHROMA"
    GREYSCALE = "GREYSCALE"
    STRUCTURE = "STRUCTURE"
    SIZE = "SIZE"
    SHARPNESS = "SHARPNESS"
    ALPHA_COVERAGE = "ALPHA_COVERAGE"
    IDENTITY = "IDENTITY"
    STYLE = "STYLE"
    COPY = "COPY"
    CHARACTER_COUNT = "CHARACTER_COUNT"
    MEASURE_FAILED = "MEASURE_FAILED"


class Severity(StrEnum):
    """A hard finding keeps a picture from being accepted by itself; a soft one only costs it places."""

    SOFT = "SOFT"
    HARD = "HARD"


class Greyscale(StrEnum):
    """Whether a stage's pictures are checked for colour: not at all, should be grey, must not be grey."""

    OFF = "off"
    EXPECT = "expect"
    FORBID = "forbid"


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a stage, in the units of the measures; None switches a check off."""

    chroma_soft: float | None = None
    chroma_hard: float | None = None
    greyscale: Greyscale = Greyscale.OFF
    greyscale_chroma: float = 1.5
    blank_std_min: float | None = None
    structure_f1_soft: float | None = None
    structure_f1_hard: float | None = None
    sharpness_soft: float | None = None
    sharpness_hard: float | None = None
    alpha_coverage_min: float | None = None
    alpha_coverage_max: float | None = None
    style_drift_soft: float | None = None
    style_drift_hard: float | None = None
    identity_drift_soft: float | None = None
    identity_drift_hard: float | None = None
    copy_rate_soft: float | None = None
    copy_rate_hard: float | None = None
    characters_added: int | None = None

    def of_cast(self, named: int) -> Limits:
        """These limits for a scene of which so many characters are known: a stage that adds any adds all of them."""
        if not self.characters_added or named <= self.characters_added:
            return self
        return replace(self, characters_added=named)


@dataclass(frozen=True, slots=True)
class Checks:
    """How a stage's pictures are checked.

    `edit_share` is the largest share of a picture that may count as a local edit, outside of which structure is
    judged. `judges` maps what is judged (a key of `JUDGED`) to the model that does it.
    """

    limits: Limits = Limits()
    edit_share: float = 0.0
    judges: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of measuring a picture, by measure: values, why others failed, why others mean nothing for it, the
    reference asset that a value was nearest to, and how it was found where to measure.
    """

    values: Mapping[str, float] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    not_applicable: Mapping[str, str] = field(default_factory=dict)
    nearest: Mapping[str, str] = field(default_factory=dict)
    basis: Mapping[str, str] = field(default_factory=dict)

    def __or__(self, other: Measured) -> Measured:
        """Both; the other's values go over these."""
        return Measured(
            {**self.values, **other.values},
            {**self.failed, **other.failed},
            {**self.not_applicable, **other.not_applicable},
            {**self.nearest, **other.nearest},
            {**self.basis, **other.basis},
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a picture, in plain words, with what was measured and against which limit."""

    severity: Severity
    kind: FindingKind
    message: str
    value: float
    limit: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "severity": self.severity.value,
            "kind": self.kind.value,
            "message": self.message,
            "value": self.value,
            "limit": self.limit,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Finding:
        """The reverse of `to_dict`."""
        return cls(
            Severity(data["severity"]),
            FindingKind(data["kind"]),
            str(data["message"]),
            float(data["value"]),
            float(data["limit"]),
        )


@dataclass(frozen=True, slots=True)
class QualityReport:
    """What was found in one picture, and the values that led to it; `not_applicable`, `nearest` and `basis` as in
    `Measured`.
    """

    findings: tuple[Finding, ...] = ()
    chroma_excess: float = 0.0
    measures: Mapping[str, float] = field(default_factory=dict)
    not_applicable: Mapping[str, str] = field(default_factory=dict)
    nearest: Mapping[str, str] = field(default_factory=dict)
    basis: Mapping[str, str] = field(default_factory=dict)

    @property
    def hard_failures(self) -> int:
        """Number of hard findings."""
        return sum(finding.severity is Severity.HARD for finding in self.findings)

    @property
    def soft_warnings(self) -> int:
        """Number of soft findings."""
        return sum(finding.severity is Severity.SOFT for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """As JSON, for the database and the run log."""
        return {
            "hard_failures": self.hard_failures,
            "soft_warnings": self.soft_warnings,
            "chroma_excess": self.chroma_excess,
            "findings": [finding.to_dict() for finding in self.findings],
            "measures": dict(sorted(self.measures.items())),
            "not_applicable": dict(sorted(self.not_applicable.items())),
            "nearest": dict(sorted(self.nearest.items())),
            "basis": dict(sorted(self.basis.items())),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> QualityReport:
        """The reverse of `to_dict`; the counts follow from the findings. Older reports lack the last parts."""
        return cls(
            tuple(Finding.from_dict(item) for item in data["findings"]),
            float(data["chroma_excess"]),
            {str(name): float(value) for name, value in data["measures"].items()},
            {str(name): str(why) for name, why in data.get("not_applicable", {}).items()},
            {str(name): str(asset) for name, asset in data.get("nearest", {}).items()},
            {str(name): str(words) for name, words in data.get("basis", {}).items()},
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """A finished candidate as the ranking sees it: its key (any string), its index in the job, its report."""

    key: str
    index: int
    report: QualityReport


@dataclass(frozen=True, slots=True)
class Ranked:
    """A place in the ranking, counted from 1, with the sentence that says why it is not lower."""

    key: str
    rank: int
    reason: str
    acceptable: bool
