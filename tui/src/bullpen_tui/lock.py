"""Whether the look of a universe is locked, by what, and whether that still holds. Pure.

The first stage of the manifest gives every scene its look. It is locked when each scene has an accepted picture of that
stage; what it was locked by is what the last of their runs was given: a style guide, values of its own, or neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bullpen_api.v1 import bible_pb2, project_pb2, run_pb2
from textual.content import Content

from bullpen_tui import words
from bullpen_tui.snapshot import leaf


@dataclass(frozen=True)
class Lock:
    """How the look stands.

    `guide` is the style guide that it was, or will be, made by; `gone` the name of one that is not there any more.
    `own` are values that the run had of its own. `changed` says that the guide was written or changed after the
    pictures were made; `stale` counts pictures whose source was replaced.
    """

    stage: str
    accepted: int
    scenes: int
    guide: bible_pb2.StyleGuide | None = None
    gone: str = ""
    own: Mapping[str, str] | None = None
    changed: bool = False
    stale: int = 0
    guides: int = 0

    @property
    def whole(self) -> bool:
        """Whether every scene has its look."""
        return bool(self.scenes) and self.accepted >= self.scenes


def runs_of(scenes: Iterable[bible_pb2.Scene], stage: str) -> list[str]:
    """Names of the runs that made the accepted pictures of a stage."""
    found = [one.candidate.split("/jobs/")[0] for scene in scenes for one in scene.accepted if one.stage == stage]
    return sorted({name for name in found if name})


def lock_of(
    first: project_pb2.StageProgress,
    scenes: Sequence[bible_pb2.Scene],
    guides: Sequence[bible_pb2.StyleGuide],
    runs: Mapping[str, run_pb2.Run],
) -> Lock:
    """How the look stands, as far as the runs of its pictures are known."""
    stale = sum(one.HasField("stale") for scene in scenes for one in scene.accepted if one.stage == first.stage)
    only = guides[0] if len(guides) == 1 else None
    made = [runs[name] for name in runs_of(scenes, first.stage) if name in runs] if first.accepted else []
    if not made:
        return Lock(first.stage, first.accepted, first.scenes, only, stale=stale, guides=len(guides))
    last = max(made, key=lambda one: (one.create_time.seconds, one.create_time.nanos, one.name))
    named = last.spec.style_guide
    guide = next((one for one in guides if one.name == named), None) if named else only
    own = dict(last.spec.variables)
    begun = words.moment(last.create_time)
    if guide is not None and not named and words.moment(guide.create_time) > begun:
        # The run had no guide to take: what was written since has not acted yet.
        return Lock(first.stage, first.accepted, first.scenes, guide, "", own, True, stale, len(guides))
    changed = guide is not None and words.moment(guide.update_time) > begun
    gone = leaf(named) if named and guide is None else ""
    return Lock(first.stage, first.accepted, first.scenes, guide, gone, own, changed, stale, len(guides))


def lock_line(project: project_pb2.Project, lock: Lock, room: int, known: bool = True) -> Content:
    """The state of the look in one line; the other stages behind it where there is room.

    Before it is `known` what guides and runs there are, nothing is said of them.
    """
    state = _state(lock if known else replace(lock, gone="", changed=False))
    by = _by(lock) if known else words.text(("reading…", words.FAINT))
    line = words.text((f"{lock.stage} ", words.FAINT), state, "   ", by)
    rest = words.stage_line([(one.stage, one.accepted, one.scenes) for one in project.figures.stages[1:]])
    wide = words.text(line, "   ", rest)
    return wide if wide.cell_length <= room else line


def _state(lock: Lock) -> Content:
    if not lock.accepted:
        return words.text(("◌ open", words.QUIET))
    if not lock.whole:
        after = ", the guide changed since" if lock.changed else ""
        return words.text((f"◐ {lock.accepted} of {lock.scenes} scenes{after}", words.WARN))
    if lock.changed:
        return words.text(("⚑ locked before the guide was changed", words.WARN))
    if lock.gone:
        return words.text(("⚑ locked by a guide that is gone", words.WARN))
    if lock.stale:
        return words.text((f"⚑ locked, {lock.stale} out of date", words.WARN))
    return words.text(("✓ locked", words.GOOD))


def _by(lock: Lock) -> Content:
    own = _values(lock.own or {})
    if lock.gone:
        return words.text(lock.gone, (f"  {own}" if own else "", words.QUIET))
    if lock.guide is not None:
        values = _values({**lock.guide.variables, **(lock.own or {} if not lock.changed else {})})
        told = (f"  {values}", "") if values else ("  no value yet", words.WARN)
        return words.text(lock.guide.title or leaf(lock.guide.name), told)
    if own:
        return words.text(own, ("  said by the run, by no style guide", words.QUIET))
    if lock.guides:
        return words.text((words.plural(lock.guides, "style guide"), words.QUIET))
    if lock.accepted:
        return words.text(("by its pictures alone, without a style guide", words.QUIET))
    return words.text(("no style guide yet; Styles, n writes one", words.QUIET))


def _values(values: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in sorted(values.items()))
