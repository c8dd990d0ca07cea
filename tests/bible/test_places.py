"""The order of a story: a scene that is put where another stands moves the others along."""

from __future__ import annotations

import pytest
from bullpen_api.v1 import bible_pb2 as pb

from tests.bible.desk import SCENE
from tests.support.studio import Studio

pytestmark = pytest.mark.e2e


async def story(studio: Studio, project: str) -> list[tuple[str, int]]:
    """Scenes in their order, each with its place."""
    listed = await studio.session.bible.ListScenes(pb.ListScenesRequest(parent=project))
    return [(scene.name.rpartition("/")[2], scene.ordinal) for scene in listed.scenes]


async def put(studio: Studio, project: str, slug: str, place: int) -> pb.Scene:
    """Gives a scene another place."""
    given = pb.Scene(name=f"{project}/scenes/{slug}", ordinal=place)
    scene: pb.Scene = await SCENE.update(studio.session, given, "ordinal")
    return scene


async def test_a_scene_is_moved_through_the_story(studio: Studio) -> None:
    """Forward and back: those between move by one, no place is taken twice, and the others hear of it."""
    session, project = studio.session, await studio.project()
    for slug in "abcd":
        await SCENE.create(session, project, slug, pb.Scene())
    assert await story(studio, project) == [("a", 1), ("b", 2), ("c", 3), ("d", 4)]
    assert (await put(studio, project, "d", 2)).ordinal == 2
    assert await story(studio, project) == [("a", 1), ("d", 2), ("b", 3), ("c", 4)]
    before = await SCENE.call(session, "Get", name=f"{project}/scenes/d")
    await put(studio, project, "a", 3)
    assert await story(studio, project) == [("d", 1), ("b", 2), ("a", 3), ("c", 4)]
    after = await SCENE.call(session, "Get", name=f"{project}/scenes/d")
    assert after.etag != before.etag
    await put(studio, project, "c", 4)
    assert await story(studio, project) == [("d", 1), ("b", 2), ("a", 3), ("c", 4)]


async def test_a_new_scene_may_come_between(studio: Studio) -> None:
    """It takes the place that it asks for; the others move up to the first free place and no further."""
    session, project = studio.session, await studio.project()
    for slug, place in (("a", 1), ("b", 2), ("far", 9)):
        await SCENE.create(session, project, slug, pb.Scene(ordinal=place))
    await SCENE.create(session, project, "first", pb.Scene(ordinal=1))
    assert await story(studio, project) == [("first", 1), ("a", 2), ("b", 3), ("far", 9)]


async def test_a_free_place_moves_nobody(studio: Studio) -> None:
    """Places behind the end and those that a deleted scene left are free."""
    session, project = studio.session, await studio.project()
    for slug in "abc":
        await SCENE.create(session, project, slug, pb.Scene())
    await SCENE.call(session, "Delete", name=f"{project}/scenes/b")
    await put(studio, project, "c", 2)
    await put(studio, project, "a", 40)
    assert await story(studio, project) == [("c", 2), ("a", 40)]
