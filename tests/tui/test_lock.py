"""Whether the look is locked, by what, and whether that still holds."""

from __future__ import annotations

import pytest
from bullpen_api.v1 import bible_pb2, lineage_pb2, project_pb2, run_pb2
from bullpen_tui.lock import lock_line, lock_of

from tests.tui import story

RUN = f"{story.PROJECT}/runs/r-0001-style"
FLAT = f"{story.PROJECT}/styleGuides/flat"


def scene(stale: bool = False) -> bible_pb2.Scene:
    made = bible_pb2.AcceptedPicture(stage="style", candidate=f"{RUN}/jobs/1/candidates/c1")
    if stale:
        made.stale.CopyFrom(lineage_pb2.Staleness(reason="its source was replaced"))
    return bible_pb2.Scene(name=story.scene_name(1), accepted=[made])


def run(guide: str = "", **values: str) -> dict[str, run_pb2.Run]:
    spec = run_pb2.RunSpec(stage="style", style_guide=guide, variables=values)
    return {RUN: run_pb2.Run(name=RUN, spec=spec, create_time=story.at(1000))}


def guide(changed: float = 2000, written: float = 3000, **values: str) -> bible_pb2.StyleGuide:
    return bible_pb2.StyleGuide(
        name=FLAT,
        title="Flat",
        variables=values or {"style": "flat"},
        create_time=story.at(written),
        update_time=story.at(changed),
    )


def bare() -> bible_pb2.StyleGuide:
    made = guide()
    made.variables.clear()
    return made


CASES = {
    "open, nothing written": (0, [], [], {}, ["◌ open", "no style guide yet"]),
    "open, a guide": (0, [], [guide()], {}, ["◌ open", "Flat  style=flat"]),
    "open, a guide without values": (0, [], [bare()], {}, ["◌ open", "Flat  no value yet"]),
    "open, several guides": (0, [], [guide(), guide()], {}, ["◌ open", "2 style guides"]),
    "some scenes": (1, [scene()], [guide()], run(), ["◐ 1 of 2 scenes", "Flat"]),
    "some scenes, guide changed": (1, [scene()], [guide(10)], run(), ["◐ 1 of 2 scenes, the guide changed since"]),
    "locked by its guide": (2, [scene()], [guide()], run(FLAT), ["✓ locked", "Flat  style=flat"]),
    "locked by the only guide": (2, [scene()], [guide()], run(), ["✓ locked", "Flat  style=flat"]),
    "locked by a run's values": (2, [scene()], [], run(style="noir"), ["✓ locked", "style=noir", "by no style guide"]),
    "locked, nothing known": (2, [scene()], [], {}, ["✓ locked", "without a style guide"]),
    "locked, guide changed": (2, [scene()], [guide(10)], run(FLAT), ["⚑ locked before the guide was changed", "Flat"]),
    "locked, guide written after": (2, [scene()], [guide(10, 10)], run(style="x"), ["⚑ locked before", "Flat"]),
    "locked, guide in the trash": (2, [scene()], [], run(FLAT), ["⚑ locked by a guide that is gone", "flat"]),
    "locked, source replaced": (2, [scene(True)], [guide()], run(), ["⚑ locked, 1 out of date", "Flat"]),
    "a run's value before the guide's": (2, [scene()], [guide()], run(FLAT, style="ink"), ["✓ locked", "style=ink"]),
}


@pytest.mark.parametrize("name", CASES)
def test_no_two_parts_of_the_line_contradict_each_other(name: str) -> None:
    """A look that is locked never lacks what it was locked by, and a guide that changed is no plain lock."""
    accepted, scenes, guides, runs, wanted = CASES[name]
    first = project_pb2.StageProgress(stage="style", accepted=accepted, scenes=2)
    project = project_pb2.Project(figures=project_pb2.ProjectFigures(stages=[first]))
    line = lock_line(project, lock_of(first, scenes, guides, runs), 200).plain
    assert all(part in line for part in wanted), line
    assert not ("locked" in line and "no style guide yet" in line)
    assert ("✓" in line) == (wanted[0] == "✓ locked")


def test_other_stages_stand_behind_where_there_is_room() -> None:
    """At 80 columns the line keeps what it is about."""
    project = story.project()
    lock = lock_of(project.figures.stages[0], [], story.style_guides(), {})
    assert "time ◐ 2/6" in lock_line(project, lock, 140).plain
    assert "time" not in lock_line(project, lock, 60).plain
