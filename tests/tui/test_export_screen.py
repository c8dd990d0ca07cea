"""J08 in the studio: `e` on a project, the form, the tasks while it is made, the notice with the path at the end."""

from __future__ import annotations

import pytest
from bullpen_api.v1 import event_pb2, project_pb2
from bullpen_api.v1 import export_pb2 as pb
from bullpen_client.errors import AlreadyExists, StateConflict
from bullpen_tui.exports import form
from bullpen_tui.exports import words as exported
from bullpen_tui.exports.desk import Desk
from bullpen_tui.mirror import Happened, Snapshot, apply
from bullpen_tui.plan import FormError
from bullpen_tui.screens.export import ExportDialog
from bullpen_tui.widgets.rows import RowTable
from google.protobuf import duration_pb2
from textual.widgets import Input

from tests.tui import story
from tests.tui.driving import Driver, studio

NAME = f"{story.PROJECT}/exports/e-0001"
EMPTY = {"format": "cbz", "stage": "", "pictures": "accepted", "layout": "", "title": "", "destination": ""}


async def opened(at: Driver) -> None:
    """The form of the project under the cursor, with what the daemon says of it."""
    await at.press("e")
    await at.until(lambda: isinstance(at.app.screen, ExportDialog))
    await at.until(lambda: at.fake.asked("look_at_export"))
    await at.pilot.pause()


async def begun(at: Driver) -> None:
    """An export that is being made."""
    await opened(at)
    await at.press("f5")
    await at.until(lambda: at.place == "projects")
    export = at.fake.made[NAME]
    at.fake.say(at.fake.event(NAME, kind="export.started", export=export))


async def test_j08_a_project_is_exported_by_keys() -> None:
    """`e`, a layout and a place are written while the form says what it would hold, F5; `w` shows it; then the path."""
    async with studio() as at:
        await opened(at)
        assert "5 pages, 5 pictures; nothing is accepted of Coda" in at.screen_text()
        await at.press("tab", "tab", "tab")
        await at.type("2x3 rtl")
        await at.press("enter")
        await at.type("The Lamp")
        await at.press("enter")
        await at.type("/tmp/lamp.cbz")
        await at.until(lambda: "2 pages, 5 pictures" in at.screen_text())
        await at.press("enter")
        await at.until(lambda: at.place == "projects")
        ((project, spec, _),) = at.fake.asked("begin_export")
        assert isinstance(spec, pb.ExportSpec)
        assert (project, spec.title, spec.destination) == (story.PROJECT, "The Lamp", "/tmp/lamp.cbz")
        assert (spec.layout.columns, spec.layout.rows, spec.layout.right_to_left) == (2, 3, True)
        at.fake.say(
            at.fake.event(NAME, kind="export.started", export=at.fake.made[NAME]),
            event_pb2.Progress(
                candidate=NAME, step=1, steps=2, phase="drawing", time_left=duration_pb2.Duration(seconds=7)
            ),
        )
        await at.go("w", "tasks")
        await at.until(lambda: "1/2" in at.screen_text())
        assert "comic book" in at.screen_text()
        assert "0:07" in at.screen_text()
        done = at.fake.export_now(NAME, pb.Export.STATE_SUCCEEDED)
        at.fake.say(at.fake.event(NAME, kind="export.succeeded", export=done))
        await at.until(lambda: "lies at /tmp/lamp.cbz" in "".join(one.message for one in at.app._notifications))
        await at.until(lambda: "comic book" not in at.screen_text().partition("lies at")[0])


async def test_what_is_wrong_is_said_in_the_form() -> None:
    """A layout that is none, and what the daemon refuses; the form stays, and nothing is begun."""
    async with studio() as at:
        at.fake.refuse["look_at_export"] = StateConflict("No picture is accepted.", remedy="Accept one first.")
        await opened(at)
        await at.until(lambda: "No picture is accepted" in at.screen_text())
        at.app.screen.query_one("#export-layout", Input).focus()
        await at.type("2 by 3")
        await at.until(lambda: "two numbers such as 2x3" in at.screen_text())
        await at.press("f5")
        assert at.fake.asked("begin_export") == []
        await at.press("escape", "escape")
        await at.until(lambda: at.place == "projects")


async def test_a_file_in_the_way_is_replaced_only_after_a_question() -> None:
    """The refusal asks; yes asks the daemon again, to overwrite; each is a request of its own."""
    async with studio() as at:
        await opened(at)
        at.fake.refuse["begin_export"] = AlreadyExists("There is a file at /tmp/a.cbz already.")
        await at.press("f5")
        await at.until(lambda: "Replace it?" in at.screen_text())
        del at.fake.refuse["begin_export"]
        await at.press("y")
        await at.until(lambda: at.place == "projects")
        first, second = at.fake.asked("begin_export")
        assert isinstance(second[1], pb.ExportSpec)
        assert second[1].overwrite
        assert first[2] != second[2]


async def test_formats_offer_what_they_take() -> None:
    """A contact sheet takes all candidates and no layout; back in a comic book that choice is gone."""
    async with studio() as at:
        await opened(at)
        layout = at.app.screen.query_one("#export-layout", Input)
        await at.press("enter", "down", "down", "enter")
        await at.until(lambda: layout.disabled)
        spec = form.spec_of({**EMPTY, "format": "sheet", "pictures": "all", "layout": "2x3"})
        assert (spec.all_candidates, spec.HasField("layout")) == (True, False)
        assert "all" in [value for _, value in form.picture_choices("sheet")]
        assert "all" not in [value for _, value in form.picture_choices("pages")]


async def test_an_export_is_stopped_and_begun_again_in_the_tasks() -> None:
    """`x` and a yes stop it; one that was cut off stays in the list, and enter with a yes begins it again."""
    async with studio() as at:
        await begun(at)
        await at.go("w", "tasks")
        await at.until(lambda: "comic book" in at.screen_text())
        await at.press("G")
        await at.until(lambda: at.app.screen.query_one(RowTable).cursor_key == NAME)
        await at.press("x", "y")
        await at.until(lambda: at.fake.asked("stop_export"))
        cut = at.fake.export_now(NAME, pb.Export.STATE_INTERRUPTED)
        at.fake.say(at.fake.event(NAME, kind="export.interrupted", export=cut))
        await at.until(lambda: "cut off" in at.screen_text())
        await at.press("G", "enter")
        await at.until(lambda: "Begin it again" in at.screen_text())
        await at.press("y")
        await at.until(lambda: at.fake.asked("restart_export"))


def test_layouts_and_choices_are_read() -> None:
    """Two numbers with either sign, and the direction; stages say how much is accepted in them."""
    assert (form.layout_of("2x3").columns, form.layout_of(" 2 × 3 RTL ").right_to_left) == (2, True)
    for wrong in ("2", "axb", "2x3x4", "2x3 ltr", "100x1"):
        with pytest.raises(FormError):
            form.layout_of(wrong)
    figures = project_pb2.ProjectFigures(
        stages=[
            project_pb2.StageProgress(stage="style", accepted=2, scenes=6),
            project_pb2.StageProgress(stage="time", accepted=0, scenes=6),
        ]
    )
    assert [value for _, value in form.stage_choices(project_pb2.Project(figures=figures))] == ["", "style"]
    assert form.stage_choices(None) == [("the last accepted one of each scene", "")]


def export(state: pb.Export.State.ValueType, revision: int) -> pb.Export:
    """An export in a state."""
    return pb.Export(name=NAME, state=state, revision=revision, path="/tmp/a.cbz")


def happened(export: pb.Export, kind: str = "export.changed") -> Happened:
    """An event about it."""
    return Happened(event_pb2.Event(revision=export.revision, subject=export.name, kind=kind, export=export))


def test_the_newest_word_on_an_export_counts_until_it_has_ended() -> None:
    """Later steps count anew; an older version changes nothing; one that has ended or is forgotten has no progress."""
    seen = apply(Snapshot(), happened(export(pb.Export.STATE_RUNNING, 5)))
    for phase, step in (("drawing", 9), ("checking", 1)):
        seen = apply(seen, Happened(event_pb2.Progress(candidate=NAME, step=step, steps=9, phase=phase)))
    assert (seen.exports.progress[NAME].phase, dict(seen.progress)) == ("checking", {})
    assert apply(seen, happened(export(pb.Export.STATE_QUEUED, 4))).exports == seen.exports
    done = apply(seen, happened(export(pb.Export.STATE_SUCCEEDED, 6)))
    late = apply(done, Happened(event_pb2.Progress(candidate=NAME, step=2, steps=9)))
    assert (dict(done.exports.progress), late.exports) == ({}, done.exports)
    assert exported.ended([happened(export(pb.Export.STATE_SUCCEEDED, 6))], seen) != []
    assert exported.ended([happened(export(pb.Export.STATE_SUCCEEDED, 7))], done) == []
    assert apply(done, happened(export(pb.Export.STATE_SUCCEEDED, 7), "export.deleted")).exports == Desk()


@pytest.mark.parametrize("state", [value for value in pb.Export.State.values() if value])
def test_every_state_has_words(state: pb.Export.State.ValueType) -> None:
    """A row, and for an end what came of it."""
    one = export(state, 1)
    assert exported.task_row(one, None).key == NAME
    assert exported.MARKS[state][2]
    assert exported.said(one)
