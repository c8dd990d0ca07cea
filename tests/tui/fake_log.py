"""The part of the fake daemon about its own log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from bullpen_api.v1 import log_pb2
from bullpen_tui.port_log import LogItem

LEVEL = log_pb2.LogEntry.Level


def line(number: int, event: str, level: LEVEL.ValueType = LEVEL.LEVEL_INFO, **fields: str) -> log_pb2.LogEntry:
    """A line of the log, a second after the one before."""
    subject = next((value for value in fields.values() if value.startswith("projects/")), "")
    entry = log_pb2.LogEntry(
        number=number, level=level, component="dispatch", event=event, fields=fields, subject=subject
    )
    entry.time.seconds = 1_795_000_000 + number
    return entry


class FakeLog:
    """Implements `LogPort`: gives what the test says."""

    def __init__(self) -> None:
        self.log_asked: list[int] = []
        self.log_watchers = 0
        self._log: asyncio.Queue[LogItem] = asyncio.Queue()

    def log_says(self, *entries: log_pb2.LogEntry, missed: int = 0) -> None:
        """The next message of the log."""
        last = max((entry.number for entry in entries), default=0)
        self._log.put_nowait(
            log_pb2.WatchLogResponse(entries=entries, last=last, missed=missed, least=LEVEL.LEVEL_INFO)
        )

    async def log(self, after: int, tail: int) -> AsyncIterator[LogItem]:
        self.log_asked.append(after)
        self.log_watchers += 1
        try:
            while True:
                yield await self._log.get()
        finally:
            self.log_watchers -= 1
