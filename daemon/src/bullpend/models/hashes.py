"""Hashes of model files, remembered by (path, size, time of change), so that a model is read once and not per job."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from pathlib import Path


class Hashes:
    """SHA-256 of files, in memory. May be used from several threads; two of them may read one new file twice."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, int], str] = {}
        self._lock = threading.Lock()

    def of(self, path: Path) -> str:
        """Hash of a file's content, lower-case hexadecimal. Raises OSError."""
        status = path.stat()
        key = (str(path), status.st_size, status.st_mtime_ns)
        with self._lock:
            known = self._known.get(key)
        if known is not None:
            return known
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        with self._lock:
            self._known[key] = found
        return found


def digest(files: Mapping[str, str]) -> str:
    """SHA-256 over the hashes of a model's files: one line `hash  path` each, sorted by path."""
    text = "".join(f"{files[path]}  {path}\n" for path in sorted(files))
    return hashlib.sha256(text.encode()).hexdigest()
