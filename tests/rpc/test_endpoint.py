"""Where a daemon is found: modes of files, long paths, one daemon a home, clean ends and starts after a crash."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from bullpen_api.v1 import system_pb2
from bullpen_client import Session, read_endpoint
from bullpend.errors import HomeLocked
from bullpend.rpc.endpoint import HomeLock, socket_path

from tests.support.daemon import Daemon, DaemonEnded

pytestmark = pytest.mark.e2e


def mode(path: Path) -> int:
    """The permission bits of a path."""
    return stat.S_IMODE(path.stat().st_mode)


async def info(daemon: Daemon) -> system_pb2.Info:
    """What the daemon says of itself."""
    async with Session(daemon.home) as session:
        return await session.system.GetInfo(system_pb2.GetInfoRequest())


def test_only_the_user_can_reach_the_daemon(daemon: Daemon) -> None:
    """The run folder is 0700, the socket and the endpoint file with the token 0600, the database 0600."""
    run = daemon.home / "run"
    assert mode(run) == 0o700
    assert stat.S_ISSOCK((run / "bullpend.sock").stat().st_mode)
    assert mode(run / "bullpend.sock") == 0o600
    assert mode(run / "endpoint.json") == 0o600
    assert mode(daemon.home / "bullpen.sqlite3") == 0o600
    assert mode(daemon.home) == 0o700
    for path in (daemon.home / "logs").iterdir():
        assert mode(path) & 0o077 == 0


async def test_endpoint_file_says_how_to_reach_it(daemon: Daemon) -> None:
    """The file holds address, token, process, version and instance, and they are those of the daemon that answers."""
    said = json.loads((daemon.home / "run" / "endpoint.json").read_text())
    answer = await info(daemon)
    assert set(said) == {"address", "token", "pid", "version", "instance"}
    assert said["address"] == f"unix:{daemon.home}/run/bullpend.sock"
    assert (said["pid"], said["version"], said["instance"]) == (daemon.pid, answer.version, answer.instance)
    assert len(said["token"]) >= 32
    assert answer.home == str(daemon.home)


def test_token_is_in_no_log(daemon: Daemon) -> None:
    """The log tells of the start, and not the token."""
    assert "daemon.serving" in daemon.log()
    assert daemon.endpoint.token not in daemon.log()


async def test_second_daemon_on_one_home_is_refused(daemon: Daemon) -> None:
    """It ends with status 1 and one clear line, and the first keeps serving at the same place."""
    before = daemon.endpoint
    second = Daemon(daemon.home)
    with pytest.raises(DaemonEnded) as refused:
        second.start()
    assert second.status == 1
    words = str(refused.value)
    assert words.count("\n") == 1
    assert str(daemon.pid) in words
    assert str(daemon.home) in words
    assert "Traceback" not in words
    assert daemon.endpoint == before
    assert (await info(daemon)).instance == before.instance


async def test_very_long_home_uses_the_runtime_folder(tmp_path: Path) -> None:
    """A home whose socket path would be too long to bind is served all the same, and the endpoint file says where."""
    home = tmp_path / ("long" * 20) / ("path" * 20)
    runtime = tmp_path / "x"
    runtime.mkdir(mode=0o700)
    with Daemon(home, environment={"XDG_RUNTIME_DIR": str(runtime)}) as daemon:
        address = Path(daemon.endpoint.address.removeprefix("unix:"))
        assert len(os.fsencode(address)) <= 107
        assert not address.is_relative_to(home)
        assert mode(address) == 0o600
        assert mode(address.parent) == 0o700
        assert (await info(daemon)).home == str(home)
    assert not address.exists()


def test_foreign_socket_folder_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder for sockets that others can write to is closed before it is used."""
    home = tmp_path / ("long" * 30)
    home.mkdir()
    runtime = tmp_path / "x"
    runtime.mkdir(mode=0o700)
    (runtime / "bullpen").mkdir()
    (runtime / "bullpen").chmod(0o777)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    assert mode(socket_path(home).parent) == 0o700


async def test_sigterm_ends_it_cleanly(tmp_path: Path) -> None:
    """SIGTERM ends with status 0, and neither socket nor endpoint file stays behind."""
    daemon = Daemon(tmp_path / "home")
    daemon.start()
    assert daemon.stop() == 0
    assert daemon.said == b""
    assert sorted(path.name for path in (daemon.home / "run").iterdir()) == ["lock"]


async def test_stale_files_of_a_killed_daemon_do_not_hinder(tmp_path: Path) -> None:
    """After kill -9 the socket, the endpoint file and the lock's file are there, and the next start just serves."""
    with Daemon(tmp_path / "home") as daemon:
        first = daemon.endpoint
        daemon.kill()
        assert (daemon.home / "run" / "bullpend.sock").exists()
        assert (daemon.home / "run" / "endpoint.json").exists()
        daemon.start()
        assert daemon.endpoint.instance != first.instance
        assert daemon.endpoint.token != first.token
        assert (await info(daemon)).pid == daemon.pid


async def test_deleted_socket_is_made_again(tmp_path: Path) -> None:
    """Socket, endpoint file or the whole folder deleted under a live daemon: it is reached again by the same token, and
    who was connected stays so.
    """
    daemon = Daemon(tmp_path / "home")
    with daemon:
        run = daemon.home / "run"
        before = daemon.endpoint
        async with Session(daemon.home) as connected:
            for lost in ("bullpend.sock", "endpoint.json", ""):
                if lost:
                    (run / lost).unlink()
                else:
                    shutil.rmtree(run)
                while read_endpoint(daemon.home) is None or not (run / "bullpend.sock").exists():
                    await connected.system.GetInfo(system_pb2.GetInfoRequest())
                assert daemon.endpoint == before
                assert (run / "bullpend.sock").stat().st_mode & 0o777 == 0o600
                assert run.stat().st_mode & 0o777 == 0o700
                async with Session(daemon.home, start=False) as fresh:
                    assert (await fresh.system.GetInfo(system_pb2.GetInfoRequest())).pid == daemon.pid
        assert daemon.stop() == 0
        assert not (run / "bullpend.sock").exists()


async def test_a_second_daemon_is_refused_also_where_the_lock_was_deleted(tmp_path: Path) -> None:
    """The folder of the lock is gone, and a new daemon could lock a new file: it is refused, the first one goes on."""
    with Daemon(tmp_path / "home") as daemon:
        async with Session(daemon.home, start=False) as session:
            shutil.rmtree(daemon.home / "run")
            with pytest.raises(DaemonEnded, match="Another daemon"):
                Daemon(daemon.home).start()
            while read_endpoint(daemon.home) is None:
                await session.system.GetInfo(system_pb2.GetInfoRequest())
        assert (daemon.home / "run" / "lock").read_text() == str(daemon.pid)
        with pytest.raises(DaemonEnded, match=f"process {daemon.pid}"):
            Daemon(daemon.home).start()


def test_a_deleted_lock_is_made_again(tmp_path: Path) -> None:
    """It is held as before; where it is in its place nothing is done."""
    run = tmp_path / "home" / "run"
    run.mkdir(parents=True)
    first = HomeLock(run)
    first.acquire()
    shutil.rmtree(run)
    first.restore()
    inode = (run / "lock").stat().st_ino
    first.restore()
    assert (run / "lock").stat().st_ino == inode
    with pytest.raises(HomeLocked) as refused:
        HomeLock(run).acquire()
    assert refused.value.metadata["pid"] == str(os.getpid())
    first.release()
    second = HomeLock(run)
    second.acquire()
    second.release()


async def test_anything_at_the_place_of_the_socket_does_not_hinder(tmp_path: Path) -> None:
    """A foreign socket or a file at the socket's path is replaced; the home's lock is what decides."""
    home = tmp_path / "home"
    (home / "run").mkdir(parents=True)
    (home / "run" / "endpoint.json").write_text("no json")
    with socket.socket(socket.AF_UNIX) as foreign:
        foreign.bind(str(home / "run" / "bullpend.sock"))
        with Daemon(home) as daemon:
            assert (await info(daemon)).pid == daemon.pid


def test_lock_is_held_by_one(tmp_path: Path) -> None:
    """The lock of a home is given once, names its holder, and is free again after its release."""
    first, second = HomeLock(tmp_path), HomeLock(tmp_path)
    first.acquire()
    with pytest.raises(HomeLocked) as refused:
        second.acquire()
    assert refused.value.metadata["pid"] == str(os.getpid())
    first.release()
    second.acquire()
    second.release()


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"devices.use": "toaster"}, "devices.use"),
        ({"scheduler.max_attempt": "3"}, "scheduler.max_attempts"),
        ({"pictures.max_megapixels": "many"}, "pictures.max_megapixels"),
    ],
)
def test_bad_setting_ends_it_with_one_line(tmp_path: Path, settings: dict[str, object], word: str) -> None:
    """A setting that is wrong or unknown is named in one line, with the nearest name; nothing is left running."""
    daemon = Daemon(tmp_path / "home", settings)
    with pytest.raises(DaemonEnded) as refused:
        daemon.start()
    assert word in str(refused.value)
    assert str(refused.value).count("\n") == 1
    assert daemon.status == 1
    assert not (tmp_path / "home" / "run" / "endpoint.json").exists()


def test_home_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """A home below a file is refused in one line."""
    (tmp_path / "file").write_text("")
    daemon = Daemon(tmp_path / "file" / "home")
    with pytest.raises(DaemonEnded) as refused:
        daemon.start()
    assert str(refused.value).count("\n") == 1
    assert "Traceback" not in str(refused.value)
    assert daemon.status == 1


def test_wrong_command_line_ends_with_two() -> None:
    """A wrong flag is a line on standard error and status 2."""
    done = subprocess.run(
        [sys.executable, "-m", "bullpend", "--hom", "x", "--nonsense"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
