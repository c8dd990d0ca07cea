"""Whether a daemon has a home for itself, and how to have it for oneself while none does.

The daemon locks the home's folder and `run/lock` for as long as it lives (flock; the kernel gives both back when it
dies). A process id in a file says less: it may be another program's by now.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bullpen_client.home import pid_alive, read_endpoint


@contextmanager
def alone(home: Path) -> Iterator[bool]:
    """Keeps daemons from starting on a home while it lasts; yields False, and keeps nothing, where one has it.

    A home that does not exist is nobody's. Where folders cannot be locked, what the endpoint file says counts.
    """
    if sys.platform == "win32":  # not run in the tests of this project
        yield not _said_to_serve(home)
        return
    import fcntl

    try:
        folder = os.open(home, os.O_RDONLY)
    except OSError:
        yield True
        return
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        except OSError:
            yield not _said_to_serve(home)
            return
        yield True
    finally:
        os.close(folder)


def held(home: Path) -> bool:
    """Whether a daemon has the home now."""
    with alone(home) as nobody:
        return not nobody


def keeper(home: Path) -> int:
    """The process that has the home now, 0 where none has; asked of the lock, so that no old file deceives.

    Where no living process wrote itself down the lock is not tried: whoever tries it keeps a daemon from starting.
    """
    said = holder(home)
    process = int(said) if said else 0
    return process if pid_alive(process) and held(home) else 0


def holder(home: Path) -> str:
    """The process id of the daemon that has the home, as it wrote it down; empty where it did not."""
    try:
        said = (home / "run" / "lock").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""
    return said if said.isdecimal() else ""


def _said_to_serve(home: Path) -> bool:
    endpoint = read_endpoint(home)
    return endpoint is not None and pid_alive(endpoint.pid)
