"""Starting a worker's process without running Python between fork and exec.

The loop's own `subprocess_exec` forks, and the child runs Python's handlers for forks before it becomes the worker.
The daemon has open database connections and threads at work: the child may then wait for ever for a lock that a
thread held which it has not, and the daemon, which waits for the exec, stands still with it. `subprocess.Popen` goes
by vfork straight to exec. This module gives its processes to the loop as transports, with the callbacks in the order
that asyncio promises for subprocesses.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO

_OUTPUTS = (1, 2)


async def spawn(protocol: asyncio.SubprocessProtocol, command: Sequence[str], env: Mapping[str, str]) -> None:
    """Starts a process with pipes to all three of its standard streams, in a session of its own.

    `protocol` hears all that follows. Raises OSError where it cannot be started. Call it on the main thread's loop.
    """
    loop = asyncio.get_running_loop()
    pipe = subprocess.PIPE
    if sys.platform == "win32":  # not run in the tests of this project; there is no fork
        await loop.subprocess_exec(lambda: protocol, *command, stdin=pipe, stdout=pipe, stderr=pipe, env=dict(env))
        return
    process = subprocess.Popen(  # noqa: ASYNC220 -- vfork returns at the exec, and the loop's way is not safe here
        command, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0, env=dict(env), start_new_session=True
    )
    await _Child(process, protocol, loop).connect()


class _Child(asyncio.SubprocessTransport):
    """A process of `Popen` as a transport of the loop."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        protocol: asyncio.SubprocessProtocol,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__()
        self._process = process
        self._protocol = protocol
        self._loop = loop
        self._pipes: dict[int, asyncio.BaseTransport] = {}
        self._open = 3
        self._exited = False

    async def connect(self) -> None:
        """Gives the pipes to the loop; the protocol is told of the process before anything else about it."""
        process = self._process
        streams: tuple[IO[bytes] | None, ...] = (process.stdin, process.stdout, process.stderr)
        assert all(streams)
        self._pipes[0], _ = await self._loop.connect_write_pipe(lambda: _Pipe(self, 0), streams[0])
        self._protocol.connection_made(self)
        for fd in _OUTPUTS:
            self._pipes[fd], _ = await self._loop.connect_read_pipe(lambda fd=fd: _Pipe(self, fd), streams[fd])  # type: ignore[misc]  # a default binds the number
        threading.Thread(target=self._await_exit, name=f"wait-{process.pid}", daemon=True).start()

    # ---- what asyncio's transports of processes can do ---------------------------------------------------------------

    def get_pid(self) -> int:
        """The process id."""
        return self._process.pid

    def get_returncode(self) -> int | None:
        """The exit status, negative for a signal; None while it was not told."""
        return self._process.returncode if self._exited else None

    def get_pipe_transport(self, fd: int) -> asyncio.BaseTransport | None:
        """The transport of one of its standard streams."""
        return self._pipes.get(fd)

    def kill(self) -> None:
        """Kills the process, if it lives."""
        self._process.kill()

    def close(self) -> None:
        """Closes the pipes, and kills the process if it lives."""
        for pipe in self._pipes.values():
            pipe.close()
        if not self._exited:
            self._process.kill()

    def is_closing(self) -> bool:
        """Whether its pipes are closed or closing."""
        return all(pipe.is_closing() for pipe in self._pipes.values())

    # ---- what happens -----------------------------------------------------------------------------------------------

    def received(self, fd: int, data: bytes) -> None:
        """Bytes came out of a pipe."""
        self._protocol.pipe_data_received(fd, data)

    def pipe_lost(self, fd: int, error: Exception | None) -> None:
        """A pipe was closed."""
        self._open -= 1
        self._protocol.pipe_connection_lost(fd, error)
        self._perhaps_lost()

    def _await_exit(self) -> None:
        self._process.wait()
        with suppress(RuntimeError):  # the loop is gone, and with it everybody who would want to know
            self._loop.call_soon_threadsafe(self._has_exited)

    def _has_exited(self) -> None:
        self._exited = True
        self._protocol.process_exited()
        self._perhaps_lost()

    def _perhaps_lost(self) -> None:
        if self._exited and not self._open:
            self._protocol.connection_lost(None)


class _Pipe(asyncio.Protocol):
    """One of the three standard streams."""

    def __init__(self, child: _Child, fd: int) -> None:
        self._child = child
        self._fd = fd

    def data_received(self, data: bytes) -> None:
        """Passes on what a process wrote."""
        self._child.received(self._fd, data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Passes on that the stream has ended."""
        self._child.pipe_lost(self._fd, exc)
