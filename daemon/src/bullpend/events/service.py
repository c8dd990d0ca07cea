"""EventService: the journal as a stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import grpc
from bullpen_api.v1 import event_pb2, event_pb2_grpc

from bullpend.db import Database, Event
from bullpend.errors import RevisionUnknown, ShuttingDown, WatcherTooSlow
from bullpend.events.bus import Bus
from bullpend.projects import store as projects
from bullpend.rpc import names
from bullpend.rpc.wire import timestamp

PAGE = 256
BATCH_BYTES = 256 * 1024
BOOKMARK_SECONDS = 10.0
STALL_SECONDS = 60.0


def read_journal(view: Any, after: int, project: str, limit: int) -> list[Event]:
    """Up to `limit` events after a revision, of one project or of all (`""`)."""
    where, args = ("AND project = ?", (project,)) if project else ("", ())
    sql = f"SELECT revision, time, project, subject, kind, payload FROM journal WHERE revision > ? {where} ORDER BY revision LIMIT ?"  # noqa: E501 -- fixed texts
    return [Event(**row) for row in view.all(sql, after, *args, limit)]


def pack(event: Event) -> event_pb2.WatchResponse:
    """The wire form of a committed event."""
    response = event_pb2.WatchResponse()
    message = response.event
    message.MergeFromString(event.payload)
    message.revision, message.subject, message.kind = event.revision, event.subject, event.kind
    if at := timestamp(event.time):
        message.time.CopyFrom(at)
    return response


def together(events: Sequence[Event]) -> Iterator[event_pb2.WatchResponse]:
    """The wire form of several events: as few messages as stay well below the limit of one."""
    part: list[event_pb2.Event] = []
    size = 0
    for event in events:
        if part and size + len(event.payload) > BATCH_BYTES:
            yield _joined(part)
            part, size = [], 0
        part.append(pack(event).event)
        size += len(event.payload)
    if part:
        yield _joined(part)


def _joined(events: list[event_pb2.Event]) -> event_pb2.WatchResponse:
    if len(events) == 1:
        return event_pb2.WatchResponse(event=events[0])
    return event_pb2.WatchResponse(events=event_pb2.Events(events=events))


class EventService(event_pb2_grpc.EventServiceServicer):
    """Streams events after a revision, and follows."""

    def __init__(self, database: Database, bus: Bus) -> None:
        self._database = database
        self._bus = bus
        self.closing = asyncio.Event()

    async def Watch(  # type: ignore[override]  # noqa: N802 -- gRPC's name; writing instead of yielding is allowed
        self,
        request: event_pb2.WatchRequest,
        context: grpc.aio.ServicerContext[event_pb2.WatchRequest, event_pb2.WatchResponse],
    ) -> None:
        """Ordered, unique, complete after `after_revision`; progress and previews are the latest values only."""
        project = await self._scope(request.parent)
        cursor = request.after_revision if request.HasField("after_revision") else self._bus.revision
        if not 0 <= cursor <= await self._last_revision(cursor):
            raise RevisionUnknown(
                f"The journal ends at revision {self._bus.revision}, before {cursor}.", field="after_revision"
            )
        subscriber = self._bus.subscribe(progress=request.progress, previews=request.previews, queue=request.queue)
        prefix = f"projects/{project}/"
        try:
            await send(context, bookmark(cursor))
            marked = cursor
            while True:
                async for page in self._catch_up(cursor):
                    cursor = page[-1].revision
                    shown = [event for event in page if not project or event.project == project]
                    for item in together(shown) if request.batch else map(pack, shown):
                        await send(context, item)
                    if shown:
                        marked = shown[-1].revision
                for item in subscriber.take():
                    candidate = item.progress.candidate or item.preview.candidate
                    # The queue is one for all projects.
                    if not project or not candidate or candidate.startswith(prefix):
                        await send(context, item)
                if self.closing.is_set():
                    raise ShuttingDown("The daemon is shutting down.")
                fresh = await subscriber.wait(BOOKMARK_SECONDS)
                if not fresh or cursor - marked >= PAGE:
                    await send(context, bookmark(cursor))
                    marked = cursor
        finally:
            self._bus.unsubscribe(subscriber)

    def close(self) -> None:
        """Ends every watch with SHUTTING_DOWN."""
        self.closing.set()
        self._bus.wake_all()

    async def _last_revision(self, wanted: int) -> int:
        """The end of the journal; a list may have seen a commit that the bus is still to be told of."""
        if wanted <= self._bus.revision:
            return self._bus.revision
        return await self._database.read(lambda view: view.revision())

    async def _scope(self, parent: str) -> str:
        if parent in ("", "projects/-"):
            return ""
        (project,) = names.parse(parent, "projects/*", "parent")
        await self._database.read(lambda view: projects.get(view, project, "parent"))
        return project

    async def _catch_up(self, after: int) -> AsyncIterator[list[Event]]:
        """Everything committed after a revision, page by page: from memory where it reaches back, else from the
        journal.
        """
        while after < self._bus.revision:
            end = self._bus.revision
            page = self._bus.recent(after, PAGE)
            if page is None:
                page = await self._database.read(lambda view: read_journal(view, after, "", PAGE))  # noqa: B023
            if not page:
                return
            yield page
            after = page[-1].revision
            if after >= end:
                return


async def send(context: grpc.aio.ServicerContext[Any, Any], item: event_pb2.WatchResponse) -> None:
    """Writes one item; a client that takes none for a minute is let go, and can resume."""
    try:
        async with asyncio.timeout(STALL_SECONDS):
            await context.write(item)
    except TimeoutError:
        raise WatcherTooSlow(f"The watcher read nothing for {STALL_SECONDS:.0f} s.") from None


def bookmark(revision: int) -> event_pb2.WatchResponse:
    """Says up to which revision everything was sent."""
    return event_pb2.WatchResponse(bookmark=event_pb2.Bookmark(revision=revision))
