"""A slow terminal: what is shown is late by one frame at most, never by a queue of them."""

from __future__ import annotations

import pytest
from bullpen_api.v1 import event_pb2
from bullpen_tui import messages as say
from bullpen_tui.app import StudioApp
from bullpen_tui.mirror import Happened

from tests.tui import story
from tests.tui.driving import live_run


async def test_changes_wait_for_the_paint_of_those_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a frame is not painted no further one is queued; the next one holds the newest step."""
    async with live_run() as at:
        app = at.app
        arrived: list[int] = []
        handle = StudioApp.on_changes_arrived

        def slow(self: StudioApp, message: say.ChangesArrived) -> None:
            steps = [
                change.item.step
                for change in message.changes
                if isinstance(change, Happened) and isinstance(change.item, event_pb2.Progress)
            ]
            arrived.extend(steps)
            if arrived != [1]:
                handle(self, message)

        monkeypatch.setattr(StudioApp, "on_changes_arrived", slow)
        at.fake.step(1)
        await at.until(lambda: arrived == [1])
        for step in range(2, 8):
            at.fake.step(step)
        await at.pilot.pause()
        assert arrived == [1], "the first frame was never painted, so nothing may follow it"
        app._live.painted.set()
        await at.until(lambda: arrived == [1, 7])
        name = f"{story.TIME_RUN}/jobs/3/candidates/c2"
        await at.until(lambda: app.snapshot.progress[name].step == 7)
