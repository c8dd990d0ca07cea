"""`bullpen generate`: files that are whole or not there, numbers where there are several, refusals before the call."""

import hashlib
from pathlib import Path

import pytest
from bullpen_api.v1 import history_pb2
from bullpen_cli import generate, recipes
from bullpen_client.errors import ModelUnsupported

from tests.cli.conftest import Bullpen
from tests.support.fake_daemon import FakeDaemon


async def test_a_picture_is_one_command(daemon: FakeDaemon, bullpen: Bullpen, tmp_path: Path) -> None:
    """The file is there, and the line says size and seed; the same words with --json."""
    out = tmp_path / "pier.png"
    done = await bullpen("generate", "a pier", "-o", str(out), "--seed", "7")
    assert done.status == 0, done.err
    assert out.read_bytes() == b"picture 7"
    assert "seed 7" in done.out
    line = ("generate", "a pier", "-o", str(out), "--seed", "8", "--size", "96x64", "--steps", "3", "--json", "--force")
    answer = (await bullpen(*line)).json
    assert answer["pictures"][0]["sha256"] == hashlib.sha256(b"picture 8").hexdigest()
    assert (answer["sampling"]["width"], answer["sampling"]["height"], answer["sampling"]["steps"]) == (96, 64, 3)
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".sock" and path.is_file()) == ["pier.png"]


async def test_several_pictures_are_numbered(daemon: FakeDaemon, bullpen: Bullpen, tmp_path: Path) -> None:
    """Beside the name that was given, each with the next seed."""
    done = await bullpen("generate", "a pier", "-o", str(tmp_path / "a.png"), "--count", "3", "--seed", "1", "--json")
    assert [(Path(entry["file"]).name, entry["seed"]) for entry in done.json["pictures"]] == [
        ("a-1.png", 1),
        ("a-2.png", 2),
        ("a-3.png", 3),
    ]
    assert (tmp_path / "a-3.png").read_bytes() == b"picture 3"


async def test_without_a_seed_each_line_gives_new_pictures(
    daemon: FakeDaemon, bullpen: Bullpen, tmp_path: Path
) -> None:
    """The seed is drawn here, so that the same line twice is no replay."""
    line = ("generate", "a pier", "--json", "--force", "-o", str(tmp_path / "a.png"))
    assert len({(await bullpen(*line)).json["pictures"][0]["seed"] for _ in range(3)}) > 1


async def test_a_damaged_picture_leaves_no_file(daemon: FakeDaemon, bullpen: Bullpen, tmp_path: Path) -> None:
    """What is not what was announced is refused, and neither half nor whole stays."""
    folder = tmp_path / "out"
    folder.mkdir()
    done = await bullpen("generate", "damaged", "-o", str(folder / "a.png"), "--json")
    assert (done.status, done.error["reason"]) == (1, "CONTENT_LOST")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-o", "a.jpg"], "ends in .png"),
        (["-o", "nowhere/a.png"], "there is no folder"),
        (["-o", "taken.png"], "--force"),
        (["-o", "taken.png", "--count", "0"], "between 1 and"),
        (["-o", "a.png", "--size", "large"], "WIDTHxHEIGHT"),
        (["-o", "a.png", "--lora", "x=y"], "NAME=SCALE"),
        ([], "--out"),
    ],
)
async def test_a_wrong_line_asks_nobody(
    daemon: FakeDaemon,
    bullpen: Bullpen,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    words: str,
) -> None:
    """One line that says what is wrong, status 2, and no call."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken.png").write_bytes(b"mine")
    done = await bullpen("generate", "a pier", *options)
    assert done.status == 2
    assert words in done.err
    assert "Generate" not in daemon.calls
    assert (tmp_path / "taken.png").read_bytes() == b"mine"


def of_a_stage() -> history_pb2.PictureRecipe:
    """The recipe of a picture that a stage made from another one."""
    recipe = history_pb2.PictureRecipe(asset="projects/p/assets/a1", prompt="make it night", model="models/edit")
    recipe.others.update(stage="time", run="projects/p/runs/r-0002-time")
    return recipe


async def test_a_picture_that_a_stage_made_is_made_again_by_a_run(
    daemon: FakeDaemon, bullpen: Bullpen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its model changes pictures and draws none from words: the refusal names the run that does, not just models."""

    async def refuse(*_: object) -> None:
        raise ModelUnsupported("models/edit cannot do text_to_image.", remedy="Choose a model that can.")

    monkeypatch.setattr(recipes, "recipe_of", lambda state, name: of_a_stage())
    monkeypatch.setattr(generate, "receive", refuse)
    done = await bullpen("generate", "--like", "projects/p/assets/a1", "-o", str(tmp_path / "a.png"), "--json")
    assert (done.status, done.error["reason"]) == (1, "MODEL_UNSUPPORTED")
    assert "bullpen run --project p --stage time --scenes SCENE --like projects/p/assets/a1" in done.error["remedy"]


def test_a_picture_of_words_has_no_other_way() -> None:
    """Only what a stage made is made again by a run."""
    assert recipes.made_again(history_pb2.PictureRecipe(asset="projects/p/assets/a1", prompt="a pier")) == ""
