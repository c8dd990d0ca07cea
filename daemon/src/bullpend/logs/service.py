"""LogService: unpack, look, pack."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any

import grpc
from bullpen_api.v1 import log_pb2, log_pb2_grpc

from bullpend import redaction
from bullpend.errors import FieldInvalid, ShuttingDown, WatcherTooSlow
from bullpend.logs.entry import LEVELS, Entry, Filter
from bullpend.logs.kept import KEPT, KeptLog
from bullpend.rpc import names
from bullpend.rpc.wire import timestamp

PAGE = 200
PAGE_CHARACTERS = 256 * 1024
TAIL, MOST_TAIL = 200, 4000
MOST_COMPONENTS = 50
PAUSE_SECONDS = 0.1
"""Shortest time between two messages to one reader: a storm of entries is a few messages, not a storm of them."""
STALL_SECONDS = 60.0


class LogService(log_pb2_grpc.LogServiceServicer):
    """Streams the log, and follows it."""

    def __init__(self, kept: KeptLog) -> None:
        self._kept = kept
        self.closing = asyncio.Event()

    async def WatchLog(  # type: ignore[override]  # noqa: N802 -- gRPC's name; writing instead of yielding is allowed
        self,
        request: log_pb2.WatchLogRequest,
        context: grpc.aio.ServicerContext[log_pb2.WatchLogRequest, log_pb2.WatchLogResponse],
    ) -> None:
        """The last entries or those after a number, then what comes; who is too slow is told how much was missed."""
        chosen = wanted(request)
        await asyncio.to_thread(self._kept.seed)
        woken = self._kept.subscribe()
        try:
            resumed = request.HasField("after")
            found, missed = self._kept.after(request.after if resumed else 0)
            passed = [entry for entry in found if chosen.passes(entry)]
            if not resumed:
                tail = request.tail if request.HasField("tail") else TAIL
                passed, missed = passed[len(passed) - min(tail, len(passed)) :], 0
            told = found[-1].number if found else self._kept.last
            first = log_pb2.WatchLogResponse(least=_level(self._kept.least))
            await _send(context, passed, told, missed, first)
            seen = told
            while request.follow:
                await woken.wait()
                if self.closing.is_set():
                    raise ShuttingDown("The daemon is shutting down.")
                woken.clear()
                found, missed = self._kept.after(seen)
                seen = found[-1].number if found else seen
                passed = [entry for entry in found if chosen.passes(entry)]
                if passed or missed or seen - told > KEPT // 4:
                    await _send(context, passed, seen, missed)
                    told = seen
                    await asyncio.sleep(PAUSE_SECONDS)
        finally:
            self._kept.unsubscribe(woken)

    def close(self) -> None:
        """Ends every watch with SHUTTING_DOWN."""
        self.closing.set()
        self._kept.wake_all()


def wanted(request: log_pb2.WatchLogRequest) -> Filter:
    """The filter of a request. Raises FieldInvalid."""
    if request.HasField("tail") and request.HasField("after"):
        raise FieldInvalid("`tail` and `after` are both set.", field="after", remedy="Set one of them.")
    if not 0 <= request.tail <= MOST_TAIL:
        raise FieldInvalid(
            f"`tail` is {request.tail}, but must be 0 to {MOST_TAIL}.",
            field="tail",
            remedy="Ask for fewer; older entries are in logs/bullpend.log.",
        )
    if request.after < 0:
        raise FieldInvalid(f"`after` is {request.after}, but numbers begin at 1.", field="after")
    if len(request.components) > MOST_COMPONENTS:
        raise FieldInvalid(f"`components` has more than {MOST_COMPONENTS}.", field="components")
    for component in request.components:
        names.text(component, "components", 100, required=True)
    level = names.choice(log_pb2.LogEntry.Level.DESCRIPTOR, request.level, "level").lower()
    parent = "" if request.parent in ("", "projects/-") else request.parent
    if parent:
        depth = parent.count("/")
        pattern = "projects/*" if depth < 3 else "projects/*/runs/*" if depth < 5 else "projects/*/runs/*/jobs/*"
        names.parse(parent, pattern, "parent")
    return Filter(level if level in LEVELS else LEVELS[0], frozenset(request.components), parent)


def pack(entry: Entry) -> log_pb2.LogEntry:
    """The wire form. A secret that became known after the line was written is taken out here."""
    clear = redaction.redact
    return log_pb2.LogEntry(
        number=entry.number,
        time=timestamp(entry.time),
        level=_level(entry.level),
        component=clear(entry.component),
        event=clear(entry.event),
        fields={clear(name): clear(value) for name, value in entry.fields.items()},
        subject=clear(entry.subject),
        traceback=clear(entry.traceback),
    )


def _level(name: str) -> log_pb2.LogEntry.Level.ValueType:
    return log_pb2.LogEntry.Level.Value(f"LEVEL_{name.upper()}")


def _pages(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """As few messages as stay well below the limit of one; at least one, maybe empty."""
    part: list[Entry] = []
    size = 0
    for entry in entries:
        length = len(entry.event) + len(entry.traceback) + sum(map(len, entry.fields.values()))
        if part and (len(part) == PAGE or size + length > PAGE_CHARACTERS):
            yield part
            part, size = [], 0
        part.append(entry)
        size += length
    yield part


async def _send(
    context: grpc.aio.ServicerContext[Any, Any],
    entries: list[Entry],
    last: int,
    missed: int,
    message: log_pb2.WatchLogResponse | None = None,
) -> None:
    """Writes entries; `last` is told with the last of them. A client that takes none for a minute is let go."""
    pages = list(_pages(entries))
    for page in pages:
        message = message or log_pb2.WatchLogResponse()
        message.entries.extend(map(pack, page))
        message.last = last if page is pages[-1] else page[-1].number
        message.missed, missed = missed, 0
        try:
            async with asyncio.timeout(STALL_SECONDS):
                await context.write(message)
        except TimeoutError:
            raise WatcherTooSlow(f"The reader took nothing for {STALL_SECONDS:.0f} s.") from None
        message = None
