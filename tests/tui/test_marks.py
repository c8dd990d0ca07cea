"""Marking rows and leaving rows out."""

from __future__ import annotations

from bullpen_tui.widgets.rows import RowTable

from tests.tui import story
from tests.tui.driving import live_run


async def test_space_marks_rows_and_x_acts_on_all_of_them() -> None:
    """Marked rows have a sign before them; the key stops them all; escape takes the marks away first."""
    async with live_run() as at:
        await at.press("G", "space", "k", "space")
        table = at.app.screen.query_one("#jobs", RowTable)
        assert table.chosen == [f"{story.TIME_RUN}/jobs/5", f"{story.TIME_RUN}/jobs/6"]
        assert at.screen_text().count("▌") == 2
        await at.press("x")
        await at.until(lambda: len(at.fake.asked("cancel_job")) == 2)
        await at.press("escape")
        assert at.place == "run"
        assert not table.marked


async def test_an_exclamation_mark_leaves_rows_out() -> None:
    """`!done` hides what is done; words and inverted words go together."""
    async with live_run() as at:
        await at.press("slash")
        await at.type("0 ")
        await at.press("exclamation_mark")
        await at.type("pier")
        table = at.app.screen.query_one("#jobs", RowTable)
        assert len(table.rows) == 5
        assert f"{story.TIME_RUN}/jobs/1" not in [row.key for row in table.rows]
