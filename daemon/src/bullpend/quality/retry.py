"""Making a picture again because of what was found in it: when, with what changed, and why in words. Pure functions.

A retry is asked for by naming findings; what was not named is never retried. It always has other seeds. Where the
strength is to change too, each finding moves the parameters that act on it by a quarter, within their bounds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bullpend.quality.kinds import KINDS
from bullpend.quality.model import Finding, FindingKind, QualityReport

# Pictures that one run may make again, and how often one picture may be.
MOST_BUDGET, MOST_PER_PICTURE = 100, 5
MORE, LESS = 1.25, 0.8


class Change(StrEnum):
    """What a retry changes; the names are those of bullpen.v1.AutomaticRetry.Change."""

    SEED = "SEED"
    STRENGTH = "STRENGTH"


@dataclass(frozen=True, slots=True)
class Retry:
    """What a person asked for: findings to retry on, how many pictures in all, how often each, and what changes."""

    findings: tuple[FindingKind, ...]
    budget: int
    per_picture: int = 1
    change: Change = Change.SEED


# What acts on a finding: a parameter of the sampling, and the factor that it is moved by. Parameters that a run does
# not have are left out.
ACTS: Mapping[FindingKind, Mapping[str, float]] = {
    FindingKind.BLANK: {"guidance_scale": LESS},
    FindingKind.NOT_FINITE: {"guidance_scale": LESS},
    FindingKind.CHROMA: {"guidance_scale": LESS},
    FindingKind.GREYSCALE: {"guidance_scale": LESS},
    FindingKind.STRUCTURE: {"image_guidance_scale": MORE, "strength": LESS, "control_scale": MORE},
    FindingKind.SHARPNESS: {"steps": MORE},
    FindingKind.IDENTITY: {"guidance_scale": MORE, "reference_scale": MORE},
    FindingKind.STYLE: {"guidance_scale": MORE, "strength": MORE},
    FindingKind.COPY: {"reference_scale": LESS, "strength": MORE},
    FindingKind.CHARACTER_COUNT: {"guidance_scale": MORE},
}
# Least and most of each parameter.
BOUNDS: Mapping[str, tuple[float, float]] = {
    "guidance_scale": (1.0, 30.0),
    "image_guidance_scale": (1.0, 30.0),
    "steps": (1, 200),
    "strength": (0.05, 1.0),
    "control_scale": (0.0, 2.0),
    "reference_scale": (0.0, 2.0),
}


def named(report: QualityReport, kinds: Collection[FindingKind]) -> tuple[Finding, ...]:
    """The findings of a report that a retry was asked for."""
    return tuple(finding for finding in report.findings if finding.kind in kinds)


def moved(sampling: Mapping[str, float | None], findings: Sequence[Finding]) -> dict[str, float]:
    """The parameters that a retry changes, with their new values; the first finding decides each."""
    changed: dict[str, float] = {}
    for finding in findings:
        for name, factor in ACTS.get(finding.kind, {}).items():
            value = sampling.get(name)
            if value is None or name in changed:
                continue
            least, most = BOUNDS[name]
            # A value that a person put outside of these bounds is not pulled back into them.
            new = min(max(value * factor, min(least, value)), max(most, value))
            new = max(round(new), value + 1) if name == "steps" and value < most else round(new, 4)
            if new != value:
                changed[name] = int(new) if name == "steps" else float(new)
    return changed


def words(findings: Sequence[Finding], before: Mapping[str, float | None], changed: Mapping[str, float]) -> str:
    """Why a picture is made again and with what, in one sentence or two."""
    titles = ", ".join(dict.fromkeys(KINDS[finding.kind].title.lower() for finding in findings))
    moves = [f"{name} {before[name]:g} → {value:g}" for name, value in changed.items()]
    with_what = " and ".join(["other seeds", *moves])
    return f"{findings[0].message} Made again ({titles}) with {with_what}."
