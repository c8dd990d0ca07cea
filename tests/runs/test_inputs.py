"""Which files of a folder a run takes, and which folders it may name."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from bullpend.errors import FieldInvalid, LimitExceeded, PathNotAllowed, PathNotFound
from bullpend.runs.inputs import hash_file, list_pictures


def make(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def test_pictures_come_sorted_by_their_path_below_the_folder(tmp_path: Path) -> None:
    """Recursive, sorted by posix path; other files are listed, hidden ones are not."""
    make(tmp_path, "b.PNG", "a/z.jpg", "a/b.webp", "a.jpeg", "notes.txt", ".hidden.png", ".git/x.png", "a/scan.tiff")
    listing = list_pictures(str(tmp_path), [tmp_path], 20)
    assert [listing.relative(path) for path in listing.pictures] == ["a.jpeg", "a/b.webp", "a/z.jpg", "b.PNG"]
    assert listing.skipped == ("a/scan.tiff", "notes.txt")
    assert list_pictures(str(tmp_path), [tmp_path], 20) == listing


def test_links_out_of_the_roots_are_skipped_and_links_inside_are_taken(tmp_path: Path) -> None:
    """A link is followed only to a file inside the roots; links to folders are not followed at all."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    make(root, "a.png")
    make(outside, "secret.png")
    (root / "in.png").symlink_to(root / "a.png")
    (root / "out.png").symlink_to(outside / "secret.png")
    (root / "gone.png").symlink_to(root / "nothing.png")
    (root / "loop.png").symlink_to(root / "loop.png")
    (root / "folder").symlink_to(outside)
    listing = list_pictures(str(root), [root], 20)
    assert [path.name for path in listing.pictures] == ["a.png", "in.png"]
    assert listing.skipped == ("gone.png", "loop.png", "out.png")


@pytest.mark.parametrize("text", ["{root}/../outside", "{root}/a/../../outside", "{outside}", "{root}/link", "/etc"])
def test_a_folder_outside_of_the_roots_is_refused(tmp_path: Path, text: str) -> None:
    """Neither `..`, nor another place, nor a link leads out; the error names the field."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    make(root, "a/1.png")
    make(outside, "1.png")
    (root / "link").symlink_to(outside)
    with pytest.raises(PathNotAllowed) as caught:
        list_pictures(text.format(root=root, outside=outside), [root], 20)
    assert caught.value.field == "input_folder"
    assert caught.value.remedy


def test_the_refusal_names_the_roots_and_the_setting(tmp_path: Path) -> None:
    """A person learns where files may lie and which setting changes it."""
    with pytest.raises(PathNotAllowed) as caught:
        list_pictures("/etc", [tmp_path], 20)
    assert str(tmp_path) in caught.value.remedy
    assert "paths.input_roots" in caught.value.remedy


@pytest.mark.parametrize("text", ["", "pictures", "./pictures", "~/pictures", "/tmp/\0"])
def test_what_is_no_absolute_path_is_refused(tmp_path: Path, text: str) -> None:
    """A relative path would depend on where the daemon was started."""
    with pytest.raises((FieldInvalid, PathNotAllowed)) as caught:
        list_pictures(text, [tmp_path], 20)
    assert caught.value.field == "input_folder"


def test_a_missing_folder_and_a_file_are_refused(tmp_path: Path) -> None:
    """Nothing there is PATH_NOT_FOUND; a file where a folder is needed is FIELD_INVALID."""
    make(tmp_path, "a.png")
    with pytest.raises(PathNotFound):
        list_pictures(str(tmp_path / "nothing"), [tmp_path], 20)
    with pytest.raises(FieldInvalid):
        list_pictures(str(tmp_path / "a.png"), [tmp_path], 20)


@pytest.mark.parametrize("shape", ["loop", "long", "below_a_file"])
def test_paths_that_cannot_be_followed_are_not_found(tmp_path: Path, shape: str) -> None:
    """A circle of links, a name longer than the system takes and a path below a file are refused, not crashed on."""
    make(tmp_path, "a.png")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    path = {"loop": tmp_path / "loop", "long": tmp_path / ("x" * 300), "below_a_file": tmp_path / "a.png" / "b"}[shape]
    with pytest.raises(PathNotFound) as caught:
        list_pictures(str(path), [tmp_path], 20)
    assert caught.value.field == "input_folder"


def test_more_pictures_than_the_limit_are_refused(tmp_path: Path) -> None:
    """The limit counts pictures only, and the error tells both numbers."""
    make(tmp_path, *(f"{number}.png" for number in range(3)), "a.txt")
    assert len(list_pictures(str(tmp_path), [tmp_path], 3).pictures) == 3
    with pytest.raises(LimitExceeded, match="3 pictures, and one run takes at most 2") as caught:
        list_pictures(str(tmp_path), [tmp_path], 2)
    assert caught.value.metadata["limit"] == "2"


def test_a_file_is_hashed_whole(tmp_path: Path) -> None:
    """The hash is SHA-256 of the content; a file that is gone is PATH_NOT_FOUND."""
    path = tmp_path / "a.png"
    content = os.urandom(300_000)
    path.write_bytes(content)
    assert hash_file(path) == hashlib.sha256(content).hexdigest()
    with pytest.raises(PathNotFound):
        hash_file(tmp_path / "nothing")
