# ruff: noqa: D102 - the port documents every call
"""The calls of `LogPort` over the client library."""

from __future__ import annotations

from collections.abc import AsyncIterator

from bullpen_api.v1 import log_pb2
from bullpen_client.connect import Session
from bullpen_client.log import watch_log

from bullpen_tui.port_log import LogItem


class LogCalls:
    """`LogPort` over a session."""

    _session: Session

    def log(self, after: int, tail: int) -> AsyncIterator[LogItem]:
        request = log_pb2.WatchLogRequest(follow=True)
        if after:
            request.after = after
        else:
            request.tail = tail
        return watch_log(self._session, request)
