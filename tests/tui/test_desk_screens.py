"""What happened, what was spent, what is going on."""

from __future__ import annotations

import pytest
from bullpen_api.v1 import cost_pb2, event_pb2, queue_pb2, run_pb2
from bullpen_tui.screens.costs import by_day
from bullpen_tui.screens.logs import LogsScreen
from bullpen_tui.widgets.rows import RowTable

from tests.tui import story, story_desk
from tests.tui.driving import live_run, studio
from tests.tui.fake import FakeDaemon


def happened(fake: FakeDaemon) -> None:
    for revision in range(5, 31):
        name = f"{story.TIME_RUN}/jobs/{revision}"
        job = run_pb2.Job(name=name, scene=story.scene_name(1), revision=revision)
        kind = "job.failed" if revision == 7 else "job.queued"
        fake.happened.append(event_pb2.Event(revision=revision, subject=name, kind=kind, job=job, time=story.at(50)))


async def test_the_journal_shows_what_was_and_follows_what_happens() -> None:
    """What happened before is read once; new lines appear at the end, until one moves away; G follows again."""
    fake = FakeDaemon()
    happened(fake)
    async with studio(fake, size=(120, 36)) as at:
        await at.go("L", "logs")
        table = at.app.screen.query_one("#logs", RowTable)
        await at.until(lambda: table.count == (26, 26))
        assert fake.asked("past") == [(0, 30)]
        assert table.cursor_key == "30"
        at.fake.say(at.fake.event(story.TIME_RUN, run=story.runs()[0], kind="run.started"))
        await at.until(lambda: table.cursor_key == "31")
        assert "run.started" in at.screen_text()
        await at.press("k")
        at.fake.say(at.fake.event(story.TIME_RUN, run=story.runs()[0], kind="run.started"))
        await at.until(lambda: table.count == (28, 28))
        assert table.cursor_key == "30"
        assert "standing still" in at.screen_text()
        await at.press("f")
        await at.until(lambda: table.cursor_key == "32")
        await at.press("slash")
        await at.type("failed")
        await at.until(lambda: table.count == (1, 28))
        await at.press("enter")
        await at.go("enter", "review")


async def test_the_journal_of_one_run() -> None:
    """From a run L shows what happened to this run alone."""
    fake = FakeDaemon()
    happened(fake)
    other = story.runs()[2]
    fake.happened.append(event_pb2.Event(revision=4, subject=other.name, kind="run.created", run=other))
    async with studio(fake) as at:
        await at.go("2", "runs")
        await at.until(lambda: at.app.snapshot.runs)
        await at.press("G")
        await at.go("enter", "run")
        await at.go("L", "logs")
        screen = at.app.screen
        assert isinstance(screen, LogsScreen)
        await at.until(lambda: screen.query_one("#logs", RowTable).count[0] == 1)
        assert "run.created" in at.screen_text()


async def test_costs_by_what_one_likes() -> None:
    """Sums, limits and groups; ] groups by something else; money that may have been charged is flagged."""
    async with studio(size=(120, 36)) as at:
        await at.go("C", "costs")
        await at.until(lambda: "$1.80" in at.screen_text())
        text = at.words("#sums")
        assert "together $1.80" in text
        assert "⚑ $0.15 may have been charged besides" in text
        assert "all work $1.95 of $10.00" in text
        assert "110 %" in at.screen_text(), "took longer than expected"
        await at.press("right_square_bracket", "right_square_bracket", "right_square_bracket")
        await at.until(lambda: "openai" in at.screen_text())
        assert at.fake.asked("costs")[-1] == (story.PROJECT, (4,))


def test_days_are_a_line_with_their_gaps() -> None:
    """A day without work is a low block, not a missing one; the dearest day is named."""
    totals = [
        cost_pb2.CostTotal(day="2026-03-01", device_seconds=10),
        cost_pb2.CostTotal(day="2026-03-04", device_seconds=40),
        cost_pb2.CostTotal(day="", device_seconds=900),
    ]
    totals[0].money.add(currency_code="USD", charged_micros=1_800_000)
    device, money, span = [one.plain for one in by_day(totals, 60)]
    assert "▃▁▁█" in device
    assert "most 40 s on 2026-03-04" in device
    assert "█▁▁▁" in money
    assert "most $1.80 on 2026-03-01" in money
    assert "4 days" in span
    assert by_day(totals[:1], 60) == []


async def test_tasks_say_whole_what_is_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing begins, the reason and the way out stand there on a narrow terminal; else the line is one row."""
    told = "No device may take what waits. devices/cuda-0 is switched off. `bullpen devices --on NAME` gives one work."
    fake = FakeDaemon()
    hindrance = ""

    async def now() -> queue_pb2.Queue:
        queue = story_desk.queue(paused=False)
        queue.hindrance = hindrance
        return queue

    monkeypatch.setattr(fake, "queue", now)
    async with studio(fake, size=(80, 24)) as at:
        await at.go("w", "tasks")
        await at.until(lambda: "3 wait" in at.words("#queue"))
        pane = at.app.screen.query_one("#queue-pane")
        assert pane.size.height == 1
        hindrance = told
        at.app.reading.queue()
        await at.until(lambda: pane.size.height == 3)
        shown = " ".join(at.screen_text().replace("│", " ").split())
        assert f"⚑ {told}" in shown


async def test_tasks_show_what_goes_on_and_let_it_wait() -> None:
    """W opens everything unfinished with its time; p pauses a run, P the queue; escape goes back where one was."""
    async with live_run() as at:
        await at.go("w", "tasks")
        await at.until(lambda: "1:35" in at.screen_text())
        assert "3 wait" in at.words("#queue")
        table = at.app.screen.query_one("#tasks", RowTable)
        assert [row.key for row in table.rows] == [story.TIME_RUN], "what has ended is no task"
        await at.press("p")
        await at.until(lambda: at.fake.asked("pause_run") == [(story.TIME_RUN, True)])
        await at.until(lambda: "‖ paused" in at.screen_text())
        await at.press("p")
        await at.until(lambda: at.fake.asked("pause_run")[-1] == (story.TIME_RUN, False))
        await at.press("P")
        await at.until(lambda: "nothing more begins" in at.words("#queue"))
        await at.press("x")
        await at.until(lambda: at.place == "ConfirmDialog")
        await at.press("n")
        await at.press("escape")
        await at.until(lambda: at.place == "run")
