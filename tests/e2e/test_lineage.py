"""Taking a stage again: branches of descent, what becomes out of date, and what makes it current again."""

from __future__ import annotations

import pytest
from bullpen_api.v1 import bible_pb2, history_pb2, lineage_pb2, run_pb2
from bullpen_client import errors

from tests.support.studio import Studio, spec

pytestmark = pytest.mark.e2e


async def scene(studio: Studio, project: str) -> bible_pb2.Scene:
    """The only scene, as it is now."""
    return await studio.session.bible.GetScene(bible_pb2.GetSceneRequest(name=f"{project}/scenes/s1"))


async def lineage(studio: Studio, name: str) -> list[lineage_pb2.LineageNode]:
    """The descent of everything that a name touches."""
    return list((await studio.session.history.GetLineage(history_pb2.GetLineageRequest(name=name))).nodes)


async def accept(studio: Studio, candidate: run_pb2.Candidate) -> run_pb2.Candidate:
    """A person takes a candidate."""
    return await studio.session.runs.AcceptCandidate(run_pb2.AcceptCandidateRequest(name=candidate.name))


async def stages(studio: Studio, *names: str, seed: int = 7) -> tuple[str, dict[str, run_pb2.Run]]:
    """A project with one scene that was taken through some stages, and their runs."""
    project = await studio.universe(1)
    return project, {name: await studio.run(project, stage=name, candidates=2, seed=seed) for name in names}


def stale_stages(found: bible_pb2.Scene) -> dict[str, str]:
    """The scene's accepted pictures that are out of date, by stage, with the stage of the picture that was replaced."""
    return {picture.stage: picture.stale.stage for picture in found.accepted if picture.HasField("stale")}


async def test_j05_overriding_an_early_picture_makes_later_ones_stale_and_back(studio: Studio) -> None:
    """With which picture and why, in the scene, the candidates and the events; taking the old one again heals it."""
    project, runs = await stages(studio, "style", "time", "weather")
    first, second = await studio.candidates(runs["style"])
    old, new = (first, second) if first.accepted else (second, first)
    assert not stale_stages(await scene(studio, project))
    revision = (await accept(studio, new)).revision
    event = await studio.event(project, revision - 1, "candidate.stale")
    assert event.candidate.stale.superseded_candidate == old.name
    found = await scene(studio, project)
    assert stale_stages(found) == {"time": "style", "weather": "style"}
    (time,) = [picture for picture in found.accepted if picture.stage == "time"]
    assert (time.stale.superseded_asset, time.stale.current_asset) == (old.asset, new.asset)
    assert time.stale.current_candidate == new.name
    assert old.name.split("/")[-1] in time.stale.reason
    told = await studio.event(project, revision - 1, "scene.accepted")
    assert stale_stages(told.scene) == stale_stages(found)
    assert all(item.HasField("stale") for item in await studio.candidates(runs["weather"]))
    plan = await studio.session.runs.PlanRun(run_pb2.PlanRunRequest(parent=project, spec=spec(stage="weather")))
    codes = [finding.code for finding in plan.findings]
    assert "SOURCE_STALE" in codes

    await accept(studio, old)
    await studio.event(project, revision, "candidate.current")
    assert not stale_stages(await scene(studio, project))


async def test_j05_taking_a_stage_again_forks_a_branch(studio: Studio) -> None:
    """The old line stays beside the new one; later stages go on with what is accepted now."""
    project, runs = await stages(studio, "style", "time")
    plan = await studio.session.runs.PlanRun(run_pb2.PlanRunRequest(parent=project, spec=spec(seed=9)))
    assert "LATER_STAGES_STALE" in [finding.code for finding in plan.findings]
    again = await studio.run(project, candidates=1, seed=9)
    assert [job.branch for job in await studio.jobs(runs["time"])] == [1]
    assert [job.branch for job in await studio.jobs(again)] == [2]
    assert stale_stages(await scene(studio, project)) == {"time": "style"}
    later = await studio.run(project, stage="time", candidates=1, seed=9)
    (job,) = await studio.jobs(later)
    (made,) = await studio.candidates(again)
    assert (job.branch, job.source_candidate, job.source_asset) == (2, made.name, made.asset)
    assert not stale_stages(await scene(studio, project))
    nodes = await lineage(studio, f"{project}/scenes/s1")
    assert len(nodes) == 2 + 2 + 1 + 1
    assert {(node.stage, node.branch) for node in nodes if node.accepted} == {("style", 2), ("time", 2)}
    assert {node.stage for node in nodes if node.HasField("stale")} == {"time"}
    retried = await studio.run(project, stage="time", candidates=1, seed=11)
    assert [job.branch for job in await studio.jobs(retried)] == [3]


async def test_j05_another_source_picture_makes_everything_stale(studio: Studio) -> None:
    """A scene that gets another drawing tells so at once; the old drawing makes all of it current again."""
    project, _ = await stages(studio, "style", "time")
    before = await scene(studio, project)
    other = (await studio.picture(project, 77)).name
    changed = bible_pb2.Scene(name=before.name, source_asset=other)
    found = await studio.session.bible.UpdateScene(bible_pb2.UpdateSceneRequest(scene=changed))
    assert stale_stages(found) == {"style": "", "time": ""}
    assert found.accepted[0].stale.superseded_asset == before.source_asset
    changed.source_asset = before.source_asset
    assert not stale_stages(await studio.session.bible.UpdateScene(bible_pb2.UpdateSceneRequest(scene=changed)))


async def test_j05_a_replay_is_no_branch(studio: Studio) -> None:
    """It makes the pictures that there are; what descends from them stays current, whichever of them is accepted."""
    project, runs = await stages(studio, "style", "time")
    log = (await studio.session.history.GetRunLog(history_pb2.GetRunLogRequest(name=runs["style"].name))).json
    again = await studio.logged(await studio.session.runs.ReplayRun(run_pb2.ReplayRunRequest(run_log=log)))
    assert [job.branch for job in await studio.jobs(again)] == [1]
    (accepted,) = [item for item in await studio.candidates(runs["style"]) if item.accepted]
    (same,) = [item for item in await studio.candidates(again) if item.asset == accepted.asset]
    await accept(studio, same)
    assert not stale_stages(await scene(studio, project))


async def test_j05_lineage_of_anything(studio: Studio) -> None:
    """A run, a job, a candidate and an asset lead to the whole scene, and each marks what was asked for."""
    project, runs = await stages(studio, "style", "time")
    (job,) = await studio.jobs(runs["style"])
    for name, asked in (
        (runs["style"].name, 2),
        (job.name, 2),
        (job.candidates[0].name, 1),
        (job.candidates[0].asset, 1),
        (f"{project}/scenes/s1", 0),
        (job.source_asset, 2),
    ):
        nodes = await lineage(studio, name)
        assert len(nodes) == 4, name
        assert sum(node.asked for node in nodes) == asked, name
    for wrong in (f"{project}/scenes/none", f"{project}/assets/none", f"{project}/runs/none"):
        with pytest.raises(errors.ResourceNotFound):
            await lineage(studio, wrong)
    with pytest.raises(errors.FieldInvalid):
        await lineage(studio, project)
