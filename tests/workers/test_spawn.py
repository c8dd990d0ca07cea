"""Processes as transports of the loop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest
from bullpend.workers.spawn import spawn


class Heard(asyncio.SubprocessProtocol):
    """Writes down what it is told, in order."""

    def __init__(self) -> None:
        self.said: list[object] = []
        self.transport: asyncio.SubprocessTransport | None = None
        self.over = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.SubprocessTransport)
        self.transport = transport
        self.said.append("made")

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self.said.append((fd, data))

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self.said.append(("lost", fd))

    def process_exited(self) -> None:
        self.said.append("exited")

    def connection_lost(self, exc: Exception | None) -> None:
        self.said.append("over")
        self.over.set_result(None)


async def run(code: str, written: bytes = b"") -> Heard:
    """A Python process that ran to its end."""
    heard = Heard()
    await spawn(heard, (sys.executable, "-c", code), os.environ)
    assert heard.transport is not None
    pipe = heard.transport.get_pipe_transport(0)
    assert isinstance(pipe, asyncio.WriteTransport)
    pipe.write(written)
    await asyncio.wait_for(heard.over, 60)
    return heard


async def test_streams_and_exit_are_told_and_the_end_comes_last() -> None:
    """What goes in comes out; the end is told once, after the exit and all three pipes."""
    heard = await run("import sys; sys.stdout.write(sys.stdin.readline()); sys.stderr.write('b'); sys.exit(3)", b"a\n")
    assert heard.said[0] == "made"
    assert heard.said[-1] == "over"
    assert heard.said.count("over") == heard.said.count("exited") == 1
    assert {(1, b"a\n"), (2, b"b"), ("lost", 0), ("lost", 1), ("lost", 2)} <= set(heard.said)
    assert heard.transport is not None
    assert heard.transport.get_returncode() == 3


async def test_a_process_has_a_session_of_its_own() -> None:
    """Signals of the terminal do not reach it."""
    heard = await run("import os; print(os.getsid(0) == os.getpid(), end='')")
    assert (1, b"True") in heard.said


async def test_closing_ends_the_process() -> None:
    """A closed transport leaves no process behind."""
    heard = Heard()
    await spawn(heard, (sys.executable, "-c", "import signal; signal.pause()"), os.environ)
    assert heard.transport is not None
    assert heard.transport.get_returncode() is None
    heard.transport.close()
    await asyncio.wait_for(heard.over, 60)
    assert heard.transport.get_returncode() == -signal.SIGKILL


async def test_what_is_not_there_cannot_be_started() -> None:
    """A missing program is an error of the start, not a process that ends."""
    with pytest.raises(FileNotFoundError):
        await spawn(Heard(), ("/nowhere/bullpen-worker",), os.environ)


async def test_no_handler_for_forks_runs_in_the_child() -> None:
    """Nothing of this process runs between fork and exec: a handler that would hang there is never called."""
    called: list[str] = []
    os.register_at_fork(before=lambda: called.append("before"))
    await run("pass")
    assert called == []
