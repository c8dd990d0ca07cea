"""Run logs over the socket: complete, valid by their published schema, taken in from elsewhere, once each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from bullpen_api.v1 import asset_pb2, bible_pb2, history_pb2, run_pb2
from bullpen_client import errors

from tests.support.daemon import Daemon
from tests.support.studio import Studio

pytestmark = pytest.mark.e2e


async def log_of(studio: Studio, run: run_pb2.Run) -> str:
    """The log of a run, as the daemon gives it."""
    return (await studio.session.history.GetRunLog(history_pb2.GetRunLogRequest(name=run.name))).json


async def ingest(studio: Studio, log: str, parent: str = "") -> history_pb2.IngestRunLogResponse:
    """Takes in a log."""
    return await studio.session.history.IngestRunLog(history_pb2.IngestRunLogRequest(run_log=log, parent=parent))


async def scene(studio: Studio, project: str, slug: str = "s1") -> bible_pb2.Scene:
    """A scene as it is now."""
    return await studio.session.bible.GetScene(bible_pb2.GetSceneRequest(name=f"{project}/scenes/{slug}"))


async def test_j04_log_is_complete_and_valid_by_its_published_schema(studio: Studio, daemon: Daemon) -> None:
    """What the daemon gives is what lies beside the run; schema and log agree, also of a run with a failure."""
    project = await studio.universe(2)
    good = await studio.run(project, candidates=2)
    bad = await studio.run(project, "fail=ENGINE_FAILED", candidates=1)
    answer = await studio.session.history.GetRunLogSchema(history_pb2.GetRunLogSchemaRequest())
    schema = json.loads(answer.json)
    jsonschema.Draft202012Validator.check_schema(schema)
    for run in (good, bad):
        text = await log_of(studio, run)
        assert text == Path(run.log_path).read_text()
        log = json.loads(text)
        assert log["schema"] == answer.schema
        jsonschema.validate(log, schema)
        del log["jobs"][0]["candidates"][0]["rank_reason"]
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(log, schema)


async def test_j04_log_of_a_run_that_goes_on_is_refused(studio: Studio) -> None:
    """It is not complete yet."""
    run = await studio.start(await studio.universe(1), "steps=500 step_ms=20")
    with pytest.raises(errors.StateConflict):
        await log_of(studio, run)
    await studio.session.runs.CancelRun(run_pb2.CancelRunRequest(name=run.name))
    assert json.loads(await log_of(studio, run))["state"] == "CANCELED"


async def test_j04_log_of_another_project_becomes_a_run(studio: Studio) -> None:
    """With its jobs, candidates, reasons and failures; once; its pictures are found when they are there."""
    one, two = await studio.universe(2), await studio.project()
    run = await studio.run(one, candidates=2)
    log = await log_of(studio, run)
    made = await ingest(studio, log, two)
    assert made.created
    assert len(made.missing) == 2 + 4
    assert made.run.state == run_pb2.Run.STATE_SUCCEEDED
    assert made.run.name.startswith(f"{two}/runs/")
    assert made.run.figures == run.figures
    assert (made.run.model, made.run.seed, made.run.sampling) == (run.model, run.seed, run.sampling)
    told, copied = await studio.jobs(run), await studio.jobs(made.run)
    for old, new in zip(told, copied, strict=True):
        assert (new.prompt, new.state, new.scene, new.source_path) == (old.prompt, old.state, "", old.scene[-2:])
        for before, after in zip(old.candidates, new.candidates, strict=True):
            assert (after.seed, after.rank, after.rank_reason) == (before.seed, before.rank, before.rank_reason)
            assert after.quality == before.quality
            assert (after.accepted, after.asset) == (before.accepted, "")
    with pytest.raises(errors.StateConflict) as absent:
        await studio.session.runs.AcceptCandidate(run_pb2.AcceptCandidateRequest(name=copied[0].candidates[0].name))
    assert "import" in absent.value.remedy.lower()

    again = await ingest(studio, json.dumps(json.loads(log)), two)
    assert (again.created, again.run.name) == (False, made.run.name)
    kept = json.loads(await log_of(studio, made.run))
    hashes = [item["sha256"] for job in json.loads(log)["jobs"] for item in job["candidates"]]
    assert [item["sha256"] for job in kept["jobs"] for item in job["candidates"]] == hashes
    assert kept["plan"]["log_of"] == run.name


async def test_j04_log_ingested_again_finds_pictures_that_came_since(studio: Studio) -> None:
    """The run gets them, and a scene that has nothing yet gets what was accepted; a choice that was made stays."""
    one, two = await studio.universe(1), await studio.project()
    run = await studio.run(one, candidates=1)
    log = await log_of(studio, run)
    await ingest(studio, log, two)
    await studio.scenes(two, 1)  # the same drawings
    with_source = await ingest(studio, log, two)
    (candidate,) = await studio.candidates(run)
    assert list(with_source.missing) == [json.loads(log)["jobs"][0]["candidates"][0]["sha256"]]
    path = studio.folder / "made.png"
    path.write_bytes(await studio.content(candidate.asset))
    await studio.session.assets.ImportAsset(asset_pb2.ImportAssetRequest(parent=two, path=str(path)))
    whole = await ingest(studio, log, two)
    assert not whole.missing
    (found,) = await studio.candidates(whole.run)
    assert found.asset.rsplit("/", 1)[-1] == candidate.asset.rsplit("/", 1)[-1]
    replayed = await studio.logged(
        await studio.session.runs.ReplayRun(run_pb2.ReplayRunRequest(run_log=log, parent=two))
    )
    assert replayed.state == run_pb2.Run.STATE_SUCCEEDED


async def test_j04_log_of_the_same_run_is_that_run(studio: Studio) -> None:
    """A log that this home wrote gives the run that wrote it, and changes nothing."""
    project = await studio.universe(1)
    run = await studio.run(project)
    answer = await ingest(studio, await log_of(studio, run))
    assert (answer.created, answer.run.name, list(answer.missing)) == (False, run.name, [])
    assert len((await studio.session.runs.ListRuns(run_pb2.ListRunsRequest(parent=project))).runs) == 1


async def test_j04_lost_run_comes_back_under_its_name(studio: Studio) -> None:
    """A log of this project whose run is not there gives the run its old id; new runs go on behind it."""
    one = await studio.universe(1)
    log = json.loads(await log_of(studio, await studio.run(one)))
    project = await studio.universe(1)
    text = json.dumps(log).replace(one, project).replace("r-0001-", "r-0002-")
    text = text.replace(f'"project": "{one[9:]}"', f'"project": "{project[9:]}"')
    made = await ingest(studio, text)
    assert made.created
    assert made.run.name == f"{project}/runs/r-0002-style"
    # Its source is the drawing that this project has too, and its picture is not: it tells of another project.
    assert len(made.missing) == 1
    assert not (await scene(studio, project)).accepted
    assert (await studio.run(project)).name == f"{project}/runs/r-0003-style"


async def test_j04_older_log_is_taken_in(studio: Studio) -> None:
    """One of the first version knows no LoRAs, no bible, no template and no reasons for measures that do not apply."""
    project = await studio.universe(1)
    log = json.loads(await log_of(studio, await studio.run(project)))
    old: Any = json.loads(json.dumps(log))
    del old["request"]["loras"], old["request"]["prompt_template"], old["plan"]["loras"]
    for job in old["jobs"]:
        del job["loras"], job["bible"]
        for candidate in job["candidates"]:
            del candidate["quality"]["not_applicable"], candidate["quality"]["nearest"]
    two = await studio.project()
    made = await ingest(studio, json.dumps(old), two)
    assert made.created
    assert made.run.figures.candidates_done == 1


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("jobs.0.candidates.0.quality.findings", [{"severity": "HARD", "kind": "UGLY"}]),
        ("jobs.0.state", "RUNNING"),
        ("state", "QUEUED"),
        ("request.stage", "../x"),
        ("request.project", "../x"),
        ("times.create", "yesterday"),
    ],
)
async def test_j04_damaged_log_is_refused_by_its_path(studio: Studio, path: str, value: object) -> None:
    """One bad field: RUN_LOG_INVALID names it, and nothing is made."""
    project = await studio.universe(1)
    run = await studio.run(project)
    log: Any = json.loads(await log_of(studio, run))
    *parents, last = path.split(".")
    place = log
    for part in parents:
        place = place[int(part)] if part.isdigit() else place[part]
    place[last] = value
    two = await studio.project()
    with pytest.raises(errors.RunLogInvalid) as refused:
        await ingest(studio, json.dumps(log), two)
    assert refused.value.field.startswith(path)
    assert not (await studio.session.runs.ListRuns(run_pb2.ListRunsRequest(parent=two))).runs
