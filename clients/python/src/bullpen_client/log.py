"""The daemon's log, followed without a gap: reconnect, go on after the last number, say what was missed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from bullpen_api.v1 import log_pb2

from bullpen_client import errors
from bullpen_client.breaks import MENDABLE, USUAL, Backoff, Breaks, Reconnected, Reconnecting
from bullpen_client.connect import Session

Item = log_pb2.WatchLogResponse | Reconnecting | Reconnected


async def watch_log(
    session: Session, request: log_pb2.WatchLogRequest, *, backoff: Backoff = USUAL
) -> AsyncIterator[Item]:
    """Yields what the daemon tells of its log; where the request follows, over broken connections and restarts.

    Entries arrive once and in order, `Reconnected.revision` is the number after which it goes on. Raises what no
    reconnection mends, and the last error when `backoff.attempts` are used up.
    """
    wanted = log_pb2.WatchLogRequest()
    wanted.CopyFrom(request)
    breaks = Breaks(backoff)
    while True:
        try:
            async for message in session.logs.WatchLog(wanted):
                if breaks.attempt:
                    yield Reconnected(wanted.after)
                breaks.heard()
                wanted.ClearField("tail")
                wanted.after = message.last
                yield message
            if not request.follow:
                return
            raise errors.DaemonUnavailable("The daemon ended the stream.")
        except MENDABLE as error:
            if not request.follow:
                raise
            pause = breaks.next(error)
        yield pause
        await asyncio.sleep(pause.delay)
