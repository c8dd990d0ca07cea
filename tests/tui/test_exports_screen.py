"""J08 in the studio: the list of past exports, where each lies, whether it is still what was written, and its keys."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from bullpen_api.v1 import event_pb2
from bullpen_api.v1 import export_pb2 as pb
from bullpen_client.errors import AlreadyExists, StorageUnavailable
from bullpen_tui.exports import words as exported
from bullpen_tui.exports.desk import Desk, ExportsRead
from bullpen_tui.exports.rows import GONE, about, export_row
from bullpen_tui.screens.exports import SMALL
from bullpen_tui.screens.keys import KeysDialog
from bullpen_tui.widgets.rows import RowTable

from tests.tui import story
from tests.tui.driving import Driver, studio
from tests.tui.fake import FakeDaemon

DONE = pb.Export.STATE_SUCCEEDED
SHEET = pb.ExportSpec.FORMAT_PDF_CONTACT_SHEET


def export(number: int, state: pb.Export.State.ValueType = DONE, **more: Any) -> pb.Export:
    """An export of the story's project; a larger number is an older one."""
    given: dict[str, Any] = {
        "name": f"{story.PROJECT}/exports/e-{10 - number:04d}",
        "spec": pb.ExportSpec(format=pb.ExportSpec.FORMAT_CBZ),
        "state": state,
        "path": f"/studio/harbor_lights/exports/harbor-{number}.cbz",
        "figures": pb.ExportFigures(scenes=5, pictures=5, pages=5),
        "size_bytes": 4_500_000 if state == DONE else 0,
        "sha256": f"{number:064x}" if state == DONE else "",
        "create_time": story.at(3600.0 * number),
        "revision": 1,
    }
    return pb.Export(**{**given, **more})


def shelf(*exports: pb.Export) -> FakeDaemon:
    """A daemon that has made these."""
    fake = FakeDaemon()
    fake.made = {one.name: one for one in exports}
    return fake


def full() -> FakeDaemon:
    """One of each: made, changed, gone, too large to be read unasked, failed, cut off, and one that is being made."""
    made, changed, gone = export(2), export(3, spec=pb.ExportSpec(format=SHEET)), export(4)
    fake = shelf(
        export(1, pb.Export.STATE_RUNNING),
        made,
        changed,
        gone,
        export(5, size_bytes=SMALL + 1),
        export(6, pb.Export.STATE_FAILED, error={"message": "A file is gone.", "remedy": "Restore it."}),
        export(7, pb.Export.STATE_INTERRUPTED),
    )
    fake.found = {
        changed.name: pb.CheckExportResponse(first_difference="page 3", problem="It is not what was written."),
        gone.name: pb.CheckExportResponse(first_difference="harbor-4.cbz", problem=GONE),
    }
    return fake


def told(at: Driver, what: str) -> bool:
    """Whether a notice says it."""
    return any(what in one.message for one in at.app._notifications)


async def opened(at: Driver) -> RowTable:
    """The list, once it is read."""
    await at.go("O", "exports")
    await at.until(lambda: at.fake.asked("exports"))
    await at.pilot.pause()
    return at.app.screen.query_one("#exports", RowTable)


def line(at: Driver, name: str) -> str:
    """The row of an export as it is drawn."""
    number = 10 - int(name.rpartition("-")[2])
    return next(one for one in at.screen_text().splitlines() if f"{number} h ago" in one)


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
async def test_what_was_made_and_whether_it_is_still_there(size: tuple[int, int]) -> None:
    """Small files are read again by themselves, one after the other; the large one waits for its key; all are told."""
    async with studio(full(), size=size) as at:
        await opened(at)
        await at.until(lambda: len(at.fake.asked("check_export")) == 3)
        text = at.screen_text
        await at.until(lambda: all(one in text() for one in ("✓ unchanged", "✗ changed", "✗ gone", "· unchecked")))
        for words in ("comic book", "contact sheet", "● running", "✗ failed", "◐ cut off", "4.3 M"):
            assert words in text()
        assert at.fake.made[f"{story.PROJECT}/exports/e-0009"].path in text()
        assert ("lies at" in text()) == (size[0] > 100)
        await at.press("G")
        await at.until(lambda: "nothing of it is left. R makes it" in text())
        await at.press("k")
        await at.until(lambda: "A file is gone. Restore it." in text())


async def test_a_file_is_read_again_by_a_key() -> None:
    """`c` reads the file under the cursor, or the marked ones, and says what was found; a refusal is said too."""
    large, small = export(1, size_bytes=SMALL + 1), export(2, size_bytes=SMALL + 1)
    async with studio(shelf(large, small)) as at:
        await opened(at)
        assert "c reads it again" in at.screen_text()
        await at.press("c")
        await at.until(lambda: "✓ unchanged" in at.screen_text())
        assert "Every byte is what was written (7 parts)" in at.screen_text()
        at.fake.refuse["check_export"] = StorageUnavailable("The disk cannot be read.", remedy="Look at it.")
        await at.press("space", "space", "c")
        await at.until(lambda: told(at, "cannot be read"))
        assert [name for (name,) in at.fake.asked("check_export")] == [large.name, large.name, small.name]


async def test_an_export_is_made_again() -> None:
    """`R` restarts what came to nothing; what was made is made anew, over its file only after another question."""
    cut, made = export(1, pb.Export.STATE_INTERRUPTED), export(2, path="/out/night.cbz")
    made.spec.destination = "/out/night.cbz"
    async with studio(shelf(cut, made)) as at:
        await opened(at)
        await at.press("R", "y")
        await at.until(lambda: at.fake.asked("restart_export"))
        at.fake.refuse["begin_export"] = AlreadyExists("There is a file at /out/night.cbz already.")
        await at.press("j", "R")
        await at.until(lambda: "/out/night.cbz stays" in at.screen_text())
        await at.press("y")
        await at.until(lambda: "Replace it?" in at.screen_text())
        del at.fake.refuse["begin_export"]
        await at.press("y")
        await at.until(lambda: len(at.fake.asked("begin_export")) == 2)
        (_, first, one), (_, second, other) = at.fake.asked("begin_export")
        assert isinstance(first, pb.ExportSpec)
        assert isinstance(second, pb.ExportSpec)
        assert (first.overwrite, second.overwrite, one != other) == (False, True, True)
        assert second.destination == "/out/night.cbz"


async def test_an_export_is_stopped_deleted_and_found() -> None:
    """`x` stops what is being made, `d` asks and says what became of the file, enter gives its path."""
    going, own, away = export(1, pb.Export.STATE_RUNNING), export(2), export(3, path="/out/night.cbz")
    async with studio(shelf(going, own, away)) as at:
        table = await opened(at)
        await at.press("d")
        assert at.place == "exports"
        await at.press("x", "y")
        await at.until(lambda: at.fake.asked("stop_export"))
        await at.press("G", "enter")
        assert at.app.clipboard == "/out/night.cbz"
        for name, said in ((away.name, "Its file stays: /out/night.cbz"), (own.name, "Its file is deleted.")):
            table.move_to(name)
            await at.press("d")
            await at.until(lambda: "Elsewhere it stays" in at.screen_text())
            await at.press("y")
            await at.until(partial(told, at, said))
        await at.until(lambda: [row.key for row in table.rows] == [going.name])
        assert [name for (name,) in at.fake.asked("forget_export")] == [away.name, own.name]


async def test_nothing_was_exported_yet() -> None:
    """An empty list says what to press; that opens the form, and what is begun is in the list."""
    async with studio() as at:
        table = await opened(at)
        await at.until(lambda: "Nothing was exported yet" in at.screen_text())
        await at.press("e")
        await at.until(lambda: "Export harbor_lights" in at.screen_text())
        await at.until(lambda: at.fake.asked("look_at_export"))
        await at.press("f5")
        await at.until(lambda: len(table.rows) == 1)
        assert "● running" in at.screen_text()


async def test_the_keys_are_listed() -> None:
    """The help of the list names its keys, and that of other screens the way to it."""
    async with studio(full(), size=(160, 50)) as at:
        await at.press("question_mark")
        await at.until(lambda: isinstance(at.app.screen, KeysDialog))
        assert "Exports" in at.screen_text()
        await at.press("escape")
        await opened(at)
        await at.press("question_mark")
        await at.until(lambda: isinstance(at.app.screen, KeysDialog))
        for help_ in ("Read the file again", "Make it once more", "Forget it", "Put the path", "Show only rows"):
            assert help_ in at.screen_text()


def test_what_was_found_is_good_for_the_file_that_was_read() -> None:
    """A check goes when its export is made anew, forgotten or never listed; progress is shown while one is made."""
    one = export(1)
    sound = pb.CheckExportResponse(sound=True)
    desk = Desk().told(ExportsRead((one,), listed=True)).told(ExportsRead((), {one.name: sound, "projects/p/x": sound}))
    assert (list(desk.checks), desk.read) == ([one.name], True)
    again = export(1, pb.Export.STATE_RUNNING, revision=2)
    event = event_pb2.Event(kind="export.restarted", subject=one.name, export=again)
    mark = event_pb2.Progress(candidate=one.name, step=1, steps=2, phase="drawing")
    moved = desk.happened(event).moved(mark)
    assert moved.checks == {}
    assert "50 %" in export_row(again, moved, story.NOW).cells[6].plain
    assert desk.told(ExportsRead((), gone=(one.name,))).exports == {}


def test_what_was_asked_for_is_told() -> None:
    """Scenes, stage, layout and what was left out stand below the path."""
    spec = pb.ExportSpec(
        format=pb.ExportSpec.FORMAT_CBZ,
        scenes=[f"{story.PROJECT}/scenes/s{number}" for number in range(1, 8)],
        stage="style",
        layout=pb.ExportLayout(columns=2, rows=3, right_to_left=True),
    )
    shown = "\n".join(row.plain for row in about(export(1, spec=spec, left_out=[pb.LeftOut(title="Coda")]), None, 0.0))
    assert "7 scenes: s1, s2, s3, s4, s5 and 2 more; stage style; 2×3 panels a page, right to left" in shown
    assert "left out: Coda" in shown
    warned = export(1, warnings=[pb.ExportWarning(kind=pb.ExportWarning.KIND_LETTERS_MISSING, letters="Ж灯")])
    assert any("No font was found for Ж灯" in row.plain for row in about(warned, None, 0.0))
    assert (exported.severity(warned), "no font was found for Ж灯" in exported.said(warned)) == ("warning", True)
