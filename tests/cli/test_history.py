"""`bullpen runs log`, `ingest`, `lineage` and retries of findings, over a real daemon."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from bullpen_client import Session

from tests.cli.conftest import Bullpen
from tests.support.daemon import Daemon
from tests.support.studio import Studio

pytestmark = pytest.mark.e2e


@pytest.fixture
def real(home: Path) -> Iterator[Daemon]:
    with Daemon(home) as daemon:
        yield daemon


async def test_a_log_goes_out_and_comes_in(real: Daemon, bullpen: Bullpen, tmp_path: Path) -> None:
    """Written whole to a file or on standard output; taken in once; what is no log is refused in one line."""
    async with Session(real.home) as session:
        studio = Studio(session, tmp_path)
        project = await studio.universe(1)
        run = await studio.run(project, candidates=2)
    out = tmp_path / "run.json"
    assert (await bullpen("runs", "log", run.name, "-o", str(out))).status == 0
    assert (await bullpen("runs", "log")).out == out.read_text() == Path(run.log_path).read_text()
    schema = await bullpen("runs", "log", "--schema")
    assert json.loads(schema.out)["title"] == "Run log"
    known = await bullpen("runs", "ingest", str(out))
    assert known.out.startswith(f"{run.name}  known already")
    await bullpen("projects", "create", "copy", "--title", "Copy")
    made = await bullpen("runs", "ingest", str(out), "--project", "copy")
    assert made.out.startswith("projects/copy/runs/r-0001-style  made of")
    assert "3 pictures of it are not here" in made.out
    again = await bullpen("runs", "ingest", str(out), "--project", "copy", "--json")
    assert [(item.get("created", False), len(item["missing"])) for item in again.json["runs"]] == [(False, 3)]
    (tmp_path / "no.json").write_text("{}")
    refused = await bullpen("runs", "ingest", str(tmp_path / "no.json"), "--json")
    assert (refused.status, refused.error["reason"]) == (1, "RUN_LOG_INVALID")
    assert refused.error["message"].startswith(f"{tmp_path / 'no.json'}: ")
    assert (await bullpen("runs", "ingest")).status == 2


async def test_descent_is_shown_as_a_tree(real: Daemon, bullpen: Bullpen, tmp_path: Path) -> None:
    """Source, stages, branches, what is accepted and what is out of date; of a run, a scene and an asset."""
    async with Session(real.home) as session:
        studio = Studio(session, tmp_path)
        project = await studio.universe(1)
        await studio.run(project)
        later = await studio.run(project, stage="time")
        await studio.run(project, seed=9)
        (candidate,) = await studio.candidates(later)
    shown = await bullpen("runs", "lineage", later.name)
    assert "▸★ time  r-0002-time/j-001/c-1  branch 1" in shown.out
    assert "style  r-0003-style/j-001/c-1  branch 2" in shown.out
    assert "Made from the style picture c-1 of r-0001-style" in " ".join(shown.out.split())
    assert (await bullpen("assets", "show", candidate.asset)).out.count("branch") == 3
    assert "⚑time" in (await bullpen("scenes", "list", project.rsplit("/", 1)[-1])).out
    of_scene = await bullpen("runs", "lineage", f"{project}/scenes/s1", "--json")
    assert [bool(node.get("stale")) for node in of_scene.json["nodes"]] == [False, True, False]
    assert (await bullpen("runs", "lineage", "nobody", "--json")).error["reason"] == "RESOURCE_NOT_FOUND"


async def test_flagged_pictures_are_retried(real: Daemon, bullpen: Bullpen, tmp_path: Path) -> None:
    """By itself with a budget, as a set afterwards; the report says why; an unknown finding is a usage error."""
    async with Session(real.home) as session:
        studio = Studio(session, tmp_path)
        project = (await studio.universe(1)).rsplit("/", 1)[-1]
    line = f"run --project {project} --stage style --all-scenes --model scripted --seed 7 --candidates 1 --yes"
    words = ("--instruction", "scripted: blank")
    assert (await bullpen(*line.split(), *words, "--retry-on", "blank", "--retry-budget", "1")).status == 0
    told = await bullpen("runs", "qa", "last")
    assert "↻ j-002 makes j-001 again" in told.out
    assert "flat tone" in told.out
    assert (await bullpen("runs", "retry", "last", "--finding", "blank", "--change", "strength")).status == 0
    assert (await bullpen("runs", "retry", "last", "--finding", "chroma", "--json")).error["reason"] == "STATE_CONFLICT"
    for wrong in (("runs", "retry", "last", "--finding", "ugly"), (*line.split(), *words, "--retry-on", "ugly")):
        done = await bullpen(*wrong)
        assert (done.status, len(done.err.splitlines())) == (2, 1)
