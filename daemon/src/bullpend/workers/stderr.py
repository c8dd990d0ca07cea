"""What a worker writes on its standard error becomes log lines: whole lines, cut at a length, at a bounded rate."""

from __future__ import annotations

import re
from collections.abc import Callable

MAX_LINE_BYTES = 2000
MAX_LINES = 200
WINDOW_SECONDS = 10.0
# How faulthandler begins, and a line of a stack as it writes it (Lib/test/test_faulthandler.py).
_CRASH = "Fatal Python error: "
_FRAME = re.compile(r'\s*File ".*?(?P<file>[^/\\"]+)", line (?P<line>\d+) in (?P<function>.+)')


class StderrLines:
    """Cuts bytes into lines and lets at most MAX_LINES pass in WINDOW_SECONDS. `say` gets each line and, later, one
    line that tells how many were dropped. `last` is the last line that was not empty, said or not; of what Python's
    faulthandler writes when the process crashes it is the first one, with the place in the code.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._rest = b""
        self._skipping = False
        self._window_start = float("-inf")
        self._said = 0
        self._dropped = 0
        self.last = ""
        self._crash = ""
        self._crash_thread = False

    def feed(self, data: bytes, now: float) -> None:
        """Takes bytes as they come; `now` in seconds of any steady clock."""
        *lines, rest = (self._rest + data).split(b"\n")
        for line in lines:
            if self._skipping:
                # The end of a line whose beginning was said already.
                self._skipping = False
            else:
                self._line(line, now)
        if len(rest) > MAX_LINE_BYTES:
            if not self._skipping:
                self._line(rest, now)
            self._skipping = True
            rest = b""
        self._rest = rest

    def close(self, now: float) -> None:
        """Says what is left."""
        if self._rest and not self._skipping:
            self._line(self._rest, now)
        self._rest = b""
        self._tell_dropped()

    def _line(self, line: bytes, now: float) -> None:
        text = line[:MAX_LINE_BYTES].decode("utf-8", "replace").rstrip()
        if not text:
            return
        self._remember(text)
        if now - self._window_start >= WINDOW_SECONDS:
            self._tell_dropped()
            self._window_start = now
            self._said = 0
        if self._said < MAX_LINES:
            self._said += 1
            self._say(text)
        else:
            self._dropped += 1

    def _remember(self, text: str) -> None:
        """After a crash come the stacks of all threads and a list of modules, which say nothing to a person."""
        if text.startswith(_CRASH):
            self._crash = self.last = text
        elif not self._crash:
            self.last = text
        elif text.startswith("Current thread"):
            self._crash_thread = True
        elif self._crash_thread and (place := _FRAME.match(text)):
            self.last = f"{self._crash} in {place['function']} ({place['file']}:{place['line']})"
            self._crash_thread = False

    def _tell_dropped(self) -> None:
        if self._dropped:
            self._say(f"{self._dropped} more lines were dropped")
            self._dropped = 0
