"""When a picture is made again by itself, and with what changed."""

from __future__ import annotations

import pytest
from bullpend.quality.model import Finding, FindingKind, QualityReport, Severity
from bullpend.quality.retry import ACTS, BOUNDS, moved, named, words

SAMPLING: dict[str, float | None] = {
    "steps": 20,
    "guidance_scale": 7.5,
    "image_guidance_scale": 1.5,
    "width": 128,
    "height": 128,
}


def found(kind: FindingKind) -> Finding:
    return Finding(Severity.HARD, kind, f"{kind} was found.", 0.1, 0.2)


def test_only_what_was_named_is_retried() -> None:
    """Hard or soft alike; anything else in the picture is left."""
    report = QualityReport((found(FindingKind.CHROMA), found(FindingKind.STRUCTURE)))
    assert [finding.kind for finding in named(report, (FindingKind.STRUCTURE,))] == [FindingKind.STRUCTURE]
    assert named(report, (FindingKind.BLANK,)) == ()


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        (FindingKind.STRUCTURE, {"image_guidance_scale": 1.875}),
        (FindingKind.CHROMA, {"guidance_scale": 6.0}),
        (FindingKind.IDENTITY, {"guidance_scale": 9.375}),
        (FindingKind.SHARPNESS, {"steps": 25}),
        (FindingKind.SIZE, {}),
    ],
)
def test_what_acts_on_a_finding_is_moved(kind: FindingKind, changed: dict[str, float]) -> None:
    """By a quarter, and only what the run has; a finding on which nothing acts changes nothing."""
    assert moved(SAMPLING, [found(kind)]) == changed


def test_parameters_of_other_strategies_are_moved_where_they_are() -> None:
    """A strength that a run has goes down where the drawing left its source."""
    sampling = {"image_guidance_scale": None, "strength": 0.8, "control_scale": 1.9}
    assert moved(sampling, [found(FindingKind.STRUCTURE)]) == {"strength": 0.64, "control_scale": 2.0}


def test_bounds_hold_and_the_first_finding_decides() -> None:
    """Never past a bound; two findings do not pull at one parameter."""
    assert moved({"guidance_scale": 29.0}, [found(FindingKind.STYLE)]) == {"guidance_scale": 30.0}
    assert moved({"guidance_scale": 30.0}, [found(FindingKind.STYLE)]) == {}
    assert moved({"guidance_scale": 1.0}, [found(FindingKind.CHROMA)]) == {}
    assert moved({"steps": 2}, [found(FindingKind.SHARPNESS)]) == {"steps": 3}
    both = [found(FindingKind.CHROMA), found(FindingKind.IDENTITY)]
    assert moved({"guidance_scale": 5.0}, both) == {"guidance_scale": 4.0}
    assert {name for acts in ACTS.values() for name in acts} == set(BOUNDS)


def test_the_reason_says_what_was_found_and_what_changes() -> None:
    """In words, with the values before and after."""
    findings = [found(FindingKind.STRUCTURE)]
    text = words(findings, SAMPLING, moved(SAMPLING, findings))
    assert text.startswith("STRUCTURE was found.")
    assert "left its source" in text
    assert "image_guidance_scale 1.5 → 1.875" in text
    assert "other seeds" in words(findings, SAMPLING, {})
