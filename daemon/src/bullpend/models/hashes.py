"""Hashes of model files, remembered by path and by what the file system tells of a content without reading it.

A file is read once and not per job. What could change without a trace is not remembered: a file that was written a
moment ago may be written again within the same tick of the clock that file systems stamp with.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

# Coarser than the tick of any file system's time stamps that is in use: 10 ms on Linux, 2 s on FAT.
_SETTLED_NS = 50_000_000
_COARSE_NS = 2_000_000_000
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Mark:
    """What changes with every change of a file's content: size, times of change in ns, and the file's own number.

    The time of a status change cannot be set back by the one who writes the file, the time of its content can.
    """

    size: int
    modified_ns: int
    changed_ns: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> Mark:
        """The mark of a file's status."""
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file of a model as it was read: its posix path below the folder, its hash, and its mark at that time."""

    path: str
    sha256: str
    mark: Mark


class Hashes:
    """SHA-256 of files, in memory. May be used from several threads; two of them may read one new file twice.

    `now` gives the wall clock in nanoseconds.
    """

    def __init__(self, now: Callable[[], int] = time.time_ns) -> None:
        self._now = now
        self._known: dict[tuple[str, Mark], str] = {}
        self._lock = threading.Lock()

    def of(self, path: Path) -> tuple[str, Mark]:
        """Hash of a file's content, lower-case hexadecimal, with the mark that the content had. Raises OSError."""
        mark = Mark.of(path.stat())
        with self._lock:
            known = self._known.get((str(path), mark))
        if known is not None:
            return known, mark
        found, mark = _read(path)
        if self.settled(mark):
            with self._lock:
                self._known[str(path), mark] = found
        return found, mark

    def forget(self, path: Path) -> None:
        """Lets the next question read the file, whatever its mark says."""
        with self._lock:
            for key in [key for key in self._known if key[0] == str(path)]:
                del self._known[key]

    def settled(self, mark: Mark) -> bool:
        """Whether a further change of the content would show in the mark."""
        margin = _SETTLED_NS if mark.modified_ns % 1_000_000_000 else _COARSE_NS
        return self._now() - mark.modified_ns > margin


def _read(path: Path) -> tuple[str, Mark]:
    """Hash and mark of a content that did not change while it was read."""
    for _ in range(_TRIES):
        with path.open("rb") as file:
            before = Mark.of(os.fstat(file.fileno()))
            found = hashlib.file_digest(file, "sha256").hexdigest()
            after = Mark.of(os.fstat(file.fileno()))
        if before == after:
            return found, after
    raise OSError(0, "it is being written")


def digest(files: Mapping[str, str]) -> str:
    """SHA-256 over the hashes of a model's files: one line `hash  path` each, sorted by path."""
    text = "".join(f"{files[path]}  {path}\n" for path in sorted(files))
    return hashlib.sha256(text.encode()).hexdigest()
