"""Decisions of the quality room: findings from measures, and the order of candidates. Pure functions.

1. Every check reads one measure and one pair of limits. Without the measure, or without the limit, it finds nothing.
2. Candidates are ordered by: fewer hard failures; fewer soft warnings; lower average chroma excess; higher structure
   score (a missing one counts as the lowest); lower index.
3. The best one is accepted by itself only if it has no hard failure.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from bullpend.quality.model import (
    BLANK,
    CHROMA,
    HEIGHT,
    NOT_FINITE,
    STRUCTURE_F1,
    WIDTH,
    Entry,
    Finding,
    FindingKind,
    Greyscale,
    Limits,
    QualityReport,
    Ranked,
    Severity,
)


def assess(
    measures: Mapping[str, float], limits: Limits, *, expected_size: tuple[int, int] | None = None
) -> QualityReport:
    """Findings of one picture by the stage's limits; `expected_size` is (width, height) in pixels.

    A measure that is no finite number counts as missing.
    """
    measures = {name: value for name, value in measures.items() if math.isfinite(value)}
    findings = (
        *_not_finite(measures),
        *_size(measures, expected_size),
        *_blank(measures, limits),
        *_greyscale(measures, limits),
        *_chroma(measures, limits),
        *_structure(measures, limits),
    )
    return QualityReport(findings, chroma_excess(measures, limits), measures)


def fitted_size(source: tuple[int, int], canvas: tuple[int, int]) -> tuple[int, int]:
    """Width and height that a picture of a source must have: the source's shape, as large as the canvas takes it."""
    scale = min(canvas[0] / source[0], canvas[1] / source[1])
    width, height = (min(most, max(1, round(side * scale))) for side, most in zip(source, canvas, strict=True))
    return width, height


def chroma_excess(measures: Mapping[str, float], limits: Limits) -> float:
    """By how much the mean chroma exceeds its soft limit; 0 where it stays below or nothing is measured."""
    value = measures.get(CHROMA)
    if value is None or limits.chroma_soft is None:
        return 0.0
    return max(0.0, value - limits.chroma_soft)


def _not_finite(measures: Mapping[str, float]) -> Iterator[Finding]:
    value = measures.get(NOT_FINITE)
    if value is not None and value > 0.0:
        message = f"{value:.2%} of the values were not numbers before they were rounded; the engine broke down."
        yield Finding(Severity.HARD, FindingKind.NOT_FINITE, message, value, 0.0)


def _size(measures: Mapping[str, float], expected: tuple[int, int] | None) -> Iterator[Finding]:
    if expected is None:
        return
    for name, value, wanted in (
        ("wide", measures.get(WIDTH), expected[0]),
        ("high", measures.get(HEIGHT), expected[1]),
    ):
        if value is not None and value != wanted:
            message = f"The picture is {value:g} pixels {name} where {wanted} were asked for."
            yield Finding(Severity.HARD, FindingKind.SIZE, message, value, float(wanted))


def _blank(measures: Mapping[str, float], limits: Limits) -> Iterator[Finding]:
    value, least = measures.get(BLANK), limits.blank_std_min
    if value is not None and least is not None and value < least:
        message = (
            f"The picture is nearly one flat tone: its values vary by {value:.1f} of 255, which is below {least:g}."
        )
        yield Finding(Severity.HARD, FindingKind.BLANK, message, value, least)


def _greyscale(measures: Mapping[str, float], limits: Limits) -> Iterator[Finding]:
    value, limit = measures.get(CHROMA), limits.greyscale_chroma
    if value is None:
        return
    if limits.greyscale is Greyscale.EXPECT and value > limit:
        message = f"The stage asks for grey pictures and this one has colour: chroma {value:.1f} is above {limit:g}."
        yield Finding(Severity.HARD, FindingKind.GREYSCALE, message, value, limit)
    if limits.greyscale is Greyscale.FORBID and value <= limit:
        message = f"The picture lost its colours: chroma {value:.1f} is not above {limit:g}."
        yield Finding(Severity.HARD, FindingKind.GREYSCALE, message, value, limit)


def _chroma(measures: Mapping[str, float], limits: Limits) -> Iterator[Finding]:
    value = measures.get(CHROMA)
    if value is None:
        return
    for severity, limit in ((Severity.HARD, limits.chroma_hard), (Severity.SOFT, limits.chroma_soft)):
        if limit is not None and value > limit:
            message = f"The colours are too strong: chroma {value:.1f} is above {limit:g}."
            yield Finding(severity, FindingKind.CHROMA, message, value, limit)
            return


def _structure(measures: Mapping[str, float], limits: Limits) -> Iterator[Finding]:
    value = measures.get(STRUCTURE_F1)
    if value is None:
        return
    for severity, limit in ((Severity.HARD, limits.structure_f1_hard), (Severity.SOFT, limits.structure_f1_soft)):
        if limit is not None and value < limit:
            message = f"The drawing left its source: edge agreement {value:.3f} is below {limit:g}."
            yield Finding(severity, FindingKind.STRUCTURE, message, value, limit)
            return


def rank(candidates: Sequence[Entry]) -> list[Ranked]:
    """The candidates from best to worst, each with its reason."""
    ordered = sorted(candidates, key=_order)
    return [
        Ranked(
            key=entry.key,
            rank=place,
            reason=_reason(entry, ordered, place),
            acceptable=entry.report.hard_failures == 0,
        )
        for place, entry in enumerate(ordered, start=1)
    ]


def winner(ranking: Sequence[Ranked]) -> Ranked | None:
    """The candidate that is accepted by itself: rank 1, if it has no hard failure."""
    return next((item for item in ranking if item.rank == 1 and item.acceptable), None)


def _order(entry: Entry) -> tuple[int, int, float, float, int]:
    report = entry.report
    structure = report.measures.get(STRUCTURE_F1, -1.0)
    return (report.hard_failures, report.soft_warnings, report.chroma_excess, -structure, entry.index)


_CRITERIA = (
    "fewer hard failures",
    "fewer soft warnings",
    "less excess of chroma",
    "more of the source's structure",
    "an earlier place among equals",
)


def _reason(entry: Entry, ordered: Sequence[Entry], place: int) -> str:
    """One sentence: the figures, and what decided against the neighbour."""
    report = entry.report
    figures = (
        f"{_count(report.hard_failures, 'hard failure')}, {_count(report.soft_warnings, 'soft warning')}, "
        f"chroma excess {report.chroma_excess:.2f}"
    )
    if STRUCTURE_F1 in report.measures:
        figures += f", structure {report.measures[STRUCTURE_F1]:.3f}"
    if len(ordered) == 1:
        return f"The only finished candidate: {figures}."
    if place < len(ordered):
        decided = _decided(entry, ordered[place])
        return f"Place {place} of {len(ordered)} by {decided} than the next: {figures}."
    decided = _decided(ordered[place - 2], entry)
    return f"Place {place} of {len(ordered)}; the one before has {decided}: {figures}."


def _decided(better: Entry, worse: Entry) -> str:
    """The first criterion in which the two differ; the index always does."""
    pairs = zip(_CRITERIA, _order(better), _order(worse), strict=True)
    return next((name for name, left, right in pairs if left != right), _CRITERIA[-1])


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
