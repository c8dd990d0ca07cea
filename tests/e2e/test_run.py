"""J04 and J05: a confirmed run is made, watched, logged and reviewed; the next stage starts from what was accepted."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import pytest
from bullpen_api.v1 import asset_pb2, bible_pb2, run_pb2
from bullpen_client import errors
from PIL import Image

from tests.support.daemon import Daemon
from tests.support.studio import Studio, held, spec
from tests.support.watching import check_watch

pytestmark = pytest.mark.e2e


async def accept(studio: Studio, candidate: str, reason: str = "") -> run_pb2.Candidate:
    """Accepts a candidate by hand."""
    return await studio.session.runs.AcceptCandidate(run_pb2.AcceptCandidateRequest(name=candidate, reason=reason))


async def scene(studio: Studio, project: str, slug: str) -> bible_pb2.Scene:
    """A scene as it is now."""
    return await studio.session.bible.GetScene(bible_pb2.GetSceneRequest(name=f"{project}/scenes/{slug}"))


async def test_j04_run_from_plan_to_pictures(studio: Studio, daemon: Daemon) -> None:
    """Two scenes with three candidates become six pictures: assets, events in order, log file and contact sheet."""
    project = await studio.universe(scenes=2)
    run = await studio.run(project, "steps=3 size=64x48", candidates=3)
    assert run.state == run_pb2.Run.STATE_SUCCEEDED
    figures = run.figures
    assert (figures.jobs, figures.jobs_done, figures.candidates, figures.candidates_done) == (2, 2, 6, 6)
    candidates = await studio.candidates(run)
    assert len({candidate.asset for candidate in candidates}) == 6
    for candidate in candidates:
        data = await studio.content(candidate.asset)
        asset = await studio.session.assets.GetAsset(asset_pb2.GetAssetRequest(name=candidate.asset))
        assert hashlib.sha256(data).hexdigest() == asset.sha256
        assert (asset.kind, asset.origin) == (asset_pb2.Asset.KIND_CANDIDATE, candidate.name)
        with Image.open(io.BytesIO(data)) as image:
            assert image.size == (64, 48)
            assert json.loads(image.info["bullpen"])["seed"] == candidate.seed
            assert f"Seed: {candidate.seed}" in image.info["parameters"]
    assert Path(run.log_path) == daemon.home / "projects" / project.split("/")[1] / "runs" / "r-0001-style" / "run.json"
    with Image.open(Path(run.log_path).with_name("contact-sheet.png")) as sheet:
        assert sheet.width > 3 * 64
    watched = await check_watch(studio.session, daemon.home, project, range(run.revision - 12, run.revision, 3))
    kinds = [event.kind for event in watched.events if event.subject.startswith(run.name)]
    assert kinds[:2] == ["run.created", "run.started"]
    assert kinds[-2:] == ["run.succeeded", "run.logged"]
    assert kinds.count("candidate.succeeded") == 6
    assert kinds.count("job.succeeded") == 2


async def test_j04_log_holds_everything(studio: Studio) -> None:
    """The log names request, plan, model, every job and candidate with recipe, seed and hash."""
    project = await studio.universe(scenes=1)
    run = await studio.run(project, candidates=2)
    log = json.loads(Path(run.log_path).read_text())
    assert log["schema"] == "bullpen.run/1"
    text = json.dumps(log)
    for candidate in await studio.candidates(run):
        asset = await studio.session.assets.GetAsset(asset_pb2.GetAssetRequest(name=candidate.asset))
        assert candidate.name in text
        assert asset.sha256 in text
        assert str(candidate.seed) in text
    assert "models/scripted" in text
    assert run.plan_digest in text


async def test_j04_progress_is_live_and_latest(studio: Studio) -> None:
    """A watcher that asks for progress sees steps rise to their number; one that does not, sees none."""
    project = await studio.universe(scenes=1)
    gate = studio.folder / "go"
    run = await studio.start(project, f"decode_ms=90000 {held(gate, steps=6, step_ms=20)}")
    seen = await studio.progress(run, lambda progress: progress.step == progress.steps == 6)
    assert seen.device == "devices/scripted"
    assert seen.phase == "denoising"
    assert seen.candidate == f"{run.name}/jobs/j-001/candidates/c-1"
    gate.touch()
    await studio.logged(run)


async def test_j05_candidates_are_ranked_with_reasons(studio: Studio) -> None:
    """Each finished candidate has a place and the reason for it; one with a hard failure is never taken by itself."""
    project = await studio.universe(scenes=1)
    run = await studio.run(project, "candidate=2 blank", candidates=3)
    candidates = await studio.candidates(run)
    assert sorted(candidate.rank for candidate in candidates) == [1, 2, 3]
    assert all(candidate.rank_reason for candidate in candidates)
    blank = candidates[1]
    assert blank.quality.hard_failures >= 1
    assert blank.rank == 3
    assert "KIND_BLANK" in [run_pb2.Finding.Kind.Name(finding.kind) for finding in blank.quality.findings]
    for candidate in candidates:
        assert not (candidate.accepted and candidate.quality.hard_failures)


async def test_j05_accepting_by_hand_keeps_the_reason(studio: Studio) -> None:
    """A person's choice takes the place of any other, with its reason, on candidate, scene and run."""
    project = await studio.universe(scenes=1)
    run = await studio.run(project, candidates=2)
    first, second = await studio.candidates(run)
    assert (await accept(studio, first.name, "The lamp is right.")).accepted
    taken = await accept(studio, second.name, "Better face.")
    assert (taken.accepted, taken.accepted_by_hand, taken.accept_reason) == (True, True, "Better face.")
    now = {candidate.name: candidate for candidate in await studio.candidates(run)}
    assert not now[first.name].accepted
    (accepted,) = (await scene(studio, project, "s1")).accepted
    assert (accepted.stage, accepted.candidate, accepted.reason) == ("style", second.name, "Better face.")
    assert accepted.asset == second.asset
    fresh = await studio.session.runs.GetRun(run_pb2.GetRunRequest(name=run.name))
    assert fresh.figures.accepted == 1


async def test_j05_a_decision_after_the_end_is_in_log_and_sheet(studio: Studio) -> None:
    """A person's choice after the run ended is written into its log, and the contact sheet frames that picture."""
    project = await studio.universe(scenes=1)
    run = await studio.run(project, candidates=2)
    log, sheet = Path(run.log_path), Path(run.log_path).with_name("contact-sheet.png")
    before = sheet.read_bytes()
    other = next(candidate for candidate in await studio.candidates(run) if not candidate.accepted)
    taken = await accept(studio, other.name, "Better light.")
    await studio.event(run.name, taken.revision, "run.logged")
    (winner,) = json.loads(log.read_text())["winners"]
    assert winner["candidate"] == other.name
    assert "Better light." in log.read_text()
    assert sheet.read_bytes() != before


async def test_j05_best_candidate_is_accepted(studio: Studio) -> None:
    """Where nothing else is asked for, the best candidate of each scene is accepted, and the next stage may begin."""
    project = await studio.universe(scenes=2)
    run = await studio.run(project, candidates=3)
    assert run.figures.accepted == 2
    for job, slug in zip(await studio.jobs(run), ("s1", "s2"), strict=True):
        (best,) = [candidate for candidate in job.candidates if candidate.accepted]
        assert (best.rank, best.accepted_by_hand) == (1, False)
        assert best.accept_reason == best.rank_reason
        (accepted,) = (await scene(studio, project, slug)).accepted
        assert (accepted.candidate, accepted.asset) == (best.name, best.asset)
    following = await studio.run(project, stage="time")
    assert following.state == run_pb2.Run.STATE_SUCCEEDED


async def test_j05_choice_of_a_person_stands(studio: Studio) -> None:
    """What a person accepted while the last candidates were still made is not replaced when the job ends."""
    project = await studio.universe(scenes=1)
    run = await studio.start(project, "steps=10 step_ms=30 candidate=1 blank", candidates=3)
    first = f"{run.name}/jobs/j-001/candidates/c-1"
    await studio.event(first, run.revision, "candidate.succeeded")
    await accept(studio, first, "This one.")
    await studio.logged(run)
    assert [candidate.name for candidate in await studio.candidates(run) if candidate.accepted] == [first]
    (accepted,) = (await scene(studio, project, "s1")).accepted
    assert (accepted.candidate, accepted.reason) == (first, "This one.")


async def test_j05_one_picture_a_scene_and_stage(studio: Studio) -> None:
    """Accepting a candidate of a later run takes the place of the one of an earlier run, there too."""
    project = await studio.universe(scenes=1)
    first, second = await studio.run(project, seed=1), await studio.run(project, seed=2)
    (old,), (new,) = await studio.candidates(first), await studio.candidates(second)
    await accept(studio, old.name)
    await accept(studio, new.name)
    (old,), (new,) = await studio.candidates(first), await studio.candidates(second)
    assert (old.accepted, new.accepted) == (False, True)
    fresh = await studio.session.runs.GetRun(run_pb2.GetRunRequest(name=first.name))
    assert fresh.figures.accepted == 0
    (accepted,) = (await scene(studio, project, "s1")).accepted
    assert accepted.candidate == new.name


async def test_j05_next_stage_starts_from_the_accepted_picture(studio: Studio) -> None:
    """A stage waits until every scene has an accepted picture of the one before, and then starts from it."""
    project = await studio.universe(scenes=2)
    run = await studio.create(project, manual("style"))
    await studio.logged(run)
    jobs = await studio.jobs(run)
    assert not any(candidate.accepted for job in jobs for candidate in job.candidates)
    with pytest.raises(errors.StageNotReady) as refused:
        await studio.create(project, spec(stage="time"))
    assert refused.value.metadata["missing"] == "s1, s2"
    await accept(studio, jobs[0].candidates[0].name)
    with pytest.raises(errors.StageNotReady) as still:
        await studio.create(project, spec(stage="time"))
    assert still.value.metadata["missing"] == "s2"
    await accept(studio, jobs[1].candidates[0].name)
    following = await studio.run(project, stage="time")
    sources = [job.source_asset for job in await studio.jobs(following)]
    assert sources == [job.candidates[0].asset for job in jobs]


async def test_j05_only_finished_candidates_can_be_accepted(studio: Studio) -> None:
    """What is not made yet, or failed, cannot be taken; what does not exist is named."""
    project = await studio.universe(scenes=1)
    run = await studio.start(project, "steps=4000 step_ms=20")
    (candidate,) = await studio.candidates(run)
    with pytest.raises(errors.StateConflict):
        await accept(studio, candidate.name)
    await studio.session.runs.CancelRun(run_pb2.CancelRunRequest(name=run.name))
    with pytest.raises(errors.StateConflict):
        await accept(studio, candidate.name)
    with pytest.raises(errors.ResourceNotFound):
        await accept(studio, candidate.name[:-1] + "9")
    with pytest.raises(errors.FieldInvalid):
        await accept(studio, run.name)


async def test_j05_what_failed_can_be_retried(studio: Studio) -> None:
    """Retrying a run takes up its unfinished jobs only, with their seeds; a run without any is refused."""
    project = await studio.universe(scenes=2)
    wanted = spec(candidates=2)
    wanted.instruction = "scripted: {mode}"
    wanted.variables["mode"] = "fail_at=2"
    run = await studio.logged(await studio.create(project, wanted))
    assert run.state == run_pb2.Run.STATE_FAILED
    assert run.error.reason == "ENGINE_FAILED"
    assert run.error.remedy
    again = await studio.session.runs.RetryRun(run_pb2.RetryRunRequest(name=run.name, request_id=f"again-{run.name}"))
    repeated = await studio.session.runs.RetryRun(
        run_pb2.RetryRunRequest(name=run.name, request_id=f"again-{run.name}")
    )
    assert repeated.name == again.name != run.name
    assert again.parent_run == run.name
    await studio.logged(again)
    old, new = await studio.candidates(run), await studio.candidates(again)
    assert [candidate.seed for candidate in old] == [candidate.seed for candidate in new]
    good = await studio.run(project)
    with pytest.raises(errors.StateConflict):
        await studio.session.runs.RetryRun(run_pb2.RetryRunRequest(name=good.name))


async def test_j04_replay_of_a_log_gives_the_same_pixels(studio: Studio) -> None:
    """A run log is enough to make every picture again, byte for byte as pixels; a damaged one is refused."""
    project = await studio.universe(scenes=2)
    run = await studio.run(project, "steps=4 size=40x24", candidates=2)
    log = Path(run.log_path).read_text()
    replayed = await studio.logged(await studio.session.runs.ReplayRun(run_pb2.ReplayRunRequest(run_log=log)))
    assert replayed.state == run_pb2.Run.STATE_SUCCEEDED
    assert replayed.parent_run == run.name
    assert replayed.name != run.name
    for old, new in zip(await studio.candidates(run), await studio.candidates(replayed), strict=True):
        assert old.seed == new.seed
        assert await pixels(studio, old.asset) == await pixels(studio, new.asset)
    for wrong in ("", "[]", "{}", log[: len(log) // 2], log.replace("bullpen.run/1", "bullpen.run/99")):
        with pytest.raises(errors.RunLogInvalid) as refused:
            await studio.session.runs.ReplayRun(run_pb2.ReplayRunRequest(run_log=wrong))
        assert refused.value.remedy


async def test_j04_replay_elsewhere_needs_the_sources(studio: Studio) -> None:
    """In another project a log can be replayed once its pictures are there; until then the missing hash is named."""
    one, two = await studio.universe(scenes=1), await studio.project()
    run = await studio.run(one)
    request = run_pb2.ReplayRunRequest(parent=two, run_log=Path(run.log_path).read_text())
    with pytest.raises(errors.ContentLost) as refused:
        await studio.session.runs.ReplayRun(request)
    (job,) = await studio.jobs(run)
    source = await studio.session.assets.GetAsset(asset_pb2.GetAssetRequest(name=job.source_asset))
    assert refused.value.metadata["sha256"] == source.sha256
    await studio.session.assets.ImportAsset(asset_pb2.ImportAssetRequest(parent=two, path=source.path))
    replayed = await studio.logged(await studio.session.runs.ReplayRun(request))
    (old,), (new,) = await studio.candidates(run), await studio.candidates(replayed)
    assert await pixels(studio, old.asset) == await pixels(studio, new.asset)


async def pixels(studio: Studio, asset: str) -> bytes:
    """The decoded pixels of an asset."""
    with Image.open(io.BytesIO(await studio.content(asset))) as image:
        return image.tobytes()


def manual(stage: str) -> run_pb2.RunSpec:
    """A run of which nothing is accepted by itself."""
    wanted = spec(stage=stage)
    wanted.acceptance = run_pb2.RunSpec.ACCEPTANCE_MANUAL
    return wanted
