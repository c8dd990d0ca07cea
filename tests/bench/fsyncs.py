"""The disk's share of a durable job: the same files, folders and commits, and nothing else."""

from __future__ import annotations

import os
import time
from pathlib import Path

import apsw

# What a job with one picture waits for on the disk: its run is accepted, it is leased, its picture is registered as
# it ends; the picture and its sidecar lie in a new folder, which may lie in a new folder.
COMMITS = 3
FILES = 2
BYTES = 2000


class Bare:
    """Does what the disk has to do for one job, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._jobs = 0
        self._connection = apsw.Connection(str(folder / "bare.sqlite3"))
        for sql in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "CREATE TABLE t (body BLOB)"):
            self._connection.execute(sql).fetchall()

    def job(self) -> float:
        """Seconds of one job's commits and files, one after the other."""
        began = time.perf_counter()
        for _ in range(COMMITS):
            self._connection.execute("INSERT INTO t VALUES (zeroblob(?))", (2 * BYTES,)).fetchall()
        self._jobs += 1
        place = self._folder / f"{self._jobs % 256:02x}"
        if not place.is_dir():
            place.mkdir()
            _sync(self._folder)
        place = place / f"{self._jobs:06x}"
        place.mkdir()
        _sync(place.parent)
        for number in range(FILES):
            draft = self._folder / f"{number}.tmp"
            with draft.open("wb", buffering=0) as file:
                file.write(bytes(BYTES))
                os.fsync(file.fileno())
            draft.rename(place / str(number))
        _sync(place)
        return time.perf_counter() - began


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
