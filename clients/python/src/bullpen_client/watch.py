"""Following the journal without a gap: reconnect, resume after the last revision seen, drop duplicates.

Durable events arrive exactly once and in order, over any number of broken connections and daemon restarts. Progress
and previews are not durable: what was missed is gone, the next value counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from bullpen_api.v1 import event_pb2, system_pb2

from bullpen_client import errors
from bullpen_client.connect import Session

# The connection broke, or the daemon asked for a resume. Anything else is an answer that will not change.
RESUMABLE = (errors.DaemonUnavailable, errors.ShuttingDown, errors.WatcherTooSlow, errors.DatabaseUnavailable)


@dataclass(frozen=True)
class Reconnecting:
    """The connection is gone; the next attempt begins in `delay` seconds. Sent before every attempt."""

    attempt: int
    delay: float
    error: errors.BullpenError


@dataclass(frozen=True)
class Reconnected:
    """The stream goes on after `revision`; everything missed follows."""

    revision: int


@dataclass(frozen=True)
class Backoff:
    """Pauses between attempts in seconds: `first`, doubled each time, at most `longest`; `attempts` 0 has no end."""

    first: float = 0.1
    longest: float = 5.0
    attempts: int = 0

    def delay(self, attempt: int) -> float:
        """Pause before an attempt, counted from 1."""
        return float(min(self.longest, self.first * 2 ** min(attempt - 1, 16)))


Item = event_pb2.Event | event_pb2.Progress | event_pb2.Preview | event_pb2.Bookmark | Reconnecting | Reconnected


async def watch(
    session: Session,
    parent: str = "",
    after_revision: int | None = None,
    *,
    progress: bool = False,
    previews: bool = False,
    backoff: Backoff = Backoff(),
) -> AsyncIterator[Item]:
    """Yields what happens after a revision; without one, what happens from the first call on.

    Never ends by itself. Raises what no reconnection mends: `ProjectNotFound`, `RevisionUnknown` (the journal is not
    the one of before), `TokenInvalid` (twice), and the last error when `backoff.attempts` are used up.
    """
    last = after_revision
    attempt = 0
    token_refused = False
    while True:
        try:
            if last is None:
                last = (await session.system.GetInfo(system_pb2.GetInfoRequest())).revision
            request = event_pb2.WatchRequest(
                parent=parent, after_revision=last, progress=progress, previews=previews, batch=True
            )
            if attempt:
                await _connected(session)
                yield Reconnected(last)
                attempt = 0
            async for message in session.events.Watch(request):
                token_refused = False
                for item in _fresh(message, last):
                    if isinstance(item, event_pb2.Event | event_pb2.Bookmark):
                        last = max(last, item.revision)
                    yield item
            error: errors.BullpenError = errors.DaemonUnavailable("The daemon ended the stream.")
        except RESUMABLE as resumable:
            error = resumable
        except errors.TokenInvalid as refused:
            # A restarted daemon has a new token; the session has read it by the next attempt.
            if token_refused:
                raise
            token_refused, error = True, refused
        attempt += 1
        if backoff.attempts and attempt > backoff.attempts:
            raise error
        pause = backoff.delay(attempt)
        yield Reconnecting(attempt, pause, error)
        await asyncio.sleep(pause)


async def _connected(session: Session) -> None:
    if not await session.serving():
        raise errors.DaemonUnavailable("The daemon does not answer.")


def _fresh(message: event_pb2.WatchResponse, last: int) -> Iterator[Item]:
    """The items of a message, without events that were seen before and kinds that this client does not know."""
    match message.WhichOneof("item"):
        case "event":
            if message.event.revision > last:
                yield message.event
        case "events":
            yield from (event for event in message.events.events if event.revision > last)
        case "progress":
            yield message.progress
        case "preview":
            yield message.preview
        case "bookmark":
            yield message.bookmark
