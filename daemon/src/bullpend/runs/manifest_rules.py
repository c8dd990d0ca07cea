"""What the fields of a manifest say together: stages that go in a circle, words without a variable, limits that cross.

Pure functions. Each problem is the path of the field at fault, as it stands in the file, and a sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bullpend.runs.model import Aspect, Strategy
from bullpend.runs.templating import template_variables

if TYPE_CHECKING:
    from bullpend.runs.manifest import Manifest, Mask, QaLimits, Stage

Problem = tuple[str, str]

# Pairs of limits of which the first must not exceed the second.
_ORDERED = (
    ("chroma_soft", "chroma_hard"),
    ("structure_f1_hard", "structure_f1_soft"),
    ("sharpness_hard", "sharpness_soft"),
    ("alpha_coverage_min", "alpha_coverage_max"),
    ("style_drift_soft", "style_drift_hard"),
    ("identity_drift_soft", "identity_drift_hard"),
    ("copy_rate_soft", "copy_rate_hard"),
)


def problems(manifest: Manifest) -> Iterator[Problem]:
    """Everything that is wrong, stage by stage in their order."""
    for name, stage in manifest.stages.items():
        at = f"stages.{name}"
        yield from _predecessors(manifest, name, stage, f"{at}.predecessor")
        yield from _words(stage, at)
        yield from _strategies(stage, f"{at}.strategy")
        yield from _aspects(stage, at)
        if stage.mask is not None:
            yield from _mask(stage, stage.mask, f"{at}.mask")
        if stage.default_candidates > manifest.candidate_cap:
            yield f"{at}.default_candidates", f"exceeds candidate_cap, which is {manifest.candidate_cap}"
        yield from _limits(stage.qa.limits, f"{at}.qa.limits")


def _predecessors(manifest: Manifest, name: str, stage: Stage, at: str) -> Iterator[Problem]:
    for index, before in enumerate(stage.predecessors):
        field = _item(at, index, stage.predecessors)
        if before not in manifest.stages:
            known = ", ".join(item for item in manifest.stages if item != name) or "none"
            yield field, f"there is no stage {before!r}; the others are: {known}"
        elif before in stage.predecessors[:index]:
            yield field, f"{before!r} is named twice"
        elif (circle := _way_back(manifest, before, name)) is not None:
            yield field, f"the stages go in a circle: {' ← '.join((name, *circle))}"


def _way_back(manifest: Manifest, start: str, goal: str) -> tuple[str, ...] | None:
    """The stages from `start` back to `goal`, where `start` begins, directly or not, from `goal`; else None."""
    waiting: list[tuple[str, ...]] = [(start,)]
    seen = {start}
    while waiting:
        way = waiting.pop()
        if way[-1] == goal:
            return way
        for before in manifest.stages[way[-1]].predecessors:
            if before in manifest.stages and before not in seen:
                seen.add(before)
                waiting.append((*way, before))
    return None


def _words(stage: Stage, at: str) -> Iterator[Problem]:
    known = ", ".join(stage.variables) or "none"
    for key in ("instruction", "negative_prompt"):
        try:
            names = template_variables(getattr(stage, key))
        except ValueError as error:
            yield f"{at}.{key}", str(error)
            continue
        for name in names:
            if name not in stage.variables:
                yield f"{at}.{key}", f"unknown variable {{{name}}}; the stage has: {known}"


def _strategies(stage: Stage, at: str) -> Iterator[Problem]:
    known = ", ".join(Strategy)
    if not stage.strategies:
        yield at, f"must name at least one strategy; there are: {known}"
    for index, name in enumerate(stage.strategies):
        field = _item(at, index, stage.strategies)
        if name not in set(Strategy):
            yield field, f"there is no strategy {name!r}; there are: {known}"
        elif name in stage.strategies[:index]:
            yield field, f"{name!r} is named twice"


def _aspects(stage: Stage, at: str) -> Iterator[Problem]:
    known = ", ".join(Aspect)
    for key in ("may_change", "must_keep"):
        given = getattr(stage, key)
        for index, name in enumerate(given):
            if name not in set(Aspect):
                yield _item(f"{at}.{key}", index, given), f"there is no aspect {name!r}; there are: {known}"
    both = [name for name in stage.may_change if name in stage.must_keep]
    if both:
        yield f"{at}.must_keep", f"{both[0]!r} is also among what the stage may change"
    if stage.predecessors and Aspect.STRUCTURE in stage.may_change:
        yield f"{at}.may_change", "a stage that starts from another one must not change the structure"
    limits = stage.qa.limits
    if Aspect.STRUCTURE in stage.must_keep and limits.structure_f1_hard is None:
        yield f"{at}.qa.limits.structure_f1_hard", "must be set, because the stage keeps the structure"
    if Aspect.CHARACTERS in stage.must_keep and limits.characters_added:
        yield f"{at}.qa.limits.characters_added", "must be 0 or left out, because the stage keeps the characters"


def _mask(stage: Stage, mask: Mask, at: str) -> Iterator[Problem]:
    if mask.variable not in stage.variables:
        known = ", ".join(stage.variables) or "none"
        yield f"{at}.variable", f"unknown variable {mask.variable!r}; the stage has: {known}"
    for name, box in mask.boxes.items():
        if len(box) != 4:
            yield f"{at}.boxes.{name}", "a box is four shares: left, top, right, bottom"
        elif box[0] >= box[2] or box[1] >= box[3]:
            yield f"{at}.boxes.{name}", "left must be less than right, and top less than bottom"


def _limits(limits: QaLimits, at: str) -> Iterator[Problem]:
    for low, high in _ORDERED:
        least, most = getattr(limits, low), getattr(limits, high)
        if least is None or most is None or least <= most:
            continue
        if low.endswith("_hard"):
            yield f"{at}.{high}", f"must not be below {low}"
        else:
            yield f"{at}.{low}", f"must not exceed {high}"


def _item(at: str, index: int, given: Sequence[str]) -> str:
    """The path of one name of several; a single one stands in the file without a list, mostly."""
    return f"{at}.{index}" if len(given) > 1 else at
