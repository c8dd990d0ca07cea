"""The wire forms of quality reports, of their sums, and of the kinds of findings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache

from bullpen_api.v1 import quality_pb2, run_pb2

from bullpend.quality.kinds import KINDS
from bullpend.quality.model import FindingKind
from bullpend.quality.summary import Summary


@lru_cache(maxsize=128)
def pack_quality(text: str) -> run_pb2.QualityReport:
    """The wire form of a stored quality report, of any version, to be read or copied, not to be changed: a finished
    candidate is shown several times at once.
    """
    report = json.loads(text)
    return run_pb2.QualityReport(
        hard_failures=report["hard_failures"],
        soft_warnings=report["soft_warnings"],
        chroma_excess=report["chroma_excess"],
        measures=report["measures"],
        not_applicable=report.get("not_applicable", {}),
        nearest=report.get("nearest", {}),
        basis=report.get("basis", {}),
        findings=[
            run_pb2.Finding(
                severity=run_pb2.Finding.Severity.Value(f"SEVERITY_{finding['severity']}"),
                kind=pack_kind(FindingKind(finding["kind"])),
                message=finding["message"],
                value=finding["value"],
                limit=finding["limit"],
            )
            for finding in report["findings"]
        ],
    )


def pack_kind(kind: FindingKind) -> run_pb2.Finding.Kind.ValueType:
    """The wire form of a kind."""
    return run_pb2.Finding.Kind.Value(f"KIND_{kind.value}")


def pack_summary(name: str, summary: Summary, jobs: Sequence[quality_pb2.JobQuality]) -> quality_pb2.QualitySummary:
    """The wire form of a sum."""
    return quality_pb2.QualitySummary(
        name=name,
        candidates=summary.candidates,
        passed=summary.passed,
        clean=summary.clean,
        findings=[
            quality_pb2.FindingTally(
                kind=pack_kind(tally.kind), hard=tally.hard, soft=tally.soft, candidates=tally.candidates
            )
            for tally in summary.findings
        ],
        measures=[
            quality_pb2.MeasureTally(
                measure=tally.measure,
                count=tally.count,
                least=tally.least,
                median=tally.median,
                most=tally.most,
                not_applicable=tally.not_applicable,
            )
            for tally in summary.measures
        ],
        jobs=jobs,
    )


def pack_kinds() -> quality_pb2.ListFindingKindsResponse:
    """The wire form of the closed list, in the order of its numbers."""
    kinds = [
        quality_pb2.FindingKind(kind=pack_kind(kind), title=words.title, meaning=words.meaning, measure=words.measure)
        for kind, words in KINDS.items()
    ]
    return quality_pb2.ListFindingKindsResponse(kinds=sorted(kinds, key=lambda item: item.kind))
