"""Damage to a database file, as a bad disk does it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

INDEX = "journal_by_project"


def overwrite_index(path: Path, at: int = 0, size: int = 512) -> None:
    """Overwrites bytes of the first page of an index, from `at` on; counted from the end of the page where negative."""
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (INDEX,)).fetchone()
        (page_size,) = connection.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1 + (at < 0)) * page_size + at)
        file.write(b"\xa5" * size)
