"""`bullpen runs qa`: what was found in the pictures of a run, of one job, or in one candidate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bullpen_api.v1 import quality_pb2, run_pb2
from bullpen_client import names

from bullpen_cli import output

if TYPE_CHECKING:
    from bullpen_client import Session

Titles = dict[int, str]

# Candidates that are named beside a finding.
_NAMED = 4


async def load(session: Session, name: str) -> tuple[quality_pb2.QualitySummary, Titles]:
    """The sum of a run, a job or a candidate, and the titles of the kinds of findings."""
    summary = await session.quality.GetQualitySummary(quality_pb2.GetQualitySummaryRequest(name=name))
    known = await session.quality.ListFindingKinds(quality_pb2.ListFindingKindsRequest())
    return summary, {kind.kind: kind.title for kind in known.kinds}


def show(summary: quality_pb2.QualitySummary, titles: Titles) -> None:
    """Writes a sum on stdout: the whole for a run, every candidate for less."""
    output.say(headline(summary))
    if not summary.candidates:
        return
    if len(names.parse(summary.name).parts) > 2:
        for job in summary.jobs:
            for candidate in job.candidates:
                _candidate(candidate, titles)
        return
    _findings(summary, titles)
    _measures(summary)
    _jobs(summary, titles)
    for job in summary.jobs:
        if job.retry_reason:
            parts = job.parent_job.split("/")[3::2]
            same = job.parent_job.startswith(f"{summary.name}/")
            again = (parts[-1] if same else "/".join(parts)) if parts else "a picture of another run"
            output.say(f"↻ {names.ident(job.job)} makes {again} again: {job.retry_reason}", wrap=2)


def headline(summary: quality_pb2.QualitySummary) -> str:
    """One line: how many candidates are finished, and how many of them passed."""
    if not summary.candidates:
        return f"{summary.name}: no candidate is finished yet"
    share = summary.passed / summary.candidates
    return (
        f"{summary.name}: {output.count(summary.candidates, 'candidate')} finished, "
        f"{summary.passed} passed ({share:.0%}), {summary.clean} without any finding"
    )


def _findings(summary: quality_pb2.QualitySummary, titles: Titles) -> None:
    output.table(
        ("finding", "hard", "soft", "where"),
        (
            (titles.get(tally.kind, "?"), tally.hard or "", tally.soft or "", _where(tally.candidates))
            for tally in summary.findings
        ),
        empty="Nothing was found.",
        right=("hard", "soft"),
    )


def _where(candidates: Iterable[str]) -> str:
    """Short names, such as `j-001/c-2`."""
    short = ["/".join(name.split("/")[5::2]) for name in candidates]
    return ", ".join(short[:_NAMED]) + (f" and {len(short) - _NAMED} more" if len(short) > _NAMED else "")


def _measures(summary: quality_pb2.QualitySummary) -> None:
    output.table(
        ("measure", "least", "median", "most", "of", "does not apply"),
        (
            (
                tally.measure,
                *(_number(value) if tally.count else "–" for value in (tally.least, tally.median, tally.most)),
                tally.count or "",
                tally.not_applicable or "",
            )
            for tally in summary.measures
        ),
        right=("least", "median", "most", "of", "does not apply"),
    )


def _jobs(summary: quality_pb2.QualitySummary, titles: Titles) -> None:
    output.table(
        ("picture", "passed", "best", "found in the best"),
        (
            (
                names.ident(job.scene) or job.source_path or names.ident(job.job),
                f"{job.passed}/{len(job.candidates)}",
                names.ident(job.candidates[0].name) if job.candidates else "–",
                ", ".join(_found(job.candidates[0], titles)) or "–" if job.candidates else "–",
            )
            for job in summary.jobs
        ),
        right=("passed",),
    )


def _found(candidate: run_pb2.Candidate, titles: Titles) -> list[str]:
    return [titles.get(finding.kind, "?").lower() for finding in candidate.quality.findings]


def _candidate(candidate: run_pb2.Candidate, titles: Titles) -> None:
    report = candidate.quality
    rank = f", rank {candidate.rank}" if candidate.rank else ""
    output.say()
    output.say(f"{names.ident(candidate.name)}{rank}{' ★' if candidate.accepted else ''}  {candidate.name}")
    for finding in report.findings:
        hard = finding.severity == run_pb2.Finding.SEVERITY_HARD
        title = titles.get(finding.kind, "?").lower()
        output.say(f"  {'✗' if hard else '⚑'} {title}: {finding.message}", style="red" if hard else "yellow", wrap=4)
    if not report.findings:
        output.say("  ✓ nothing was found", style="green")
    if candidate.rank_reason:
        output.say(f"  {candidate.rank_reason}", wrap=2)
    for measure, value in sorted(report.measures.items()):
        nearest, basis = report.nearest.get(measure), report.basis.get(measure)
        notes = ([f"nearest to {nearest}"] if nearest else []) + ([f"at {basis}"] if basis else [])
        output.say(f"  {measure:<20} {_number(value):>9}" + (f"  {', '.join(notes)}" if notes else ""), wrap=34)
    for measure, why in sorted(report.not_applicable.items()):
        output.say(f"  {measure:<20} {'–':>9}  {why}", wrap=34)


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:.3g}" if abs(value) < 100 else f"{value:.1f}"
