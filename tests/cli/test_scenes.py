"""`bullpen scenes`: the story as prose, with what each stage is told; pictures that become scenes."""

from pathlib import Path

from bullpen_api.v1 import bible_pb2, project_pb2

from tests.cli.conftest import Bullpen
from tests.support.fake_daemon import FakeDaemon

WHO = "a woman with red hair in a yellow coat on the left and a robot with red lights in a green jacket"


def tell(daemon: FakeDaemon) -> None:
    """Two scenes, the first with words and two characters."""
    for number, (slug, about) in enumerate((("pier", "Dusk.\n\nMara: It is dark."), ("alley", "")), 1):
        name = f"projects/p/scenes/{slug}"
        daemon.scenes[name] = bible_pb2.Scene(name=name, title=slug.title(), description=about, ordinal=number)
    daemon.scenes["projects/p/scenes/pier"].variables.update({"character": WHO, "place": "right"})


async def test_a_story_is_read_in_order(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """Title, prose and values of every scene, whole."""
    tell(daemon)
    done = await bullpen("scenes", "read", "p")
    assert done.status == 0, done.err
    assert done.out.index("Pier") < done.out.index("Mara: It is dark.") < done.out.index("Alley")
    assert f"character: {WHO}" in done.out


async def test_one_scene_is_read_by_its_name(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """Only what was asked for; what is not there is an error."""
    tell(daemon)
    done = await bullpen("scenes", "read", "p", "alley")
    assert "Alley" in done.out
    assert "Pier" not in done.out
    told = await bullpen("scenes", "read", "p", "pier", "--json")
    assert [scene["description"] for scene in told.json["scenes"]] == ["Dusk.\n\nMara: It is dark."]
    assert (await bullpen("scenes", "read", "p", "moon")).status == 1


async def test_the_list_shortens_what_would_fill_it(daemon: FakeDaemon, bullpen: Bullpen) -> None:
    """A long value ends in an ellipsis, so that a scene stays on its line."""
    tell(daemon)
    done = await bullpen("scenes", "list", "p")
    assert WHO not in done.out
    assert "character=a woman with red hair in a…" in done.out
    assert "place=right" in done.out


async def test_pictures_are_added_all_or_none(daemon: FakeDaemon, bullpen: Bullpen, tmp_path: Path) -> None:
    """A scene that exists is told of before anything is sent, with all that stand in the way and what to do."""
    tell(daemon)
    daemon.projects["projects/p"] = project_pb2.Project(name="projects/p")
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for file in ("alley.png", "attic.png", "pier.png", "more/attic.png"):
        (folder / file).write_bytes(b"a picture")
    done = await bullpen("scenes", "add", "p", str(folder), "--json")
    assert (done.status, done.error["reason"]) == (1, "ALREADY_EXISTS")
    assert "There already, or in the trash, as scenes: alley, pier." in done.error["message"]
    assert "Several of the files would be the scene attic" in done.error["message"]
    assert "bullpen scenes edit p alley --source FILE" in done.error["remedy"]
    assert set(daemon.scenes) == {"projects/p/scenes/pier", "projects/p/scenes/alley"}
    assert not daemon.assets
    assert (await bullpen("scenes", "add", "p", str(folder / "attic.png"))).status == 0
    assert "projects/p/scenes/attic" in daemon.scenes
