"""What can be told of a home whose daemon does not run: most of all why it may not start.

A daemon that serves looks at all of this itself, and better.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from bullpen_client import lock

from bullpen_cli import output
from bullpen_cli.checks import ERROR, OK, WARNING, Finding

DATABASE = "bullpen.sqlite3"


def resting_checks(home: Path) -> Iterator[Finding]:
    """Nothing where a daemon has the home."""
    if lock.held(home):
        return
    path = home / DATABASE
    if path.exists():
        yield _database(path)
    elif projects := sorted({folder.parent for folder in home.glob("projects/*/assets") if any(folder.glob("??/??"))}):
        yield Finding(
            "database",
            WARNING,
            f"{path} is gone; pictures of {output.count(len(projects), 'project')} lie here, such as {projects[0]}.",
            f"{_backup(home)}`bullpen doctor --rebuild` makes a new one from the pictures and their sidecars.",
        )


def _database(path: Path) -> Finding:
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        return Finding(
            "database",
            WARNING,
            f"{path} could not be looked at: {error}.",
            "Close other programs that use it, and look at its rights and at the disk.",
        )
    except sqlite3.Error as error:
        found = str(error)
    if found == "ok":
        return Finding("database", OK, f"{path} is sound")
    return Finding(
        "database",
        ERROR,
        f"{path} is damaged, and no daemon can start with it: {found}.",
        f"{_backup(path.parent)}`bullpen doctor --rebuild` sets it aside, keeps what can be read of it, and registers "
        "the pictures anew from their sidecars.",
    )


def _backup(home: Path) -> str:
    """The newest copy that was made before the database was brought forward, as the first thing to try; or nothing."""
    copies = sorted(home.glob("bullpen.v*.bak"), key=lambda path: path.stat().st_mtime)
    return f"Put a copy back as {DATABASE}, such as {copies[-1].name}; or " if copies else ""
