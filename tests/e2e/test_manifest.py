"""Stages as data, through the socket: a project with stages of its own, and mistakes refused by their path."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from bullpen_api.v1 import run_pb2
from bullpen_client import errors
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct

from tests.support.daemon import Daemon
from tests.support.studio import Studio, spec

pytestmark = pytest.mark.e2e

OWN: dict[str, Any] = {
    "stages": {
        "grain": {
            "title": "Grain",
            "description": "Puts paper under the ink.",
            "instruction": "Print it on {paper}.",
            "predecessor": "style",
            "default_model": "models/scripted",
            "default_candidates": 1,
            "strategy": "instruction_edit",
            "variables": {"paper": "The paper, such as newsprint."},
        },
        "style": {"default_model": "models/scripted", "default_candidates": 1},
    }
}


async def update(studio: Studio, project: str, own: dict[str, Any], **more: Any) -> run_pb2.Manifest:
    manifest = run_pb2.Manifest(name=f"{project}/manifest", own=ParseDict(own, Struct()))
    return await studio.session.runs.UpdateManifest(run_pb2.UpdateManifestRequest(manifest=manifest, **more))


async def test_j04_a_project_runs_a_stage_of_its_own(studio: Studio) -> None:
    """An own stage is listed, planned with its words from accepted pictures, run and accepted like any other."""
    project = await studio.universe(scenes=1)
    made = await update(studio, project, OWN)
    assert MessageToDict(made.own)["stages"].keys() == {"grain", "style"}
    listed = (await studio.session.runs.ListStages(run_pb2.ListStagesRequest(parent=project))).stages
    assert [stage.name for stage in listed] == [
        f"stages/{name}" for name in ("style", "time", "weather", "characters", "grain")
    ]
    grain = listed[-1]
    assert grain.own
    assert (list(grain.predecessors), list(grain.strategies)) == (["style"], ["instruction_edit"])
    assert [stage.name for stage in listed if stage.own] == ["stages/style", "stages/grain"]
    everywhere = (await studio.session.runs.ListStages(run_pb2.ListStagesRequest())).stages
    assert "stages/grain" not in [stage.name for stage in everywhere]

    wanted = run_pb2.RunSpec(stage="grain", scenes=run_pb2.SceneSelection(), variables={"paper": "newsprint"}, seed=1)
    with pytest.raises(errors.StageNotReady):
        await studio.session.runs.PlanRun(run_pb2.PlanRunRequest(parent=project, spec=wanted))
    await studio.ended(await studio.create(project, spec()))
    run = await studio.ended(await studio.create(project, wanted))
    assert run.state == run_pb2.Run.STATE_SUCCEEDED
    (job,) = await studio.jobs(run)
    assert job.prompt == "Print it on newsprint."


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (("style", "predecessor"), "grain", "stages.style.predecessor"),
        (("grain", "predecessor"), "paint", "stages.grain.predecessor"),
        (("grain", "instruction"), "Print it on {papre}.", "stages.grain.instruction"),
        (("grain", "strategy"), "teleport", "stages.grain.strategy"),
    ],
    ids=["circle", "predecessor that is not there", "unknown variable", "unknown strategy"],
)
async def test_j04_a_wrong_stage_is_refused_by_its_path(
    studio: Studio, path: tuple[str, str], value: str, field: str
) -> None:
    """Nothing of it is taken, and what was in force stays; looking only gives the same answer."""
    project = await studio.universe(scenes=1)
    before = await update(studio, project, OWN)
    wrong = copy.deepcopy(OWN)
    wrong["stages"][path[0]][path[1]] = value
    for look in (True, False):
        with pytest.raises(errors.SettingInvalid) as caught:
            await update(studio, project, wrong, validate_only=look)
        assert caught.value.field == field
    request = run_pb2.GetManifestRequest(name=before.name)
    assert await studio.session.runs.GetManifest(request) == before


async def test_j04_a_manifest_that_was_spoiled_by_hand_is_refused_where_it_is_used(
    studio: Studio, daemon: Daemon
) -> None:
    """The file and the field are named; without the file the project is as it was."""
    project = await studio.universe(scenes=1)
    made = await update(studio, project, OWN)
    file = daemon.home / "projects" / project.removeprefix("projects/") / "manifest.json"
    assert str(file) == made.path
    file.write_text(file.read_text().replace("{paper}", "{papper}"))
    with pytest.raises(errors.SettingInvalid, match="papper") as caught:
        await studio.session.runs.PlanRun(run_pb2.PlanRunRequest(parent=project, spec=spec()))
    assert caught.value.field == "stages.grain.instruction"
    assert str(file) in str(caught.value)
    file.unlink()
    assert (await studio.session.runs.PlanRun(run_pb2.PlanRunRequest(parent=project, spec=spec()))).jobs
