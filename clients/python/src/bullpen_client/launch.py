"""Starting a daemon for a home and waiting until it serves.

The daemon is detached: it has its own session, so that Ctrl-C in the client's terminal or the end of the client does
not end it. What it says before its log is open goes to `<home>/logs/bullpend.stderr`.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import subprocess
import sys
import time
from pathlib import Path

import grpc

from bullpen_client.errors import DaemonStartFailed, DaemonUnavailable
from bullpen_client.health import is_serving
from bullpen_client.home import Endpoint, pid_alive, read_endpoint, resolve_home
from bullpen_client.lock import keeper
from bullpen_client.patience import Notice, reach, silent, telling

START_TIMEOUT = 60.0
_PAUSE = 0.02
# How long to look for another daemon that won the race, after our own has ended.
_RACE = 1.0
_TAIL_LINES = 8
_TERM_TIMEOUT = 5.0
# Daemons that this process started. They outlive it; until then they are its children and must be kept in mind.
_children: list[subprocess.Popen[bytes]] = []


@atexit.register
def _leave() -> None:
    """Collects the daemons that ended. The others live on, as they should: nothing is to be warned of."""
    for child in _children:
        if child.poll() is None:
            child.returncode = 0


def _failed(home: Path, message: str, said: str) -> DaemonStartFailed:
    lines = [line for line in said.splitlines() if line.strip()][-_TAIL_LINES:]
    words = f"{message} It said:\n  " + "\n  ".join(lines) if lines else f"{message} It said nothing."
    return DaemonStartFailed(
        words,
        remedy="`bullpen daemon run` shows all that it says; `bullpen doctor` checks the home.",
        metadata={"home": str(home), "stderr": str(_stderr_path(home))},
        code=grpc.StatusCode.UNAVAILABLE,
    )


def forwarded_gone(home: Path, endpoint: Endpoint) -> DaemonUnavailable:
    """What to say when nothing answers behind a forwarded socket: a daemon started here would be another one."""
    return DaemonUnavailable(
        f"No daemon answers behind the forwarded socket {endpoint.address}.",
        remedy="See that the forwarding runs (ssh -N -L …) and that the daemon serves on the other machine; after it "
        "was started anew, copy its run/endpoint.json again.",
        metadata={"home": str(home)},
        code=grpc.StatusCode.UNAVAILABLE,
    )


def _stderr_path(home: Path) -> Path:
    return home / "logs" / "bullpend.stderr"


def command(home: Path) -> list[str]:
    """The command line of a daemon for a home."""
    return [sys.executable, "-m", "bullpend", "--home", str(home)]


def _spawn(home: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Starts the process; also gives the size that the stderr file had before."""
    log = _stderr_path(home)
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        log.parent.mkdir(mode=0o700, exist_ok=True)
        with log.open("ab") as stderr:
            offset = stderr.tell()
            flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) | getattr(subprocess, "DETACHED_PROCESS", 0)
            process = subprocess.Popen(
                command(home),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                cwd=home,
                start_new_session=os.name != "nt",
                creationflags=flags,
            )
    except OSError as error:
        raise _failed(home, f"The daemon could not be started in {home}.", str(error)) from error
    _children.append(process)
    return process, offset


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_TERM_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _said(home: Path, offset: int) -> str:
    try:
        with _stderr_path(home).open("rb") as log:
            log.seek(offset)
            return log.read().decode("utf-8", "replace")
    except OSError:
        return ""


async def _serving(home: Path) -> Endpoint | None:
    endpoint = read_endpoint(home)
    if endpoint is None or not pid_alive(endpoint.pid):
        return None
    return endpoint if await is_serving(endpoint, timeout=1.0) else None


async def start_daemon(
    home: str | os.PathLike[str] | None = None,
    *,
    timeout: float = START_TIMEOUT,  # noqa: ASYNC109 - the error names the time and the daemon's words
    patience: float | None = None,
    notice: Notice | None = None,
) -> Endpoint:
    """Starts `bullpend` for a home unless one has it, and waits until it answers SERVING.

    Raises `DaemonStartFailed` with the last lines that it wrote when it ends, or is not ready after `timeout` seconds
    (it is then ended); `DaemonSilent` where another lives and does not answer within `patience` seconds. `notice` takes
    a line for a person when there is something to wait for.
    """
    where = resolve_home(home)
    if (channel := await reach(where, notice=notice, patience=patience)) is not None:
        await channel.close()
        return channel.endpoint
    if (endpoint := read_endpoint(where)) is not None and endpoint.remote:
        raise forwarded_gone(where, endpoint)
    return await telling(_started(where, timeout), notice, "The daemon is starting; waiting.")


async def _started(where: Path, timeout: float) -> Endpoint:  # noqa: ASYNC109 - as above
    process, offset = _spawn(where)
    deadline = time.monotonic() + timeout
    ended_at: float | None = None
    while True:
        if (serving := await _serving(where)) is not None:
            return serving
        now = time.monotonic()
        if process.poll() is not None:
            if ended_at is None:
                ended_at = now
            # Where somebody else's daemon has the home by now, ours ended because of it: that one is waited for.
            other = keeper(where)
            if not other and now - ended_at > _RACE:
                words = f"The daemon ended with status {process.returncode} before it served."
                raise _failed(where, words, _said(where, offset))
            if other and now > deadline:
                raise silent(where, read_endpoint(where), other, timeout, ready=False)
        elif now > deadline:
            await asyncio.to_thread(_end, process)
            raise _failed(where, f"The daemon did not serve within {timeout:g} seconds.", _said(where, offset))
        await asyncio.sleep(_PAUSE)
