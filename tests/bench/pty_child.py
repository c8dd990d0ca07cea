"""A program in a terminal of its own: keys go in, what it paints comes out, its processor time is read beside it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

CORE = 0
HIDDEN = ("COLUMNS", "LINES", "TMUX", "STY", "NO_COLOR", "PYTHONDONTWRITEBYTECODE")
"""Variables that tell a program of another terminal than its own, and one that would have it compiled at each start."""


class PtyChild:
    """Use it as `with`. `size` is columns and rows; with `one_core` it may use one core only."""

    def __init__(self, command: Sequence[str], size: tuple[int, int] = (120, 36), *, one_core: bool = False) -> None:
        self._command = list(command)
        self._size = size
        self._one_core = one_core
        self.output = bytearray()
        self._process: subprocess.Popen[bytes] | None = None
        self._master = -1

    def __enter__(self) -> Self:
        columns, rows = self._size
        self._master, end = pty.openpty()
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        kept = {name: value for name, value in os.environ.items() if name not in HIDDEN}
        environment = {**kept, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self._process = subprocess.Popen(
            self._command, stdin=end, stdout=end, stderr=end, env=environment, start_new_session=True
        )
        os.close(end)
        if self._one_core:
            os.sched_setaffinity(self.pid, {CORE})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    @property
    def pid(self) -> int:
        """Process id of the program."""
        assert self._process is not None
        return self._process.pid

    def press(self, keys: str) -> None:
        """Types; what was painted before is forgotten."""
        self.read(0)
        self.output.clear()
        os.write(self._master, keys.encode())

    def read(self, seconds: float) -> None:
        """Takes what is painted, for so long."""
        end = time.perf_counter() + seconds
        while True:
            left = end - time.perf_counter()
            ready, _, _ = select.select([self._master], [], [], max(0.0, left))
            if not ready:
                return
            try:
                self.output += os.read(self._master, 65536)
            except OSError:  # the other end is gone
                return

    def until(self, pattern: bytes, seconds: float = 60.0) -> float:
        """Reads until the pattern was painted since the last key; gives the moment. Raises TimeoutError."""
        wanted = re.compile(pattern)
        end = time.perf_counter() + seconds
        while not wanted.search(self.output):
            if (left := end - time.perf_counter()) <= 0:
                raise TimeoutError(f"never painted: {pattern!r}; the end of what was: {bytes(self.output[-600:])!r}")
            if select.select([self._master], [], [], left)[0]:
                self.output += os.read(self._master, 65536)
        return time.perf_counter()

    @property
    def processor_seconds(self) -> float:
        """Time that all its threads were on a core, to the nanosecond (Linux)."""
        nanoseconds = 0
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            with contextlib.suppress(OSError):
                nanoseconds += int((task / "schedstat").read_text().split()[0])
        return nanoseconds / 1e9
