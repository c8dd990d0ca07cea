"""A run as it goes: cells, pictures, and the keys that act on it."""

from __future__ import annotations

import pytest
from bullpen_api.v1 import run_pb2
from bullpen_client.errors import StateConflict
from bullpen_tui.screens.dialogs import ConfirmDialog
from bullpen_tui.widgets.picture import Picture
from bullpen_tui.widgets.rows import RowTable

from tests.tui import story
from tests.tui.driving import Driver, live_run, studio

JOB3 = f"{story.TIME_RUN}/jobs/3"


def cells(at: Driver, job: str) -> list[str]:
    rows = at.app.screen.query_one("#jobs", RowTable).rows
    return [cell.plain for cell in next(row for row in rows if row.key == job).cells]


async def test_rows_tell_every_candidate() -> None:
    """Scores, refusals, the winner and what waits are in the table."""
    async with live_run() as at:
        assert cells(at, f"{story.TIME_RUN}/jobs/1") == ["01 Pier", "✓", "✓ 0.91 ★", "✓ 0.88", "✗ chroma"]
        assert cells(at, f"{story.TIME_RUN}/jobs/4") == ["04 Rooftop", "◌ #1", "◌", "◌", "◌"]
        assert "1:12 left" in at.words("#headline")


async def test_the_cursor_begins_on_the_running_job() -> None:
    """One sees at once what is being made."""
    async with live_run() as at:
        assert at.app.screen.query_one("#jobs", RowTable).cursor_key == JOB3


async def test_progress_and_preview_are_live() -> None:
    """Steps move the bar and the preview is drawn; a late step is ignored."""
    async with live_run() as at:
        at.fake.step(4)
        await at.until(lambda: cells(at, JOB3)[3] == "▰▰▱▱ 4/8")
        picture = at.app.screen.query_one("#preview", Picture)
        await at.until(lambda: picture.picture is not None and picture.picture.size == (64, 64))
        assert "step 4/8" in at.words("#preview-words")
        at.fake.step(2)
        at.fake.step(6)
        await at.until(lambda: cells(at, JOB3)[3] == "▰▰▰▱ 6/8")


async def test_a_finished_candidate_replaces_its_bar() -> None:
    """The event of the journal ends the progress."""
    async with live_run() as at:
        at.fake.step(7)
        await at.until(lambda: "7/8" in cells(at, JOB3)[3])
        done = story.finished(JOB3, 2, 0.95)
        done.revision = 99
        at.fake.say(at.fake.event(done.name, candidate=done))
        await at.until(lambda: cells(at, JOB3)[3] == "✓ 0.95")
        assert "8/18" in at.words("#headline")


async def test_moving_shows_the_winner_of_the_row() -> None:
    """The pane follows the cursor: finished rows show their winner."""
    async with live_run() as at:
        await at.press("g")
        await at.until(lambda: ("content", f"{story.PROJECT}/assets/r-0002-time-1-1", True) in at.fake.calls)
        assert "candidate 1  ✓ 0.91 ★" in at.words("#preview-words")


async def test_x_stops_the_job_under_the_cursor() -> None:
    """One job stops, at once, and its row says so."""
    async with live_run() as at:
        await at.press("x")
        await at.until(lambda: at.fake.asked("cancel_job") == [(JOB3,)])
        await at.until(lambda: cells(at, JOB3)[1] == "⊘")


async def test_x_does_nothing_on_a_finished_job() -> None:
    """Keys that would do nothing are not offered and do nothing."""
    async with live_run() as at:
        await at.press("g", "x")
        assert not at.fake.asked("cancel_job")
        assert "x cancel  " not in at.screen_text().splitlines()[-1]


async def test_stopping_a_run_asks_first() -> None:
    """X asks; n leaves it, y stops it."""
    async with live_run() as at:
        await at.press("X")
        await at.until(lambda: isinstance(at.app.screen, ConfirmDialog))
        await at.press("n")
        await at.until(lambda: at.place == "run")
        assert not at.fake.asked("cancel_run")
        await at.press("X")
        await at.until(lambda: isinstance(at.app.screen, ConfirmDialog))
        await at.press("y")
        await at.until(lambda: at.fake.asked("cancel_run") == [(story.TIME_RUN,)])
        await at.until(lambda: "⊘ canceled" in at.words("#headline"))


async def test_plus_and_minus_tune_the_running_job() -> None:
    """Guidance moves in halves from the value of the run."""
    async with live_run() as at:
        await at.press("plus")
        await at.until(lambda: at.fake.asked("tune_job") == [(JOB3, 8.0)])
        await at.until(lambda: "guidance 8" in at.words("#figures"))
        await at.press("minus")
        await at.until(lambda: len(at.fake.asked("tune_job")) == 2)
        assert at.fake.asked("tune_job")[1] == (JOB3, 7.5)


async def test_a_refused_call_is_said_in_words() -> None:
    """The daemon's sentence and remedy are shown, and nothing else changes."""
    async with live_run() as at:
        at.fake.refuse["tune_job"] = StateConflict("The job is not running.", remedy="Wait until it runs.")
        await at.press("plus")
        await at.until(lambda: "Wait until it runs" in at.screen_text())
        assert at.place == "run"


async def test_a_partial_run_is_retried() -> None:
    """R starts a new run from what failed and opens it."""
    async with studio() as at:
        await at.go("2", "runs")
        await at.until(lambda: at.app.snapshot.runs)
        await at.press("j")
        await at.go("enter", "run")
        await at.until(lambda: "The worker died" in at.screen_text())
        await at.press("R")
        await at.until(lambda: at.fake.asked("retry_run") == [(story.FAILED_RUN, "request-1")])
        await at.until(lambda: "retries r-0003-weather" in at.words("#headline"))


async def test_the_log_is_named() -> None:
    """F says where the run log lies."""
    async with studio() as at:
        await at.go("2", "runs")
        await at.until(lambda: at.app.snapshot.runs)
        await at.press("G", "f")
        await at.until(lambda: "run.json" in at.screen_text())


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
async def test_the_run_fits(size: tuple[int, int]) -> None:
    """Three candidates and a picture are in view on a small terminal too."""
    async with live_run(size=size) as at:
        at.fake.step(5)
        await at.until(lambda: "5/8" in at.screen_text())
        text = at.screen_text()
        assert "✗ chroma" in text
        assert "✓ 0.93 ★" in text
        assert "▀" in text


async def test_a_hundred_steps_are_few_repaints() -> None:
    """Progress is coalesced before it reaches the screen."""
    async with live_run() as at:
        drawn = 0
        draw = at.app.draw

        def counted() -> None:
            nonlocal drawn
            drawn += 1
            draw()

        at.app.draw = counted  # type: ignore[method-assign]
        for step in range(100):
            at.fake.step(step, 100)
        await at.until(lambda: "99/100" in cells(at, JOB3)[3])
        assert drawn <= 4


async def test_a_new_run_appears_in_the_list() -> None:
    """What another client starts shows without asking."""
    async with studio() as at:
        await at.go("2", "runs")
        await at.until(lambda: len(at.app.snapshot.runs) == 3)
        other = story.run(f"{story.PROJECT}/runs/r-0009-style", "style", run_pb2.Run.STATE_QUEUED, [])
        other.create_time.CopyFrom(story.at(0))
        at.fake.say(at.fake.event(other.name, run=other))
        table = at.app.screen.query_one("#runs", RowTable)
        await at.until(lambda: table.rows[0].key == other.name)


async def test_the_footer_of_eighty_columns_shows_the_guidance() -> None:
    """What can be done to a running job is named where it can be done."""
    async with live_run(size=(80, 24)) as at:
        await at.until(lambda: "+ - guidance" in at.screen_text().splitlines()[-1])
