"""The order of a job's candidates, and the words for it. Pure functions.

1. Fewer hard failures; fewer soft warnings; less average chroma excess; less drift of style and identity; more of the
   source's structure; the earlier one.
2. A measure decides only where every candidate has it: what does not apply, or could not be taken, is not low.
3. A picture that copies a reference is not consistent with it: its drift counts as the largest there is.
4. The best one is accepted by itself only if it has no hard failure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bullpend.quality.model import (
    IDENTITY_DRIFT,
    STRUCTURE_F1,
    STYLE_DRIFT,
    Entry,
    FindingKind,
    QualityReport,
    Ranked,
)

_COPIED = 1.0

# A criterion: the words for having less of it, and its value, of which less is better.
Criterion = tuple[str, Callable[[Entry], float]]


def rank(candidates: Sequence[Entry]) -> list[Ranked]:
    """The candidates from best to worst, each with its reason."""
    criteria = _criteria(candidates)
    ordered = sorted(candidates, key=lambda entry: [value(entry) for _, value in criteria])
    return [
        Ranked(
            key=entry.key,
            rank=place,
            reason=_reason(entry, ordered, place, criteria),
            acceptable=entry.report.hard_failures == 0,
        )
        for place, entry in enumerate(ordered, start=1)
    ]


def winner(ranking: Sequence[Ranked]) -> Ranked | None:
    """The candidate that is accepted by itself: rank 1, if it has no hard failure."""
    return next((item for item in ranking if item.rank == 1 and item.acceptable), None)


def model_drift(report: QualityReport) -> float | None:
    """Mean drift of style and identity, 0–1, as far as they were measured; None where neither was."""
    drifts = [report.measures[name] for name in (STYLE_DRIFT, IDENTITY_DRIFT) if name in report.measures]
    if not drifts:
        return None
    if any(finding.kind is FindingKind.COPY for finding in report.findings):
        return _COPIED
    return sum(drifts) / len(drifts)


def _criteria(candidates: Sequence[Entry]) -> list[Criterion]:
    found: list[Criterion] = [
        ("fewer hard failures", lambda entry: entry.report.hard_failures),
        ("fewer soft warnings", lambda entry: entry.report.soft_warnings),
        ("less excess of chroma", lambda entry: entry.report.chroma_excess),
    ]
    if _judged_alike(candidates):
        found.append(("less drift from the references", lambda entry: model_drift(entry.report) or 0.0))
    if all(STRUCTURE_F1 in entry.report.measures for entry in candidates):
        found.append(("more of the source's structure", lambda entry: -entry.report.measures[STRUCTURE_F1]))
    return [*found, ("an earlier place among equals", lambda entry: entry.index)]


def _judged_alike(candidates: Sequence[Entry]) -> bool:
    """Whether all candidates were judged by the same models; means over different ones cannot be compared."""
    judged = {frozenset({STYLE_DRIFT, IDENTITY_DRIFT} & entry.report.measures.keys()) for entry in candidates}
    return len(judged) == 1 and frozenset() not in judged


def _reason(entry: Entry, ordered: Sequence[Entry], place: int, criteria: Sequence[Criterion]) -> str:
    """One sentence: the figures, and what decided against the neighbour."""
    figures = _figures(entry.report)
    if len(ordered) == 1:
        return f"The only finished candidate: {figures}."
    if place < len(ordered):
        decided = _decided(entry, ordered[place], criteria)
        return f"Place {place} of {len(ordered)} by {decided} than the next: {figures}."
    decided = _decided(ordered[place - 2], entry, criteria)
    return f"Place {place} of {len(ordered)}; the one before has {decided}: {figures}."


def _figures(report: QualityReport) -> str:
    parts = [
        _count(report.hard_failures, "hard failure"),
        _count(report.soft_warnings, "soft warning"),
        f"chroma excess {report.chroma_excess:.2f}",
    ]
    drift = model_drift(report)
    if drift is not None:
        copied = any(finding.kind is FindingKind.COPY for finding in report.findings)
        parts.append("drift not counted, it is a copy" if copied else f"drift {drift:.2f}")
    if STRUCTURE_F1 in report.measures:
        parts.append(f"structure {report.measures[STRUCTURE_F1]:.3f}")
    return ", ".join(parts)


def _decided(better: Entry, worse: Entry, criteria: Sequence[Criterion]) -> str:
    """The first criterion in which the two differ; the index always does."""
    return next((name for name, value in criteria if value(better) != value(worse)), criteria[-1][0])


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
