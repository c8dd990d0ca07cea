"""Quality in words: a run, its jobs and what was found, as rows and as paragraphs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bullpen_api.v1 import quality_pb2, run_pb2
from textual.content import Content

from bullpen_tui import words
from bullpen_tui.snapshot import Snapshot, leaf
from bullpen_tui.widgets.layout import Column, Row

RUN_COLUMNS = (
    Column("run", minimum=18, weight=2),
    Column("stage", minimum=10, weight=1, drop=3),
    Column("pictures", width=8, right=True, drop=2),
    Column("passed", width=8, right=True),
    Column("accepted", width=8, right=True, drop=1),
)
JOB_COLUMNS = (
    Column("picture", minimum=16, weight=2),
    Column("passed", width=7, right=True),
    Column("best", width=10, drop=1),
    Column("found", minimum=14, weight=3),
)

CANDIDATE_COLUMNS = (
    Column("candidate", width=9),
    Column("place", width=5, right=True),
    Column("score", width=10, drop=1),
    Column("found", minimum=14, weight=3),
)

FIGURES = 27
"""Cells of the least, the median and the most of a measure; where they have no room it is its median alone."""
HARD = run_pb2.Finding.SEVERITY_HARD

Kinds = Mapping[int, quality_pb2.FindingKind]


def run_row(run: run_pb2.Run) -> Row:
    """A run for `RUN_COLUMNS`, from the figures that every run carries."""
    figures = run.figures
    rate = figures.qa_pass_rate if figures.HasField("qa_pass_rate") else None
    return Row(
        run.name,
        (
            words.text(words.mark(words.run_state(run), word=False), f" {leaf(run.name)}"),
            words.text((run.spec.stage, words.QUIET)),
            Content(str(figures.candidates_done or words.DASH)),
            words.quality_cell(rate),
            words.text((str(figures.accepted or words.DASH), words.QUIET)),
        ),
    )


def kind_title(kind: int, kinds: Kinds) -> str:
    """A kind of finding in the daemon's words, also one that this studio does not know."""
    known = kinds.get(kind)
    return known.title if known is not None and known.title else words.finding_name(kind)


def job_row(job: quality_pb2.JobQuality, snapshot: Snapshot, kinds: Kinds) -> Row:
    """A job for `JOB_COLUMNS`: what its best candidate is, and what was found in any of them."""
    scene = snapshot.scenes.get(job.scene)
    label = (
        words.text((f"{scene.ordinal:02} ", words.FAINT), scene.title or leaf(scene.name))
        if scene is not None
        else Content(job.source_path or leaf(job.scene) or leaf(job.job))
    )
    found: dict[tuple[bool, int], int] = {}
    for candidate in job.candidates:
        for finding in candidate.quality.findings:
            key = (finding.severity != HARD, finding.kind)
            found[key] = found.get(key, 0) + 1
    parts = [
        words.text(("! ", words.WARN) if soft else ("✗ ", words.BAD), kind_title(kind, kinds).lower(), _times(count))
        for (soft, kind), count in sorted(found.items())
    ]
    best = words.candidate_cell(job.candidates[0], None) if job.candidates else words.text((words.DASH, words.FAINT))
    passed = (f"{job.passed}/{len(job.candidates)}", words.BAD if not job.passed and job.candidates else "")
    return Row(job.job, (label, words.text(passed), best, Content("   ").join(parts)))


def _times(count: int) -> tuple[str, str]:
    return (f" ×{count}" if count > 1 else "", words.FAINT)


def candidate_row(candidate: run_pb2.Candidate, kinds: Kinds) -> Row:
    """A candidate for `CANDIDATE_COLUMNS`."""
    signs = {True: ("✗ ", words.BAD), False: ("! ", words.WARN)}
    parts = [
        words.text(signs[one.severity == HARD], kind_title(one.kind, kinds).lower())
        for one in candidate.quality.findings
    ]
    found = Content("   ").join(parts) if parts else words.text(("nothing", words.FAINT))
    place = Content(str(candidate.rank or words.DASH))
    cell = words.candidate_cell(candidate, None)
    return Row(candidate.name, (Content(leaf(candidate.name)), place, cell, found))


def candidate_lines(candidate: run_pb2.Candidate, kinds: Kinds, room: int) -> list[Content]:
    """Everything that was measured of one candidate: findings with their limits, measures, and what means nothing."""
    rows: list[Content] = []
    if candidate.accepted:
        rows.append(words.text(("★ ", words.ACCENT), candidate.accept_reason or "accepted"))
    if candidate.rank_reason:
        rows.append(words.text((candidate.rank_reason, words.QUIET)))
    for finding in candidate.quality.findings:
        sign = ("✗ ", words.BAD) if finding.severity == HARD else ("! ", words.WARN)
        rows.append(words.text(sign, finding.message or kind_title(finding.kind, kinds)))
        known = kinds.get(finding.kind)
        if known is not None and known.meaning:
            rows.append(words.text((f"  {known.meaning}", words.QUIET)))
    if not candidate.quality.findings:
        rows.append(words.text(("✓ ", words.GOOD), "nothing was found against it"))
    rows.append(Content(""))
    for name, value in sorted(candidate.quality.measures.items()):
        how = candidate.quality.basis.get(name, "")
        near = candidate.quality.nearest.get(name, "")
        about = f"   {how}" if how else f"   nearest {leaf(near)[:12]}" if near else ""
        label = f"{name.replace('_', ' '):<{min(26, max(16, room // 2))}}"
        rows.append(words.text((label, words.QUIET), f"{value:>9.3g}", (about, words.FAINT)))
    for name, why in sorted(candidate.quality.not_applicable.items()):
        rows.append(words.text((f"– {name.replace('_', ' ')}: {why}", words.FAINT)))
    return rows


def has_kind(job: quality_pb2.JobQuality, kind: int) -> bool:
    """Whether something of a kind was found in any candidate of a job."""
    return any(finding.kind == kind for one in job.candidates for finding in one.quality.findings)


def summary_lines(summary: quality_pb2.QualitySummary, kinds: Kinds, room: int) -> list[Content]:
    """What was found in a run: shares, findings with what they mean, and how the measures spread."""
    if not summary.candidates:
        return [words.text(("No picture of this run is finished yet.", words.QUIET))]
    cells = max(6, min(24, room - 34))
    rows = [
        _share("passed", summary.passed, summary.candidates, cells),
        _share("without a flaw", summary.clean, summary.candidates, cells),
        Content(""),
    ]
    for tally in summary.findings:
        known = kinds.get(tally.kind)
        counts = [(f"{tally.hard} hard", words.BAD)] if tally.hard else []
        counts += [(f"{tally.soft} soft", words.WARN)] if tally.soft else []
        figure = Content(", ").join([words.text(one) for one in counts])
        rows.append(words.text((kind_title(tally.kind, kinds), words.STRONG), "   ", figure))
        if known is not None and known.meaning:
            rows.append(words.text((known.meaning, words.QUIET)))
    if not summary.findings:
        rows.append(words.text(("✓ ", words.GOOD), "nothing was found against any picture"))
    wide = max((len(one.measure) for one in summary.measures), default=0)
    if room < wide + FIGURES:
        rows += [Content("")] + [
            words.text((f"{one.measure.replace('_', ' '):<{wide}}", words.QUIET), f"  {one.median:.3g}")
            for one in summary.measures
            if one.count
        ]
        return rows
    rows += [Content(""), words.text((f"{'measure':<{wide}}{'least':>9}{'median':>9}{'most':>9}", words.FAINT))]
    for one in summary.measures:
        name = one.measure.replace("_", " ")
        if not one.count:
            rows.append(words.text((f"{name:<{wide}}{'n/a':>9}", words.FAINT)))
            continue
        rows.append(
            words.text((f"{name:<{wide}}", words.QUIET), f"{one.least:>9.3g}{one.median:>9.3g}{one.most:>9.3g}")
        )
    return rows


def _share(label: str, part: int, whole: int, cells: int) -> Content:
    figure = f"{part}/{whole}".rjust(9)
    return words.text((f"{label:<15}", words.QUIET), (figure, words.STRONG), "  ", words.bar(part, whole, cells))


def job_lines(job: quality_pb2.JobQuality, kinds: Kinds) -> list[Content]:
    """Every candidate of a job with what was found in it."""
    rows: list[Content] = []
    for candidate in job.candidates:
        star = (" accepted", words.ACCENT) if candidate.accepted else ""
        rows.append(words.text((leaf(candidate.name), words.STRONG), "  ", words.candidate_cell(candidate, None), star))
        if candidate.rank_reason:
            rows.append(words.text((candidate.rank_reason, words.QUIET)))
        for finding in candidate.quality.findings:
            sign = ("✗ ", words.BAD) if finding.severity == HARD else ("! ", words.WARN)
            rows.append(words.text(sign, finding.message or kind_title(finding.kind, kinds)))
        rows += [
            words.text((f"– {measure.replace('_', ' ')}: {why}", words.FAINT))
            for measure, why in sorted(candidate.quality.not_applicable.items())
        ]
        rows.append(Content(""))
    return rows or [words.text(("Nothing of this picture is finished yet.", words.QUIET))]


def kinds_found(summary: quality_pb2.QualitySummary | None) -> Sequence[int]:
    """Kinds that were found in a run, the most frequent first."""
    return [tally.kind for tally in summary.findings] if summary is not None else []
