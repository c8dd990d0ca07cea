"""The daemon's log in the studio: live, by severity, by words, standing still, and only while somebody looks."""

from __future__ import annotations

from bullpen_api.v1 import log_pb2
from bullpen_client.errors import DaemonUnavailable
from bullpen_client.watch import Reconnected, Reconnecting
from bullpen_tui.daemonlog import KEPT, DaemonLog, grown
from bullpen_tui.widgets.rows import RowTable

from tests.tui import story
from tests.tui.driving import Driver, studio
from tests.tui.fake_log import LEVEL, line


async def console(at: Driver) -> RowTable:
    """On the daemon's log with three lines."""
    await at.go("L", "logs")
    await at.press("right_square_bracket")
    at.fake.log_says(
        line(1, "daemon.serving"),
        line(2, "job.failed", LEVEL.LEVEL_WARNING, job=f"{story.TIME_RUN}/jobs/3", message="out of\nmemory"),
        line(3, "run.ended", run=story.TIME_RUN),
    )
    table = at.app.screen.query_one("#daemon-log", RowTable)
    await at.until(lambda: table.count == (3, 3))
    return table


async def test_lines_arrive_and_are_followed_until_somebody_moves() -> None:
    """The cursor stays at the end; k stands still, f follows again; a line opens what it is about."""
    async with studio(size=(120, 36)) as at:
        table = await console(at)
        assert table.cursor_key == "3"
        assert "out of memory  job=r-0002-time 3" in at.screen_text()
        await at.press("k")
        at.fake.log_says(line(4, "run.archived"))
        await at.until(lambda: table.count == (4, 4))
        assert table.cursor_key == "2"
        assert "standing still" in at.screen_text()
        await at.press("f")
        await at.until(lambda: table.cursor_key == "4")
        await at.press("k", "k")
        await at.go("enter", "review")


async def test_a_severity_and_words_narrow_it() -> None:
    """`s` leaves warnings and errors, then errors, then all again; `/` narrows by any word of a line."""
    async with studio(size=(120, 36)) as at:
        table = await console(at)
        await at.press("s", "s")
        assert table.count == (1, 1)
        assert "warning and above" in at.screen_text()
        await at.press("s")
        assert table.count == (0, 0)
        assert "The daemon writes info and above" in at.screen_text()
        await at.press("s", "slash")
        await at.type("run.ended")
        await at.until(lambda: table.count == (1, 3))
        await at.press("enter", "left_square_bracket")
        assert at.app.screen.query_one("#logs", RowTable).filter_text == "run.ended"
        await at.press("s")
        assert "above" not in at.screen_text(), "the journal has no severities"


async def test_the_log_is_sent_only_while_somebody_looks() -> None:
    """Nothing is asked before the tab is opened; leaving ends it; coming back goes on after the last number."""
    async with studio() as at:
        await at.go("L", "logs")
        assert at.fake.log_asked == []
        await at.press("right_square_bracket")
        at.fake.log_says(line(7, "x"))
        await at.until(lambda: at.app.snapshot.log.last == 7)
        await at.go("1", "projects")
        await at.until(lambda: at.fake.log_watchers == 0)
        await at.go("L", "logs")
        await at.press("right_square_bracket")
        await at.until(lambda: at.fake.log_asked == [0, 7])


async def test_a_broken_connection_does_not_end_it() -> None:
    """What comes after the reconnection is drawn, and what was lost meanwhile is said."""
    async with studio(size=(120, 36)) as at:
        table = await console(at)
        at.fake._log.put_nowait(Reconnecting(1, 0.1, DaemonUnavailable("gone")))
        at.fake._log.put_nowait(Reconnected(3))
        at.fake.log_says(line(90, "daemon.serving"), missed=86)
        await at.until(lambda: table.count == (5, 5))
        assert "86 lines are gone" in at.screen_text()


def test_the_mirror_keeps_the_last_lines_once() -> None:
    """The same message twice adds nothing; thousands of lines stay bounded; a level of a newer contract is a level."""
    message = log_pb2.WatchLogResponse(entries=[line(number, "x") for number in range(1, KEPT + 10)], last=KEPT + 9)
    once = grown(DaemonLog(), message)
    assert len(once.lines) == KEPT
    assert once.lines[-1].name == str(KEPT + 9)
    assert grown(once, message) == once
    odd = log_pb2.WatchLogResponse(entries=[line(1, "x", 17)])  # type: ignore[arg-type]  # of a newer daemon
    assert grown(DaemonLog(), odd).lines[0].level == LEVEL.LEVEL_INFO
