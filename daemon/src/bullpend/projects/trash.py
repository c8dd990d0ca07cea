"""What holds of projects in the trash: when one may go there, what it leaves on the disk, how it comes back.

The rows and files of such a project stay as they are: only its own row says where it is. `store.get`, which every call
that names a project asks, finds it no more; lists over all projects leave out what belongs to one by `LIVE`.
"""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bullpend.errors import StateConflict

# States of runs that have not ended, and a condition on tables with a column `project`.
ACTIVE = "('QUEUED', 'RUNNING')"
LIVE = "project NOT IN (SELECT slug FROM projects WHERE delete_time IS NOT NULL)"
_SHOWN = 5


class Kept(NamedTuple):
    """What files of a project hold."""

    files: int
    size_bytes: int


def remedy_of(slug: str) -> str:
    """How a project comes out of the trash."""
    return f"`bullpen projects undelete {slug}` brings it back as it was."


def check_unfinished(name: str, runs: Sequence[str], *, force: bool, canceled: bool = False) -> None:
    """Whether a project may go into the trash while these runs have not ended. `canceled`: they were told to end.

    Raises StateConflict naming them in the metadata `runs`.
    """
    if not runs or (force and not canceled):
        return
    count = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
    more = " and others" if len(runs) > _SHOWN else ""
    if canceled and force:
        remedy = "They end soon, or were started meanwhile: delete it again."
    else:
        remedy = "Wait for them, or delete with `--force` (`force`), which cancels them first."
    raise StateConflict(
        f"{name} has {count} that {'is' if len(runs) == 1 else 'are'} unfinished: {', '.join(runs[:_SHOWN])}{more}.",
        field="name",
        remedy=remedy,
        resource=name,
        runs=", ".join(runs[:_SHOWN]) + more,
    )


def kept_in(folder: Path) -> Kept:
    """Counts the files below a folder, and what they hold; what goes away meanwhile counts nothing. Blocking."""
    files = size = 0
    for path in folder.rglob("*"):
        try:
            told = path.lstat()
        except OSError:
            continue
        if not stat.S_ISDIR(told.st_mode):
            files, size = files + 1, size + told.st_size
    return Kept(files, size)
