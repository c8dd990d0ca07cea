"""What a worker writes on its standard error becomes log lines: whole lines, cut at a length, at a bounded rate."""

from __future__ import annotations

from collections.abc import Callable

MAX_LINE_BYTES = 2000
MAX_LINES = 200
WINDOW_SECONDS = 10.0


class StderrLines:
    """Cuts bytes into lines and lets at most MAX_LINES pass in WINDOW_SECONDS. `say` gets each line and, later, one
    line that tells how many were dropped. `last` is the last line that was not empty, said or not.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._rest = b""
        self._skipping = False
        self._window_start = float("-inf")
        self._said = 0
        self._dropped = 0
        self.last = ""

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
        self.last = text
        if now - self._window_start >= WINDOW_SECONDS:
            self._tell_dropped()
            self._window_start = now
            self._said = 0
        if self._said < MAX_LINES:
            self._said += 1
            self._say(text)
        else:
            self._dropped += 1

    def _tell_dropped(self) -> None:
        if self._dropped:
            self._say(f"{self._dropped} more lines were dropped")
            self._dropped = 0
