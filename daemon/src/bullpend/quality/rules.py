"""Decisions of the quality room: findings from measures, and the order of candidates. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bullpend.quality.model import Entry, Limits, QualityReport, Ranked


def assess(
    measures: Mapping[str, float], limits: Limits, *, expected_size: tuple[int, int] | None = None
) -> QualityReport:
    """Findings of one picture by the stage's limits; `expected_size` is (width, height) in pixels."""
    raise NotImplementedError


def rank(candidates: Sequence[Entry]) -> list[Ranked]:
    """The candidates from best to worst, each with its reason."""
    raise NotImplementedError


def winner(ranking: Sequence[Ranked]) -> Ranked | None:
    """The candidate that is accepted by itself: rank 1, if it has no hard failure."""
    raise NotImplementedError
