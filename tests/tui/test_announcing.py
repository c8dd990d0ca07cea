"""A run that ended is told of, once, in the way that is set; leaving asks only where something would be lost."""

from __future__ import annotations

import asyncio

import pytest
from bullpen_api.v1 import event_pb2, run_pb2, system_pb2
from bullpen_tui.announcing import ended, said, sequence, way_of
from bullpen_tui.errands import LAB
from bullpen_tui.mirror import Happened, Listed, Snapshot, apply

from tests.tui import story
from tests.tui.driving import Driver, studio

DONE = run_pb2.Run.STATE_SUCCEEDED


def finished() -> run_pb2.Run:
    run = run_pb2.Run()
    run.CopyFrom(story.runs()[0])
    run.state = DONE
    return run


def heard(at: Driver, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the terminal is sent from now on, apart from pictures of the screen."""
    sent: list[str] = []
    driver = at.app._driver
    assert driver is not None
    monkeypatch.setattr(driver, "write", sent.append)
    return sent


def notify(way: str) -> system_pb2.ListSettingsResponse:
    return system_pb2.ListSettingsResponse(settings=[system_pb2.Setting(name="studio.notify", value=way)])


async def test_the_end_of_a_run_rings_and_is_said_on_other_screens(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bell, and a notice with name and figures; the same event again tells nothing."""
    async with studio(size=(120, 36)) as at:
        await at.go("2", "runs")
        await at.until(lambda: at.app.snapshot.runs)
        sent = heard(at, monkeypatch)
        event = at.fake.event(story.TIME_RUN, kind="run.succeeded", run=finished())
        at.fake.say(event)
        await at.until(lambda: "\a" in sent)
        await at.until(lambda: "r-0002-time of harbor_lights: done" in at.screen_text())
        at.fake.say(event)
        at.fake.step(3)
        await at.until(lambda: at.app.snapshot.progress)
        assert sent.count("\a") == 1


async def test_the_setting_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `osc777` the terminal gets a notice, with `off` nothing."""
    async with studio() as at:

        async def settings() -> system_pb2.ListSettingsResponse:
            return notify(way)

        monkeypatch.setattr(at.fake, "settings", settings)
        monkeypatch.delenv("TMUX", raising=False)
        sent = heard(at, monkeypatch)
        way = "osc777"
        at.fake.say(at.fake.event(story.TIME_RUN, kind="run.succeeded", run=finished()))
        await at.until(lambda: any(one.startswith("\x1b]777;notify;Bullpen;r-0002-time") for one in sent))


def test_only_ends_that_are_news_are_told() -> None:
    """Not what was listed as ended, not what was seen, not a run that goes on."""
    run = finished()
    listed = apply(Snapshot(), Listed((run,), 5))
    at = story.runs()[0]
    assert [one.name for one in ended([event(6, run)], apply(Snapshot(), Listed((at,), 5)))] == [run.name]
    assert ended([event(6, run)], listed) == []
    assert ended([event(6, at)], Snapshot()) == []
    assert ended([event(6, run)], Snapshot(revision=6)) == []
    assert ended([Listed((run,), 9)], Snapshot()) == []


def event(revision: int, run: run_pb2.Run) -> Happened:
    return Happened(event_pb2.Event(revision=revision, subject=run.name, kind="run.x", run=run))


def test_what_a_terminal_is_sent() -> None:
    """Nothing, a bell, a notice and a bell; no sign of a name breaks out of it; tmux is asked to pass it on."""
    assert sequence("off", "x", {}) == ""
    assert sequence("bell", "x", {}) == "\a"
    assert sequence("osc9", "a\x1b]0;b\a", {}) == "\x1b]9;a]0b\a\a"
    wrapped = sequence("osc777", "x", {"TMUX": "/tmp/t"})
    assert wrapped == "\x1bPtmux;\x1b\x1b]777;notify;Bullpen;x\a\x1b\\\a"
    assert way_of(notify("off")) == "off"
    assert way_of(system_pb2.ListSettingsResponse()) == "bell"
    assert said(finished()).startswith("r-0002-time of harbor_lights: done")


async def test_leaving_asks_where_the_lab_is_at_work() -> None:
    """The picture would be lost: n stays, y leaves. While runs go on nothing is asked."""
    async with studio() as at:
        never = asyncio.Event()
        at.app.run_worker(never.wait(), group=LAB)
        await at.press("q")
        await at.until(lambda: at.place == "ConfirmDialog")
        assert "The lab is making a picture" in at.screen_text()
        await at.press("n")
        await at.until(lambda: at.place == "projects")
        await at.press("q", "y")
        await at.until(lambda: at.fake.closed)
        never.set()


async def test_leaving_asks_for_nothing_else() -> None:
    """A run that goes on is no reason: the daemon makes it."""
    async with studio() as at:
        at.fake.step(3)
        await at.until(lambda: at.app.snapshot.progress)
        await at.press("q")
        await at.until(lambda: at.fake.closed)
        assert at.app.return_value == 0
