"""What is not done: rows that nobody sees are not made, and what stays the same is not painted."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from bullpen_tui.run_rows import shape
from bullpen_tui.screens.metrics import MetricsScreen
from bullpen_tui.screens.run import RunScreen
from bullpen_tui.widgets.chrome import TopBar, figures
from bullpen_tui.widgets.layout import Row
from bullpen_tui.widgets.said import Said, entitle
from textual.containers import Vertical
from textual.content import Content

from tests.tui import story
from tests.tui.driving import live_run, studio
from tests.tui.test_rows import Page


async def test_of_ten_thousand_rows_only_those_in_view_are_made() -> None:
    """Listing, moving and listing again cost a screen of rows; the same list again costs its rows in view alone."""
    made: list[str] = []

    def make(item: SimpleNamespace) -> Row:
        made.append(item.name)
        return Row(item.name, (Content(item.name), Content("ok"), Content("1 s")))

    items = [SimpleNamespace(name=f"row {number}") for number in range(10_000)]
    app = Page()
    async with app.run_test(size=(60, 20)) as pilot:
        app.table.focus()
        app.table.set_items(items, make)
        await pilot.pause()
        await pilot.press("end", "home", "down")
        await pilot.pause()
        assert len(made) < 200
        made.clear()
        app.table.set_items(items, make)
        await pilot.pause()
        assert len(made) <= 20


async def test_a_row_of_a_run_is_made_anew_only_when_something_of_it_changed() -> None:
    """An event of one job makes the row of that job; the others are the rows of before."""
    async with live_run() as at:
        screen = at.app.screen
        assert isinstance(screen, RunScreen)
        jobs = at.app.snapshot.jobs_of(story.TIME_RUN)
        form = shape(3, 80)
        before = [screen._row(job, form) for job in jobs]
        at.fake.step(5)
        await at.until(lambda: at.app.snapshot.progress)
        after = [screen._row(job, form) for job in at.app.snapshot.jobs_of(story.TIME_RUN)]
        assert [one is two for one, two in zip(before, after, strict=True)] == [True, True, False, True, True, True]


async def test_a_machine_at_rest_is_not_painted_every_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """While nothing is made the first line keeps its figures for some seconds; while something is, it is fresh."""
    async with studio() as at:
        bar = at.app.screen.query_one(TopBar)
        line = bar.query_one("#figures-bar", Said)
        idle = story.metrics(0)
        idle.queued_jobs = idle.running_jobs = 0
        said: list[object] = []
        at.app.metrics.append(idle)
        bar.tell()
        monkeypatch.setattr(line, "say", said.append)
        for second in range(3):
            idle = story.metrics(second)
            idle.queued_jobs = idle.running_jobs = 0
            at.app.metrics.append(idle)
            bar.tell()
        assert not said
        at.app.metrics.append(story.metrics(9))
        bar.tell()
        assert len(said) == 1


async def test_the_meters_of_a_machine_at_rest_are_not_painted_every_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plots go on each second while something is made, and every few seconds while nothing is."""
    async with studio() as at:
        await at.go("6", "metrics")
        screen = at.app.screen
        assert isinstance(screen, MetricsScreen)
        said: list[object] = []
        monkeypatch.setattr(screen.query_one("#meters", Said), "say", said.append)
        at.app.metrics.append(story.metrics(1))
        screen.draw_metrics()
        assert len(said) == 1
        for second in range(4):
            idle = story.metrics(second)
            idle.queued_jobs = idle.running_jobs = 0
            at.app.metrics.append(idle)
            screen.draw_metrics()
        assert len(said) == 2, "once more to show that the work has ended"


def test_figures_of_a_machine_at_rest_stand_still() -> None:
    """A processor that does a little more or less shows the same figure, and no history."""
    shown = set()
    for share in (0.31, 0.33, 0.29):
        one = story.metrics(0)
        one.cpu_utilization, one.queued_jobs, one.running_jobs = share, 0, 0
        shown.add(figures([one], 100).plain)
    assert len(shown) == 1


def test_the_same_title_again_paints_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame is painted when its words change; signs of markup in a name are signs."""
    pane = Vertical()
    painted: list[object] = []
    monkeypatch.setattr(pane, "refresh", lambda *given, **named: painted.append(given))
    entitle(pane, "noir [red]", below="x")
    count = len(painted)
    entitle(pane, "noir [red]", below="x")
    assert len(painted) == count > 0
    assert pane._border_title is not None
    assert pane._border_title.plain == "noir [red]"
