"""What was found in many candidates, summed up. Pure functions."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field

from bullpend.quality.model import FindingKind, QualityReport, Severity

# Candidates that are named for one kind of finding.
MOST_NAMED = 20


@dataclass(slots=True)
class FindingTally:
    """How often something was found, and where, in order."""

    kind: FindingKind
    hard: int = 0
    soft: int = 0
    candidates: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class MeasureTally:
    """The values of one measure: how many, their extremes and middle, and for how many it means nothing.

    A measure that means nothing for all has zeros for its values.
    """

    measure: str
    count: int
    least: float
    median: float
    most: float
    not_applicable: int


@dataclass(frozen=True, slots=True)
class Summary:
    """Finished candidates, those without a hard finding, those without any; findings by frequency; measures by name."""

    candidates: int
    passed: int
    clean: int
    findings: tuple[FindingTally, ...]
    measures: tuple[MeasureTally, ...]


def summarise(reports: Mapping[str, QualityReport]) -> Summary:
    """The sum of reports by the names of their candidates, in order."""
    tallies: dict[FindingKind, FindingTally] = {}
    values: dict[str, list[float]] = {}
    absent: dict[str, int] = {}
    for name, report in reports.items():
        for finding in report.findings:
            tally = tallies.setdefault(finding.kind, FindingTally(finding.kind))
            tally.hard += finding.severity is Severity.HARD
            tally.soft += finding.severity is Severity.SOFT
            if name not in tally.candidates and len(tally.candidates) < MOST_NAMED:
                tally.candidates.append(name)
        for measure, value in report.measures.items():
            values.setdefault(measure, []).append(value)
        for measure in report.not_applicable:
            absent[measure] = absent.get(measure, 0) + 1
    order = list(FindingKind)
    return Summary(
        candidates=len(reports),
        passed=sum(report.hard_failures == 0 for report in reports.values()),
        clean=sum(not report.findings for report in reports.values()),
        findings=tuple(sorted(tallies.values(), key=lambda tally: (-tally.hard, -tally.soft, order.index(tally.kind)))),
        measures=tuple(
            _tally(measure, values.get(measure, []), absent.get(measure, 0)) for measure in sorted({*values, *absent})
        ),
    )


def _tally(measure: str, values: list[float], absent: int) -> MeasureTally:
    if not values:
        return MeasureTally(measure, 0, 0.0, 0.0, 0.0, absent)
    return MeasureTally(measure, len(values), min(values), statistics.median(values), max(values), absent)
