"""Sums over candidates, and the closed list of findings."""

from __future__ import annotations

import re
from pathlib import Path

from bullpen_api.v1 import run_pb2
from bullpend.quality.kinds import KINDS
from bullpend.quality.model import FindingKind, Measured, QualityReport
from bullpend.quality.rules import assess
from bullpend.quality.summary import summarise
from bullpend.quality.wire import pack_kinds, pack_quality

from tests.quality.test_rules import GOOD, LIMITS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "quality.md").read_text()


def report(
    failed: dict[str, str] | None = None, absent: dict[str, str] | None = None, **change: float
) -> QualityReport:
    return assess(Measured({**GOOD, **change}, failed or {}, absent or {}), LIMITS)


def test_a_sum_counts_what_was_found_and_where() -> None:
    """Passed means nothing hard, clean means nothing at all; the hardest and most frequent findings come first."""
    summary = summarise(
        {
            "c1": report(),
            "c2": report(blank=0.0, sharpness=10.0),
            "c3": report(sharpness=10.0),
            "c4": report(structure_f1=0.4),
        }
    )
    assert (summary.candidates, summary.passed, summary.clean) == (4, 3, 1)
    found = [(tally.kind, tally.hard, tally.soft, tally.candidates) for tally in summary.findings]
    assert found == [
        (FindingKind.BLANK, 1, 0, ["c2"]),
        (FindingKind.SHARPNESS, 0, 2, ["c2", "c3"]),
        (FindingKind.STRUCTURE, 0, 1, ["c4"]),
    ]


def test_a_sum_shows_the_spread_of_each_measure() -> None:
    """Least, middle and most of the values, and for how many candidates the measure means nothing."""
    reports = {f"c{n}": report(sharpness=float(value)) for n, value in enumerate((30, 500, 70))}
    reports["c9"] = QualityReport(not_applicable={"sharpness": "too small", "style_drift": "no anchors"})
    found = {tally.measure: tally for tally in summarise(reports).measures}
    tally = found["sharpness"]
    assert (tally.count, tally.least, tally.median, tally.most, tally.not_applicable) == (3, 30, 70, 500, 1)
    assert (found["style_drift"].count, found["style_drift"].not_applicable) == (3, 1)
    assert summarise({}).findings == ()


def test_the_list_of_findings_is_closed_and_explained_everywhere() -> None:
    """The contract, the daemon, the words and the page for people hold the same kinds."""
    wire = {name.removeprefix("KIND_") for name, number in run_pb2.Finding.Kind.items() if number}
    assert wire == {kind.value for kind in FindingKind} == {kind.value for kind in KINDS}
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", PAGE, re.MULTILINE)) == wire
    assert all(item.title and item.meaning.endswith(".") for item in pack_kinds().kinds)


def test_every_measure_is_explained() -> None:
    """The page names each measure that a finding is decided by."""
    assert {words.measure for words in KINDS.values()} - {""} <= set(re.findall(r"`([a-z0-9_]+)`", PAGE))


def test_stored_reports_of_every_version_are_packed() -> None:
    """With what was added since, and without."""
    text = (
        '{"hard_failures": 1, "soft_warnings": 0, "chroma_excess": 0.5, "measures": {"blank": 1.0}, "findings": '
        '[{"severity": "HARD", "kind": "BLANK", "message": "m", "value": 1.0, "limit": 6.0}]%s}'
    )
    old = pack_quality(text % "")
    assert (old.findings[0].kind, dict(old.not_applicable)) == (run_pb2.Finding.KIND_BLANK, {})
    new = pack_quality(text % ', "not_applicable": {"a": "why"}, "nearest": {"b": "asset"}')
    assert (dict(new.not_applicable), dict(new.nearest)) == ({"a": "why"}, {"b": "asset"})
