"""J01: a person creates a universe: slug, title, story, storage. It is listed, isolated, and its folder exists."""

from __future__ import annotations

import pytest
from bullpen_api.v1 import bible_pb2, project_pb2
from bullpen_client import errors

from tests.acceptance.conftest import Desk
from tests.support.daemon import Daemon

pytestmark = pytest.mark.e2e


async def test_j01_a_universe_is_created_listed_and_isolated(desk: Desk, daemon: Daemon) -> None:
    """What was said is kept; nothing of one universe can be named in another; the same slug is refused."""
    projects = desk.session.projects
    said = project_pb2.Project(title="Harbor Lights", story="The lamp goes out, and a storm comes in.")
    request = project_pb2.CreateProjectRequest(project_id="harbor", project=said)
    made = await projects.CreateProject(request)
    assert (made.name, made.title, made.story) == ("projects/harbor", said.title, said.story)
    assert (daemon.home / "projects" / "harbor").is_dir()
    other = await desk.project()
    listed = [item.name for item in (await projects.ListProjects(project_pb2.ListProjectsRequest())).projects]
    assert {made.name, other} <= set(listed)
    mine = await desk.picture(made.name, 1)
    scene = bible_pb2.Scene(source_asset=mine.name)
    with pytest.raises(errors.ResourceNotFound) as refused:
        await desk.session.bible.CreateScene(bible_pb2.CreateSceneRequest(parent=other, scene_id="pier", scene=scene))
    assert refused.value.field == "scene.source_asset"
    theirs = await desk.session.bible.ListScenes(bible_pb2.ListScenesRequest(parent=other))
    assert not theirs.scenes
    with pytest.raises(errors.AlreadyExists):
        await projects.CreateProject(request)
