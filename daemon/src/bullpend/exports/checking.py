"""Reading an exported file again and saying whether it is what was written, and if not, which part of it differs first.

It needs nothing but the file: an archive has a manifest with the hash of each part, and every export ends with a seal.
Blocking; callers run it in a thread.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bullpend.exports import manifest, seal

CHUNK = 1 << 20
MOST_MANIFEST = 64 * CHUNK
ZIP, PDF = b"PK", b"%PDF-"
# All that reading an archive may come to where its own lists are wrong, such as a place before its beginning.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found. `difference` is the first part that is not as it was written; empty where all are."""

    size: int
    sha256: str
    files: int = 0
    difference: str = ""
    problem: str = ""

    @property
    def sound(self) -> bool:
        """Whether every byte is as it was written."""
        return not self.problem


def check(path: Path, tell: Callable[[int], None] = lambda _: None) -> Checked:
    """Reads the whole file. Raises OSError where it cannot be read at all."""
    whole = seal.read(path, tell)
    with path.open("rb") as file:
        head = file.read(len(PDF))
    if head.startswith(ZIP):
        files, difference, problem = _archive(path)
    elif head == PDF:
        files, difference, problem = 1, "", ""
    else:
        files, difference, problem = 0, path.name, "It begins like no file that Bullpen exports."
    if not problem and not whole.sealed:
        difference, problem = path.name, "It has no seal: it was cut off, or Bullpen did not export it."
    if not problem and not whole.intact:
        what = "Its parts are sound, but what holds them together was" if head.startswith(ZIP) else "It was"
        difference, problem = path.name, f"{what} changed after it was written."
    return Checked(whole.size, whole.sha256, files, difference, problem)


def _archive(path: Path) -> tuple[int, str, str]:
    """How many parts are sound, the first one that is not, and what is wrong with it."""
    done = 0
    name = path.name
    try:
        with zipfile.ZipFile(path) as archive:
            present = archive.namelist()
            name = manifest.NAME
            listed = _listed(archive)
            if listed is None:
                return 0, manifest.NAME, "The list of its parts is missing or damaged."
            for name, told in listed.items():
                if name not in present:
                    return done, name, "It is missing."
                size, sha256 = _read(archive, name)
                if (size, sha256) != (told.get("size_bytes"), told.get("sha256")):
                    return done, name, "Its content is not what was written."
                done += 1
            for name in present:
                if name != manifest.NAME and name not in listed:
                    return done, name, "It was added afterwards."
            if len(present) != len(listed) + 1:
                return done, path.name, "It holds a part twice."
    except _DAMAGED as error:
        return done, name, f"It is damaged: {str(error).rstrip('.')}."
    return done + 1, "", ""


def _listed(archive: zipfile.ZipFile) -> dict[str, Mapping[str, Any]] | None:
    """The parts that the manifest lists, by name in its order; None where it has no usable one."""
    try:
        if archive.getinfo(manifest.NAME).file_size > MOST_MANIFEST:
            return None
        said = json.loads(archive.read(manifest.NAME))
        if said["schema"] != manifest.SCHEMA:
            return None
        return {str(one["name"]): one for one in said["files"]}
    except (KeyError, TypeError, ValueError, RecursionError, zipfile.BadZipFile):
        return None


def _read(archive: zipfile.ZipFile, name: str) -> tuple[int, str]:
    found, size = hashlib.sha256(), 0
    with archive.open(name) as part:
        for chunk in iter(lambda: part.read(CHUNK), b""):
            found.update(chunk)
            size += len(chunk)
    return size, found.hexdigest()
