"""Losing the daemon and finding it again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Self

import pytest
from bullpen_api.v1 import project_pb2, system_pb2
from bullpen_client import Session
from bullpen_client.errors import DaemonStartFailed, DaemonUnavailable, RevisionUnknown
from bullpen_client.watch import Reconnected, Reconnecting
from bullpen_tui import live, session
from bullpen_tui import messages as say
from bullpen_tui.app import StudioApp
from bullpen_tui.mirror import Listed
from bullpen_tui.places import SCREENS
from bullpen_tui.port import Daemon
from bullpen_tui.widgets.chrome import Banner
from bullpen_tui.widgets.rows import RowTable

from tests.tui import story
from tests.tui.driving import Driver, live_run, studio
from tests.tui.fake import FakeDaemon


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other quickly."""
    monkeypatch.setattr(live, "RETRY_SECONDS", 0.02)


def banner(at: Driver) -> bool:
    return at.app.screen.query_one(Banner).has_class("-shown")


async def test_a_lost_connection_is_a_banner_and_then_none() -> None:
    """What is on the screen stays, the banner says what happened, and it goes by itself."""
    async with live_run() as at:
        at.fake.say(Reconnecting(1, 0.1, DaemonUnavailable("The daemon does not answer.", remedy="Start it.")))
        await at.until(lambda: banner(at))
        assert "may be old" in at.screen_text()
        assert "01 Pier" in at.screen_text()
        assert "✗ lost" in at.screen_text().splitlines()[0]
        at.fake.say(Reconnected(30))
        await at.until(lambda: not banner(at))
        await at.until(lambda: len(at.fake.asked("info")) == 2)


async def test_an_answer_that_was_on_its_way_does_not_take_the_banner_away() -> None:
    """Only what the connection itself brings says that it is there again."""
    async with live_run() as at:
        at.fake.say(Reconnecting(1, 0.1, DaemonUnavailable("gone")))
        await at.until(lambda: at.app.lost)
        at.app.post_message(say.ChangesArrived((Listed((story.project(),)),)))
        await at.pilot.pause(0.05)
        assert banner(at)
        at.fake.step(2)
        await at.until(lambda: not banner(at))


async def test_events_after_the_reconnection_are_drawn() -> None:
    """Nothing has to be pressed to see what was missed."""
    async with live_run() as at:
        at.fake.say(Reconnecting(1, 0.1, DaemonUnavailable("gone")), Reconnected(30))
        done = story.finished(f"{story.TIME_RUN}/jobs/3", 2, 0.77)
        done.revision = 40
        at.fake.say(at.fake.event(done.name, candidate=done))
        await at.until(lambda: "✓ 0.77" in at.screen_text())


async def test_a_journal_of_another_past_is_listed_anew() -> None:
    """When the revision is unknown the studio lists again and watches after the new listing."""
    async with studio() as at:
        at.fake.revision = 7
        at.fake.break_watch(RevisionUnknown("The journal ends before that revision."))
        await at.until(lambda: at.fake.watched == [30, 7])
        await at.until(lambda: not at.app.lost)


async def test_no_daemon_is_said_and_tried_again() -> None:
    """The studio opens without a daemon, says why, and fills itself when one answers."""
    fake = FakeDaemon()
    told, started = False, asyncio.Event()

    async def dial() -> Daemon:
        nonlocal told
        if not told:
            told = True
            raise DaemonStartFailed("bullpend ended at once.", remedy="See logs/bullpend.stderr.")
        await started.wait()
        return await fake.dial()

    app = StudioApp(dial, now=lambda: story.NOW)
    async with app.run_test(size=(100, 30)) as pilot:
        at = Driver(pilot, app, fake)
        await at.until(lambda: banner(at))
        assert "See logs/bullpend.stderr" in str(app.screen.query_one(Banner).content)
        started.set()
        await at.until(lambda: "Harbor Lights" in at.screen_text())
        assert not banner(at)


async def test_another_instance_forgets_running_steps() -> None:
    """After a restart of the daemon no bar stands still for ever."""
    async with live_run() as at:
        at.fake.step(5)
        await at.until(lambda: at.app.snapshot.progress)

        async def other() -> system_pb2.Info:
            return system_pb2.Info(version="0.1.0", instance="two", hostname="gpu-box")

        at.fake.info = other  # type: ignore[method-assign]
        at.fake.say(Reconnecting(1, 0.1, DaemonUnavailable("gone")), Reconnected(30))
        await at.until(lambda: not at.app.snapshot.progress)


async def test_a_list_that_fails_is_tried_again() -> None:
    """A daemon that is still starting is waited for."""
    fake = FakeDaemon()
    fake.refuse["projects"] = DaemonUnavailable("not yet")
    app = StudioApp(fake.dial, now=lambda: story.NOW)
    async with app.run_test(size=(100, 30)) as pilot:
        at = Driver(pilot, app, fake)
        await at.until(lambda: len(fake.asked("projects")) >= 2)
        assert banner(at)
        del fake.refuse["projects"]
        await at.until(lambda: app.listed and not banner(at))


async def test_two_projects_are_in_order() -> None:
    """The list goes by name, whatever order the daemon gives."""
    fake = FakeDaemon()
    fake._projects["projects/aurora"] = project_pb2.Project(name="projects/aurora", title="Aurora", revision=9)
    async with studio(fake) as at:
        rows = at.app.screen.query_one("#projects", RowTable).rows
        assert [row.key for row in rows] == ["projects/aurora", "projects/harbor_lights"]


async def test_the_studio_begins_where_work_was_done_last() -> None:
    """Not with the first name of all: the project of the newest run has the cursor, until another one is entered."""
    fake = FakeDaemon()
    fake._projects["projects/aurora"] = project_pb2.Project(name="projects/aurora", title="Aurora", revision=9)
    async with studio(fake) as at:
        assert at.app.project == "projects/harbor_lights"
        assert at.app.screen.query_one("#projects", RowTable).cursor_key == "projects/harbor_lights"
        await at.press("k")
        await at.until(lambda: at.app.project == "projects/aurora")


async def test_every_place_stands_without_a_daemon() -> None:
    """Where no daemon is reached each place can be gone to, says so, and what is asked for is refused in words."""
    fake = FakeDaemon()
    fake.refuse["dial"] = DaemonUnavailable("No daemon serves this home.", remedy="Start one.")
    app = StudioApp(fake.dial, now=lambda: story.NOW)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        at = Driver(pilot, app, fake)
        for place in (*SCREENS, "projects"):
            app.go(place)
            await at.until(lambda place=place: at.place == place)  # type: ignore[misc]
            await at.until(lambda: "Start one." in at.screen_text())
        app.errands.cancel_run("projects/p/runs/r", app)
        await at.until(lambda: "No daemon was reached yet" in at.screen_text())


async def test_a_daemon_is_started_from_the_studio() -> None:
    """The banner names the key that starts one; while one answers the key says so and starts nothing."""
    async with live_run() as at:
        await at.press("f9")
        assert len(at.fake.asked("dial")) == 1
        at.fake.say(Reconnecting(live.PATIENT_ATTEMPTS, 0.1, DaemonUnavailable("The daemon does not answer.")))
        await at.until(lambda: banner(at))
        assert "F9 starts one" in at.screen_text()
        await at.press("f9")
        await at.until(lambda: len(at.fake.asked("dial")) == 2)


async def test_a_daemon_is_started_from_within_a_window() -> None:
    """The key that the banner names works in front of it too: nobody must throw words away to press it."""
    async with studio() as at:
        await at.press("n")
        await at.until(lambda: at.place == "NewProjectDialog")
        await at.type("Noir")
        at.fake.say(Reconnecting(live.PATIENT_ATTEMPTS, 0.1, DaemonUnavailable("The daemon does not answer.")))
        await at.until(lambda: "F9 starts one" in at.screen_text())
        await at.press("f9")
        await at.until(lambda: len(at.fake.asked("dial")) == 2)
        assert at.place == "NewProjectDialog"


async def test_a_daemon_that_is_slow_to_answer_is_waited_for_in_words() -> None:
    """Whoever looks at an empty studio is told what it waits for; that goes when the daemon answers."""
    fake, there = FakeDaemon(), asyncio.Event()
    words = "A daemon is there, and does not answer yet; waiting."

    async def slow() -> Daemon:
        app.post_message(say.DaemonAwaited(words))
        await there.wait()
        return fake

    app = StudioApp(slow, now=lambda: story.NOW)
    async with app.run_test(size=(100, 30)) as pilot:
        at = Driver(pilot, app, fake)
        await at.until(lambda: words in at.screen_text())
        assert "✗" not in at.screen_text()
        there.set()
        await at.until(lambda: app.connected and not banner(at))


async def test_what_the_client_library_waits_for_comes_to_the_studio(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The line for a person who waits is asked for where the studio reaches its daemon."""
    told: list[str] = []

    class Waiting(Session):
        async def __aenter__(self) -> Self:
            assert self._notice is not None
            self._notice("waiting")
            return self

    monkeypatch.setattr(session, "Session", Waiting)
    await session.dial(tmp_path, told.append)()
    assert told == ["waiting"]


async def test_pictures_that_could_not_be_read_come_when_the_daemon_is_back() -> None:
    """Why they are not there is said once and in their place, and they are asked for again by themselves."""
    gone = DaemonUnavailable("The daemon does not answer.")
    async with live_run() as at:
        at.fake.refuse["content"] = gone
        at.fake.say(Reconnecting(1, 0.1, gone))
        await at.until(lambda: at.app.lost)
        await at.go("v", "review")
        await at.until(lambda: "does not answer" in at.screen_text().partition("reasons")[0].partition("╭")[2])
        assert not at.app._notifications
        at.fake.refuse.clear()
        at.fake.say(Reconnected(30))
        await at.until(lambda: "does not answer" not in at.screen_text())
        await at.until(lambda: "▀▀▀" in at.screen_text())


async def test_the_picture_under_the_cursor_comes_when_the_daemon_is_back() -> None:
    """Nobody has to move the cursor for it."""
    gone = DaemonUnavailable("The daemon does not answer.")
    fake = FakeDaemon()
    fake.refuse["content"] = gone
    async with studio(fake, size=(120, 36)) as at:
        await at.go("U", "universe")
        await at.until(lambda: "does not answer" in at.screen_text())
        at.fake.say(Reconnecting(1, 0.1, gone))
        await at.until(lambda: at.app.lost)
        at.fake.refuse.clear()
        at.fake.say(Reconnected(30))
        await at.until(lambda: "does not answer" not in at.screen_text())
        await at.until(lambda: "▀▀▀" in at.screen_text())
