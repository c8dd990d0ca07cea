"""Driving the studio by keys, and waiting for facts."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count

from bullpen_tui.app import StudioApp
from bullpen_tui.graphics import Graphics
from bullpen_tui.screens.base import StudioScreen
from textual.pilot import Pilot
from textual.widgets import Static

from tests.tui import story
from tests.tui.fake import FakeDaemon

TURNS = 400
PATIENCE = 60.0
"""Seconds and turns of the loop after which a fact will not come any more; both have to be over."""


class Driver:
    """The application under test with its daemon."""

    def __init__(self, pilot: Pilot[int], app: StudioApp, fake: FakeDaemon) -> None:
        self.pilot = pilot
        self.app = app
        self.fake = fake

    @property
    def place(self) -> str:
        screen = self.app.screen
        return screen.place if isinstance(screen, StudioScreen) else type(screen).__name__

    async def until(self, fact: Callable[[], object], what: str = "") -> None:
        """Turns the loop until the fact holds; fails with the calls so far when it never does."""
        turns, end = 0, time.monotonic() + PATIENCE
        while turns < TURNS or time.monotonic() < end:
            if fact():
                return
            turns += 1
            await self.pilot.pause(0.01)
        raise AssertionError(f"never: {what or fact}; at {self.place}; calls {self.fake.calls}\n{self.screen_text()}")

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def go(self, key: str, place: str) -> None:
        await self.press(key)
        await self.until(lambda: self.place == place, place)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        await self.press(*({" ": "space", "/": "slash", "?": "question_mark"}.get(one, one) for one in text))

    def words(self, selector: str) -> str:
        return str(self.app.screen.query_one(selector, Static).content)

    def screen_text(self) -> str:
        """Everything that is on the terminal now, line by line."""
        screen = self.app.screen
        return "\n".join("".join(segment.text for segment in strip) for strip in screen._compositor.render_strips())


@asynccontextmanager
async def studio(
    fake: FakeDaemon | None = None,
    size: tuple[int, int] = (120, 36),
    graphics: Graphics = "half",
    project: str | None = None,
) -> AsyncIterator[Driver]:
    """A studio that has listed its projects."""
    daemon = fake or FakeDaemon()
    ids = count(1)
    app = StudioApp(
        daemon.dial,
        now=lambda: story.NOW,
        request_id=lambda: f"request-{next(ids)}",
        graphics=graphics,
        project=project,
    )
    async with app.run_test(size=size, notifications=True) as pilot:
        driver = Driver(pilot, app, daemon)
        await driver.until(lambda: app.listed and app.metrics, "listed")
        await pilot.pause()
        yield driver


@asynccontextmanager
async def live_run(size: tuple[int, int] = (120, 36)) -> AsyncIterator[Driver]:
    """A studio on the run that is going."""
    async with studio(size=size) as at:
        await at.go("2", "runs")
        await at.until(lambda: at.app.snapshot.runs, "runs")
        await at.go("enter", "run")
        await at.until(lambda: at.app.snapshot.jobs and at.app.snapshot.scenes, "jobs")
        await at.pilot.pause()
        yield at
