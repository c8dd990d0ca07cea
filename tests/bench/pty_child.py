"""A program in a terminal of its own: keys go in, what it paints comes out, its processor time is read beside it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

CORE = 0


class PtyChild:
    """Use it as `with`. `size` is columns and rows; with `one_core` it may use one core only."""

    def __init__(self, command: Sequence[str], size: tuple[int, int] = (120, 36), *, one_core: bool = False) -> None:
        self._command = list(command)
        self._size = size
        self._one_core = one_core
        self.output = bytearray()
        self.pid = 0
        self._master = -1

    def __enter__(self) -> Self:
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", COLUMNS="", LINES="")
            for name in ("COLUMNS", "LINES", "TMUX", "STY"):
                os.environ.pop(name, None)
            if self._one_core:
                os.sched_setaffinity(0, {CORE})
            os.execvp(self._command[0], self._command)  # noqa: S606 -- a command of ours, in the child
        columns, rows = self._size
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._master)

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

    @property
    def memory_bytes(self) -> int:
        """What it holds in memory of its own: its proportional share of what is shared."""
        text = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
        assert found is not None
        return int(found.group(1)) * 1024
