"""A candidate in words: why it stands where it does, what it was made with, and where it comes from. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from bullpen_api.v1 import lineage_pb2, run_pb2
from textual.content import Content

from bullpen_tui import words
from bullpen_tui.mirror import leaf
from bullpen_tui.snapshot import Snapshot, natural

UNTOLD = frozenset({"width", "height", "not_finite", "blank"})
"""Measures that say something only as a finding."""
DONE = run_pb2.Candidate.STATE_SUCCEEDED

Part = run_pb2.BibleUse
_PARTS = {
    Part.PART_INSTRUCTION: "words",
    Part.PART_NEGATIVE_PROMPT: "not",
    Part.PART_VARIABLE: "value",
    Part.PART_LORA: "LoRA",
    Part.PART_STYLE_REFERENCE: "style",
    Part.PART_IDENTITY_REFERENCE: "identity",
}


def reasons(candidate: run_pb2.Candidate, job: run_pb2.Job, listed: bool = False) -> list[Content]:
    """What was measured of a candidate, why it stands where it does, and whether it is out of date.

    `listed` gives each measure a line of its own, where there is room for that.
    """
    rows: list[Content] = []
    if candidate.accepted:
        who = "taken by hand" if candidate.accepted_by_hand else "taken as the best"
        said = candidate.accept_reason and candidate.accept_reason != candidate.rank_reason
        reason = f": {candidate.accept_reason}" if said else ""
        rows.append(words.text(("★ ", words.ACCENT), f"{who}{reason}"))
    if candidate.HasField("stale"):
        rows.append(words.text(("⚑ out of date: ", words.WARN), stale_words(candidate.stale)))
    if job.retry_reason:
        rows.append(words.text(("↻ made again: ", words.ACCENT), job.retry_reason))
    if candidate.rank:
        rows.append(words.text((candidate.rank_reason or f"rank {candidate.rank}", words.QUIET)))
    for finding in candidate.quality.findings:
        hard = finding.severity == run_pb2.Finding.SEVERITY_HARD
        rows.append(words.text(("✗ ", words.BAD) if hard else ("! ", words.WARN), finding.message))
    if candidate.state == DONE and not candidate.quality.findings:
        rows.append(words.text(("✓ ", words.GOOD), "nothing found against it"))
    told = sorted(candidate.quality.measures.items())
    measures = [(name.replace("_", " "), f"{value:.3g}") for name, value in told if name not in UNTOLD]
    if measures and listed:
        wide = max(len(name) for name, _ in measures)
        rows.append(Content(""))
        rows += [words.text((f"{name:<{wide}}", words.QUIET), f"{value:>10}") for name, value in measures]
        rows.append(Content(""))
    elif measures:
        rows.append(words.text(("  ".join(f"{name} {value}" for name, value in measures), words.FAINT)))
    rows.append(words.text((f"seed {candidate.seed}   device {words.span(candidate.device_seconds)}", words.FAINT)))
    return rows


def stale_words(stale: lineage_pb2.Staleness) -> str:
    """Why a picture is out of date."""
    return stale.reason or f"its {stale.stage or 'source'} was replaced"


def inputs(job: run_pb2.Job, snapshot: Snapshot) -> list[Content]:
    """What acts on the pictures of a job, and where each part was taken from."""
    source = leaf(job.source_candidate.split("/jobs/")[0]) if job.source_candidate else "the scene's own picture"
    rows = [_fact("from", source, (f"   line {job.branch}" if job.branch > 1 else "", words.FAINT))]
    shown: dict[tuple[str, str], int] = {}
    for use in job.uses:
        label = _PARTS.get(use.part, "also")
        if label in ("style", "identity"):
            key = (label, use.source)
            shown[key] = shown.get(key, 0) + 1
            continue
        name = f"{use.item} = " if use.part == Part.PART_VARIABLE else f"{leaf(use.item)} × " if use.item else ""
        value = " ".join(use.value.split())
        rows.append(_fact(label, f"{name}{value}", (f"   {_origin(use.source, snapshot)}", words.FAINT)))
    for (label, origin), count in shown.items():
        held = f"held against {words.plural(count, 'picture')}"
        rows.append(_fact(label, held, (f"   {_origin(origin, snapshot)}", words.FAINT)))
    if len(rows) == 1:
        rows.append(words.text(("Nothing of the bible acts on it.", words.QUIET)))
    return rows


def _origin(source: str, snapshot: Snapshot) -> str:
    if not source:
        return "the request"
    for shelf in (snapshot.characters, snapshot.style_guides, snapshot.reference_sets, snapshot.prompt_templates):
        known = shelf.get(source)
        if known is not None:
            return known.title or leaf(source)
    return leaf(source)


def _fact(label: str, *rest: str | tuple[str, str] | Content) -> Content:
    return words.text((f"{label:<10}", words.FAINT), *rest)


def descent(lineage: lineage_pb2.Lineage, candidate: str) -> list[Content]:
    """Every line of descent of a scene as a tree: what each picture was made from, what is accepted, what is old."""
    known = {node.candidate for node in lineage.nodes}
    children: dict[str, list[lineage_pb2.LineageNode]] = {}
    for node in sorted(lineage.nodes, key=lambda one: natural(one.candidate)):
        children.setdefault(node.source_candidate if node.source_candidate in known else "", []).append(node)
    rows = list(_branch("", children, candidate, 0))
    return rows or [words.text(("Nothing is known of its descent.", words.QUIET))]


def _branch(
    parent: str, children: dict[str, list[lineage_pb2.LineageNode]], here: str, depth: int
) -> Iterator[Content]:
    for node in children.get(parent, ()):
        mine = node.candidate == here
        star = (" ★", words.ACCENT) if node.accepted else ""
        old = (f"   ⚑ {stale_words(node.stale)}", words.WARN) if node.HasField("stale") else ""
        branch = f"   line {node.branch}" if node.branch > 1 else ""
        name = f"{leaf(node.run)} {leaf(node.candidate)}"
        yield words.text(
            (("  " * (depth - 1) + "└ ") if depth else "", words.FAINT),
            ("▸ " if mine else "", words.ACCENT),
            (node.stage or "picture", words.STRONG if mine else ""),
            (f"  {name}", words.QUIET),
            star,
            (branch, words.FAINT),
            old,
        )
        yield from _branch(node.candidate, children, here, depth + 1)
