"""A real bullpend on a home of its own, as a subprocess on a real socket.

Nothing here waits by the clock: a start is heard as the `READY=1` that a service manager would get, an end is heard
from the process itself. The device and the model are the scripted ones unless a test says otherwise.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from bullpen_client import Endpoint, read_endpoint

START_SECONDS = 90.0
STOP_SECONDS = 60.0
SCRIPTED = {"testing.scripted": "true", "devices.use": "scripted"}


class DaemonEnded(Exception):
    """The daemon ended instead of serving; the text is what it wrote on standard error."""


class Daemon:
    """One home, and the process that serves it now, if any. Use it as `with`, or call `start` and `stop`."""

    def __init__(
        self,
        home: Path,
        settings: Mapping[str, object] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.home = home
        self.settings = {**SCRIPTED, **(settings or {})}
        self._environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("BULLPEN_")},
            "OMP_NUM_THREADS": "1",
            **(environment or {}),
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.said = b""
        self.status: int | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def command(self) -> list[str]:
        """The command line."""
        sets = [part for name, value in self.settings.items() for part in ("--set", f"{name}={value}")]
        return [sys.executable, "-m", "bullpend", "--home", str(self.home), *sets]

    @property
    def pid(self) -> int:
        """Process id of the running daemon."""
        assert self.process is not None
        return self.process.pid

    @property
    def endpoint(self) -> Endpoint:
        """What the endpoint file says now."""
        endpoint = read_endpoint(self.home)
        assert endpoint is not None
        return endpoint

    def start(self) -> Endpoint:
        """Starts the process and returns when it serves. Raises DaemonEnded where it ends instead."""
        assert self.process is None
        self.said = b""
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notice:
            notice.bind(f"{folder}/notify")
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={**self._environment, "NOTIFY_SOCKET": f"{folder}/notify"},
                start_new_session=True,
            )
            assert self.process.stderr is not None
            places = [notice.fileno(), self.process.stderr.fileno()]
            heard, _, _ = select.select(places, [], [], START_SECONDS)
            if places[0] in heard:
                assert notice.recv(64) == b"READY=1"
                return self.endpoint
        # Its end is near where it spoke; a daemon that hangs instead is killed.
        if heard:
            self.wait()
        else:
            self.kill()
        raise DaemonEnded(self.said.decode())

    def stop(self) -> int:
        """Ends it as a service manager does, by SIGTERM, and returns its exit status; 0 where none runs."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """Kills it with SIGKILL; nothing is cleaned up."""
        return self._end(signal.SIGKILL)

    def wait(self) -> int:
        """Waits until it has ended by itself, and returns its exit status."""
        return self._end(None)

    def _end(self, number: signal.Signals | None) -> int:
        process, self.process = self.process, None
        if process is None:
            return 0
        if number is not None and process.poll() is None:
            process.send_signal(number)
        try:
            _, self.said = process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        self.status = process.returncode
        return process.returncode

    def workers(self) -> list[psutil.Process]:
        """Its worker processes."""
        return [child for child in psutil.Process(self.pid).children(recursive=True) if child.is_running()]

    def log(self) -> str:
        """What its log file holds."""
        return (self.home / "logs" / "bullpend.log").read_text(encoding="utf-8")


def survivors(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those of the processes that still live after that many seconds; returns as soon as none does.

    One that was killed but waits for a busy disk inside the kernel can do nothing any more; it is waited for longer.
    """
    living, end = processes, time.monotonic() + seconds
    while living:
        left = end - time.monotonic()
        # An orphan that nobody reaps is waited for in vain, so all are looked at again and again.
        _, alive = psutil.wait_procs(living, timeout=max(0.0, min(left, 0.05)))
        living = [process for process in alive if not _killed(process)]
        if not living:
            _, alive = psutil.wait_procs([each for each in alive if not _ended(each)], timeout=STOP_SECONDS)
            return [process for process in alive if not _killed(process)]
        if left <= 0:
            return living
    return []


def _ended(process: psutil.Process) -> bool:
    """Whether a process is dead but for its entry."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _killed(process: psutil.Process) -> bool:
    """Whether a process is dead but for its entry, or has SIGKILL before it."""
    try:
        lines = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return True
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    pending = int(fields.get("SigPnd", "0"), 16) | int(fields.get("ShdPnd", "0"), 16)
    return fields["State"].split()[0] in "ZX" or bool(pending & 1 << (signal.SIGKILL - 1))
