"""Which paths of the daemon's machine a client may name.

A path must be absolute, hold no `..`, and lie, with every link followed, inside one of the allowed roots.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePath

from bullpend.errors import FieldInvalid, PathNotAllowed, PathNotFound

SETTING = "paths.input_roots"


def allowed_path(given: str, roots: Sequence[Path], field: str) -> Path:
    """The real path of something that exists inside one of the roots.

    Raises FieldInvalid (empty, no absolute path), PathNotAllowed or PathNotFound, each naming `field`.
    """
    if not given or "\0" in given:
        raise FieldInvalid(f"`{field}` is empty.", field=field, remedy="Give an absolute path.")
    if ".." in PurePath(given).parts:
        raise PathNotAllowed(
            f"`{field}` holds `..`: {given}", field=field, remedy="Give the path without `..`.", path=given
        )
    path = Path(given)
    if not path.is_absolute():
        raise FieldInvalid(
            f"`{field}` is not absolute: {given}", field=field, remedy="Give an absolute path.", path=given
        )
    # Not `resolve` and `exists`: they raise for a circle of links and for a name that is too long.
    real = Path(os.path.realpath(path))
    real_roots = [root.resolve() for root in roots]
    if not any(real.is_relative_to(root) for root in real_roots):
        allowed = ", ".join(str(root) for root in real_roots)
        raise PathNotAllowed(
            f"{given} lies outside the allowed folders.",
            field=field,
            remedy=f"Move it into one of {allowed}, or add its folder to {SETTING} in daemon.toml.",
            path=given,
            roots=allowed,
        )
    if not os.path.exists(real):  # noqa: PTH110 - see above
        raise PathNotFound(
            f"There is nothing at {given} on the daemon's machine.",
            field=field,
            remedy="Check the spelling; the path is one of the machine that the daemon runs on.",
            path=given,
        )
    return real


def allowed_file(given: str, roots: Sequence[Path], field: str) -> Path:
    """Like `allowed_path`, for a regular file."""
    path = allowed_path(given, roots, field)
    if not path.is_file():
        raise FieldInvalid(f"{given} is not a file.", field=field, path=given)
    return path


def allowed_folder(given: str, roots: Sequence[Path], field: str) -> Path:
    """Like `allowed_path`, for a folder."""
    path = allowed_path(given, roots, field)
    if not path.is_dir():
        raise FieldInvalid(f"{given} is not a folder.", field=field, path=given)
    return path
