"""Following the journal without a gap: reconnect, resume after the last revision seen, drop duplicates.

Durable events arrive exactly once and in order, over any number of broken connections and daemon restarts. Progress
and previews are not durable: what was missed is gone, the next value counts. So is where everything stands in the
queue, which is said anew with each connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

from bullpen_api.v1 import event_pb2, queue_pb2, system_pb2

from bullpen_client import errors
from bullpen_client.breaks import MENDABLE, USUAL, Backoff, Breaks, Reconnected, Reconnecting
from bullpen_client.connect import Session

__all__ = ["Backoff", "Item", "Reconnected", "Reconnecting", "watch"]

Item = (
    event_pb2.Event
    | event_pb2.Progress
    | event_pb2.Preview
    | event_pb2.Bookmark
    | queue_pb2.Queue
    | Reconnecting
    | Reconnected
)


async def watch(
    session: Session,
    parent: str = "",
    after_revision: int | None = None,
    *,
    progress: bool = False,
    previews: bool = False,
    queue: bool = False,
    backoff: Backoff = USUAL,
) -> AsyncIterator[Item]:
    """Yields what happens after a revision; without one, what happens from the first call on.

    Never ends by itself. Raises what no reconnection mends: `ProjectNotFound`, `RevisionUnknown` (the journal is not
    the one of before), `TokenInvalid` (twice), and the last error when `backoff.attempts` are used up.
    """
    last = after_revision
    breaks = Breaks(backoff)
    while True:
        try:
            if last is None:
                last = (await session.system.GetInfo(system_pb2.GetInfoRequest())).revision
            request = event_pb2.WatchRequest(
                parent=parent, after_revision=last, progress=progress, previews=previews, queue=queue, batch=True
            )
            if breaks.attempt:
                await _connected(session)
                yield Reconnected(last)
                breaks.connected()
            async for message in session.events.Watch(request):
                breaks.heard()
                for item in _fresh(message, last):
                    if isinstance(item, event_pb2.Event | event_pb2.Bookmark):
                        last = max(last, item.revision)
                    yield item
            raise errors.DaemonUnavailable("The daemon ended the stream.")
        except MENDABLE as error:
            pause = breaks.next(error)
        yield pause
        await asyncio.sleep(pause.delay)


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
        case "queue":
            yield message.queue
