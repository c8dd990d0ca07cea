"""Findings from measures."""

from __future__ import annotations

import pytest
from bullpend.quality import rules
from bullpend.quality.model import FindingKind, Greyscale, Limits, Measured, QualityReport, Severity

LIMITS = Limits(
    chroma_soft=50.0,
    chroma_hard=90.0,
    blank_std_min=6.0,
    structure_f1_soft=0.5,
    structure_f1_hard=0.25,
    sharpness_soft=20.0,
    sharpness_hard=2.0,
    alpha_coverage_min=0.01,
    alpha_coverage_max=0.95,
    style_drift_soft=0.5,
    style_drift_hard=0.9,
    identity_drift_soft=0.5,
    identity_drift_hard=0.9,
    copy_rate_soft=0.5,
    copy_rate_hard=0.9,
    characters_added=1,
)
GOOD = {
    "chroma_mean": 20.0,
    "blank": 40.0,
    "structure_f1": 0.9,
    "not_finite": 0.0,
    "width": 128.0,
    "height": 128.0,
    "sharpness": 400.0,
    "alpha_coverage": 0.3,
    "style_drift": 0.1,
    "identity_drift": 0.1,
    "copy_rate": 0.0,
    "character_change": 1.0,
}


def assess(
    measures: dict[str, float], limits: Limits, *, expected_size: tuple[int, int] | None = None
) -> QualityReport:
    return rules.assess(Measured(measures), limits, expected_size=expected_size)


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
        ({"sharpness": 19.0}, (FindingKind.SHARPNESS, Severity.SOFT)),
        ({"sharpness": 1.0}, (FindingKind.SHARPNESS, Severity.HARD)),
        ({"alpha_coverage": 0.001}, (FindingKind.ALPHA_COVERAGE, Severity.HARD)),
        ({"alpha_coverage": 0.96}, (FindingKind.ALPHA_COVERAGE, Severity.HARD)),
        ({"style_drift": 0.51}, (FindingKind.STYLE, Severity.SOFT)),
        ({"style_drift": 1.0}, (FindingKind.STYLE, Severity.HARD)),
        ({"identity_drift": 0.51}, (FindingKind.IDENTITY, Severity.SOFT)),
        ({"identity_drift": 1.0}, (FindingKind.IDENTITY, Severity.HARD)),
        ({"copy_rate": 0.6}, (FindingKind.COPY, Severity.SOFT)),
        ({"copy_rate": 0.95}, (FindingKind.COPY, Severity.HARD)),
        ({"character_change": 0.0}, (FindingKind.CHARACTER_COUNT, Severity.SOFT)),
        ({"character_change": 2.0}, (FindingKind.CHARACTER_COUNT, Severity.SOFT)),
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
    at = {**GOOD, "blank": 6.0, "chroma_mean": 50.0, "structure_f1": 0.5, "sharpness": 20.0, "style_drift": 0.5}
    at |= {"identity_drift": 0.5, "copy_rate": 0.5, "alpha_coverage": 0.95}
    assert assess(at, LIMITS, expected_size=(128, 128)).findings == ()


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_missing_measure_finds_nothing(name: str) -> None:
    """A measure that is absent, or no number, is not applicable; it never counts as low."""
    bad = dict.fromkeys(GOOD, 1.0) | {"chroma_mean": 99.0, "blank": 0.0, "structure_f1": 0.0, "character_change": 5.0}
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


def test_a_measure_that_failed_is_a_finding_of_its_own() -> None:
    """It is seen, says why, and is soft: the picture is not worse for it than for any other doubt."""
    report = rules.assess(Measured(GOOD, failed={"likeness": "the worker died."}), LIMITS)
    assert kinds(report) == [(FindingKind.MEASURE_FAILED, Severity.SOFT)]
    assert report.findings[0].message == "likeness could not be measured, and the picture was kept: the worker died."
    assert report.hard_failures == 0


def test_what_does_not_apply_is_kept_with_its_reason() -> None:
    """It finds nothing, and the report says why it was not measured and what a value was nearest to."""
    measured = Measured(
        GOOD, not_applicable={"style_drift": "no anchors"}, nearest={"copy_rate": "projects/p/assets/a"}
    )
    report = rules.assess(measured, LIMITS)
    assert report.findings == ()
    assert (report.not_applicable, report.nearest) == (measured.not_applicable, measured.nearest)
    assert QualityReport.from_dict(report.to_dict()) == report


def test_a_report_of_the_first_version_is_read() -> None:
    """Reports that were stored before there were reasons and references have none."""
    old = {"hard_failures": 0, "soft_warnings": 0, "chroma_excess": 0.0, "findings": [], "measures": {"blank": 40.0}}
    assert QualityReport.from_dict(old) == QualityReport(measures={"blank": 40.0})


def test_measured_parts_are_joined() -> None:
    """Two rounds of measuring make one report."""
    first = Measured({"blank": 1.0}, {"a": "x"}, {"b": "y"}, {"c": "z"})
    both = first | Measured({"copy_rate": 0.5}, {"d": "x"})
    assert both == Measured({"blank": 1.0, "copy_rate": 0.5}, {"a": "x", "d": "x"}, {"b": "y"}, {"c": "z"})


def test_a_stage_adds_the_cast_of_a_scene() -> None:
    """Where pictures are held against two characters, two more than in the source are right and one is not."""
    two = LIMITS.of_cast(2)
    assert assess(GOOD | {"character_change": 2.0}, two).findings == ()
    (missing,) = assess(GOOD | {"character_change": 1.0}, two).findings
    assert missing.message == "The stage adds 2, and the picture seems to have 1 more than its source."
    assert [LIMITS.of_cast(known) for known in (0, 1)] == [LIMITS, LIMITS]
    keeps = Limits(characters_added=0)
    assert [limits.of_cast(3) for limits in (keeps, Limits())] == [keeps, Limits()]


def test_each_character_that_drifts_is_a_finding_of_its_own() -> None:
    """With several people the ones who are off are named; what was only a best match flags nobody."""
    limits = Limits(identity_drift_soft=0.5)
    values = {
        "identity_drift": 0.9,
        "identity_drift/finn": 0.9,
        "identity_drift/mara": 0.2,
        "identity_best_drift/eve": 1.0,
    }
    (found,) = rules.assess(Measured(values), limits).findings
    assert found.kind is FindingKind.IDENTITY
    assert found.message.startswith("finn does not look like its references")
    (alone,) = rules.assess(Measured({"identity_drift": 0.9}), limits).findings
    assert alone.message.startswith("The character does not look like")
