"""The journeys as a new person walks them: a real tmux of 80×24, a real daemon, the embedded models, keys alone.

Where there is no tmux the same steps are those of `test_journeys.py`, which needs none.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from bullpen_api.v1 import asset_pb2, run_pb2
from bullpen_client import Session

from tests.acceptance.conftest import SAMPLE, STARTER
from tests.support.daemon import Daemon
from tests.support.tmux import Tmux, installed

pytestmark = pytest.mark.e2e
ABSENT = (
    "tmux is not installed here (Debian: apt install tmux); tests/tui/test_journeys.py walks the same steps without it"
)
TO_VARIABLES = 6
"""Fields of the composer between the first one and the values for the instruction."""


async def test_a_new_person_gets_to_pictures_without_leaving_the_studio(tmp_path: Path) -> None:
    """J00 welcome, J01 a universe, J02 pictures in, J03 the bootstrap, J04 a run, J05 another winner, J06 what was
    found, J07 the chain; then out, and the daemon goes on.
    """
    if not installed():
        print(ABSENT)  # noqa: T201 -- the one who reads the run is told
        return
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for path in sorted((SAMPLE / "scenes").glob("*.png"))[:2]:
        (pictures / path.name).write_bytes(path.read_bytes())
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BULLPEN_")}
    with Daemon(tmp_path / "home", STARTER) as daemon:
        command = [sys.executable, "-m", "bullpen_cli", "tui", "--home", str(daemon.home)]
        with Tmux(command, (80, 24), {**kept, "OMP_NUM_THREADS": "1"}) as at:
            await at.until("Welcome to Bullpen", "✓ Models")

            await at.press("n")
            await at.until("New project")
            await at.type("Harbor")
            await at.press("Enter", "Enter")
            await at.type("A harbour at night.")
            await at.press("Enter")
            await at.until("A harbour at night.", "Scenes", without="New project")

            await at.press("U")
            await at.until("No scene yet")
            await at.press("i")
            await at.until("Pictures in")
            await at.type(str(pictures))
            await at.press("Enter")
            await at.until("Story 2", "02 scene 02")

            await at.press("b")
            await at.until("Bootstrap", "prompt")
            await at.press("Escape")
            await at.until("Story 2", "02 scene 02")

            await at.press("Space", "r")
            await at.until("New run · harbor", "{style}")
            await at.press(*["Tab"] * TO_VARIABLES)
            await at.type("style=noir")
            await at.press("Tab")
            await at.type("2")
            await at.press("Tab", "Tab")
            await at.type("2")
            await at.until("2   1 job × 2", "steps         2", "F5 run")
            await at.press("F5")
            await at.until("✓ done  2/2", "★ 1")

            await at.press("v")
            await at.until("source", "reasons")
            await at.press("l", "Enter")
            await at.until("taken by hand")

            await at.press("8")
            await at.until("8 QA", "r-0001-style")

            await at.press("2")
            await at.until("2 Runs", "r-0001-style")
            await at.press("Enter")
            await at.until("c cut out")
            await at.press("c", "3")
            await at.until("3 Assets", "harbor · 8", "post")
            await at.press("q")
            while not at.ended:
                await at.until("")
        async with Session(daemon.home) as session:
            (run,) = (await session.runs.ListRuns(run_pb2.ListRunsRequest(parent="projects/harbor"))).runs
            (job,) = (await session.runs.ListJobs(run_pb2.ListJobsRequest(parent=run.name))).jobs
            taken = [one.accepted and one.accepted_by_hand for one in job.candidates]
            assert sorted(taken) == [False, True]
            listed = await session.assets.ListAssets(asset_pb2.ListAssetsRequest(parent="projects/harbor"))
            assert sum(one.kind == asset_pb2.Asset.KIND_POSTPROCESS for one in listed.assets) >= 3
