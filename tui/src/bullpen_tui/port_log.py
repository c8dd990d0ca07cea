"""The part of the port about the daemon's own log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from bullpen_api.v1 import log_pb2
from bullpen_client.watch import Reconnected, Reconnecting

LogItem = log_pb2.WatchLogResponse | Reconnecting | Reconnected


class LogPort(Protocol):
    """Every call may raise `BullpenError`."""

    def log(self, after: int, tail: int) -> AsyncIterator[LogItem]:
        """Lines after a number, or the last `tail` where that is 0; then what comes, over broken connections."""
        ...
