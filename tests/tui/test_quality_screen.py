"""From the runs to the findings of one picture."""

from __future__ import annotations

from bullpen_tui.widgets.chooser import Chooser
from bullpen_tui.widgets.rows import RowTable
from textual.widgets import Select

from tests.tui import story
from tests.tui.driving import live_run, studio


async def test_from_all_runs_down_to_the_review() -> None:
    """The sums of the run under the cursor, then its pictures, then the review; escape goes up again."""
    async with studio(size=(160, 50)) as at:
        await at.go("8", "quality")
        await at.until(lambda: "Colours too strong" in at.words("#quality-words"))
        text = at.words("#quality-words")
        assert "6/7" in text, "passed of finished"
        assert "1 hard" in text
        assert "Lower the guidance" in text
        assert "structure f1" in text
        await at.press("enter")
        await at.until(lambda: "✗ colours too strong" in at.screen_text())
        assert "chroma 0.21 over the limit of 0.12" in at.words("#quality-words")
        await at.press("enter")
        table = at.app.screen.query_one("#quality", RowTable)
        await at.until(lambda: len(table.rows) == 3, "candidates of the picture")
        await at.press("j", "j")
        await at.until(lambda: "Lower the guidance" in at.words("#quality-words"))
        assert "structure f1" in at.words("#quality-words")
        await at.go("enter", "review")
        await at.until(lambda: "01 Pier" in at.words("#headline"))
        assert at.app.screen.query_one("#verdict-pane").border_title == "candidate 3 of 3 · reasons"
        await at.press("escape")
        await at.until(lambda: at.place == "quality")
        await at.press("escape", "escape")
        await at.until(lambda: at.app.screen.query_one("#quality", RowTable).cursor_key == story.TIME_RUN)
        await at.press("escape")
        await at.until(lambda: at.place == "projects")


async def test_tabs_leave_only_pictures_with_a_flaw() -> None:
    """] shows the pictures in which one kind of thing was found."""
    async with live_run() as at:
        await at.go("8", "quality")
        table = at.app.screen.query_one("#quality", RowTable)
        await at.until(lambda: len(table.rows) == 6, "begins with the run that one came from")
        await at.press("right_square_bracket")
        await at.until(lambda: [row.key for row in table.rows] == [f"{story.TIME_RUN}/jobs/1"])
        await at.press("right_square_bracket")
        await at.until(lambda: len(table.rows) == 6)


async def test_marked_pictures_are_composed_again_as_a_set() -> None:
    """Flagged panels of a stage go into the composer together."""
    async with live_run() as at:
        await at.go("8", "quality")
        table = at.app.screen.query_one("#quality", RowTable)
        await at.until(lambda: len(table.rows) == 6)
        await at.press("space", "j", "space")
        await at.go("r", "compose")
        await at.until(lambda: at.app.screen.query_one("#stage", Select).value == "time")
        wanted = [story.scene_name(1), story.scene_name(3)]
        await at.until(lambda: at.app.screen.query_one("#scenes", Chooser).taken == wanted)
