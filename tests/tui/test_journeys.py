"""Each step of a journey by keys alone: what the daemon was asked, which messages came of it, and how it ends up.

The pictures of the screens are in `__snapshots__`, at 80×24 and 160×50; `pytest tests/tui/test_journeys.py
--snapshot-update` makes them anew where a screen was changed on purpose. They are drawn without pictures, which would
make each of them a megabyte.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path

import pytest
from bullpen_tui import messages as say
from bullpen_tui.app import StudioApp
from bullpen_tui.widgets.rows import RowTable
from pytest_textual_snapshot import (  # type: ignore[import-untyped]  # ships no types
    SVGImageExtension,
    normalize_svg,
)
from syrupy.assertion import SnapshotAssertion
from textual.events import Paste
from textual.message import Message
from textual.widgets import Input, TextArea

from tests.tui import story
from tests.tui.driving import TURNS, Driver
from tests.tui.fake import FakeDaemon
from tests.tui.test_bootstrap_screen import DOCUMENT as BOOTSTRAP
from tests.tui.test_bootstrap_screen import changes as bootstrap_changes

SIZES = pytest.mark.parametrize("size", [(80, 24), (160, 50)], ids=["80x24", "160x50"])
Size = tuple[int, int]


class Walk(Driver):
    """A person at the keys. `told` has the messages of the studio by name, repeats left out."""

    told: list[str]

    async def ends(self, picture: SnapshotAssertion) -> None:
        """The screen comes to what was drawn before, and stays."""
        await self.until(lambda: self.fake._metrics.empty())
        drawn = picture.use_extension(SVGImageExtension)
        kept = Path(drawn.extension.get_location(test_location=drawn.test_location, index=drawn.index))
        before = normalize_svg(kept.read_text()) if kept.exists() and not drawn.update_snapshots else ""
        # On a busy machine an answer or a layout may come later than the fact that was waited for.
        for _ in range(TURNS if before else 20):
            self._still()
            await self.pilot.wait_for_scheduled_animations()
            await self.pilot.pause(0.01)
            if before and normalize_svg(self.app.export_screenshot(title="Bullpen")) == before:
                break
        assert self.app.export_screenshot(title="Bullpen") == drawn

    def _still(self) -> None:
        """Takes away what depends on the moment: notices that pass, and whether a blinking cursor is drawn."""
        self.app.clear_notifications()
        for field in self.app.screen.query(Input):
            field.cursor_blink = False
        for area in self.app.screen.query(TextArea):
            area.cursor_blink = False
            # A line that was drawn while the cursor was not there is kept, and would be shown again.
            area._line_cache.clear()
            area.refresh()

    def heard(self, *names: str) -> bool:
        """Whether these messages came, in this order, with others between."""
        rest = iter(self.told)
        return all(name in rest for name in names)


@asynccontextmanager
async def walking(size: Size, fake: FakeDaemon | None = None) -> AsyncIterator[Walk]:
    """A studio on a fixed day with fixed ids, whose messages are written down."""
    daemon = fake or FakeDaemon()
    ids = count(1)
    told: list[str] = []

    def hook(message: Message) -> None:
        name = type(message).__name__
        if type(message).__module__ == say.__name__ and name != "MetricsArrived" and told[-1:] != [name]:
            told.append(name)

    app = StudioApp(daemon.dial, now=lambda: story.NOW, request_id=lambda: f"request-{next(ids)}", graphics="none")
    async with app.run_test(size=size, notifications=True, message_hook=hook) as pilot:
        at = Walk(pilot, app, daemon)
        at.told = told
        await at.until(lambda: app.listed and app.metrics, "listed")
        yield at


@SIZES
async def test_j00_first_run(size: Size, snapshot: SnapshotAssertion) -> None:
    """A new home is welcomed with what it has and lacks; ? shows every key; 7 the models, and back."""
    async with walking(size, FakeDaemon(empty=True)) as at:
        await at.until(lambda: at.place == "welcome")
        await at.press("question_mark")
        await at.until(lambda: at.place == "KeysDialog")
        await at.press("escape")
        await at.go("7", "models")
        await at.go("1", "projects")
        await at.until(lambda: at.place == "projects")
        assert at.heard("DaemonReached", "ChangesArrived")
        await at.ends(snapshot)


@SIZES
async def test_j01_project(size: Size, snapshot: SnapshotAssertion) -> None:
    """`n`, a title, its name, a story: the universe is there and the cursor on it."""
    async with walking(size) as at:
        await at.press("n")
        await at.until(lambda: at.place == "NewProjectDialog")
        await at.type("Noir City")
        await at.press("enter", "enter")
        await at.type("It rains.")
        await at.press("enter")
        await at.until(lambda: at.place == "projects" and "Noir City" in at.screen_text())
        assert at.fake.asked("create_project") == [("noir_city", "Noir City", "It rains.")]
        assert at.heard("ProjectCreated", "ChangesArrived")
        await at.ends(snapshot)


@SIZES
async def test_j02_references(size: Size, snapshot: SnapshotAssertion, tmp_path: Path) -> None:
    """`U`, `i`, a folder: each picture of it is a scene of the story."""
    (tmp_path / "lighthouse.png").write_bytes(story.png(1))
    async with walking(size) as at:
        await at.go("U", "universe")
        await at.until(lambda: at.app.snapshot.scenes)
        await at.press("i")
        await at.until(lambda: at.place == "BringDialog")
        await at.type(str(tmp_path))
        await at.until(lambda: at.app.screen.query_one("#bring", Input).value == str(tmp_path))
        await at.press("enter")
        await at.until(lambda: len(at.fake.asked("create_entry")) == 1)
        await at.until(lambda: at.place == "universe" and "lighthouse" in at.screen_text())
        assert at.heard("ChangesArrived")
        await at.ends(snapshot)


@SIZES
async def test_j03_bootstrap(size: Size, snapshot: SnapshotAssertion) -> None:
    """`U`, `b`, an answer pasted: what would change is shown, with what goes to the trash; nothing has changed yet."""
    fake = FakeDaemon()
    fake.imported = bootstrap_changes()
    async with walking(size, fake) as at:
        await at.go("U", "universe")
        await at.go("b", "bootstrap")
        at.app.screen.query_one("#answer").focus()
        at.app.post_message(Paste(f"```json\n{BOOTSTRAP}\n```"))
        await at.until(lambda: "grey hair" in at.screen_text() and "red hair" in at.screen_text())
        assert at.fake.asked("import_bootstrap") == [(story.PROJECT, BOOTSTRAP, False, "")]
        assert at.heard("DaemonReached", "ChangesArrived")
        await at.ends(snapshot)


@SIZES
async def test_j04_compose_and_run(size: Size, snapshot: SnapshotAssertion) -> None:
    """`r`, scenes by space, the plan while one types, F5: the run is open, and steps move in it."""
    async with walking(size) as at:
        await at.go("2", "runs")
        await at.go("r", "compose")
        await at.until(lambda: at.fake.asked("plan"))
        await at.until(lambda: at.heard("PlanMade"))
        await at.press("f5")
        await at.until(lambda: at.place == "run")
        assert len(at.fake.asked("create_run")) == 1
        assert at.heard("PlanMade", "RunStarted")
        await at.ends(snapshot)


@SIZES
async def test_j05_review(size: Size, snapshot: SnapshotAssertion) -> None:
    """A run, `v`, another candidate, the source in its place and back, enter: it is the picture of its scene."""
    async with walking(size) as at:
        await open_run(at)
        await at.press("g")
        await at.go("v", "review")
        await at.press("l", "space", "space", "enter")
        await at.until(lambda: at.fake.asked("accept"))
        await at.until(lambda: at.heard("CandidateAccepted"))
        await at.ends(snapshot)


@SIZES
async def test_j06_identity(size: Size, snapshot: SnapshotAssertion) -> None:
    """`8` shows what was found in the pictures, by kind with `]`, down to one of them."""
    async with walking(size) as at:
        await at.go("8", "quality")
        await at.until(lambda: at.app.screen.query_one(RowTable).count[0])
        await at.press("right_square_bracket", "left_square_bracket", "j", "k")
        assert at.fake.asked("quality")
        await at.ends(snapshot)


@SIZES
async def test_j07_postprocess(size: Size, snapshot: SnapshotAssertion) -> None:
    """`c` on a run takes what was accepted through the chain; `3` has the pictures, each with what it was made from."""
    async with walking(size) as at:
        await open_run(at)
        await at.press("c")
        await at.until(lambda: at.heard("PicturesMade"))
        await at.go("3", "assets")
        await at.until(lambda: at.app.snapshot.assets)
        await at.ends(snapshot)


async def open_run(at: Walk) -> None:
    """Into the run that is going."""
    await at.go("2", "runs")
    await at.until(lambda: at.app.snapshot.runs)
    await at.press("g")
    await at.go("enter", "run")
    await at.until(lambda: at.app.snapshot.jobs and at.app.snapshot.scenes)
