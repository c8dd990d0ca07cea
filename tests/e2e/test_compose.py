"""J04, before anything is spent: what a run would do, and every way in which a request for one is refused."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from bullpen_api.v1 import bible_pb2, run_pb2
from bullpen_client import errors
from google.protobuf import text_format

from tests.support.daemon import Daemon
from tests.support.pictures import write_bomb, write_picture
from tests.support.studio import Studio, spec
from tests.support.watching import journal

pytestmark = pytest.mark.e2e


async def plan(studio: Studio, project: str, wanted: run_pb2.RunSpec) -> run_pb2.Plan:
    """The plan of a request."""
    return await studio.session.runs.PlanRun(run_pb2.PlanRunRequest(parent=project, spec=wanted))


def folder_spec(folder: Path, candidates: int = 1) -> run_pb2.RunSpec:
    """A run of the scripted model over a folder."""
    wanted = spec(candidates=candidates)
    wanted.ClearField("scenes")
    wanted.input_folder = str(folder)
    return wanted


async def test_j04_plan_starts_nothing(studio: Studio, daemon: Daemon) -> None:
    """A dry run shows jobs, prompts, seeds, sampling and model, is the same every time, and leaves no trace."""
    project = await studio.universe(scenes=2)
    before = journal(daemon.home)
    wanted = run_pb2.RunSpec(stage="style", scenes=run_pb2.SceneSelection(), model="models/scripted", candidates=3)
    shown = await plan(studio, project, wanted)
    again = await plan(studio, project, wanted)
    assert shown == again
    assert [job.scene for job in shown.jobs] == [f"{project}/scenes/s1", f"{project}/scenes/s2"]
    assert {job.prompt for job in shown.jobs} == {"Redraw this panel in ink style."}
    seeds = [seed for job in shown.jobs for seed in job.seeds]
    assert len(seeds) == len(set(seeds)) == shown.candidates == 6
    assert (shown.sampling.steps, shown.sampling.width) == (4, 64)
    assert [model.model for model in shown.models] == ["models/scripted"]
    assert shown.device == "devices/scripted"
    assert shown.device_reason
    assert len(shown.digest) == 64
    assert journal(daemon.home) == before
    assert not (await studio.session.runs.ListRuns(run_pb2.ListRunsRequest(parent=project))).runs


async def test_j04_stages_are_listed_in_their_order(studio: Studio) -> None:
    """The manifest's stages come in the order in which they build on each other, with their limits."""
    answer = await studio.session.runs.ListStages(run_pb2.ListStagesRequest())
    assert [(stage.name, stage.predecessor) for stage in answer.stages] == [
        ("stages/style", ""),
        ("stages/time", "style"),
        ("stages/weather", "time"),
        ("stages/characters", "weather"),
    ]
    assert (answer.safe_batch_limit, answer.candidate_cap) == (20, 6)


Change = Callable[[run_pb2.RunSpec], object]
WRONG: list[tuple[str, Change, type[errors.BullpenError], str | None]] = [
    ("no stage", lambda s: s.ClearField("stage"), errors.StageUnknown, "stage"),
    ("unknown stage", lambda s: setattr(s, "stage", "colour"), errors.StageUnknown, "stage"),
    ("both inputs", lambda s: setattr(s, "input_folder", "/tmp"), errors.ExactlyOneOf, "input_folder"),
    ("neither input", lambda s: s.ClearField("scenes"), errors.ExactlyOneOf, "scenes"),
    ("candidates over the cap", lambda s: setattr(s, "candidates", 7), errors.LimitExceeded, "candidates"),
    ("candidates below zero", lambda s: setattr(s, "candidates", -1), errors.FieldInvalid, "candidates"),
    ("unknown scene", lambda s: s.scenes.scenes.append("{p}/scenes/none"), errors.ResourceNotFound, "scenes"),
    ("malformed scene", lambda s: s.scenes.scenes.append("s1"), errors.FieldInvalid, "scenes"),
    ("unknown model", lambda s: setattr(s, "model", "models/flux-9"), errors.ModelNotFound, "model"),
    ("model path outside", lambda s: setattr(s, "model", "/etc"), errors.PathNotAllowed, "model"),
    ("model path that is no model", lambda s: setattr(s, "model", "/tmp"), errors.BullpenError, "model"),
    ("seed too large", lambda s: setattr(s, "seed", 2**32), errors.FieldInvalid, "seed"),
    ("seed below zero", lambda s: setattr(s, "seed", -1), errors.FieldInvalid, "seed"),
    ("no steps", lambda s: setattr(s.sampling, "steps", 0), errors.FieldInvalid, "sampling.steps"),
    ("no number", lambda s: setattr(s.sampling, "guidance_scale", float("nan")), errors.FieldInvalid, None),
    ("odd width", lambda s: setattr(s.sampling, "width", 65), errors.FieldInvalid, "sampling.width"),
    ("huge height", lambda s: setattr(s.sampling, "height", 1 << 20), errors.FieldInvalid, "sampling.height"),
    ("unknown variable", lambda s: setattr(s, "instruction", "In {mood}."), errors.FieldInvalid, None),
    ("unclosed brace", lambda s: setattr(s, "instruction", "In {style."), errors.FieldInvalid, None),
    ("attribute access", lambda s: setattr(s, "instruction", "{style.__class__}"), errors.FieldInvalid, None),
    ("unknown wildcard", lambda s: setattr(s, "instruction", "A __mood__ day"), errors.ResourceNotFound, None),
    ("endless instruction", lambda s: setattr(s, "instruction", "x" * 5000), errors.FieldInvalid, "instruction"),
    ("unknown style guide", lambda s: setattr(s, "style_guide", "{p}/styleGuides/x"), errors.ResourceNotFound, None),
    ("priority", lambda s: setattr(s, "priority", 100_000), errors.FieldInvalid, "priority"),
    ("next stage", lambda s: setattr(s, "stage", "time"), errors.StageNotReady, "scenes"),
]


@pytest.mark.parametrize(("change", "error", "field"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
async def test_j04_wrong_request_is_refused_and_leaves_nothing(
    studio: Studio, daemon: Daemon, change: Change, error: type[errors.BullpenError], field: str | None
) -> None:
    """PlanRun and CreateRun refuse alike: typed, naming the field and the remedy, with nothing written."""
    project = await studio.universe(scenes=1)
    wanted = spec()
    change(wanted)
    wanted = text_format.Parse(text_format.MessageToString(wanted).replace("{p}", project), run_pb2.RunSpec())
    before = journal(daemon.home, project)
    for call in (plan, Studio.create):
        with pytest.raises(error) as refused:
            await call(studio, project, wanted)
        assert refused.value.reason != "INTERNAL"
        assert refused.value.remedy
        assert refused.value.message
        assert refused.value.field == field if field else refused.value.field
    assert journal(daemon.home, project) == before


async def test_j04_batch_over_the_limit_is_refused(studio: Studio) -> None:
    """More scenes than the safe batch limit are refused with the limit; a part of them is taken."""
    project = await studio.project()
    asset = (await studio.picture(project, 1)).name
    names = [f"s{number}" for number in range(21)]
    scene = bible_pb2.Scene(source_asset=asset)
    requests = [bible_pb2.CreateSceneRequest(parent=project, scene_id=name, scene=scene) for name in names]
    for request in requests:
        await studio.session.bible.CreateScene(request)
    with pytest.raises(errors.LimitExceeded) as refused:
        await plan(studio, project, spec())
    assert refused.value.field == "scenes"
    assert refused.value.metadata["limit"] == "20"
    part = spec()
    part.scenes.scenes.extend(f"{project}/scenes/{name}" for name in names[:20])
    assert len((await plan(studio, project, part)).jobs) == 20


async def test_j04_project_without_scenes_says_what_to_do(studio: Studio) -> None:
    """All scenes of an empty project is a mistake that is named, not an empty run."""
    project = await studio.project()
    with pytest.raises(errors.FieldInvalid) as refused:
        await plan(studio, project, spec())
    assert refused.value.field == "scenes"


async def test_j04_folder_is_taken_recursively_and_sorted(studio: Studio, tmp_path: Path) -> None:
    """Pictures below a folder are taken in the order of their paths; other files are left out and named."""
    project = await studio.project()
    folder = tmp_path / "scans"
    for number, name in enumerate(["b.png", "a/2.jpg", "a/1.webp", "A.PNG", ".hidden.png", ".git/x.png"]):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_picture(folder / name, number)
    (folder / "notes.txt").write_text("for later")
    (folder / "outside.png").symlink_to("/etc/passwd")
    shown = await plan(studio, project, folder_spec(folder))
    assert [job.source_path for job in shown.jobs] == ["A.PNG", "a/1.webp", "a/2.jpg", "b.png"]
    words = " ".join(finding.message for finding in shown.findings)
    assert "notes.txt" in words
    assert "outside.png" in words
    run = await studio.logged(await studio.create(project, folder_spec(folder)))
    jobs = await studio.jobs(run)
    assert run.state == run_pb2.Run.STATE_SUCCEEDED
    assert [job.source_path for job in jobs] == [job.source_path for job in shown.jobs]
    for job in jobs:
        assert await studio.content(job.source_asset) == (folder / job.source_path).read_bytes()


async def test_j04_folder_with_a_bad_file_is_refused_by_its_name(studio: Studio, tmp_path: Path) -> None:
    """A text called .png or a bomb among the pictures ends the plan before anything is made, and is named."""
    project = await studio.project()
    for name, error in (("liar.png", errors.PictureUnreadable), ("bomb.png", errors.PictureTooLarge)):
        folder = tmp_path / name.removesuffix(".png")
        write_picture(folder / "good.png", 1)
        if name == "liar.png":
            (folder / name).write_text("no picture")
        else:
            write_bomb(folder / name)
        with pytest.raises(error) as refused:
            await plan(studio, project, folder_spec(folder))
        assert refused.value.field == "input_folder"
        assert refused.value.metadata["path"] == name


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/etc", errors.PathNotAllowed),
        ("{tmp}/../../../../etc", errors.PathNotAllowed),
        ("{tmp}/none", errors.PathNotFound),
        ("{tmp}/file.png", errors.FieldInvalid),
        ("{tmp}/empty", errors.FieldInvalid),
        ("relative", errors.FieldInvalid),
    ],
)
async def test_j04_folder_that_cannot_be_taken_is_refused(
    studio: Studio, tmp_path: Path, path: str, error: type[errors.BullpenError]
) -> None:
    """A folder outside the roots, with `..`, missing, empty, or no folder, is refused by its field."""
    project = await studio.project()
    (tmp_path / "empty").mkdir()
    write_picture(tmp_path / "file.png", 1)
    wanted = folder_spec(Path("/"))
    wanted.input_folder = path.replace("{tmp}", str(tmp_path))
    with pytest.raises(error) as refused:
        await plan(studio, project, wanted)
    assert refused.value.field == "input_folder"
    assert refused.value.remedy


async def test_j04_stale_plan_is_refused(studio: Studio) -> None:
    """A run is started only from the plan that was shown; when the world changed since, it is shown again."""
    project = await studio.universe(scenes=1)
    wanted = spec()
    digest = (await plan(studio, project, wanted)).digest
    await studio.session.bible.CreateScene(
        bible_pb2.CreateSceneRequest(
            parent=project,
            scene_id="late",
            scene=bible_pb2.Scene(source_asset=(await studio.picture(project, 50)).name),
        )
    )
    request = run_pb2.CreateRunRequest(parent=project, spec=wanted, plan_digest=digest)
    with pytest.raises(errors.PlanStale) as refused:
        await studio.session.runs.CreateRun(request)
    assert refused.value.field == "plan_digest"
    request.plan_digest = (await plan(studio, project, wanted)).digest
    run = await studio.session.runs.CreateRun(request)
    assert run.plan_digest == request.plan_digest
    await studio.logged(run)


async def test_j04_repeated_request_gives_the_same_run(studio: Studio) -> None:
    """A request_id makes one run however often and however quickly it is sent; other content under it is refused."""
    project = await studio.universe(scenes=1)
    key = uuid.uuid4().hex
    runs = await asyncio.gather(*(studio.create(project, spec(), key) for _ in range(8)))
    assert {run.name for run in runs} == {runs[0].name}
    with pytest.raises(errors.RequestIdReused):
        await studio.create(project, spec(seed=8), key)
    ended = await studio.logged(runs[0])
    assert (await studio.create(project, spec(), key)).name == ended.name
    assert len((await studio.session.runs.ListRuns(run_pb2.ListRunsRequest(parent=project))).runs) == 1


async def test_j04_a_plan_is_read_in_pages(studio: Studio) -> None:
    """Digest, figures and findings are of the whole; a token of another plan is refused."""
    project = await studio.universe(scenes=5)
    whole = await plan(studio, project, spec())
    assert (whole.job_count, whole.next_page_token) == (5, "")
    request = run_pb2.PlanRunRequest(parent=project, spec=spec(), page_size=2)
    found: list[run_pb2.PlannedJob] = []
    tokens: list[str] = []
    while True:
        page = await studio.session.runs.PlanRun(request)
        assert (page.digest, page.job_count, page.candidates) == (whole.digest, 5, whole.candidates)
        found += page.jobs
        request.page_token = page.next_page_token
        if not page.next_page_token:
            break
        tokens.append(page.next_page_token)
    assert found == list(whole.jobs)
    other = run_pb2.PlanRunRequest(parent=project, spec=spec(seed=8), page_size=2, page_token=tokens[0])
    with pytest.raises(errors.PageTokenInvalid):
        await studio.session.runs.PlanRun(other)


async def test_j04_a_changed_source_between_plan_and_run_is_refused(studio: Studio) -> None:
    """A scene's new source, and another accepted picture, make the plan that was shown stale; nothing starts."""
    project = await studio.universe(scenes=1)
    (scene,) = (await studio.session.bible.ListScenes(bible_pb2.ListScenesRequest(parent=project))).scenes
    shown = await plan(studio, project, spec())
    other = await studio.picture(project, 99)
    changed = bible_pb2.Scene(name=scene.name, source_asset=other.name)
    await studio.session.bible.UpdateScene(bible_pb2.UpdateSceneRequest(scene=changed))
    stale = run_pb2.CreateRunRequest(parent=project, spec=spec(), plan_digest=shown.digest)
    with pytest.raises(errors.PlanStale) as caught:
        await studio.session.runs.CreateRun(stale)
    assert caught.value.field == "plan_digest"

    run = await studio.ended(await studio.create(project, spec(candidates=2)))
    later = await plan(studio, project, spec(stage="time"))
    (job,) = await studio.jobs(run)
    other_candidate = next(candidate for candidate in job.candidates if not candidate.accepted)
    await studio.session.runs.AcceptCandidate(run_pb2.AcceptCandidateRequest(name=other_candidate.name, reason="nicer"))
    with pytest.raises(errors.PlanStale):
        await studio.session.runs.CreateRun(
            run_pb2.CreateRunRequest(parent=project, spec=spec(stage="time"), plan_digest=later.digest)
        )
    listed = await studio.session.runs.ListRuns(run_pb2.ListRunsRequest(parent=project))
    assert [one.name for one in listed.runs] == [run.name]


async def test_j04_times_are_measured_after_the_first_run(studio: Studio) -> None:
    """Before, there is none; afterwards it is called measured at this size, and a guess at another."""
    project = await studio.universe(scenes=1)
    await studio.ended(await studio.create(project, spec()))
    shown = await plan(studio, project, spec())
    assert shown.estimate_basis == run_pb2.Plan.ESTIMATE_BASIS_MEASURED
    assert shown.HasField("estimated_duration")
    wanted = spec()
    wanted.sampling.width, wanted.sampling.height = 128, 128
    assert (await plan(studio, project, wanted)).estimate_basis == run_pb2.Plan.ESTIMATE_BASIS_GUESS
    assert shown.estimated_memory_bytes > 0
