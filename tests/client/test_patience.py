"""A daemon that is slow, stopped, starting or ending is told from one that is gone, and none is started beside it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from bullpen_api.v1 import event_pb2, project_pb2, system_pb2
from bullpen_client import Endpoint, Session, channel, errors, launch, patience, read_endpoint, start_daemon
from bullpen_client.home import endpoint_path, process_state
from bullpen_client.lock import keeper

from tests.support.daemon import Daemon
from tests.support.fake_daemon import STALLED, FakeDaemon

SHORT = 0.3
"""Patience with what will never answer."""


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A real daemon: it has the lock of its home."""
    with Daemon(tmp_path_factory.mktemp("d") / "home") as running:
        yield running


@pytest.fixture
def no_second(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Homes for which somebody wanted to start a daemon."""
    wanted: list[Path] = []

    def command(home: Path) -> list[str]:
        wanted.append(home)
        return [sys.executable, "-c", "raise SystemExit('a second one')"]

    monkeypatch.setattr(launch, "command", command)
    return wanted


@contextmanager
def stopped(daemon: Daemon) -> Iterator[None]:
    """The process stands still, as on a machine that gives it no time."""
    os.kill(daemon.pid, signal.SIGSTOP)
    try:
        os.waitid(os.P_PID, daemon.pid, os.WSTOPPED)
        yield
    finally:
        os.kill(daemon.pid, signal.SIGCONT)


async def test_a_slow_daemon_is_waited_for(
    real: Daemon, monkeypatch: pytest.MonkeyPatch, no_second: list[Path]
) -> None:
    """The person is told once that it is waited for; when it comes round it is used as if nothing had been."""
    monkeypatch.setattr(patience, "NOTICE_AFTER", SHORT)
    told: list[str] = []

    def notice(words: str) -> None:
        told.append(words)
        os.kill(real.pid, signal.SIGCONT)

    for begin in ("session", "start"):
        with stopped(real):
            if begin == "session":
                async with Session(real.home, start=True, notice=notice, patience=90.0) as session:
                    info = await session.system.GetInfo(system_pb2.GetInfoRequest())
                    assert info.pid == real.pid
            else:
                assert (await start_daemon(real.home, notice=notice, patience=90.0)).pid == real.pid
    assert told == ["A daemon is there, and does not answer yet; waiting."] * 2
    assert no_second == []


async def test_a_daemon_that_answers_is_nothing_to_speak_of(real: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is said where nothing is to be waited for."""
    monkeypatch.setattr(patience, "NOTICE_AFTER", 90.0)
    told: list[str] = []
    async with Session(real.home, notice=told.append):
        pass
    assert told == []


async def test_a_stopped_daemon_is_said_and_none_is_started(real: Daemon, no_second: list[Path]) -> None:
    """What it is, what it means and what to do, with the process; both ways in."""
    with stopped(real):
        assert process_state(real.pid) == "T"
        for start in (False, True):
            with pytest.raises(errors.DaemonSilent, match="was stopped") as caught:
                async with Session(real.home, start=start, patience=SHORT):
                    pass
            assert caught.value.metadata["pid"] == str(real.pid)
            assert f"kill -CONT {real.pid}" in caught.value.remedy
        with pytest.raises(errors.DaemonSilent):
            await start_daemon(real.home, patience=SHORT)
    assert no_second == []


@contextmanager
def mute(folder: Path) -> Iterator[Endpoint]:
    """Something listens, so that connections are taken, and says nothing."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{folder}/s")
        listening.listen()
        yield Endpoint(f"unix:{folder}/s", "token", os.getpid())


@pytest.mark.parametrize("remote", [False, True])
async def test_what_accepts_and_says_nothing_is_not_gone(tmp_path: Path, remote: bool, no_second: list[Path]) -> None:
    """Also where no lock tells, as behind a forwarded socket: it lives and does not answer."""
    with mute(tmp_path) as endpoint:
        home = tmp_path / "home"
        endpoint_path(home).parent.mkdir(parents=True)
        words = f'{{"address": "{endpoint.address}", "pid": 1, "remote": {str(remote).lower()}}}'
        endpoint_path(home).write_text(words)
        with pytest.raises(errors.DaemonSilent, match="other machine" if remote else "very busy") as caught:
            async with Session(home, start=True, patience=SHORT):
                pass
    assert caught.value.metadata["address"] == endpoint.address
    assert no_second == []


async def test_a_daemon_that_is_starting_is_waited_for(real: Daemon, no_second: list[Path]) -> None:
    """It has the home before it can be reached: another would only be turned away."""
    assert keeper(real.home) == real.pid
    # The daemon makes its file again within a second, as a starting one makes it for the first time.
    endpoint_path(real.home).unlink()
    async with Session(real.home, start=True, patience=90.0) as session:
        assert session.endpoint.pid == real.pid
    assert no_second == []


async def test_two_that_start_at_once_use_the_one_that_came_first(
    real: Daemon, monkeypatch: pytest.MonkeyPatch, no_second: list[Path]
) -> None:
    """Ours ends since the home is taken; that is no failure while the other one is on its way."""
    monkeypatch.setattr(launch, "_RACE", 0.0)
    endpoint_path(real.home).unlink()
    assert (await launch._started(real.home, 90.0)).pid == real.pid
    assert no_second == [real.home]


async def test_a_daemon_that_does_not_serve_says_so(
    daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch, no_second: list[Path]
) -> None:
    """One that is ending still answers: it is waited for, and then told from one that hangs."""
    answers: list[bool] = []

    async def healthy(*_: object) -> bool:
        return answers.pop(0) if answers else False

    monkeypatch.setattr(patience, "healthy", healthy)
    with pytest.raises(errors.DaemonSilent, match="is starting, or ends") as caught:
        async with Session(daemon.home, start=True, patience=SHORT):
            pass
    assert caught.value.metadata["ready"] == "false"
    answers.extend((False, False, True))
    async with Session(daemon.home, start=True, patience=90.0):
        assert answers == []
    assert no_second == []


async def test_nobody_has_a_home_whose_daemon_was_killed(tmp_path: Path) -> None:
    """The lock tells, not the files that were left."""
    daemon = Daemon(tmp_path / "home")
    await asyncio.to_thread(daemon.start)
    process = daemon.pid
    assert keeper(daemon.home) == process
    await asyncio.to_thread(daemon.kill)
    assert read_endpoint(daemon.home) is not None
    assert keeper(daemon.home) == 0
    with pytest.raises(errors.DaemonUnavailable):
        async with Session(daemon.home):
            pass


async def test_a_daemon_that_ends_keeps_the_connection_of_its_last_calls(
    session: Session, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused call does not take the line from under a stream that goes on."""
    monkeypatch.setattr(channel, "_GRACE", 0.0)
    stream = aiter(session.events.Watch(event_pb2.WatchRequest(after_revision=0)))
    assert (await anext(stream)).HasField("bookmark")
    session.channel.note(session.channel.generation, errors.ShuttingDown("It ends."))
    await session.projects.ListProjects(project_pb2.ListProjectsRequest())
    following = asyncio.ensure_future(anext(stream))
    project = project_pb2.Project(title="Noir")
    await session.projects.CreateProject(project_pb2.CreateProjectRequest(project_id="noir", project=project))
    async with asyncio.timeout(60):
        assert (await following).WhichOneof("item")
    await stream.aclose()  # type: ignore[attr-defined]  # it is a generator


async def test_calls_of_a_connection_that_was_given_up_fail_and_cancel_nobody(
    session: Session, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task whose call was cut off gets an error that it can handle, and is not ended."""
    monkeypatch.setattr(channel, "_GRACE", 0.0)
    daemon.refuse["GetInfo"] = STALLED
    stream = aiter(session.events.Watch(event_pb2.WatchRequest(after_revision=0)))
    await anext(stream)

    async def ask() -> None:
        await session.system.GetInfo(system_pb2.GetInfoRequest())

    async def follow() -> None:
        await anext(stream)

    waiting = [asyncio.ensure_future(ask()), asyncio.ensure_future(follow())]
    await asyncio.sleep(0)
    session.channel.note(session.channel.generation, errors.DaemonUnavailable("It broke."))
    await session.projects.ListProjects(project_pb2.ListProjectsRequest())
    for one in waiting:
        with pytest.raises(errors.DaemonUnavailable, match="given up"):
            await asyncio.wait_for(one, 60)
