"""J01: a universe is created, listed, kept apart from others, and has a folder."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from bullpen_api.v1 import asset_pb2, bible_pb2, event_pb2, project_pb2, run_pb2
from bullpen_client import errors

from tests.support.daemon import Daemon
from tests.support.studio import Studio, spec
from tests.support.watching import check_watch

pytestmark = pytest.mark.e2e


async def test_j01_created_project_is_listed_and_has_its_folder(studio: Studio, daemon: Daemon) -> None:
    """A created project is read back, is listed with its figures, and its folder exists at once."""
    name = await studio.project("harbor_lights")
    project = await studio.session.projects.GetProject(project_pb2.GetProjectRequest(name=name))
    listed = await studio.session.projects.ListProjects(project_pb2.ListProjectsRequest())
    assert project.title == "Harbor_Lights"
    assert project.story == "A harbour at night."
    assert name in [each.name for each in listed.projects]
    assert [stage.stage for stage in project.figures.stages] == ["style", "time", "weather", "characters"]
    for folder in ("assets", "thumbnails", "runs"):
        assert (daemon.home / "projects" / "harbor_lights" / folder).is_dir()


async def test_j01_slug_is_taken_once(studio: Studio) -> None:
    """A second project of the same slug is refused and leaves the first as it is."""
    await studio.project("twice")
    with pytest.raises(errors.AlreadyExists) as refused:
        await studio.project("twice")
    assert refused.value.field == "project_id"


@pytest.mark.parametrize("slug", ["", "Upper", "../up", "a/b", "1st", "a" * 64, "name\n", "ümlaut"])
async def test_j01_bad_slug_is_refused_by_its_field(studio: Studio, slug: str) -> None:
    """A slug that could not be a folder's name everywhere is refused with the field and a remedy."""
    with pytest.raises(errors.FieldInvalid) as refused:
        await studio.session.projects.CreateProject(project_pb2.CreateProjectRequest(project_id=slug))
    assert refused.value.field == "project_id"
    assert refused.value.remedy


async def test_j01_repeated_request_gives_the_first_answer(studio: Studio) -> None:
    """The same request_id with the same content makes one project; with other content it is refused."""
    request = project_pb2.CreateProjectRequest(project_id="repeat", request_id=uuid.uuid4().hex)
    first = await studio.session.projects.CreateProject(request)
    again = await studio.session.projects.CreateProject(request)
    assert again.name == first.name
    assert again.create_time == first.create_time
    request.project_id = "other"
    with pytest.raises(errors.RequestIdReused):
        await studio.session.projects.CreateProject(request)


async def test_j01_projects_are_isolated(studio: Studio, daemon: Daemon) -> None:
    """Nothing of one project can be read through, used in, or heard from another."""
    one, two = await studio.universe(scenes=1), await studio.universe(scenes=1)
    run = await studio.run(one)
    asset = (await studio.candidates(run))[0].asset
    foreign = asset.replace(one, two)
    with pytest.raises(errors.ResourceNotFound):
        await studio.session.assets.GetAsset(asset_pb2.GetAssetRequest(name=foreign))
    with pytest.raises(errors.ResourceNotFound):
        await studio.session.runs.GetRun(run_pb2.GetRunRequest(name=run.name.replace(one, two)))
    request = bible_pb2.CreateSceneRequest(parent=two, scene_id="stolen", scene=bible_pb2.Scene(source_asset=asset))
    with pytest.raises(errors.ResourceNotFound) as refused:
        await studio.session.bible.CreateScene(request)
    assert refused.value.field == "scene.source_asset"
    wanted = spec()
    wanted.scenes.scenes.append(f"{one}/scenes/s1")
    with pytest.raises(errors.FieldInvalid) as refused_scene:
        await studio.create(two, wanted)
    assert refused_scene.value.field == "scenes"
    assert not (await studio.session.runs.ListRuns(run_pb2.ListRunsRequest(parent=two))).runs
    watched = await check_watch(studio.session, daemon.home, two)
    assert all(event.subject.startswith(two) for event in watched.events)


async def test_j01_unknown_project_is_named(studio: Studio) -> None:
    """Every room answers an unknown project with PROJECT_NOT_FOUND, not with something emptier."""
    session, nowhere = studio.session, "projects/nowhere"
    calls: list[Any] = [
        session.projects.GetProject(project_pb2.GetProjectRequest(name=nowhere)),
        session.assets.ListAssets(asset_pb2.ListAssetsRequest(parent=nowhere)),
        session.assets.ImportAsset(asset_pb2.ImportAssetRequest(parent=nowhere, path="/tmp/x.png")),
        session.bible.ListScenes(bible_pb2.ListScenesRequest(parent=nowhere)),
        session.bible.CreateScene(bible_pb2.CreateSceneRequest(parent=nowhere, scene_id="s")),
        session.runs.ListRuns(run_pb2.ListRunsRequest(parent=nowhere)),
        session.runs.PlanRun(run_pb2.PlanRunRequest(parent=nowhere, spec=spec())),
        session.runs.CreateRun(run_pb2.CreateRunRequest(parent=nowhere, spec=spec())),
        session.runs.GetRun(run_pb2.GetRunRequest(name=f"{nowhere}/runs/r-0001-style")),
    ]
    for call in calls:
        with pytest.raises(errors.ProjectNotFound):
            await call
    with pytest.raises(errors.ProjectNotFound):
        await anext(session.events.Watch(event_pb2.WatchRequest(parent=nowhere)).__aiter__())


async def test_j01_lists_go_on_where_the_page_ended(studio: Studio) -> None:
    """Pages of one give the same list as one page of all, and a token of another list is refused."""
    for number in range(3):
        await studio.project(f"page-{number}")
    whole = (await studio.session.projects.ListProjects(project_pb2.ListProjectsRequest())).projects
    names, token = [], ""
    while True:
        request = project_pb2.ListProjectsRequest(page_size=1, page_token=token)
        page = await studio.session.projects.ListProjects(request)
        names += [project.name for project in page.projects]
        token = page.next_page_token
        if not token:
            break
    assert names == [project.name for project in whole]
    request = project_pb2.ListProjectsRequest(page_size=1)
    token = (await studio.session.projects.ListProjects(request)).next_page_token
    with pytest.raises(errors.PageTokenInvalid):
        await studio.session.assets.ListAssets(asset_pb2.ListAssetsRequest(parent="projects/page-0", page_token=token))
    for wrong in ("x", "AAAA", "é"):
        with pytest.raises(errors.PageTokenInvalid):
            await studio.session.projects.ListProjects(project_pb2.ListProjectsRequest(page_token=wrong))
