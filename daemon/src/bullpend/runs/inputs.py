"""A person's own pictures on the daemon's machine: which files of a folder are taken, in which order.

The only part of planning that reads a disk. Blocking: the caller runs it in a thread. Nothing is decoded here.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bullpend.errors import LimitExceeded, PathNotFound
from bullpend.paths import allowed_folder

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp"})
FIELD = "input_folder"

# A folder with more files than this is not walked to its end: it is the wrong folder.
MAX_FILES = 20_000


@dataclass(frozen=True, slots=True)
class Listing:
    """Pictures of a folder in order, and its other files, as posix paths below it."""

    folder: Path
    pictures: tuple[Path, ...]
    skipped: tuple[str, ...]

    def relative(self, picture: Path) -> str:
        """A picture's posix path below the folder."""
        return picture.relative_to(self.folder).as_posix()


def list_pictures(folder: str, roots: Sequence[Path], limit: int) -> Listing:
    """Pictures below `folder`, sorted by relative posix path; at most `limit` of them.

    Recursive. Hidden files and folders are left out silently; other files, and links that lead out of the roots, are
    listed as skipped. Links to folders are not followed. Raises PathNotAllowed, PathNotFound, FieldInvalid (not a
    folder), LimitExceeded.
    """
    root = allowed_folder(folder, roots, FIELD)
    real_roots = [Path(os.path.realpath(item)) for item in roots]
    pictures: list[tuple[str, Path]] = []
    skipped: list[str] = []
    for count, path in enumerate(_walk(root), start=1):
        if count > MAX_FILES:
            raise LimitExceeded(
                f"{folder} holds more than {MAX_FILES} files.",
                field=FIELD,
                remedy="Give a folder that holds only the pictures of this run.",
                limit=MAX_FILES,
            )
        relative = path.relative_to(root).as_posix()
        if relative.encode(errors="replace").decode() != relative:
            # Bytes that are no UTF-8 cannot be sent to any client as they are.
            skipped.append(ascii(relative)[1:-1])
        elif path.suffix.lower() not in SUFFIXES or not _usable(path, real_roots):
            skipped.append(relative)
        else:
            pictures.append((relative, path))
    if len(pictures) > limit:
        raise LimitExceeded(
            f"{folder} holds {len(pictures)} pictures, and one run takes at most {limit}.",
            field=FIELD,
            remedy="Split the folder, or raise safe_batch_limit in settings/manifest.json.",
            limit=limit,
        )
    return Listing(root, tuple(path for _, path in sorted(pictures)), tuple(sorted(skipped)))


def _walk(root: Path) -> Iterator[Path]:
    """Files below `root` that are not hidden, in no particular order."""

    def stop(error: OSError) -> None:
        raise PathNotFound(
            f"{error.filename} cannot be read: {error.strerror}.",
            field=FIELD,
            remedy="Let the daemon's user read the folder and everything in it.",
        ) from error

    for base, folders, files in os.walk(root, onerror=stop, followlinks=False):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(base) / name for name in files if not name.startswith("."))


def _usable(path: Path, real_roots: Sequence[Path]) -> bool:
    """Whether it is a plain file, or a link to one that lies inside the roots."""
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return False
    return real.is_file() and any(real.is_relative_to(root) for root in real_roots)


def hash_file(path: Path) -> str:
    """SHA-256 of a file's content, lower-case hexadecimal. Raises PathNotFound when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise PathNotFound(
            f"{path} cannot be read: {error.strerror}.", field=FIELD, remedy="Let the daemon's user read it."
        ) from error
