"""The store: complete or absent, whatever happens; and the two tasks that fill it."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bullpen_api.worker.v1 import link_pb2
from bullpen_worker.failures import WorkerError, classify
from bullpen_worker.ops import import_picture as importing
from bullpen_worker.ops.finish import finish_picture
from bullpen_worker.ops.heads import read_head
from bullpen_worker.ops.import_picture import import_picture
from PIL import Image

from tests.worker.conftest import drawing
from tests.worker.test_pictures import bomb

LIMIT = 1_000_000


class Project:
    """A project's folders, and tasks on them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.assets, self.thumbnails = root / "project" / "assets", root / "project" / "thumbnails"
        self.complaints: list[Exception] = []

    def finish(self, image: Image.Image, **fields: Any) -> link_pb2.StoredPicture:
        raw = self.root / "raw.rgb"
        raw.write_bytes(image.tobytes())
        values: dict[str, Any] = {
            "raw_path": str(raw),
            "width": image.width,
            "height": image.height,
            "assets_folder": str(self.assets),
            "thumbnails_folder": str(self.thumbnails),
            "texts": {"bullpen": '{"seed":1}', "parameters": "make it night\nSteps: 4"},
            "sidecar_json": '{"origin":"run"}',
        }
        return finish_picture(link_pb2.FinishPicture(**(values | fields)), LIMIT, self.complaints.append)

    def take(self, path: Path, **fields: Any) -> link_pb2.StoredPicture:
        task = link_pb2.ImportPicture(
            path=str(path),
            assets_folder=str(self.assets),
            thumbnails_folder=str(self.thumbnails),
            sidecar_json='{"origin":"import"}',
            **fields,
        )
        return import_picture(task, LIMIT, self.complaints.append)

    def files(self) -> set[str]:
        return {path.name for path in self.root.glob("project/**/*") if path.is_file()}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_a_finished_picture_lies_under_its_hash(project: Project) -> None:
    """PNG with the same pixels and its texts, sidecar, thumbnail; the raw file is gone."""
    image = drawing(300, 40)
    stored = project.finish(image)
    path = Path(stored.path)
    data = path.read_bytes()
    assert hashlib.sha256(data).hexdigest() == stored.sha256
    assert path == project.assets / stored.sha256[:2] / stored.sha256[2:4] / f"{stored.sha256}.png"
    with Image.open(path) as opened:
        assert opened.tobytes() == image.tobytes()
        assert opened.info["parameters"] == "make it night\nSteps: 4"
        assert json.loads(opened.info["bullpen"]) == {"seed": 1}
    sidecar = json.loads(path.with_suffix(".json").read_text())
    assert sidecar["origin"] == "run"
    assert (sidecar["sha256"], sidecar["size_bytes"]) == (stored.sha256, len(data))
    assert (sidecar["width"], sidecar["height"], sidecar["mime_type"]) == (300, 40, "image/png")
    assert sidecar["measures"] == dict(stored.measures)
    with Image.open(project.thumbnails / stored.sha256[:2] / f"{stored.sha256}.webp") as thumbnail:
        assert (thumbnail.format, thumbnail.width) == ("WEBP", 256)
    assert not (project.root / "raw.rgb").exists()
    assert not project.complaints


def test_texts_beyond_latin_letters_survive(project: Project) -> None:
    """A recipe in any script reads back as it was."""
    stored = project.finish(drawing(8, 8), texts={"bullpen": '{"prompt":"夜の街 – Straße"}'})
    with Image.open(stored.path) as opened:
        opened.load()
        assert "夜の街 – Straße" in opened.info["bullpen"]


def test_finishing_twice_gives_one_asset(project: Project) -> None:
    """A job that ran twice leaves one picture, and its first sidecar."""
    first = project.finish(drawing(8, 8))
    before = project.files()
    second = project.finish(drawing(8, 8), sidecar_json='{"origin":"again"}')
    assert first == second
    assert project.files() == before
    assert json.loads(Path(first.path).with_suffix(".json").read_text())["origin"] == "run"


def test_damaged_content_is_replaced(project: Project) -> None:
    """A file that was cut by a broken disk is healed when the same picture is made again."""
    stored = project.finish(drawing(8, 8))
    Path(stored.path).write_bytes(b"cut")
    project.finish(drawing(8, 8))
    assert hashlib.sha256(Path(stored.path).read_bytes()).hexdigest() == stored.sha256


@pytest.mark.parametrize("content", [None, b"no picture at all"])
def test_a_source_that_cannot_be_read_costs_no_picture(project: Project, content: bytes | None) -> None:
    """The picture is stored, what needs the source is named with the reason, and the rest is measured."""
    source = project.root / "source.png"
    if content is not None:
        source.write_bytes(content)
    stored = project.finish(drawing(16, 16), source_path=str(source), source_sha256="a")
    assert Path(stored.path).is_file()
    assert set(stored.failed_measures) == {"structure_f1"}
    assert str(source) in stored.failed_measures["structure_f1"]
    assert stored.measures["width"] == 16
    assert "structure_f1" not in stored.measures


@pytest.mark.parametrize("content", [None, b"", b"too short"])
def test_a_lost_raw_picture_is_said_to_be_lost(project: Project, content: bytes | None) -> None:
    """Nothing is stored in its place."""
    raw = project.root / "lost.rgb"
    if content is not None:
        raw.write_bytes(content)
    with pytest.raises(WorkerError) as caught:
        project.finish(drawing(8, 8), raw_path=str(raw))
    assert caught.value.reason == "CONTENT_LOST"
    assert not project.files()


def _full_after(calls: int, call: Callable[..., Any]) -> Callable[..., Any]:
    left = calls

    def limited(*arguments: Any, **options: Any) -> Any:
        nonlocal left
        if left == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        left -= 1
        return call(*arguments, **options)

    return limited


@pytest.mark.parametrize("name", ["write", "fsync", "replace", "mkdir"])
@pytest.mark.parametrize("calls", range(3))
def test_a_full_disk_leaves_nothing_half_written(
    project: Project, monkeypatch: pytest.MonkeyPatch, name: str, calls: int
) -> None:
    """Wherever the disk gets full: the picture is whole with its sidecar, or absent, and no draft stays."""
    with monkeypatch.context() as patch:
        patch.setattr(os, name, _full_after(calls, getattr(os, name)))
        reason = "stored"
        try:
            project.finish(drawing(8, 8))
        except OSError as error:
            reason = classify(error).reason
    assert reason in {"stored", "DISK_FULL"}
    assert (project.root / "raw.rgb").exists() == (reason == "DISK_FULL")
    names = project.files()
    pictures = {name for name in names if name.endswith(".png")}
    if pictures:
        assert {Path(name).stem for name in names} == {Path(name).stem for name in pictures}
    else:
        assert not {name for name in names if not name.endswith(".webp")}
    assert not list(project.assets.glob(".tmp/*"))
    # Once there is room again the same picture is stored.
    stored = project.finish(drawing(8, 8))
    assert Path(stored.path).exists()


def test_a_thumbnail_that_cannot_be_written_does_not_lose_the_picture(project: Project) -> None:
    """It is complained about and can be made again later."""
    project.thumbnails.parent.mkdir()
    project.thumbnails.write_text("a file where the folder should be")
    stored = project.finish(drawing(8, 8))
    assert Path(stored.path).exists()
    assert len(project.complaints) == 1


@pytest.mark.parametrize(("file_format", "suffix"), [("PNG", ".png"), ("JPEG", ".jpg"), ("WEBP", ".webp")])
def test_an_imported_picture_keeps_its_bytes(project: Project, file_format: str, suffix: str) -> None:
    """The original is stored unchanged under its hash and with the ending of its content, not of its name."""
    original = project.root / "Photo of the harbour.PNG"
    drawing(50, 30).save(original, file_format)
    stored = project.take(original)
    path = Path(stored.path)
    assert path.name == f"{stored.sha256}{suffix}"
    assert path.read_bytes() == original.read_bytes()
    assert (stored.width, stored.height, stored.mime_type) == (50, 30, f"image/{file_format.lower()}")
    assert json.loads(path.with_suffix(".json").read_text())["origin"] == "import"
    assert (project.thumbnails / stored.sha256[:2] / f"{stored.sha256}.webp").exists()
    assert original.exists()


def test_an_import_reports_the_upright_size(project: Project) -> None:
    """A photograph from a telephone held upright is higher than wide, whatever its rows say."""
    original = project.root / "portrait.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    drawing(50, 30).save(original, exif=exif)
    stored = project.take(original)
    assert (stored.width, stored.height) == (30, 50)
    with Image.open(project.thumbnails / stored.sha256[:2] / f"{stored.sha256}.webp") as thumbnail:
        assert thumbnail.size == (30, 50)


def test_an_upload_is_consumed_and_a_duplicate_is_one_asset(project: Project) -> None:
    """The temporary file of an upload goes away once it is stored; the same content is stored once."""
    original, upload = project.root / "a.png", project.root / "upload"
    drawing(20, 20).save(original)
    upload.write_bytes(original.read_bytes())
    first, second = project.take(original), project.take(upload, consume=True)
    assert first == second
    assert original.exists()
    assert not upload.exists()
    assert len([name for name in project.files() if name.endswith(".png")]) == 1


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.write_text("just words, a long line of words"), "PICTURE_UNREADABLE"),
        (lambda path: None, "PATH_NOT_FOUND"),
        (bomb, "PICTURE_TOO_LARGE"),
    ],
)
def test_a_bad_import_leaves_nothing(project: Project, make: Callable[[Path], object], reason: str) -> None:
    """Typed, and not one file in the store; an upload that was refused stays for the daemon to sweep."""
    original = project.root / "scene.png"
    make(original)
    with pytest.raises(WorkerError) as caught:
        project.take(original, consume=True)
    assert caught.value.reason == reason
    assert not project.files()


def test_a_cut_off_import_names_the_persons_file(project: Project) -> None:
    """The words speak of the file that the person knows, not of a temporary copy."""
    original = project.root / "scene.png"
    drawing(64, 64).save(original)
    original.write_bytes(original.read_bytes()[:-80])
    with pytest.raises(WorkerError) as caught:
        project.take(original)
    assert caught.value.reason == "PICTURE_UNREADABLE"
    assert str(original) in caught.value.message
    assert ".tmp" not in caught.value.message
    assert not project.files()


def test_a_file_that_changes_while_it_is_read_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is checked is what is stored: a swap between the two cannot get through."""
    original = project.root / "scene.png"
    drawing(20, 20).save(original)

    def swapping(path: str | Path, limit: int) -> Any:
        head = read_head(path, limit)
        if Path(path) == original:
            drawing(90, 90).save(original)
        return head

    monkeypatch.setattr(importing, "read_head", swapping)
    with pytest.raises(WorkerError, match="changed while it was read"):
        project.take(original)
    assert not project.files()


def test_a_sidecar_that_is_no_object_is_a_fault_of_ours(project: Project) -> None:
    """It never comes from a person, so it is an internal error."""
    with pytest.raises(WorkerError) as caught:
        project.finish(drawing(8, 8), sidecar_json="[]")
    assert caught.value.reason == "INTERNAL"
    assert not project.files()
