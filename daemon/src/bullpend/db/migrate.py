"""Brings a database to the newest schema: forward only, each file in one transaction, a backup before."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import apsw

from bullpend.errors import SchemaTooNew

_FILE = re.compile(r"^(\d{4})_\w+\.sql$")


def scripts() -> list[tuple[int, str]]:
    """(version, SQL) of every migration, in order."""
    found = []
    for entry in resources.files("bullpend.db.migrations").iterdir():
        if match := _FILE.match(entry.name):
            found.append((int(match[1]), entry.read_text(encoding="utf-8")))
    return sorted(found)


def newest() -> int:
    """The schema version that this daemon writes."""
    return scripts()[-1][0]


def version_of(connection: apsw.Connection) -> int:
    """The schema version of an open database; 0 for a new one."""
    return int(next(iter(connection.execute("PRAGMA user_version")))[0])


def check(connection: apsw.Connection) -> None:
    """Raises SchemaTooNew for a database of a later version; only reads."""
    current = version_of(connection)
    if current > newest():
        raise SchemaTooNew(f"The database has schema {current}; this version knows schemas up to {newest()}.")


def apply(connection: apsw.Connection, path: Path) -> None:
    """Runs the missing migrations. An existing database is copied to `<name>.v<old>.bak` first."""
    current = version_of(connection)
    missing = [(version, sql) for version, sql in scripts() if version > current]
    if missing and current:
        backup = apsw.Connection(str(path.with_suffix(f".v{current}.bak")))
        with backup.backup("main", connection, "main") as copy:
            copy.step()
        backup.close()
    for version, sql in missing:
        with connection:
            for _ in connection.execute(sql):
                pass
            for _ in connection.execute(f"PRAGMA user_version={version}"):
                pass
