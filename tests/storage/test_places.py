"""Places that pictures are brought to: whole or not at all, by their hash, and never out of the place."""

from __future__ import annotations

import hashlib
import io
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from bullpend.errors import PathNotAllowed, StorageUnavailable
from bullpend.storage.places import Bucket, Damaged, Folder, bucket_of

DATA = b"a picture" * 1000
HASH = hashlib.sha256(DATA).hexdigest()
KEY = f"assets/{HASH[:2]}/{HASH[2:4]}/{HASH}.png"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.png"
    path.write_bytes(DATA)
    return path


def test_a_file_is_there_once_it_is_whole(tmp_path: Path, source: Path) -> None:
    """Copied, it is held; cut off it is not, changed it is not where it is read again; put again it is whole."""
    place = Folder(tmp_path / "there")
    assert not place.holds(KEY, len(DATA), HASH, verify=False)
    assert place.put(KEY, source, HASH) == len(DATA)
    assert place.holds(KEY, len(DATA), HASH, verify=True)
    copy = tmp_path / "there" / KEY
    copy.write_bytes(b"b" + DATA[1:])
    assert place.holds(KEY, len(DATA), HASH, verify=False)
    assert not place.holds(KEY, len(DATA), HASH, verify=True)
    copy.write_bytes(DATA[:-1])
    assert not place.holds(KEY, len(DATA), HASH, verify=False)
    place.put(KEY, source, HASH)
    assert copy.read_bytes() == DATA
    assert [path.name for path in copy.parent.iterdir()] == [copy.name]


@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_what_is_damaged_here_is_not_brought_there(tmp_path: Path, source: Path, damage: str) -> None:
    """A file that is not what its hash says replaces nothing, and leaves nothing half written."""
    place = Folder(tmp_path / "there")
    place.put(KEY, source, HASH)
    if damage == "gone":
        source.unlink()
    else:
        source.write_bytes(b"another")
    with pytest.raises(Damaged):
        place.put(KEY, source, HASH)
    folder = (tmp_path / "there" / KEY).parent
    assert [path.read_bytes() for path in folder.iterdir()] == [DATA]


def test_links_do_not_lead_out(tmp_path: Path, source: Path) -> None:
    """A link in place of a folder is refused; one in place of a file is replaced, and what it names is left alone."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    root = tmp_path / "there"
    root.mkdir()
    (root / "assets").symlink_to(elsewhere)
    with pytest.raises(PathNotAllowed):
        Folder(root).put(KEY, source, HASH)
    assert not list(elsewhere.rglob("*.png"))
    (root / "assets").unlink()
    victim = tmp_path / "victim.txt"
    victim.write_text("mine")
    (root / KEY).parent.mkdir(parents=True)
    (root / KEY).symlink_to(victim)
    assert not Folder(root).holds(KEY, 4, HASH, verify=False)
    Folder(root).put(KEY, source, HASH)
    assert (root / KEY).read_bytes() == DATA
    assert victim.read_text() == "mine"


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, source: Path) -> None:
    """A file where a folder should be is a typed error of the place."""
    (tmp_path / "there").write_text("a file")
    with pytest.raises(StorageUnavailable):
        Folder(tmp_path / "there").put(KEY, source, HASH)


def test_without_what_speaks_to_s3_there_is_no_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is named; nothing else of the daemon needs it."""
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(StorageUnavailable) as refused:
        bucket_of({"bucket": "noir"}, "p", {})
    assert "s3" in refused.value.remedy


class ClientError(Exception):
    """As much of the library's error as is looked at."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.response = {"Error": {"Code": code}}


class Shelf:
    """As much of an S3 client as a bucket asks for; the library itself is an extra that tests do not need."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, dict[str, str]]] = {}
        self.away = False

    def head_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 -- the library's names
        if self.away or Key not in self.objects:
            raise ClientError("503" if self.away else "404")
        data, metadata = self.objects[Key]
        return {"ContentLength": len(data), "Metadata": metadata}

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        return {"Body": io.BytesIO(self.objects[Key][0])}

    def put_object(self, Bucket: str, Key: str, Body: bytes, Metadata: dict[str, str]) -> None:  # noqa: N803
        if self.away:
            raise ClientError("503")
        self.objects[Key] = (Body, Metadata)


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    library = ModuleType("botocore.exceptions")
    vars(library).update(ClientError=ClientError, BotoCoreError=OSError)
    monkeypatch.setitem(sys.modules, "botocore", ModuleType("botocore"))
    monkeypatch.setitem(sys.modules, "botocore.exceptions", library)
    return Shelf()


def test_a_bucket_knows_its_files_by_their_hash(shelf: Shelf, source: Path) -> None:
    """An object of another size or hash is not the file; with its hash right and its content wrong, reading tells."""
    bucket = Bucket(shelf, "noir", "x/p")
    assert bucket.title == "s3://noir/x/p"
    assert not bucket.holds(KEY, len(DATA), HASH, verify=False)
    assert bucket.put(KEY, source, HASH) == len(DATA)
    assert list(shelf.objects) == [f"x/p/{KEY}"]
    assert bucket.holds(KEY, len(DATA), HASH, verify=True)
    assert not bucket.holds(KEY, len(DATA) + 1, HASH, verify=False)
    assert not bucket.holds(KEY, len(DATA), "0" * 64, verify=False)
    shelf.objects[f"x/p/{KEY}"] = (b"b" + DATA[1:], {"sha256": HASH})
    assert bucket.holds(KEY, len(DATA), HASH, verify=False)
    assert not bucket.holds(KEY, len(DATA), HASH, verify=True)
    source.write_bytes(b"another")
    with pytest.raises(Damaged):
        bucket.put(KEY, source, HASH)


def test_a_bucket_that_is_away_is_told(shelf: Shelf, source: Path) -> None:
    """Whatever the server refuses is a typed error that names the bucket."""
    bucket = Bucket(shelf, "noir", "")
    shelf.away = True
    with pytest.raises(StorageUnavailable, match="s3://noir"):
        bucket.holds(KEY, len(DATA), HASH, verify=False)
    with pytest.raises(StorageUnavailable, match="s3://noir"):
        bucket.put(KEY, source, HASH)
