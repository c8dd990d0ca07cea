"""Finding a home, opening a session, starting a daemon, and living through its restart."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from bullpen_api.v1 import project_pb2, system_pb2
from bullpen_client import Endpoint, Session, errors, home, launch, read_endpoint, resolve_home, start_daemon

from tests.support.fake_daemon import FakeDaemon


def test_the_flag_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """--home wins over BULLPEN_HOME, which wins over the checkout."""
    monkeypatch.setenv("BULLPEN_HOME", str(tmp_path / "env"))
    assert resolve_home(tmp_path / "flag") == tmp_path / "flag"
    assert resolve_home() == tmp_path / "env"
    monkeypatch.delenv("BULLPEN_HOME")
    root = home.checkout_root()
    assert root is not None
    assert resolve_home() == root / "var"


def test_outside_a_checkout_it_is_the_platforms_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A packaged installation keeps its state where the platform wants it."""
    monkeypatch.delenv("BULLPEN_HOME", raising=False)
    monkeypatch.setattr(home, "checkout_root", lambda: None)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert resolve_home().name == "bullpen"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"token": "x"}', "null"])
def test_a_broken_endpoint_file_counts_as_none(tmp_path: Path, content: str) -> None:
    """Half a file, or another one, never raises."""
    file = home.endpoint_path(tmp_path)
    file.parent.mkdir()
    file.write_text(content)
    assert read_endpoint(tmp_path) is None


async def test_without_a_daemon_the_error_names_the_home(tmp_path: Path) -> None:
    """Nothing serves: a typed error with the home and what to do."""
    with pytest.raises(errors.DaemonUnavailable) as caught:
        async with Session(tmp_path):
            pass
    assert caught.value.metadata == {"home": str(tmp_path)}
    assert "bullpen daemon start" in caught.value.remedy


async def test_a_dead_endpoint_counts_as_no_daemon(daemon: FakeDaemon) -> None:
    """An endpoint file that a killed daemon left is no reason to hang."""
    await daemon.stop()
    daemon.write_endpoint()
    with pytest.raises(errors.DaemonUnavailable):
        async with Session(daemon.home):
            pass


async def test_a_wrong_token_is_refused(daemon: FakeDaemon) -> None:
    """The token of another start is TOKEN_INVALID."""
    async with Session(endpoint=Endpoint(f"unix:{daemon.socket}", "another")) as session:
        with pytest.raises(errors.TokenInvalid):
            await session.projects.ListProjects(project_pb2.ListProjectsRequest())


async def test_stubs_live_through_a_restart(session: Session, daemon: FakeDaemon) -> None:
    """The first call after a restart may fail; the next one uses the new token on the same stubs."""
    projects = session.projects
    await projects.ListProjects(project_pb2.ListProjectsRequest())
    await daemon.stop()
    await daemon.start()
    try:
        await projects.ListProjects(project_pb2.ListProjectsRequest())
    except (errors.DaemonUnavailable, errors.TokenInvalid):
        await projects.ListProjects(project_pb2.ListProjectsRequest())
    assert session.endpoint.token == daemon.token


def test_a_process_that_ended_is_not_alive() -> None:
    """Also before its parent has waited for it."""
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert home.pid_alive(process.pid)
        assert process.stdin is not None
        process.stdin.close()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not home.pid_alive(process.pid)
    assert not home.pid_alive(0)


async def test_starting_where_one_serves_gives_that_one(daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """No second daemon is started."""
    monkeypatch.setattr(launch, "command", lambda _: [sys.executable, "-c", "raise SystemExit('started twice')"])
    assert (await start_daemon(daemon.home)).token == daemon.token


async def test_a_daemon_that_ends_at_once_tells_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error carries the last lines that the process wrote, and only those of this start."""
    monkeypatch.setattr(launch, "command", lambda _: [sys.executable, "-c", "raise SystemExit('the disk is full')"])
    log = tmp_path / "logs" / "bullpend.stderr"
    log.parent.mkdir()
    log.write_text("an older story\n")
    with pytest.raises(errors.DaemonStartFailed) as caught:
        await start_daemon(tmp_path)
    assert "the disk is full" in caught.value.message
    assert "older story" not in caught.value.message


async def test_a_daemon_that_never_serves_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the deadline the error says so, and the process is ended."""
    monkeypatch.setattr(launch, "command", lambda _: [sys.executable, "-c", "import signal; signal.pause()"])
    with pytest.raises(errors.DaemonStartFailed, match="did not serve within"):
        await start_daemon(tmp_path, timeout=0.5)
    assert launch._children[-1].poll() is not None


async def test_a_session_starts_a_daemon_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`start=True` runs the daemon's command with the home and connects to what then serves."""
    monkeypatch.setattr(launch, "command", lambda at: [sys.executable, "-m", "tests.support.fake_daemon", str(at)])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path.cwd()), *filter(None, sys.path)]))
    async with Session(tmp_path / "home", start=True) as session:
        assert (await session.system.GetInfo(system_pb2.GetInfoRequest())).home == str(tmp_path / "home")
        process = launch._children[-1]
        assert process.pid == session.endpoint.pid
        process.terminate()
    await asyncio.to_thread(process.wait)


def test_a_daemon_that_lives_on_is_nothing_to_warn_of() -> None:
    """Who started one may end before it: Python has no complaint about a process that nobody waited for."""
    script = (
        "import subprocess, sys; from bullpen_client import launch;"
        "one = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL);"
        "launch._children.append(one)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True)
    assert "is still running" not in done.stderr


def test_importing_the_client_is_light() -> None:
    """No picture, model or terminal library comes along."""
    heavy = "{'torch', 'numpy', 'PIL', 'textual', 'rich', 'click', 'bullpend', 'bullpen_worker'}"
    code = (
        f"import sys, bullpen_client; found = {heavy} & set(sys.modules); raise SystemExit(str(found) if found else 0)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
