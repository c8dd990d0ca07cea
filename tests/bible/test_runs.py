"""The bible and runs: what is deleted under a plan or a run breaks neither."""

from __future__ import annotations

import pytest
from bullpen_api.v1 import bible_pb2 as pb
from bullpen_api.v1 import run_pb2
from bullpen_client import errors

from tests.bible.desk import CHARACTER, SCENE, STYLE
from tests.support.studio import Studio, spec

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
    run = await studio.create(
        project, wanted("steps=8 step_ms=40 {character} {character_negative} {style}", candidates=2)
    )
    await studio.progress(run, lambda progress: progress.step >= 1)
    for sort, item in ((SCENE, scene), (CHARACTER, mara), (STYLE, guide)):
        await sort.call(session, "Delete", name=item.name)
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
