"""J06: a person adds characters with their references and LoRA, and sees how far the panels drift from them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bullpen_api.v1 import bible_pb2, model_pb2, quality_pb2, run_pb2
from bullpen_client import errors

from tests.acceptance.conftest import Desk, few_steps
from tests.support.daemon import Daemon
from tests.support.tiny_lora import build_tiny_lora

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


async def test_j06_a_character_acts_and_is_measured(desk: Desk, daemon: Daemon) -> None:
    """Its words and LoRA are in the plan and the recipe; drift of identity and style is told per panel; what was
    flagged is retried as a set.
    """
    universe = await desk.story()
    session, project = desk.session, universe.project
    edit = await session.models.GetModel(model_pb2.GetModelRequest(name="models/starter-edit"))
    build_tiny_lora(daemon.home / "models" / "mara-lora", Path(edit.path), rank=2, base_model="starter-edit")
    mara = bible_pb2.Character(name=universe.mara, loras=[model_pb2.LoraUse(model="models/mara-lora", scale=0.1)])
    await session.bible.UpdateCharacter(bible_pb2.UpdateCharacterRequest(character=mara))
    for stage in ("style", "time", "weather"):
        await desk.stage(universe, stage)
    spec = few_steps("characters", universe.scenes[:1], candidates=2)
    plan = await session.runs.PlanRun(run_pb2.PlanRunRequest(parent=project, spec=spec))
    (job,) = plan.jobs
    assert "red hair" in job.prompt
    assert [(use.model, use.scale) for use in job.loras] == [("models/mara-lora", 0.1)]
    identity = [use.source for use in job.uses if use.part == run_pb2.BibleUse.PART_IDENTITY_REFERENCE]
    assert identity == [f"{project}/referenceSets/mara"]
    run = await desk.drawn(spec, project)
    assert run.state == run_pb2.Run.STATE_SUCCEEDED, run.error
    (made,) = await desk.jobs(run)
    for candidate in made.candidates:
        assert 0 <= candidate.quality.measures["style_drift"] <= 1
        told = {**candidate.quality.measures, **candidate.quality.not_applicable}
        assert {"identity_drift", "copy_rate"} <= told.keys()
    whole = await session.runs.GetJob(run_pb2.GetJobRequest(name=made.name))
    recipe = json.loads(whole.candidates[0].recipe_json)
    assert [(lora["name"], lora["scale"]) for lora in recipe["loras"]] == [("models/mara-lora", 0.1)]

    summary = await session.quality.GetQualitySummary(quality_pb2.GetQualitySummaryRequest(name=run.name))
    best = min(made.candidates, key=lambda candidate: candidate.rank)
    flagged = sorted({finding.kind for finding in best.quality.findings})
    assert {tally.kind for tally in summary.findings} >= set(flagged)
    request = run_pb2.RetryRunRequest(name=run.name, findings=flagged or [run_pb2.Finding.KIND_IDENTITY])
    if not flagged:
        with pytest.raises(errors.StateConflict):
            await session.runs.RetryRun(request)
        return
    again = await desk.logged(await session.runs.RetryRun(request))
    (retried,) = await desk.jobs(again)
    assert (retried.parent_job, bool(retried.retry_reason)) == (made.name, True)
