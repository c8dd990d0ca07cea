"""The last entries of the log, in memory, for whoever looks: numbered over restarts, bounded, waited for.

No reader has a queue of its own. Each has the number up to which it looked; one that falls behind what is kept is told
how much it missed, so a slow reader costs no memory. Entries arrive from any thread, readers live on the event loop.
"""

from __future__ import annotations

import asyncio
import threading
from bisect import bisect_right
from collections import deque
from itertools import islice
from pathlib import Path

from bullpend.logs.entry import Entry, read

KEPT = 4096
TAIL_BYTES = 2 * 1024 * 1024
"""How much of the file's end is read after a restart."""


class KeptLog:
    """The entries. `add` gives each its number; `seed` brings back what an earlier daemon wrote."""

    def __init__(self, file: Path | None = None, kept: int = KEPT) -> None:
        self._entries: deque[Entry] = deque(maxlen=kept)
        self._lock = threading.Lock()
        self._waiting: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}
        self._file = file
        self._seeded = file is None
        self.last = _last_number(file) if file is not None else 0
        self.least = "info"
        """The least severe level that is written."""

    def add(self, line: str) -> str:
        """Numbers a JSON object of one line, keeps it, and gives it back with its number in front."""
        with self._lock:
            self.last += 1
            numbered = f'{{"number":{self.last},{line[1:]}'
            if (entry := read(numbered)) is not None:
                self._entries.append(entry)
            waiting = list(self._waiting.items())
        for event, loop in waiting:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)
        return numbered

    def seed(self) -> None:
        """Reads what was written before this process, once. Blocking; takes some tens of milliseconds."""
        if self._seeded or self._file is None:
            return
        older = [entry for line in _tail(self._file) if (entry := read(line)) is not None]
        with self._lock:
            if self._seeded:
                return
            self._seeded = True
            first = self._entries[0].number if self._entries else self.last + 1
            for entry in reversed([one for one in older if one.number < first]):
                if len(self._entries) == self._entries.maxlen:
                    break
                self._entries.appendleft(entry)

    def after(self, number: int) -> tuple[list[Entry], int]:
        """Entries after a number, and how many others there were that are not kept any more."""
        with self._lock:
            if number > self.last:  # of another log: everything here is new
                number = 0
            at = bisect_right(self._entries, number, key=lambda entry: entry.number)
            found = list(islice(self._entries, at, None))
            first = found[0].number if found else self.last + 1
            return found, max(0, first - 1 - number)

    def subscribe(self) -> asyncio.Event:
        """An event that is set with each new entry; give it back with `unsubscribe`."""
        event = asyncio.Event()
        with self._lock:
            self._waiting[event] = asyncio.get_running_loop()
        return event

    def unsubscribe(self, event: asyncio.Event) -> None:
        """Forgets a reader."""
        with self._lock:
            self._waiting.pop(event, None)

    def wake_all(self) -> None:
        """Lets every reader look again. On the event loop only."""
        for event in self._waiting:
            event.set()


def _tail(file: Path, most: int = TAIL_BYTES) -> list[str]:
    """Whole lines at the end of the file; where it was just begun also of the one before it. Nothing where none is."""
    lines: list[str] = []
    for path in (file, file.with_name(file.name + ".1")):
        try:
            with path.open("rb") as source:
                size = source.seek(0, 2)
                source.seek(max(0, size - most))
                data = source.read()
        except OSError:
            continue
        read_lines = data.decode("utf-8", "replace").splitlines()
        lines = [*read_lines[1 if size > most else 0 :], *lines]
        if size >= most:
            break
    return lines


def _last_number(file: Path) -> int:
    """The number of the last entry in the file, 0 where there is none."""
    return max((entry.number for line in _tail(file, 65536) if (entry := read(line)) is not None), default=0)
