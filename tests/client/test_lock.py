"""Whether somebody has a home: by the lock that dies with its holder, not by a number in a file."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from bullpen_cli import repairs
from bullpen_cli.checks import ERROR, OK, WARNING, local_checks
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
