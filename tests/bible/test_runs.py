"""The bible and runs: what a plan takes from where, and that what changes under a plan or a run breaks neither."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bullpen_api.v1 import bible_pb2 as pb
from bullpen_api.v1 import run_pb2
from bullpen_client import errors

from tests.bible.desk import CHARACTER, SCENE, SET, STYLE, TEMPLATE
from tests.support.studio import Studio, held, spec

pytestmark = pytest.mark.e2e


def wanted(instruction: str, **more: object) -> run_pb2.RunSpec:
    """A run of the scripted model with an instruction that uses variables."""
    made = spec()
    made.instruction = f"scripted: {instruction}"
    for name, value in more.items():
        setattr(made, name, value)
    return made


async def world(studio: Studio) -> tuple[str, pb.Scene, pb.Character, pb.StyleGuide]:
    """A project with one scene, whose character wears a coat, and one style guide."""
    session, project = studio.session, await studio.project()
    coat = pb.Look(look_id="coat", description="in a red coat")
    mara = pb.Character(description="a woman", looks=[coat], negative_prompt="hat")
    mara = await CHARACTER.create(session, project, "mara", mara)
    guide = await STYLE.create(session, project, "ink", pb.StyleGuide(variables={"style": "ink"}))
    source = (await studio.picture(project, 1)).name
    scene = pb.Scene(source_asset=source, characters=[mara.name], looks={"mara": "coat"})
    return project, await SCENE.create(session, project, "pier", scene), mara, guide


async def test_run_keeps_what_it_was_started_with(studio: Studio) -> None:
    """Scene, character and style guide go to the trash while the run runs: it ends, its log has every value."""
    project, scene, mara, guide = await world(studio)
    session = studio.session
    gate = studio.folder / "go"
    run = await studio.create(
        project, wanted(f"{held(gate)} {{character}} {{character_negative}} {{style}}", candidates=2)
    )
    await studio.progress(run, lambda progress: progress.step >= 1)
    for sort, item in ((SCENE, scene), (CHARACTER, mara), (STYLE, guide)):
        await sort.call(session, "Delete", name=item.name)
    gate.touch()
    ended = await studio.logged(run)
    assert ended.state == run_pb2.Run.STATE_SUCCEEDED
    (job,) = await studio.jobs(run)
    assert "a woman, in a red coat hat ink" in job.prompt
    assert [candidate.state for candidate in job.candidates] == [run_pb2.Candidate.STATE_SUCCEEDED] * 2
    recipe = (await session.runs.GetJob(run_pb2.GetJobRequest(name=job.name))).candidates[0].recipe_json
    assert "a woman, in a red coat" in recipe
    kept = await SCENE.call(session, "Get", name=scene.name)
    assert kept.HasField("delete_time")
    assert [picture.stage for picture in kept.accepted] == ["style"]
    back = await SCENE.call(session, "Undelete", name=scene.name)
    assert back.accepted == kept.accepted


async def test_plans_leave_the_trash_out(studio: Studio) -> None:
    """A scene in the trash is not taken, and cannot be named; a style guide there gives no values."""
    project, scene, _, guide = await world(studio)
    session = studio.session
    other = pb.Scene(source_asset=(await studio.picture(project, 2)).name, characters=scene.characters)
    other = await SCENE.create(session, project, "quay", other)
    await SCENE.call(session, "Delete", name=scene.name)
    request = run_pb2.PlanRunRequest(parent=project, spec=wanted("{style} {character}"))
    plan = await session.runs.PlanRun(request)
    assert [job.scene for job in plan.jobs] == [other.name]
    named = run_pb2.PlanRunRequest(parent=project, spec=wanted("{style}"))
    named.spec.scenes.scenes.append(scene.name)
    with pytest.raises(errors.ResourceNotFound):
        await session.runs.PlanRun(named)
    await STYLE.call(session, "Delete", name=guide.name)
    with pytest.raises(errors.FieldInvalid) as refused:
        await session.runs.PlanRun(request)
    assert refused.value.field == "variables.style"
    stale = run_pb2.CreateRunRequest(parent=project, spec=request.spec, plan_digest=plan.digest)
    with pytest.raises(errors.FieldInvalid):
        await session.runs.CreateRun(stale)


async def test_character_in_the_trash_has_no_words(studio: Studio) -> None:
    """A stage that needs the first character says so while it is in the trash; no other takes its place."""
    project, scene, mara, _ = await world(studio)
    session = studio.session
    rosa = await CHARACTER.create(session, project, "rosa", pb.Character(description="a robot"))
    both = pb.Scene(name=scene.name, characters=[mara.name, rosa.name])
    await SCENE.update(session, both, "characters")
    await CHARACTER.call(session, "Delete", name=mara.name)
    request = run_pb2.PlanRunRequest(parent=project, spec=wanted("{character}"))
    with pytest.raises(errors.FieldInvalid) as refused:
        await session.runs.PlanRun(request)
    assert refused.value.field == "variables.character"
    assert (await session.runs.PlanRun(run_pb2.PlanRunRequest(parent=project, spec=wanted("plain")))).jobs
    await CHARACTER.call(session, "Undelete", name=mara.name)
    assert "a woman, in a red coat" in (await session.runs.PlanRun(request)).jobs[0].prompt


async def test_retry_needs_no_scene(studio: Studio) -> None:
    """A canceled run is retried from its own values though its scene is in the trash."""
    project, scene, _, _ = await world(studio)
    session = studio.session
    run = await studio.create(project, wanted("steps=500 step_ms=20 {character}"))
    await studio.progress(run, lambda progress: progress.step >= 1)
    await session.runs.CancelRun(run_pb2.CancelRunRequest(name=run.name))
    run = await studio.logged(run)
    await SCENE.call(session, "Delete", name=scene.name)
    again = await session.runs.RetryRun(run_pb2.RetryRunRequest(name=run.name))
    assert "a woman" in (await studio.jobs(again))[0].prompt
    await session.runs.CancelRun(run_pb2.CancelRunRequest(name=again.name))
    assert (await studio.logged(again)).state == run_pb2.Run.STATE_CANCELED


def taken(uses: object) -> list[tuple[str, str, str]]:
    """Part, item and source of what acts on a picture, without the project's name."""
    return [
        (run_pb2.BibleUse.Part.Name(use.part).removeprefix("PART_"), use.item, "/".join(use.source.split("/")[-2:]))
        for use in uses  # type: ignore[attr-defined]  # a repeated field
    ]


async def test_j06_what_acts_is_shown_kept_and_replayed(studio: Studio) -> None:
    """The plan tells what was taken from where; job, recipe and log keep it; a replay gives the same file, whatever
    became of the bible.
    """
    project, scene, mara, guide = await world(studio)
    session = studio.session
    shown = (await studio.picture(project, 5)).name
    kept = pb.ReferenceSet(purpose=pb.ReferenceSet.PURPOSE_CHARACTER, items=[pb.ReferenceItem(asset=shown)])
    kept = await SET.create(session, project, "mara-refs", kept)
    await CHARACTER.update(session, pb.Character(name=mara.name, reference_set=kept.name), "reference_set")
    words = pb.PromptTemplate(
        text="scripted: {character} {mood}",
        stage="stages/style",
        variables=[pb.TemplateVariable(variable="mood", default_value="calm")],
    )
    words = await TEMPLATE.create(session, project, "mine", words)
    asked = run_pb2.RunSpec(
        stage="style", scenes=run_pb2.SceneSelection(), model="models/scripted", candidates=2, seed=7
    )
    plan = await session.runs.PlanRun(run_pb2.PlanRunRequest(parent=project, spec=asked))
    (planned,) = plan.jobs
    assert planned.prompt == "scripted: a woman, in a red coat calm"
    assert planned.negative_prompt == "hat"
    assert taken(planned.uses) == [
        ("INSTRUCTION", "", "promptTemplates/mine"),
        ("VARIABLE", "character", "characters/mara"),
        ("VARIABLE", "mood", "promptTemplates/mine"),
        ("NEGATIVE_PROMPT", "", "characters/mara"),
        ("IDENTITY_REFERENCE", shown, "referenceSets/mara-refs"),
    ]
    run = await studio.logged(await studio.create(project, asked))
    (job,) = await studio.jobs(run)
    assert list(job.uses) == list(planned.uses)
    recipe = json.loads((await session.runs.GetJob(run_pb2.GetJobRequest(name=job.name))).candidates[0].recipe_json)
    assert [use["source"] for use in recipe["bible"]] == [use.source for use in planned.uses]
    assert recipe["variables"] == {"character": "a woman, in a red coat", "mood": "calm"}

    await CHARACTER.update(session, pb.Character(name=mara.name, prompt="a robot"), "prompt")
    for sort, item in ((SCENE, scene), (STYLE, guide), (TEMPLATE, words)):
        await sort.call(session, "Delete", name=item.name)
    log = Path(run.log_path).read_text()
    again = await studio.logged(await session.runs.ReplayRun(run_pb2.ReplayRunRequest(run_log=log)))
    once_more = Path(again.log_path).read_text()
    third = await studio.logged(await session.runs.ReplayRun(run_pb2.ReplayRunRequest(run_log=once_more)))
    for repeated in (again, third):
        for old, new in zip(await studio.candidates(run), await studio.candidates(repeated), strict=True):
            assert new.name != old.name
            assert new.asset == old.asset, "the same bytes are the same asset"
            assert new.quality == old.quality
        assert list((await studio.jobs(repeated))[0].uses) == list(planned.uses)


async def test_a_reference_set_that_lost_its_pictures_is_refused_by_its_path(studio: Studio) -> None:
    """A set that was emptied while its character lay in the trash stops the run that would be held against it."""
    project, _, mara, _ = await world(studio)
    session = studio.session
    item = pb.ReferenceItem(asset=(await studio.picture(project, 5)).name)
    kept = pb.ReferenceSet(purpose=pb.ReferenceSet.PURPOSE_CHARACTER, items=[item])
    kept = await SET.create(session, project, "mara-refs", kept)
    await CHARACTER.update(session, pb.Character(name=mara.name, reference_set=kept.name), "reference_set")
    await CHARACTER.call(session, "Delete", name=mara.name)
    await SET.update(session, pb.ReferenceSet(name=kept.name), "items")
    await CHARACTER.call(session, "Undelete", name=mara.name)
    with pytest.raises(errors.ReferenceSetEmpty) as refused:
        await session.runs.PlanRun(run_pb2.PlanRunRequest(parent=project, spec=wanted("plain")))
    assert refused.value.field == "characters.mara.reference_set"
    assert refused.value.remedy
