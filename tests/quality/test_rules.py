"""Findings from measures, and the order of candidates."""

from __future__ import annotations

import itertools

import pytest
from bullpend.quality.model import Entry, FindingKind, Greyscale, Limits, QualityReport, Severity
from bullpend.quality.rules import assess, rank, winner
from hypothesis import given
from hypothesis import strategies as st

LIMITS = Limits(
    chroma_soft=50.0,
    chroma_hard=90.0,
    blank_std_min=6.0,
    structure_f1_soft=0.5,
    structure_f1_hard=0.25,
)
GOOD = {"chroma_mean": 20.0, "blank": 40.0, "structure_f1": 0.9, "not_finite": 0.0, "width": 128.0, "height": 128.0}


def kinds(report: QualityReport) -> list[tuple[FindingKind, Severity]]:
    return [(finding.kind, finding.severity) for finding in report.findings]


def test_a_good_picture_has_no_findings() -> None:
    """Measures inside every limit give an empty report that keeps the measures."""
    report = assess(GOOD, LIMITS, expected_size=(128, 128))
    assert report.findings == ()
    assert report.chroma_excess == 0.0
    assert report.measures == GOOD


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"blank": 5.9}, (FindingKind.BLANK, Severity.HARD)),
        ({"not_finite": 0.01}, (FindingKind.NOT_FINITE, Severity.HARD)),
        ({"chroma_mean": 50.1}, (FindingKind.CHROMA, Severity.SOFT)),
        ({"chroma_mean": 90.1}, (FindingKind.CHROMA, Severity.HARD)),
        ({"structure_f1": 0.49}, (FindingKind.STRUCTURE, Severity.SOFT)),
        ({"structure_f1": 0.24}, (FindingKind.STRUCTURE, Severity.HARD)),
        ({"width": 64.0}, (FindingKind.SIZE, Severity.HARD)),
        ({"height": 64.0}, (FindingKind.SIZE, Severity.HARD)),
    ],
)
def test_each_limit_gives_its_own_finding(change: dict[str, float], expected: tuple[FindingKind, Severity]) -> None:
    """One measure beyond one limit gives exactly one finding, with the value and the limit."""
    report = assess({**GOOD, **change}, LIMITS, expected_size=(128, 128))
    assert kinds(report) == [expected]
    assert report.findings[0].value == next(iter(change.values()))
    assert report.hard_failures + report.soft_warnings == 1


def test_values_at_a_limit_pass() -> None:
    """A limit is what is still allowed."""
    at = {**GOOD, "blank": 6.0, "chroma_mean": 50.0, "structure_f1": 0.5}
    assert assess(at, LIMITS, expected_size=(128, 128)).findings == ()


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_missing_measure_finds_nothing(name: str) -> None:
    """A measure that is absent, or no number, is not applicable; it never counts as low."""
    bad = {"chroma_mean": 99.0, "blank": 0.0, "structure_f1": 0.0, "not_finite": 1.0, "width": 1.0, "height": 1.0}
    without = {key: value for key, value in bad.items() if key != name}
    report = assess(without, LIMITS, expected_size=(128, 128))
    everything = assess(bad, LIMITS, expected_size=(128, 128))
    assert len(report.findings) == len(everything.findings) - 1
    assert assess({**bad, name: float("nan")}, LIMITS, expected_size=(128, 128)) == report


def test_no_limit_means_no_check() -> None:
    """Limits of None switch checks off."""
    report = assess({"chroma_mean": 120.0, "blank": 0.0, "structure_f1": 0.0}, Limits())
    assert report.findings == ()
    assert report.chroma_excess == 0.0


@pytest.mark.parametrize(
    ("mode", "chroma", "found"),
    [
        (Greyscale.OFF, 0.0, False),
        (Greyscale.EXPECT, 10.0, True),
        (Greyscale.EXPECT, 0.5, False),
        (Greyscale.FORBID, 0.5, True),
        (Greyscale.FORBID, 10.0, False),
    ],
)
def test_greyscale_is_expected_or_forbidden_by_the_stage(mode: Greyscale, chroma: float, found: bool) -> None:
    """Grey is a fault only where the stage says so."""
    report = assess({"chroma_mean": chroma}, Limits(greyscale=mode))
    assert kinds(report) == ([(FindingKind.GREYSCALE, Severity.HARD)] if found else [])


def test_a_report_survives_json() -> None:
    """`from_dict` restores what `to_dict` wrote."""
    report = assess({**GOOD, "chroma_mean": 60.0, "structure_f1": 0.1}, LIMITS)
    assert QualityReport.from_dict(report.to_dict()) == report
    assert report.to_dict()["hard_failures"] == 1


def entry(index: int, **change: float) -> Entry:
    return Entry(f"c{index}", index, assess({**GOOD, **change}, LIMITS))


def test_the_order_follows_the_five_criteria() -> None:
    """Hard failures count first, then warnings, chroma excess, structure, and the index among equals."""
    entries = [
        entry(1, blank=0.0),
        entry(2, structure_f1=0.4),
        entry(3, chroma_mean=80.0),
        entry(4, chroma_mean=55.0),
        entry(5, structure_f1=0.8),
        entry(6, structure_f1=0.95),
        entry(7, structure_f1=0.8),
    ]
    assert [item.key for item in rank(entries)] == ["c6", "c5", "c7", "c2", "c4", "c3", "c1"]


def test_each_reason_names_what_decided() -> None:
    """The sentence of a place names the criterion in which it beats the next."""
    reasons = {item.key: item.reason for item in rank([entry(1, blank=0.0), entry(2, structure_f1=0.4), entry(3)])}
    assert "fewer soft warnings" in reasons["c3"]
    assert "fewer hard failures" in reasons["c2"]
    assert reasons["c1"].startswith("Place 3 of 3; the one before has fewer hard failures")
    assert rank([entry(1)])[0].reason.startswith("The only finished candidate")


def test_the_winner_has_no_hard_failure() -> None:
    """Rank 1 wins only if nothing hard was found; without candidates nobody wins."""
    best = winner(rank([entry(1, structure_f1=0.4), entry(2)]))
    assert best is not None
    assert best.key == "c2"
    assert winner(rank([entry(1, blank=0.0), entry(2, not_finite=0.5)])) is None
    assert winner(rank([])) is None


reports = st.builds(
    lambda chroma, blank, structure: assess(
        {"chroma_mean": chroma, "blank": blank, **({} if structure is None else {"structure_f1": structure})}, LIMITS
    ),
    st.floats(0, 130),
    st.floats(0, 128),
    st.none() | st.floats(0, 1),
)


@given(st.lists(reports, max_size=6))
def test_the_ranking_does_not_depend_on_the_order_of_arrival(found: list[QualityReport]) -> None:
    """Any order of the same candidates gives the same ranking, with places 1 to n."""
    entries = [Entry(f"c{index}", index, report) for index, report in enumerate(found)]
    ranking = rank(entries)
    assert [item.rank for item in ranking] == list(range(1, len(entries) + 1))
    assert rank(entries[::-1]) == ranking
    by_key = {item.key: item.report for item in entries}
    for better, worse in itertools.pairwise(ranking):
        assert by_key[better.key].hard_failures <= by_key[worse.key].hard_failures
