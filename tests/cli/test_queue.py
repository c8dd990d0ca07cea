"""`bullpen queue` and `bullpen runs pause` against a real daemon."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from bullpen_api.v1 import run_pb2
from bullpen_cli import main
from bullpen_client import Session

from tests.cli.conftest import Bullpen
from tests.support.daemon import Daemon
from tests.support.studio import Studio

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that waits for somebody to resume its queue."""
    with Daemon(tmp_path_factory.mktemp("d") / "home", {"scheduler.start_policy": "paused"}) as running:
        yield running


@pytest.fixture
def home(served: Daemon) -> Path:
    return served.home


async def test_the_queue_is_shown_and_decided_about(served: Daemon, bullpen: Bullpen, tmp_path: Path) -> None:
    """Show, list, pause, resume, move and priorities, by bare ids and names, for persons and for scripts."""
    assert "Nothing waits" in (await bullpen("queue", "list")).out
    async with Session(served.home) as session:
        studio = Studio(session, tmp_path)
        project = await studio.universe(1)
        first, second = [await studio.start(project, seed=seed) for seed in (1, 2)]
        shown = (await bullpen("queue", "show")).out
        assert "paused: 2 jobs waiting, 0 running" in shown
        assert first.name in shown
        assert (await bullpen("runs", "front", second.name.split("/")[-1])).status == 0
        listed = (await bullpen("queue", "list", "--project", project.split("/")[1], "--json")).json["jobs"]
        assert [job["job"] for job in listed] == [f"{second.name}/jobs/j-001", f"{first.name}/jobs/j-001"]
        moved = await bullpen("queue", "move", second.name, "--after", first.name)
        assert (moved.status, "moved" in moved.out) == (0, True)
        refused = await bullpen("queue", "move", second.name, "--after", second.name, "--json")
        assert (refused.status, refused.error["reason"]) == (1, "FIELD_INVALID")
        assert (await bullpen("runs", "priority", second.name, "7", "--json")).json["priority"] == 7
        assert (await bullpen("runs", "pause", f"{first.name}/jobs/j-001", "--json")).json["paused"] is True
        assert (await bullpen("runs", "pause", first.name)).status == 0
        rows = (await bullpen("queue", "show", "--json")).json["runs"]
        assert [(row["run"], row["pausedJobs"]) for row in rows] == [(second.name, 0), (first.name, 1)]
        assert "going" in (await bullpen("queue", "resume")).out
        assert (await studio.logged(second)).state == run_pb2.Run.STATE_SUCCEEDED
        for target in (first.name, f"{first.name}/jobs/j-001"):
            assert (await bullpen("runs", "resume", target)).status == 0
        assert (await studio.logged(first)).state == run_pb2.Run.STATE_SUCCEEDED
        assert "paused" in (await bullpen("queue", "pause", "--now")).out


@pytest.mark.parametrize(
    "line",
    [
        ["queue"],
        ["queue", "move", "last"],
        ["queue", "move", "last", "--front", "--after", "p/r"],
        ["runs", "priority", "last", "urgent"],
        ["runs", "pause"],
    ],
    ids=" ".join,
)
def test_a_wrong_line_is_told_in_one_line(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2 and one line on stderr."""
    assert main.run(line) == 2
    assert capsys.readouterr().err.count("\n") == 1
