"""Bad input through the whole chain, line by line: a typed error with the path of the field, and nothing applied.

Each line asks through the public socket of a daemon with the scripted engine, whose price is four cents a picture. That
nothing was applied is told by the project's journal, which is as it was, and by what the provider was asked for.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bullpen_api.v1 import asset_pb2, bible_pb2, bootstrap_pb2, lab_pb2, postprocess_pb2, run_pb2
from bullpen_client import Session, errors
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct

from tests.remote.studio import PaidStudio, make_daemon
from tests.support.daemon import Daemon
from tests.support.pictures import write_picture
from tests.support.providers import Provider, Way
from tests.support.studio import spec
from tests.support.watching import journal

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The only folder from which pictures of a style may come."""
    return tmp_path_factory.mktemp("styles")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, roots: Path) -> Iterator[Daemon]:
    """A daemon whose scripted model costs money, with plans that are soon too old."""
    settings = {"testing__price": "0.04 USD", "spend__confirm_seconds": "1", "paths__style_roots": str(roots)}
    with make_daemon(tmp_path_factory.mktemp("bad") / "home", **settings) as running:
        yield running


@pytest.fixture
async def session(daemon: Daemon) -> AsyncIterator[Session]:
    """A session with it."""
    async with Session(daemon.home) as opened:
        yield opened


@pytest.fixture
def desk(session: Session, tmp_path: Path) -> PaidStudio:
    """Shorthand over that session."""
    return PaidStudio(session, tmp_path)


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider on this machine, which counts what it charges."""
    with Provider() as running:
        yield running


Ask = Callable[[], Awaitable[Any]]


async def refused(daemon: Daemon, project: str, reason: str, field: str, ask: Ask) -> errors.BullpenError:
    """The typed error of a call, after which the project's journal is as it was before."""
    before = journal(daemon.home, project)
    with pytest.raises(errors.BullpenError) as caught:
        await ask()
    error = caught.value
    assert (error.reason, error.field) == (reason, field), error
    assert error.remedy
    assert journal(daemon.home, project) == before
    return error


async def planned(desk: PaidStudio, project: str) -> run_pb2.Plan:
    """A plan of the style stage, which costs money."""
    return await desk.session.runs.PlanRun(run_pb2.PlanRunRequest(parent=project, spec=spec("", 1)))


def start(desk: PaidStudio, project: str, digest: str) -> Ask:
    """Starting the style stage as it was planned, with consent to its cost."""
    request = run_pb2.CreateRunRequest(parent=project, spec=spec("", 1), plan_digest=digest, confirm_spend=True)
    return lambda: desk.session.runs.CreateRun(request)


async def test_cyclic_stage_definitions(desk: PaidStudio, daemon: Daemon) -> None:
    """A stage that starts from one that starts from it: refused by the path in the manifest."""
    project = await desk.universe(1)
    own = {"stages": {"style": {"predecessor": "weather"}}}
    manifest = run_pb2.Manifest(name=f"{project}/manifest", own=ParseDict(own, Struct()))
    request = run_pb2.UpdateManifestRequest(manifest=manifest)
    await refused(
        daemon,
        project,
        "SETTING_INVALID",
        "stages.style.predecessor",
        lambda: desk.session.runs.UpdateManifest(request),
    )
    stages = await desk.session.runs.ListStages(run_pb2.ListStagesRequest(parent=project))
    assert not any(stage.own for stage in stages.stages)


async def test_unknown_template_variable(desk: PaidStudio, daemon: Daemon) -> None:
    """In a prompt template of the bible, and in the words of a request."""
    project = await desk.universe(1)
    template = bible_pb2.PromptTemplate(title="T", text="Draw {what} in ink.")
    create = bible_pb2.CreatePromptTemplateRequest(parent=project, prompt_template_id="t", prompt_template=template)
    error = await refused(
        daemon,
        project,
        "TEMPLATE_VARIABLE_UNKNOWN",
        "prompt_template.text",
        lambda: desk.session.bible.CreatePromptTemplate(create),
    )
    assert error.metadata["variable"] == "what"
    asked = spec("", 1)
    asked.instruction = "Draw {what}."
    plan = run_pb2.PlanRunRequest(parent=project, spec=asked)
    # Words of a request declare nothing: what is wrong is that their variable has no value.
    await refused(daemon, project, "FIELD_INVALID", "variables.what", lambda: desk.session.runs.PlanRun(plan))


async def test_reference_set_without_items(desk: PaidStudio, daemon: Daemon) -> None:
    """A character whose pictures are to come from a set that has none."""
    project = await desk.universe(1)
    kept = bible_pb2.ReferenceSet(purpose=bible_pb2.ReferenceSet.PURPOSE_CHARACTER)
    empty = await desk.session.bible.CreateReferenceSet(
        bible_pb2.CreateReferenceSetRequest(parent=project, reference_set_id="none", reference_set=kept)
    )
    mara = bible_pb2.Character(title="Mara", description="red hair", reference_set=empty.name)
    create = bible_pb2.CreateCharacterRequest(parent=project, character_id="mara", character=mara)
    await refused(
        daemon,
        project,
        "REFERENCE_SET_EMPTY",
        "character.reference_set",
        lambda: desk.session.bible.CreateCharacter(create),
    )


async def test_style_anchor_outside_of_the_roots(desk: PaidStudio, daemon: Daemon, tmp_path: Path) -> None:
    """Named by its place among the anchors, with the path that it came from."""
    project = await desk.project()
    outside = write_picture(tmp_path / "elsewhere.png", 3)
    imported = asset_pb2.ImportAssetRequest(parent=project, path=str(outside))
    asset = await desk.session.assets.ImportAsset(imported)
    guide = bible_pb2.StyleGuide(title="Ink", anchors=[asset.name])
    create = bible_pb2.CreateStyleGuideRequest(parent=project, style_guide_id="ink", style_guide=guide)
    error = await refused(
        daemon,
        project,
        "PATH_NOT_ALLOWED",
        "style_guide.anchors[0]",
        lambda: desk.session.bible.CreateStyleGuide(create),
    )
    assert error.metadata["path"] == str(outside)


async def test_expired_plan_digest(desk: PaidStudio, daemon: Daemon) -> None:
    """What was shown is good until the moment that the plan names; after it nothing begins."""
    project = await desk.universe(1)
    plan = await planned(desk, project)
    left = plan.confirm_until.ToDatetime(UTC) - datetime.now(UTC)
    await asyncio.sleep(max(0.0, left.total_seconds()) + 0.01)
    error = await refused(daemon, project, "PLAN_EXPIRED", "plan_digest", start(desk, project, plan.digest))
    assert error.metadata["why"] == "expired"


async def test_altered_plan_digest(desk: PaidStudio, daemon: Daemon) -> None:
    """One sign of it is another one."""
    project = await desk.universe(1)
    digest = (await planned(desk, project)).digest
    altered = digest[:-1] + ("0" if digest[-1] != "0" else "1")
    await refused(daemon, project, "PLAN_STALE", "plan_digest", start(desk, project, altered))


async def test_source_that_changed_between_plan_and_run(desk: PaidStudio, daemon: Daemon) -> None:
    """A scene has another picture than the one that was planned with."""
    project = await desk.universe(1)
    digest = (await planned(desk, project)).digest
    other = await desk.picture(project, 99)
    scene = bible_pb2.Scene(name=f"{project}/scenes/s1", source_asset=other.name)
    await desk.session.bible.UpdateScene(bible_pb2.UpdateSceneRequest(scene=scene))
    await refused(daemon, project, "PLAN_STALE", "plan_digest", start(desk, project, digest))


async def test_provider_that_redirects_to_a_private_address(
    desk: PaidStudio, daemon: Daemon, provider: Provider, tmp_path: Path
) -> None:
    """The key and the picture go nowhere else; nothing was charged, and the account's address is named."""
    project = await desk.paid_universe(provider)
    provider.ways = [Way(status=307, headers={"location": "http://169.254.169.254/latest/meta-data"})]
    path = write_picture(tmp_path / "mara.png", 4, 96, 64)
    name = f"photoroom:segment@{project.removeprefix('projects/')}/cutter"
    steps = postprocess_pb2.PostProcess(cutout=postprocess_pb2.CutoutStep(model=name))

    async def parts() -> AsyncIterator[postprocess_pb2.ProcessPictureRequest]:
        head = postprocess_pb2.ProcessPictureHead(post_process=steps, path=str(path), confirm_spend=True)
        yield postprocess_pb2.ProcessPictureRequest(head=head)

    with pytest.raises(errors.AddressNotAllowed) as caught:
        async for _ in desk.session.lab.ProcessPicture(parts()):
            pass
    assert caught.value.field == "base_url"
    assert caught.value.remedy
    assert (len(provider.calls), provider.charged) == (1, [])
    (request,) = [one for one in await desk.requests() if one.project == project]
    assert (request.state, request.charged) == (request.STATE_FAILED, False)


async def test_import_with_one_bad_field_in_a_hundred(desk: PaidStudio, daemon: Daemon) -> None:
    """The hundred characters of a document, of which one has a field that does not exist: none is there afterwards."""
    project = await desk.project()
    people: list[dict[str, Any]] = [{"id": f"c{number}", "title": f"C {number}"} for number in range(100)]
    people[61]["shoe_size"] = 43
    document = json.dumps({"schema_version": 1, "characters": people})
    request = bootstrap_pb2.ImportBootstrapRequest(parent=project, document_json=document)
    await refused(
        daemon,
        project,
        "FIELD_INVALID",
        "document.characters[61].shoe_size",
        lambda: desk.session.bible.ImportBootstrap(request),
    )
    listed = await desk.session.bible.ListCharacters(bible_pb2.ListCharactersRequest(parent=project))
    assert not listed.characters


async def test_a_single_picture_with_a_wrong_value(desk: PaidStudio, daemon: Daemon) -> None:
    """U01 has no project: nothing is on the disk afterwards."""
    request = lab_pb2.GenerateRequest(prompt="a pier", confirm_spend=True)
    request.sampling.width = 333
    with pytest.raises(errors.FieldInvalid) as caught:
        async for _ in desk.session.lab.Generate(request):
            pass
    assert caught.value.field == "sampling.width"
    assert list((daemon.home / "tmp").iterdir()) == []
