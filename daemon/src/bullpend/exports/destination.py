"""Where an export goes: which places may be named, and how a finished file gets there whole or not at all. Blocking."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bullpend.clock import new_id
from bullpend.errors import AlreadyExists, DiskFull, FieldInvalid, PathNotAllowed, PathNotFound, StorageUnavailable
from bullpend.paths import SETTING, allowed_folder

FIELD = "spec.destination"
# What file systems say that know no second name for a file.
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EACCES)


def resolve(given: str, roots: Sequence[Path], home: Path, own: Path, name: str) -> Path:
    """The file that an export is to become. `own` is the project's folder of exports; `name` is used in a folder.

    Raises FieldInvalid, PathNotAllowed, PathNotFound.
    """
    path = Path(given)
    if path.is_absolute() and ".." not in path.parts and os.path.isdir(path):  # noqa: PTH112 - no error for odd names
        folder, file = _allowed(given, roots), name
    else:
        file = path.name
        if not given.endswith("/") and file.endswith(Path(name).suffix) and not file.startswith("."):
            folder = _allowed(str(path.parent) if path.is_absolute() else given, roots)
        else:
            # Says what is wrong with the path itself first; a folder that is missing is the usual slip.
            _allowed(given, roots)
            raise FieldInvalid(
                f"{given} is no folder, and its name does not end in {Path(name).suffix}.",
                field=FIELD,
                remedy=f"Give a folder that exists, or a file whose name ends in {Path(name).suffix}.",
                path=given,
            )
    if folder.is_relative_to(home.resolve()) and not folder.is_relative_to(own.resolve()):
        raise PathNotAllowed(
            f"{given} lies in the daemon's own home.",
            field=FIELD,
            remedy="Choose a folder outside of it, or none: then the file lies in the project's own folder of exports.",
            path=given,
        )
    return folder / file


def _allowed(given: str, roots: Sequence[Path]) -> Path:
    """A folder that may be written to, with words about a destination and not about a picture."""
    try:
        return allowed_folder(given, roots, FIELD)
    except PathNotAllowed as error:
        if "roots" in error.metadata:
            error.remedy = f"Choose a folder inside one of {error.metadata['roots']}, or add yours to {SETTING}."
        raise


def free(target: Path, overwrite: bool) -> None:
    """Raises AlreadyExists where something lies at the target that may not be replaced, FieldInvalid for a folder."""
    if not os.path.lexists(target):
        return
    if target.is_dir():
        raise FieldInvalid(f"{target} is a folder.", field=FIELD, path=target)
    if not overwrite:
        raise _exists(target)


def room(target: Path, size: int) -> None:
    """Raises DiskFull where `size` bytes would not fit."""
    with suppress(OSError):
        left = shutil.disk_usage(target.parent).free
        if left < size:
            raise DiskFull(
                f"The export takes {size / 1e6:.1f} MB, and {left / 1e6:.1f} MB are free at {target.parent}.",
                field=FIELD,
            )


def draft_of(target: Path) -> Path:
    """A name beside the target for what is not finished."""
    return target.with_name(f".{target.name[:80]}.{new_id(4)}.part")


def durable(draft: Path) -> None:
    """Brings a file's bytes to the disk."""
    with draft.open("r+b") as file:
        os.fsync(file.fileno())


def place(draft: Path, target: Path, overwrite: bool) -> None:
    """Gives the finished file its name, at once and for good. Raises AlreadyExists, OSError."""
    if overwrite:
        draft.replace(target)
    else:
        try:
            # Unlike a rename it refuses where somebody else was quicker.
            os.link(draft, target)
        except FileExistsError:
            raise _exists(target) from None
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            free(target, overwrite)
            draft.replace(target)
        else:
            draft.unlink()
    if os.name == "posix":
        descriptor = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def mapped(folder: Path) -> Iterator[None]:
    """Turns what the system says about a destination into errors for a person."""
    try:
        yield
    except FileNotFoundError as error:
        raise PathNotFound(f"The folder {folder} is gone.", field=FIELD, path=folder) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"The disk of {folder} is full; nothing was left there.", field=FIELD) from error
        raise StorageUnavailable(
            f"{folder} cannot be written: {error.strerror}.",
            field=FIELD,
            remedy="Choose a folder that the daemon's user may write to.",
        ) from error


def _exists(target: Path) -> AlreadyExists:
    return AlreadyExists(
        f"There is a file at {target} already.",
        field=FIELD,
        remedy="Choose another name, or say that it may be overwritten (`--overwrite`).",
        path=target,
    )
