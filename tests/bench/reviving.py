"""The daemon killed again and again under the open studio: what is on the screen afterwards is what is."""

from __future__ import annotations

import time
from collections.abc import Callable

from bullpen_api.v1 import project_pb2, run_pb2
from bullpen_tui.app import StudioApp
from bullpen_tui.session import dial
from bullpen_tui.widgets.chrome import Banner
from textual.pilot import Pilot

from tests.bench.effort import Effort
from tests.bench.studio import PROJECT, Studio
from tests.bench.table import Row, Series

PATIENCE = 120.0
SCENE = f"{PROJECT}/scenes/s0001"
ENDED = (run_pb2.Run.STATE_SUCCEEDED, run_pb2.Run.STATE_PARTIAL)


async def measure(effort: Effort) -> list[Row]:
    """Twenty kills, each in the middle of a run; the time until the studio shows what is."""
    rounds = effort.count(20, 5)
    seconds = Series.of(await revived(rounds))
    return [
        Row(
            f"studio open over {rounds} kills of the daemon: state right each time",
            f"{rounds} of {rounds}",
            f"{len(seconds.values)}; serving again → shown {seconds.text('s')}",
            len(seconds.values) == rounds,
            seconds.to_dict(),
        )
    ]


async def revived(rounds: int) -> list[float]:
    """Seconds from serving again to a screen that is right, for each kill. Raises AssertionError where it is not."""
    took: list[float] = []
    async with Studio() as studio:
        await studio.project(1)
        app = StudioApp(dial(studio.home))
        async with app.run_test(size=(100, 30)) as pilot:
            await _until(pilot, lambda: app.listed and PROJECT in app.snapshot.projects, "the first list")
            app.go("runs")
            await _until(pilot, lambda: app.reading.known(f"runs {PROJECT}"), "the runs")
            for number in range(rounds):
                run = await studio.create_run([SCENE], "scripted: steps=30 step_ms=10 size=8x8")
                await _until(pilot, lambda name=run.name: name in app.snapshot.runs, "the run")  # type: ignore[misc]
                await studio.kill()
                await _until(pilot, lambda: app.lost, "the banner")
                await studio.start()
                began = time.perf_counter()
                made = project_pb2.CreateProjectRequest(
                    project_id=f"p{number}", project=project_pb2.Project(title=f"Made {number}")
                )
                await studio.session.projects.CreateProject(made)
                await _until(pilot, lambda: not app.lost, "no banner")
                await _until(pilot, lambda n=number: f"projects/p{n}" in app.snapshot.projects, "the project")  # type: ignore[misc]
                took.append(time.perf_counter() - began)
                await _until(pilot, lambda name=run.name: app.snapshot.runs[name].state in ENDED, "the run's end")  # type: ignore[misc]
                await _compare(studio, app)
                assert not app.screen.query_one(Banner).has_class("-shown")
    return took


async def _compare(studio: Studio, app: StudioApp) -> None:
    """The mirror has what the daemon lists, and its journal has no gap and nothing twice."""
    projects = await studio.session.projects.ListProjects(project_pb2.ListProjectsRequest(page_size=500))
    assert {one.name for one in projects.projects} == set(app.snapshot.projects)
    runs = await studio.session.runs.ListRuns(run_pb2.ListRunsRequest(parent=PROJECT, page_size=500))
    shown = {run.name: run.state for run in app.snapshot.runs_of(PROJECT)}
    assert {run.name: run.state for run in runs.runs} == shown
    revisions = [entry.revision for entry in app.snapshot.journal]
    assert revisions == list(range(revisions[0], revisions[0] + len(revisions))), "a gap, or twice"


async def _until(pilot: Pilot[int], fact: Callable[[], object], what: str) -> None:
    end = time.perf_counter() + PATIENCE
    while not fact():
        assert time.perf_counter() < end, f"never: {what}"
        await pilot.pause(0.02)
