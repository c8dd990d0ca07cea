"""A home at rest: who has it is told by a lock that dies with its holder, and the doctor tells what it sees there."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from pathlib import Path

import pytest
from bullpen_cli import repairs
from bullpen_cli.checks import ERROR, OK, WARNING, local_checks
from bullpen_cli.resting import resting_checks
from bullpen_client import errors, lock
from bullpend.rpc.endpoint import HomeLock


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose daemon died, leaving an endpoint file with a number that is another program's by now."""
    (tmp_path / "run").mkdir()
    said = {"address": "unix:x", "token": "t", "pid": os.getpid(), "version": "0.1.0", "instance": "i"}
    (tmp_path / "run" / "endpoint.json").write_text(json.dumps(said))
    (tmp_path / "run" / "endpoint.json").chmod(0o600)
    (tmp_path / "bullpen.sqlite3").write_bytes(b"no database" * 1000)
    return tmp_path


def checked(home: Path, name: str) -> tuple[str, str]:
    """Status and words of a check that needs no daemon."""
    (found,) = [finding for finding in local_checks(home) if finding.name == name]
    return found.status, found.message


def test_a_home_is_held_as_long_as_its_daemon_lives(home: Path) -> None:
    """What the endpoint file says does not count; who has it is told by its lock."""
    assert not lock.held(home)
    daemon = HomeLock(home / "run")
    daemon.acquire()
    assert lock.held(home)
    assert lock.holder(home) == str(os.getpid())
    daemon.release()
    assert not lock.held(home)
    assert not lock.held(home / "nothing")


def test_no_daemon_starts_while_somebody_has_the_home(home: Path) -> None:
    """A database that is being moved is not opened meanwhile."""
    with lock.alone(home) as nobody:
        assert nobody
        with pytest.raises(Exception, match="Another daemon"):
            HomeLock(home / "run").acquire()
    daemon = HomeLock(home / "run")
    daemon.acquire()
    daemon.release()


def test_a_database_is_set_aside_unless_a_daemon_has_it(home: Path) -> None:
    """A number that is in use by another program keeps nobody from a rebuild; a living daemon does."""
    daemon = HomeLock(home / "run")
    daemon.acquire()
    with pytest.raises(errors.StateConflict, match=f"process {os.getpid()}"):
        repairs.set_database_aside(home)
    daemon.release()
    repairs.set_database_aside(home)
    assert [path.name for path in home.glob("set-aside/*/*")] == ["bullpen.sqlite3"]
    assert not (home / "bullpen.sqlite3").exists()


def test_the_doctor_tells_a_dead_daemon_from_its_number(home: Path) -> None:
    """The endpoint file of a daemon that died is told as such, also where its process id is another program's."""
    status, words = checked(home, "endpoint")
    assert (status, "ended without" in words) == (WARNING, True)
    daemon = HomeLock(home / "run")
    daemon.acquire()
    assert checked(home, "endpoint")[0] == OK
    daemon.release()


@pytest.mark.parametrize("name", ["run", "logs", "tmp", "projects", "models"])
def test_the_doctor_finds_a_file_where_a_folder_belongs(tmp_path: Path, name: str) -> None:
    """The daemon could not start; the doctor names the file."""
    assert checked(tmp_path, "home")[0] == OK
    (tmp_path / name).write_text("")
    status, words = checked(tmp_path, "home")
    assert (status, str(tmp_path / name) in words) == (ERROR, True)


def told(home: Path) -> tuple[str, str, str]:
    """What is told of the database while no daemon runs."""
    (found,) = resting_checks(home)
    return found.status, found.message, found.remedy


def test_a_database_that_keeps_the_daemon_from_starting_is_told_without_it(home: Path) -> None:
    """Who cannot start the daemon need not start it to hear why, and what to do; a living daemon is asked instead."""
    status, words, remedy = told(home)
    assert (status, "not a database" in words, "--rebuild" in remedy) == (ERROR, True, True)
    assert ".bak" not in remedy
    (home / "bullpen.v3.bak").write_bytes(b"")
    assert "bullpen.v3.bak" in told(home)[2]
    daemon = HomeLock(home / "run")
    daemon.acquire()
    assert list(resting_checks(home)) == []
    daemon.release()


def test_a_sound_database_is_told_from_a_truncated_one(home: Path) -> None:
    """Also one that was left in the midst of its work, with its journal beside it."""
    path = home / "bullpen.sqlite3"
    path.unlink()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript("CREATE TABLE t (a); CREATE INDEX i ON t (a);")
        connection.executemany("INSERT INTO t VALUES (?)", [(f"{number:0900}",) for number in range(200)])
        connection.commit()
        assert told(home)[0] == OK
    assert told(home)[0] == OK
    os.truncate(path, path.stat().st_size // 2)
    assert told(home)[0] == ERROR


def test_a_lost_database_is_told_where_pictures_are(home: Path) -> None:
    """A home without a database is new, unless projects with pictures lie in it."""
    (home / "bullpen.sqlite3").unlink()
    assert list(resting_checks(home)) == []
    (home / "projects" / "harbor" / "assets" / "ab" / "cd").mkdir(parents=True)
    status, words, remedy = told(home)
    assert (status, "harbor" in words, "--rebuild" in remedy) == (WARNING, True, True)
