"""The daemon's log, followed without a gap: reconnect, go on after the last number, say what was missed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from bullpen_api.v1 import log_pb2

from bullpen_client import errors
from bullpen_client.connect import Session
from bullpen_client.watch import RESUMABLE, Backoff, Reconnected, Reconnecting

USUAL = Backoff()
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
    attempt = 0
    token_refused = False
    while True:
        try:
            async for message in session.logs.WatchLog(wanted):
                if attempt:
                    yield Reconnected(wanted.after)
                    attempt, token_refused = 0, False
                wanted.ClearField("tail")
                wanted.after = message.last
                yield message
            if not request.follow:
                return
            error: errors.BullpenError = errors.DaemonUnavailable("The daemon ended the stream.")
        except RESUMABLE as resumable:
            if not request.follow:
                raise
            error = resumable
        except errors.TokenInvalid as refused:
            # A restarted daemon has a new token; the session has read it by the next attempt.
            if token_refused or not request.follow:
                raise
            token_refused, error = True, refused
        attempt += 1
        if backoff.attempts and attempt > backoff.attempts:
            raise error
        pause = backoff.delay(attempt)
        yield Reconnecting(attempt, pause, error)
        await asyncio.sleep(pause)
