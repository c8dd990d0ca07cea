"""`bullpen cutout`, `upscale`, `color` from a shell: files in, files out, never over others without being told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bullpen_cli.postprocess import STEPS, request_of
from bullpen_cli.processing import Errand, errands
from click import UsageError
from PIL import Image

from tests.cli.conftest import Bullpen
from tests.support.daemon import Daemon
from tests.support.fake_daemon import FakeDaemon
from tests.worker.ops.networks import cutout_model, upscale_model
from tests.worker.ops.test_cutout import red_square


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home of a real daemon with tiny networks."""
    home = tmp_path_factory.mktemp("lab") / "home"
    upscale_model(home / "models" / "a-tiny-up", (2, 4))
    cutout_model(home / "models" / "a-tiny-cut")
    with Daemon(home, {"pictures.max_megapixels": "1"}):
        yield home


@pytest.fixture
def lab(served: Path, bullpen: Bullpen, monkeypatch: pytest.MonkeyPatch) -> Bullpen:
    monkeypatch.setenv("BULLPEN_HOME", str(served))
    return bullpen


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with two pictures."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    red_square().save(folder / "one.png")
    red_square(64).save(folder / "two.jpg")
    return folder


async def test_u01_a_background_is_removed_in_one_command(lab: Bullpen, files: Path, tmp_path: Path) -> None:
    """One picture in, a PNG with transparency out, and one line that says where it is."""
    out = tmp_path / "cut.png"
    done = await lab("cutout", str(files / "one.png"), "-o", str(out))
    assert done.status == 0, done.err
    assert str(out) in done.out
    assert "transparent" in done.out
    with Image.open(out) as image:
        assert (image.mode, image.size) == ("RGBA", (96, 96))


async def test_u01_several_pictures_go_into_a_folder(lab: Bullpen, files: Path, tmp_path: Path) -> None:
    """A folder stands for its pictures; --json gives one object for each, with what was done."""
    done = await lab("upscale", str(files), "-o", str(tmp_path / "large"), "--scale", "2", "--json")
    assert done.status == 0, done.err
    one, two = done.lines
    assert [Path(line["file"]).name for line in done.lines] == ["one.png", "two.png"]
    assert (one["width"], two["width"]) == (192, 128)
    assert one["post_process"] == {"upscale": {"model": "models/a-tiny-up", "scale": 2}}
    for line in done.lines:
        assert sha256(Path(line["file"]).read_bytes()).hexdigest() == line["sha256"]


async def test_u01_colour_by_profile_and_by_table(lab: Bullpen, files: Path, tmp_path: Path) -> None:
    """A profile changes the picture, the neutral one does not, a table turns it round."""
    source, out = files / "one.png", tmp_path / "out.png"
    assert (await lab("color", str(source), "-o", str(out), "--profile", "neutral")).status == 0
    before = np.asarray(Image.open(source))
    assert np.array_equal(np.asarray(Image.open(out)), before)
    (tmp_path / "negative.cube").write_text("LUT_1D_SIZE 2\n1 1 1\n0 0 0\n")
    done = await lab("color", str(source), "-o", str(out), "--force", "--lut", str(tmp_path / "negative.cube"))
    assert done.status == 0, done.err
    assert np.array_equal(np.asarray(Image.open(out)), 255 - before)
    listed = await lab("color", "--list", "--json")
    assert {"neutral", "cinematic_warm", "cold_rain"} <= {one["name"] for one in listed.json["profiles"]}


async def test_u01_nothing_is_written_over_without_force(lab: Bullpen, files: Path, tmp_path: Path) -> None:
    """A file that exists stops the command before anything is done; --force writes over it."""
    out = tmp_path / "large"
    out.mkdir()
    (out / "two.png").write_text("mine")
    line = ("upscale", str(files), "-o", str(out))
    done = await lab(*line)
    assert (done.status, "two.png exists" in done.err) == (2, True)
    assert sorted(path.name for path in out.iterdir()) == ["two.png"]
    assert (out / "two.png").read_text() == "mine"
    assert (await lab(*line, "--force")).status == 0
    with Image.open(out / "two.png") as image:
        assert image.size == (128, 128)


async def test_u01_a_failure_is_typed_and_leaves_nothing_half_written(
    lab: Bullpen, files: Path, tmp_path: Path
) -> None:
    """Of a bad picture there is no file, and its reason is typed and names it; those before and behind it are done."""
    (files / "one-and-a-half.png").write_text("no picture")
    (files / "three.png").touch()
    done = await lab("color", str(files), "-o", str(tmp_path / "out"), "--profile", "cold_rain", "--json")
    assert done.status == 1
    first, second = (json.loads(line) for line in done.err.splitlines())
    assert (first["reason"], first["metadata"]["source"]) == (
        "PICTURE_UNREADABLE",
        str(files / "one-and-a-half.png"),
    )
    assert (second["reason"], second["message"]) == ("PICTURE_UNREADABLE", "three.png is empty.")
    assert [Path(json.loads(line)["file"]).name for line in done.out.splitlines()] == ["one.png", "two.png"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["one.png", "two.png"]
    spoken = await lab("color", str(files), "-o", str(tmp_path / "out"), "--profile", "cold_rain", "--force")
    assert "2 of 4 pictures failed; the others are done." in spoken.err


async def test_u01_what_is_the_matter_with_all_pictures_is_said_once(lab: Bullpen, files: Path, tmp_path: Path) -> None:
    """A model that is missing is missing for the second picture too: one refusal, and an end."""
    done = await lab("upscale", str(files), "-o", str(tmp_path / "out"), "--model", "nobody", "--json")
    assert (done.status, done.error["reason"]) == (1, "MODEL_NOT_FOUND")
    assert list((tmp_path / "out").iterdir()) == []


async def test_u01_what_was_found_in_a_cutout_is_in_its_json(lab: Bullpen, files: Path, tmp_path: Path) -> None:
    """A cutout that kept nothing says so to a program as it does to a person: measure, finding, and their limit."""
    Image.new("RGB", (32, 32), "white").save(files / "empty.png")
    done = await lab("cutout", str(files / "empty.png"), "-o", str(tmp_path / "cut.png"), "--json")
    assert done.status == 0, done.err
    assert done.json["measures"]["alpha_coverage"] < 0.02
    (found,) = done.json["findings"]
    assert (found["kind"], found["severity"]) == ("KIND_ALPHA_COVERAGE", "SEVERITY_HARD")
    assert {"reading", "cutout", "writing"} <= set(done.json["step_seconds"])


async def test_u01_of_an_animation_the_first_picture_is_taken_and_that_is_said(
    lab: Bullpen, files: Path, tmp_path: Path
) -> None:
    """Nothing is left out silently: to a person in a line, to a program among the measures."""
    moving = files / "moving.webp"
    red_square().save(moving, save_all=True, append_images=[Image.new("RGB", (96, 96), "green")], duration=50)
    line = ("color", str(moving), "-o", str(tmp_path / "out.png"), "--profile", "neutral")
    done = await lab(*line)
    assert "moving.webp holds 2 pictures; the first was taken." in done.out, done.err
    assert (await lab(*line, "--force", "--json")).json["measures"]["pictures_in_file"] == 2


async def test_u01_a_place_that_cannot_be_written_is_said_before_anything_is_asked(
    bullpen: Bullpen, daemon: FakeDaemon, files: Path
) -> None:
    """In words, with what to do, and before a provider could be paid for what then has no place."""
    for line in (("color", str(files / "one.png"), "--profile", "neutral"), ("generate", "a pier")):
        done = await bullpen(*line, "-o", "/proc/out.png", "--json")
        assert (done.status, done.error["reason"], done.error["field"]) == (1, "PATH_NOT_ALLOWED", "out"), done.err
        assert done.error["metadata"]["path"] == "/proc/out.png"


@pytest.mark.parametrize(
    ("line", "reason", "field"),
    [
        ("color one.png -o {out} --profile sepia", "RESOURCE_NOT_FOUND", "color.profile"),
        ("color gone.png -o {out} --profile neutral", "PATH_NOT_FOUND", ""),
        ("color one.png -o {out} --lut one.png", "FIELD_INVALID", "color.lut_path"),
        ("color one.png -o {out} --lut gone.cube", "PATH_NOT_FOUND", "color.lut_path"),
        ("upscale one.png -o {out} --model nobody", "MODEL_NOT_FOUND", "upscale.model"),
        ("upscale one.png -o {out} --model ./bad.pth", "MODEL_UNSAFE", "upscale.model"),
        ("upscale one.png -o {out} --model bad.pth", "MODEL_UNSAFE", "upscale.model"),
        ("upscale one.png -o {out} --model bad.onnx", "MODEL_CORRUPT", "upscale.model"),
        ("upscale one.png -o {out} --scale 3", "MODEL_UNSUPPORTED", "upscale"),
        ("cutout one.png -o {out} --model rembg:withoutbg", "MODEL_UNSUPPORTED", "cutout.model"),
    ],
)
async def test_u01_refusals_are_typed(
    lab: Bullpen, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, reason: str, field: str
) -> None:
    """Each refusal has its reason, the field that it is about, and a remedy; no file is made."""
    monkeypatch.chdir(files)
    (files / "bad.pth").write_bytes(b"pickle")
    (files / "bad.onnx").write_bytes(b"no network")
    done = await lab(*line.format(out=tmp_path / "out.png").split(), "--json")
    assert (done.status, done.error["reason"]) == (1, reason), done.err
    assert done.error["remedy"]
    assert done.error["field"] == (f"head.post_process.{field}" if field else "")
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("cutout one.png", "-o"),
        ("cutout -o x.png", "FILE"),
        ("upscale one.png two.jpg -o x.png", "do not fit into the one file"),
        ("upscale one.png -o x.jpg", "ends in .png, or a folder"),
        ("upscale one.png -o none/x.png", "there is no folder none"),
        ("upscale one.png -o x.png --scale 0", "not between 1 and 8"),
        ("upscale one.png sub/one.jpg -o out", "would both become"),
        ("upscale one.png -o one.png", "exists; --force"),
        ("color one.png -o x.png", "--profile or a --lut"),
        ("color --profile neutral", "name pictures and -o"),
        ("color one.png -o x.png --profile neutral --strength 2", "0<=x<=1"),
        ("cutout one.png -o x.png --no-refine --softness 1", "--softness is of refining"),
    ],
)
async def test_a_wrong_line_is_one_line_and_asks_no_daemon(
    bullpen: Bullpen, home: Path, files: Path, monkeypatch: pytest.MonkeyPatch, line: str, words: str
) -> None:
    """What cannot be meant is said in one line with status 2, before a daemon is started."""
    monkeypatch.chdir(files)
    (files / "sub").mkdir()
    red_square(8).save(files / "sub" / "one.jpg")
    done = await bullpen(*line.split())
    assert (done.status, len(done.err.splitlines())) == (2, 1)
    assert words in done.err
    assert not home.exists()


@pytest.mark.parametrize("command", ["cutout", "upscale", "color"])
async def test_help_has_examples(bullpen: Bullpen, command: str) -> None:
    """Each command shows how it is used."""
    done = await bullpen(command, "--help")
    assert f"bullpen {command} " in done.out.partition("Examples")[2]


def test_one_picture_may_go_into_a_folder_that_exists(files: Path, tmp_path: Path) -> None:
    """A folder keeps the picture's name; a file is taken as it is named."""
    assert errands([str(files / "two.jpg")], str(tmp_path), force=False) == [
        Errand(files / "two.jpg", tmp_path / "two.png")
    ]
    assert (
        errands([str(files / "two.jpg")], f"{tmp_path}/new.folder/", force=False)[0].target.parent.name == "new.folder"
    )
    with pytest.raises(UsageError, match="is a file, not a folder"):
        errands([str(files / "two.jpg")], f"{files / 'one.png'}/", force=True)


async def test_a_picture_that_was_damaged_on_its_way_is_not_kept(
    daemon: FakeDaemon, bullpen: Bullpen, files: Path, tmp_path: Path
) -> None:
    """Bytes that are not those announced are refused; a file that was there stays as it was."""
    out = tmp_path / "out.png"
    out.write_text("mine")
    line = ("color", str(files / "one.png"), "-o", str(out), "--force", "--json", "--profile")
    done = await bullpen(*line, "damaged")
    assert (done.status, done.error["reason"]) == (1, "CONTENT_LOST")
    assert out.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix) == ["out.png"]
    assert (await bullpen(*line, "neutral")).status == 0
    assert out.read_bytes() == (files / "one.png").read_bytes()


def test_what_is_post_processed_is_read_from_the_line() -> None:
    """Names of a run or of assets, steps and their values become the request; what contradicts itself is refused."""
    none: dict[str, Any] = {
        **dict.fromkeys(STEPS, False),
        "cutout_model": "",
        "upscale_model": "",
        "scale": None,
        "profile": "",
        "lut": "",
        "softness": None,
        "strength": None,
    }
    run = request_of(("projects/p/runs/r",), none)
    assert (run.parent, run.run, run.HasField("post_process")) == ("projects/p", "projects/p/runs/r", False)
    assets = request_of(("projects/p/assets/a", "projects/p/assets/b"), {**none, "upscale": True, "scale": 4})
    assert list(assets.assets) == ["projects/p/assets/a", "projects/p/assets/b"]
    assert [field.name for field, _ in assets.post_process.ListFields()] == ["upscale"]
    assert assets.post_process.upscale.scale == 4
    table = request_of(
        ("projects/p/runs/r",), {**none, "color": True, "lut": "a.cube", "refine": True, "softness": 0.25}
    ).post_process
    assert (table.color.lut_path, table.refine.softness) == (str(Path("a.cube").absolute()), 0.25)
    for names, options, words in (
        (("r-1",), none, "'r-1' is neither a run"),
        (("projects/p/runs/r/jobs/j",), none, "neither a run"),
        (("projects/p/runs/r",), {**none, "softness": 0.5}, "name the steps too"),
        (("projects/p/runs/a", "projects/p/runs/b"), none, "one run at a time"),
        (("projects/p/assets/a", "projects/q/assets/b"), none, "one project"),
        (("projects/p/runs/r",), {**none, "scale": 4}, "name the steps too"),
    ):
        with pytest.raises(UsageError, match=words):
            request_of(names, options)
