"""Where an export may go, and that it gets there whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from bullpend.errors import AlreadyExists, BullpenError, DiskFull, FieldInvalid, PathNotAllowed, PathNotFound
from bullpend.errors import StorageUnavailable as Unavailable
from bullpend.exports import destination


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path, Path]:
    """An allowed root, the daemon's home in it, and the project's own folder of exports."""
    root = tmp_path / "root"
    own = root / "home" / "projects" / "p" / "exports"
    own.mkdir(parents=True)
    return root, root / "home", own


def test_a_folder_or_a_file_may_be_named(places: tuple[Path, Path, Path]) -> None:
    """In a folder the file gets its name; a file's name has the format's ending; the own folder may be named too."""
    root, home, own = places

    def resolved(given: Path) -> Path:
        return destination.resolve(str(given), [root], home, own, "p.cbz")

    assert resolved(root) == root / "p.cbz"
    assert resolved(root / "lamp.cbz") == root / "lamp.cbz"
    assert resolved(own) == own / "p.cbz"
    (root / "named.cbz").mkdir()
    assert resolved(root / "named.cbz") == root / "named.cbz" / "p.cbz"


def test_other_places_are_refused(places: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """Outside, by a link, by dots, in the daemon's home, in a folder that is missing, with another ending."""
    root, home, own = places
    (root / "link").symlink_to(tmp_path)
    cases: tuple[tuple[str, type[BullpenError]], ...] = (
        (str(tmp_path / "p.cbz"), PathNotAllowed),
        (str(root / "link"), PathNotAllowed),
        (str(root / "link" / "p.cbz"), PathNotAllowed),
        (f"{root}/../p.cbz", PathNotAllowed),
        (str(home), PathNotAllowed),
        (str(home / "projects" / "p" / "p.cbz"), PathNotAllowed),
        (str(root / "gone" / "p.cbz"), PathNotFound),
        (str(root / "p.zip"), PathNotFound),
        (str(root / ".cbz"), PathNotFound),
        ("p.cbz", FieldInvalid),
        ("\0", FieldInvalid),
        (str(root / ("x" * 300 + ".cbz") / "p.cbz"), PathNotFound),
    )
    for given, kind in cases:
        with pytest.raises(kind) as refused:
            destination.resolve(given, [root], home, own, "p.cbz")
        assert refused.value.field == destination.FIELD
    (root / "notes.txt").write_text("mine")
    with pytest.raises(FieldInvalid):
        destination.resolve(str(root / "notes.txt"), [root], home, own, "p.cbz")


def test_a_finished_file_takes_its_place_at_once(tmp_path: Path) -> None:
    """Over nothing, or over what may be replaced; a link is replaced and not followed; no draft is left."""
    target, draft, other = tmp_path / "p.cbz", tmp_path / ".draft", tmp_path / "other"
    other.write_bytes(b"other")
    for overwrite in (False, True):
        draft.write_bytes(b"new")
        destination.place(draft, target, overwrite)
        assert (target.read_bytes(), draft.exists()) == (b"new", False)
        target.unlink()
        target.symlink_to(other)
        with pytest.raises(AlreadyExists):
            destination.free(target, overwrite=False)
    assert other.read_bytes() == b"other"


def test_who_comes_second_gets_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that appeared meanwhile stays, also on a file system that knows no second names."""
    target, draft = tmp_path / "p.cbz", tmp_path / ".draft"

    def no_links(source: Path, there: Path) -> None:
        raise OSError(errno.EOPNOTSUPP, "no links here")

    for link in (os.link, no_links):
        monkeypatch.setattr(os, "link", link)
        target.write_bytes(b"theirs")
        draft.write_bytes(b"mine")
        with pytest.raises(AlreadyExists):
            destination.place(draft, target, overwrite=False)
        assert target.read_bytes() == b"theirs"
        target.unlink()
        destination.place(draft, target, overwrite=False)
        assert target.read_bytes() == b"mine"


def test_what_the_system_says_becomes_words(tmp_path: Path) -> None:
    """A full disk, a place that cannot be written, a folder that is gone; too little room is seen before."""
    for number, kind in (
        (errno.ENOSPC, DiskFull),
        (errno.EDQUOT, DiskFull),
        (errno.EACCES, Unavailable),
        (errno.EROFS, Unavailable),
        (errno.ENOENT, PathNotFound),
    ):
        with pytest.raises(kind, match=str(tmp_path)), destination.mapped(tmp_path):
            raise OSError(number, os.strerror(number))
    destination.room(tmp_path / "p.cbz", 1)
    with pytest.raises(DiskFull):
        destination.room(tmp_path / "p.cbz", 1 << 62)
