"""The schema: made from nothing, brought forward with a backup, and left alone where it is of a later version."""

from __future__ import annotations

import hashlib
from pathlib import Path

import apsw
import pytest
from bullpend.clock import ManualClock
from bullpend.db import Database, migrate
from bullpend.errors import DatabaseUnavailable, SchemaTooNew

from tests.db.conftest import Desk


def tables(path: Path) -> dict[str, str]:
    """Definitions of a file's tables and indexes by name."""
    connection = apsw.Connection(str(path))
    rows = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
    connection.close()
    return rows


def test_scripts_are_numbered_without_a_gap() -> None:
    """Migrations count up from 1; the newest is what this version writes."""
    versions = [version for version, _ in migrate.scripts()]
    assert versions == list(range(1, len(versions) + 1))
    assert migrate.newest() == versions[-1]


async def test_new_file_has_the_newest_schema(desk: Desk) -> None:
    """A database that did not exist is made with the whole schema; nothing is backed up."""
    assert await desk.database.read(lambda view: view.value("PRAGMA user_version")) == migrate.newest()
    assert {"journal", "projects", "runs", "jobs", "candidates", "assets"} <= set(tables(desk.path))
    assert list(desk.path.parent.glob("*.bak")) == []


async def test_opening_again_changes_nothing(desk: Desk) -> None:
    """A second start finds nothing to do, and makes no backup."""
    before = tables(desk.path)
    desk.database.close()
    desk.open()
    assert tables(desk.path) == before
    assert list(desk.path.parent.glob("*.bak")) == []


def test_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    """A database of a later version is not opened, and no byte of it changes."""
    path = tmp_path / "b.sqlite3"
    connection = apsw.Connection(str(path))
    for sql in ("PRAGMA journal_mode=WAL", "CREATE TABLE later (a)", f"PRAGMA user_version={migrate.newest() + 1}"):
        for _ in connection.execute(sql):
            pass
    connection.close()
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    files = sorted(tmp_path.iterdir())
    for _ in range(2):
        with pytest.raises(SchemaTooNew) as refused:
            Database.open(path, ManualClock(), lambda events: None)
        assert refused.value.remedy
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before
    assert sorted(tmp_path.iterdir()) == files


def test_newer_schema_without_a_log_is_not_converted(tmp_path: Path) -> None:
    """Not even the file's journal mode is changed in a database that is refused."""
    path = tmp_path / "b.sqlite3"
    connection = apsw.Connection(str(path))
    for _ in connection.execute(f"CREATE TABLE later (a); PRAGMA user_version={migrate.newest() + 7}"):
        pass
    connection.close()
    before = path.read_bytes()
    with pytest.raises(SchemaTooNew):
        Database.open(path, ManualClock(), lambda events: None)
    assert path.read_bytes() == before


def test_old_schema_is_backed_up_before_it_is_brought_forward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of an older version is copied first; the copy is sound and has the old schema and its rows."""
    path = tmp_path / "b.sqlite3"
    Database.open(path, ManualClock(), lambda events: None).close()
    connection = apsw.Connection(str(path))
    for _ in connection.execute("INSERT INTO requests VALUES ('r', 'm', 'd', 'a', 0.0)"):
        pass
    connection.close()
    newest = migrate.newest()
    later = [*migrate.scripts(), (newest + 1, "CREATE TABLE later (a) STRICT; INSERT INTO later VALUES (1)")]
    later[-1] = (newest + 1, "CREATE TABLE later (a INTEGER) STRICT; INSERT INTO later VALUES (1)")
    monkeypatch.setattr(migrate, "scripts", lambda: later)
    Database.open(path, ManualClock(), lambda events: None).close()
    assert "later" in tables(path)
    (backup,) = tmp_path.glob("*.bak")
    assert f"v{newest}" in backup.name
    assert "later" not in tables(backup)
    copy = apsw.Connection(str(backup))
    assert list(copy.execute("SELECT request_id FROM requests")) == [("r",)]
    assert list(copy.execute("PRAGMA quick_check")) == [("ok",)]
    copy.close()


def test_failed_migration_leaves_the_old_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that fails in its middle leaves nothing of itself."""
    path = tmp_path / "b.sqlite3"
    Database.open(path, ManualClock(), lambda events: None).close()
    before, newest = tables(path), migrate.newest()
    later = [*migrate.scripts(), (newest + 1, "CREATE TABLE half (a); INSERT INTO nowhere VALUES (1)")]
    monkeypatch.setattr(migrate, "scripts", lambda: later)
    with pytest.raises(apsw.SQLError):
        Database.open(path, ManualClock(), lambda events: None)
    assert tables(path) == before


def test_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """Something else at the database's place is named and left as it is."""
    path = tmp_path / "b.sqlite3"
    path.write_bytes(b"a love letter, not a database " * 100)
    before = path.read_bytes()
    with pytest.raises(DatabaseUnavailable):
        Database.open(path, ManualClock(), lambda events: None)
    assert path.read_bytes() == before
