"""A person's own pictures on the daemon's machine: which paths are allowed, and which files are taken.

The only part of planning that reads a disk. Blocking: the caller runs it in a thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Listing:
    """Pictures of a folder in order, and its other files, as paths below it."""

    folder: Path
    pictures: tuple[Path, ...]
    skipped: tuple[str, ...]


def list_pictures(folder: str, roots: Sequence[Path], limit: int) -> Listing:
    """Pictures below `folder`, sorted by relative posix path; at most `limit` of them.

    Raises PathNotAllowed, PathNotFound, FieldInvalid (not a folder), LimitExceeded.
    """
    raise NotImplementedError


def hash_file(path: Path) -> str:
    """SHA-256 of a file's content, lower-case hexadecimal."""
    raise NotImplementedError
