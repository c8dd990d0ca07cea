"""The content-addressed store of a project's assets, as files: `ab/cd/<sha256>.<ending>` with a `.json` sidecar.

Durable before it is visible: temporary files in the store's own `.tmp` folder, fsync, rename, fsync of the folder. A
process that dies at any moment leaves the store as it was or complete; what stays in `.tmp` may be swept whenever no
worker runs.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bullpen_worker.failpoints import reach
from bullpen_worker.failures import WorkerError

TEMPORARY = ".tmp"

# Two of the flags exist on some systems only.
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)

_numbers = itertools.count(1)
# Folders of which this process knows that their names are on the disk, and how many it remembers.
_durable_folders: set[Path] = set()
_MOST_FOLDERS = 10_000


class Draft:
    """A file being written: under a temporary name until it is kept. `path` is where its bytes go."""

    def __init__(self, folder: Path, suffix: str) -> None:
        self.path = folder / f"{os.getpid()}-{time.time_ns():x}-{next(_numbers)}{suffix}"
        self.kept = False

    def write(self, data: bytes) -> None:
        """Writes all bytes and brings them to the disk."""
        fd = os.open(self.path, _NEW_FILE, 0o644)
        try:
            write_all(fd, data)
            reach("store.written")
            os.fsync(fd)
        finally:
            os.close(fd)
        reach("store.synced")

    def keep(self, target: Path) -> None:
        """Gives the file its final name, in place of one that lies there."""
        self.path.replace(target)
        self.kept = True


@contextmanager
def drafts(folder: Path) -> Iterator[list[Draft]]:
    """A list for drafts in `folder`; those that were not kept are deleted at the end."""
    made: list[Draft] = []
    try:
        yield made
    finally:
        for draft in made:
            if not draft.kept:
                draft.path.unlink(missing_ok=True)


def write_all(fd: int, data: bytes | memoryview) -> None:
    """Writes to a descriptor until nothing is left; a full disk raises OSError at the first short write's successor."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def digest(data: bytes) -> str:
    """SHA-256 of bytes, in hexadecimal: the name of the content."""
    return hashlib.sha256(data).hexdigest()


def content_path(assets_folder: Path, sha256: str, suffix: str) -> Path:
    """Where content of this name lies."""
    return assets_folder.joinpath(sha256[:2], sha256[2:4], f"{sha256}{suffix}")


def temporary_folder(assets_folder: Path) -> Path:
    """The folder for drafts, on the same file system as the store; made where it is missing."""
    folder = assets_folder / TEMPORARY
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def publish(assets_folder: Path, sha256: str, suffix: str, content: Draft, sidecar: Draft | None) -> Path:
    """Gives drafts their final names and makes the names durable. Content that is there already is left as it is.

    The sidecar goes first: content without one would be nameless, a sidecar without content is seen at once.
    """
    target = content_path(assets_folder, sha256, suffix)
    folder = target.parent
    make_folder(assets_folder, folder)
    beside = folder / f"{sha256}.json"
    added_sidecar = sidecar is not None and not beside.exists()
    if sidecar is not None and added_sidecar:
        sidecar.keep(beside)
        reach("store.sidecar_named")
    try:
        if not _same_size(target, content.path):
            content.keep(target)
    except OSError:
        if added_sidecar:
            beside.unlink(missing_ok=True)
        raise
    reach("store.content_named")
    sync_folder(folder)
    reach("store.published")
    return target


def sync_folder(folder: Path) -> None:
    """Brings a folder's entries to the disk. Does nothing where the system cannot open folders."""
    if os.name == "nt":
        return
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def read_sidecar(text: str) -> dict[str, Any]:
    """The JSON object that the daemon gave for the sidecar. Raises WorkerError INTERNAL where it is none."""
    try:
        sidecar = json.loads(text or "{}")
    except ValueError as error:
        raise WorkerError("INTERNAL", f"The sidecar is no JSON: {error}.") from error
    if not isinstance(sidecar, dict):
        raise WorkerError("INTERNAL", "The sidecar is no JSON object.")
    return sidecar


def encode_sidecar(sidecar: dict[str, Any]) -> bytes:
    """A sidecar's bytes: UTF-8, keys sorted, so that equal sidecars are equal files."""
    return (json.dumps(sidecar, ensure_ascii=False, sort_keys=True) + "\n").encode()


def _same_size(target: Path, draft: Path) -> bool:
    try:
        return target.stat().st_size == draft.stat().st_size
    except FileNotFoundError:
        return False


def make_folder(root: Path, folder: Path) -> None:
    """Makes `root` and the folders from there down to `folder`, each one durable. The parent of `root` is there."""
    if folder in _durable_folders and folder.is_dir():
        return
    if len(_durable_folders) > _MOST_FOLDERS:
        _durable_folders.clear()
    if folder != root:
        make_folder(root, folder.parent)
    with suppress(FileExistsError):
        folder.mkdir()
    # Also where another thread or process has made it: who relies on it must know that it stays.
    sync_folder(folder.parent)
    _durable_folders.add(folder)
