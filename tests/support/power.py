"""Power that can be cut: what was written and not synced is gone. For SQLite an apsw VFS, for files a watch on fsync.

A process that is killed loses nothing that it wrote: the system still has it. Only this tells a store that syncs from
one that does not, so each harness can also leave out one sync on purpose and must then see something lost.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw
import pytest


@dataclass
class Disk:
    """What of each file has reached the disk, and what goes wrong on the way.

    `forget` names a kind of file (`-wal`, or empty for the database itself) whose syncs are promised and not done;
    `fail_at` is the number of the write or sync, counted from 1, that gives an input/output error.
    """

    forget: str | None = None
    fail_at: int = 0
    synced: dict[str, bytes] = field(default_factory=dict)
    operations: int = 0
    syncs: int = 0

    def operation(self) -> None:
        """Counts one; raises apsw.IOError where it is the one that fails."""
        self.operations += 1
        if self.operations == self.fail_at:
            raise apsw.IOError("the disk does not answer")

    def sync(self, name: str) -> None:
        """Brings a file to the disk, or says so only."""
        self.syncs += 1
        if self.forget is None or not _is(name, self.forget):
            self.synced[name] = Path(name).read_bytes()

    def cut(self) -> None:
        """Cuts the power: every file of the database is what was synced of it, those never synced are gone."""
        for name in {Path(known).name for known in self.synced}:
            stem = name.removesuffix("-wal").removesuffix("-journal")
            folder = Path(next(known for known in self.synced if Path(known).name == name)).parent
            for file in folder.glob(f"{stem}*"):
                file.unlink()
        for known, data in self.synced.items():
            Path(known).write_bytes(data)


def _is(name: str, kind: str) -> bool:
    return name.endswith(kind) if kind else not name.endswith(("-wal", "-journal", "-shm"))


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, inherit: str, name: Any, flags: list[int]) -> None:
        super().__init__(inherit, name, flags)
        self._disk = disk
        self._name = name.filename() if isinstance(name, apsw.URIFilename) else str(name)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 -- SQLite's names
        self._disk.operation()
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.operation()
        super().xSync(flags)
        self._disk.sync(self._name)


class _Vfs(apsw.VFS):
    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._inherit = apsw.vfs_names()[0]
        super().__init__(f"power-{id(disk)}", self._inherit, makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return _File(self._disk, self._inherit, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        super().xDelete(filename, syncdir)
        self._disk.synced.pop(filename, None)


@contextmanager
def database_disk(forget: str | None = None, fail_at: int = 0) -> Iterator[Disk]:
    """While it lasts, every database that is opened lies on such a disk.

    A VFS in Python has no shared memory, so connections lock the file for themselves: use the writer only.
    """
    disk = Disk(forget, fail_at)
    vfs = _Vfs(disk)

    def alone(connection: apsw.Connection) -> None:
        for _ in connection.execute("PRAGMA locking_mode=EXCLUSIVE"):
            pass

    apsw.connection_hooks.append(alone)
    try:
        yield disk
    finally:
        apsw.connection_hooks.remove(alone)
        vfs.unregister()


class FilePower:
    """Watches which files and folders below `root` reach the disk. `skip` leaves out the n-th sync, counted from 1."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch, skip: int = 0) -> None:
        self.root = root
        self.syncs = 0
        self._skip = skip
        # By inode: the content of a file when it was synced; by folder: its entries with their inodes.
        self._contents: dict[int, bytes] = {}
        self._entries: dict[int, dict[str, int]] = {}
        self._really: Callable[[int], None] = os.fsync
        for folder in [root, *(path for path in root.rglob("*") if path.is_dir())]:
            self._remember(folder)
        for path in root.rglob("*"):
            if path.is_file():
                self._contents[path.stat().st_ino] = path.read_bytes()
        monkeypatch.setattr(os, "fsync", self._sync)

    def _remember(self, folder: Path) -> None:
        self._entries[folder.stat().st_ino] = {entry.name: entry.inode() for entry in os.scandir(folder)}

    def _sync(self, fd: int) -> None:
        self.syncs += 1
        self._really(fd)
        if self.syncs == self._skip:
            return
        path = Path(f"/proc/self/fd/{fd}").readlink()
        if path.is_dir():
            self._remember(path)
        else:
            self._contents[os.fstat(fd).st_ino] = path.read_bytes()

    def cut(self) -> None:
        """Cuts the power: names that were not synced are gone, files that were not synced are empty."""
        self._cut(self.root)

    def _cut(self, folder: Path) -> None:
        known = self._entries.get(folder.stat().st_ino, {})
        for entry in list(folder.iterdir()):
            inode = entry.stat().st_ino
            if known.get(entry.name) != inode:
                _remove(entry)
            elif entry.is_dir():
                self._cut(entry)
            else:
                entry.write_bytes(self._contents.get(inode, b""))


def _remove(path: Path) -> None:
    if path.is_dir():
        for entry in path.iterdir():
            _remove(entry)
        path.rmdir()
    else:
        path.unlink()
