"""What the quality room knows: limits, measured values, findings and places in a ranking.

Measures come from a post worker as a map of names; a measure that does not apply is absent, never low.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

# Names of the measures that the rules read; a post worker measures them, but for NOT_FINITE, which an engine counts.
CHROMA = "chroma_mean"  # mean chroma C* of CIE L*a*b*, 0 to about 130
BLANK = "blank"  # largest standard deviation of the three channels, 0–255
STRUCTURE_F1 = "structure_f1"  # agreement of the edges with those of the source, 0–1
NOT_FINITE = "not_finite"  # share of values that were not finite before rounding, 0–1
WIDTH = "width"  # pixels
HEIGHT = "height"  # pixels


class FindingKind(StrEnum):
    """The closed list of what can be found in a picture; the names are those of bullpen.v1.Finding.Kind."""

    BLANK = "BLANK"
    NOT_FINITE = "NOT_FINITE"
    CHROMA = "CHROMA"
    GREYSCALE = "GREYSCALE"
    STRUCTURE = "STRUCTURE"
    SIZE = "SIZE"


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
    """What was found in one picture, and the values that led to it."""

    findings: tuple[Finding, ...] = ()
    chroma_excess: float = 0.0
    measures: Mapping[str, float] = field(default_factory=dict)

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
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> QualityReport:
        """The reverse of `to_dict`; the counts follow from the findings."""
        return cls(
            tuple(Finding.from_dict(item) for item in data["findings"]),
            float(data["chroma_excess"]),
            {str(name): float(value) for name, value in data["measures"].items()},
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
