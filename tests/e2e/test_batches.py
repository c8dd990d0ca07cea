"""Candidates in batches, over the socket: measured first, then used where it pays, and kept with what was made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
from bullpen_api.v1 import run_pb2

from tests.support.daemon import Daemon
from tests.support.studio import Studio

pytestmark = pytest.mark.e2e
WORDS = "step_ms=60 steps=3"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that may compute four candidates together."""
    with Daemon(tmp_path_factory.mktemp("d") / "home", {"scheduler.batch_limit": 4}) as running:
        yield running


async def recipes(studio: Studio, run: run_pb2.Run) -> list[dict[str, object]]:
    """The recipe of each picture."""
    found = []
    for job in await studio.jobs(run):
        whole = await studio.session.runs.GetJob(run_pb2.GetJobRequest(name=job.name))
        found += [json.loads(candidate.recipe_json) for candidate in whole.candidates]
    return found


async def test_sizes_are_measured_and_the_one_that_pays_is_kept(studio: Studio, daemon: Daemon) -> None:
    """Alone, in pairs, in fours: a scripted step takes no longer for four, so fours stay; a replay has them too."""
    project = await studio.universe(1)
    made = [await studio.run(project, WORDS, 4) for _ in range(4)]
    used = [{recipe["method"].get("batch", 1) for recipe in await recipes(studio, run)} for run in made]  # type: ignore[attr-defined]  # JSON
    assert used == [{1}, {2}, {4}, {4}]
    rows = {
        batch: (samples, seconds)
        for batch, samples, seconds in apsw.Connection(str(daemon.home / "bullpen.sqlite3")).execute(
            "SELECT batch, samples, step_seconds FROM batch_times"
        )
    }
    assert {batch: samples for batch, (samples, _) in rows.items()} == {1: 4, 2: 4, 4: 8}
    assert rows[4][1] < rows[2][1] < rows[1][1]
    request = run_pb2.ReplayRunRequest(run_log=Path(made[-1].log_path).read_text())
    again = await studio.logged(await studio.session.runs.ReplayRun(request))
    before, after = await studio.candidates(made[-1]), await studio.candidates(again)
    assert [candidate.asset for candidate in before] == [candidate.asset for candidate in after], "to the byte"


async def test_what_cannot_be_cut_into_batches_is_made_alone(studio: Studio) -> None:
    """Three candidates are no pairs."""
    project = await studio.universe(1)
    run = await studio.run(project, WORDS, 3)
    assert all("batch" not in recipe["method"] for recipe in await recipes(studio, run))  # type: ignore[operator]  # JSON
