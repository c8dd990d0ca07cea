"""J05 and J06: what is found in candidates, against references, by judges; and how a run tells it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from bullpen_api.v1 import bible_pb2, quality_pb2, run_pb2
from bullpen_client import errors
from bullpend.home import settings_folder

from tests.cli.conftest import launch
from tests.support import tiny_judges
from tests.support.daemon import Daemon
from tests.support.studio import Studio

pytestmark = pytest.mark.e2e

COPY, FAILED, BLANK = run_pb2.Finding.KIND_COPY, run_pb2.Finding.KIND_MEASURE_FAILED, run_pb2.Finding.KIND_BLANK


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon whose first stage has a style encoder, a tagger that cannot be used, and an encoder that is missing."""
    folder = tmp_path_factory.mktemp("d")
    home, settings = folder / "home", folder / "settings"
    shutil.copytree(settings_folder({}), settings)
    manifest = json.loads((settings / "manifest.json").read_text())
    manifest["stages"]["style"]["qa"]["judges"] = {
        "style": "models/tiny-style",
        "identity": "models/tiny-gone",
        "characters": "models/tiny-broken",
    }
    (settings / "manifest.json").write_text(json.dumps(manifest))
    tiny_judges.encoder(home / "models" / "tiny-style")
    tiny_judges.tagger(home / "models" / "tiny-broken", heads={})
    with Daemon(home, {"paths.model_folders": "{home}/models"}, {"BULLPEN_SETTINGS": str(settings)}) as running:
        yield running


async def with_anchor(studio: Studio, project: str, asset: str) -> None:
    """The project's style guide shows this asset, and its first scene's character is shown by it."""
    guide = bible_pb2.StyleGuide(title="House style", anchors=[asset])
    await studio.session.bible.CreateStyleGuide(
        bible_pb2.CreateStyleGuideRequest(parent=project, style_guide_id="house", style_guide=guide)
    )


async def summary(studio: Studio, name: str) -> quality_pb2.QualitySummary:
    return await studio.session.quality.GetQualitySummary(quality_pb2.GetQualitySummaryRequest(name=name))


async def test_j06_a_copy_of_the_anchor_is_not_consistency(studio: Studio) -> None:
    """The candidate with the anchor's pixels has no drift; it is found to be a copy, and the other one is accepted."""
    project = await studio.universe(1)
    (first,) = await studio.candidates(await studio.run(project, candidates=1))
    assert "no style guide" in first.quality.not_applicable["style_drift"]
    await with_anchor(studio, project, first.asset)
    copied, drawn = await studio.candidates(await studio.run(project, candidates=2))
    assert copied.quality.measures["style_drift"] < 0.01
    assert copied.quality.measures["copy_rate"] == 1
    assert copied.quality.nearest["copy_rate"] == first.asset
    (finding,) = (one for one in copied.quality.findings if one.kind == COPY)
    assert finding.severity == run_pb2.Finding.SEVERITY_HARD
    assert drawn.quality.measures["copy_rate"] < 0.5
    assert (drawn.accepted, copied.accepted) == (True, False)
    assert "it is a copy" in copied.rank_reason


async def test_j06_the_character_of_a_scene_brings_its_references(studio: Studio) -> None:
    """References of the character and of its set are compared; a judge that is missing does not apply, and says so."""
    project = await studio.universe(1)
    shown, kept = await studio.picture(project, 21), await studio.picture(project, 22)
    bible = studio.session.bible
    purpose = bible_pb2.ReferenceSet.PURPOSE_CHARACTER
    made = bible_pb2.ReferenceSet(purpose=purpose, items=[bible_pb2.ReferenceItem(asset=kept.name)])
    request = bible_pb2.CreateReferenceSetRequest(parent=project, reference_set_id="mara", reference_set=made)
    held = (await bible.CreateReferenceSet(request)).name
    mara = bible_pb2.Character(title="Mara", references=[shown.name], reference_set=held)
    await bible.CreateCharacter(bible_pb2.CreateCharacterRequest(parent=project, character_id="mara", character=mara))
    scene = bible_pb2.Scene(source_asset=shown.name, characters=[f"{project}/characters/mara"])
    await bible.CreateScene(bible_pb2.CreateSceneRequest(parent=project, scene_id="s2", scene=scene))
    without, with_mara = await studio.candidates(await studio.run(project))
    assert "no character with reference pictures" in without.quality.not_applicable["identity_drift"]
    assert with_mara.quality.not_applicable["identity_drift"] == "models/tiny-gone is not installed."
    assert "copy_rate" not in without.quality.measures
    assert "copy_rate" in with_mara.quality.measures


async def test_j05_measuring_never_loses_a_picture(studio: Studio) -> None:
    """A judge that fails is a soft finding with its reason; the picture is stored, ranked and accepted."""
    project = await studio.universe(1)
    (candidate,) = await studio.candidates(await studio.run(project))
    (finding,) = (one for one in candidate.quality.findings if one.kind == FAILED)
    assert finding.severity == run_pb2.Finding.SEVERITY_SOFT
    assert "heads tell of no place" in finding.message
    assert candidate.accepted
    assert await studio.content(candidate.asset)


async def test_j05_what_was_found_is_summed_up(studio: Studio) -> None:
    """A run, a job and a candidate have their sums; a blank picture does not pass."""
    project = await studio.universe(2)
    run = await studio.run(project, "blank candidate=2", candidates=2)
    whole = await summary(studio, run.name)
    assert (whole.candidates, whole.passed) == (4, 2)
    blank = next(tally for tally in whole.findings if tally.kind == BLANK)
    assert (blank.hard, [name[-3:] for name in blank.candidates]) == (2, ["c-2", "c-2"])
    assert next(tally for tally in whole.measures if tally.measure == "blank").count == 4
    assert [job.scene.rsplit("/", 1)[-1] for job in whole.jobs] == ["s1", "s2"]
    assert [candidate.rank for candidate in whole.jobs[0].candidates] == [1, 2]
    job = await summary(studio, whole.jobs[1].job)
    assert (job.candidates, job.passed) == (2, 1)
    one = await summary(studio, whole.jobs[1].candidates[1].name)
    assert (one.candidates, one.passed) == (1, 0)
    assert one.jobs[0].candidates[0].quality.measures["blank"] == 0
    with pytest.raises(errors.ResourceNotFound):
        await summary(studio, f"{run.name}/jobs/j-009")
    with pytest.raises(errors.FieldInvalid):
        await summary(studio, project)


async def test_j05_the_command_tells_run_job_and_candidate(studio: Studio, daemon: Daemon) -> None:
    """The run's table names what was found and where; a candidate shows every value and every reason."""
    project = await studio.universe(1)
    run = await studio.run(project, "blank candidate=2", candidates=2)

    async def said(*words: str) -> str:
        process = await launch(daemon.home, "runs", "qa", *words)
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        return out.decode()

    whole = await said(run.name)
    assert "2 candidates finished, 1 passed (50%)" in whole
    assert "j-001/c-2" in whole
    one = await said(f"{run.name}/jobs/j-001/candidates/c-2")
    assert "nearly one flat tone" in one
    assert "no style guide with anchors" in one
    assert json.loads(await said(run.name, "--json"))["candidates"] == 2


async def test_kinds_of_findings_are_listed(studio: Studio) -> None:
    """Every kind but the unspecified one, with words."""
    listed = await studio.session.quality.ListFindingKinds(quality_pb2.ListFindingKindsRequest())
    assert [kind.kind for kind in listed.kinds] == [number for number in run_pb2.Finding.Kind.values() if number]


def test_the_settings_of_the_test_are_its_own(daemon: Daemon) -> None:
    """The shipped manifest judges with the embedded models, not with those of this test."""
    shipped = json.loads((Path(settings_folder({})) / "manifest.json").read_text())
    judges = shipped["stages"]["characters"]["qa"]["judges"]
    assert judges == {
        "style": "models/starter-style",
        "identity": "models/starter-identity",
        "characters": "models/starter-tagger",
    }
