"""What every watcher is promised, as one check that any test may hold a stream against.

Ordered and unique: revisions only rise. Complete: what was seen is what the journal holds, nothing left out.
Bookmarked: a bookmark never lies before what was sent, and never goes back. Resumable: a watch that begins after any
revision gives exactly the rest.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bullpen_api.v1 import event_pb2
from bullpen_client import Session

PATIENCE = 180.0


@dataclass
class WatchChecker:
    """Takes what one watch sends after the revision `after`, and holds it against the promise."""

    after: int
    project: str = ""
    events: list[event_pb2.Event] = field(default_factory=list)
    progress: list[event_pb2.Progress] = field(default_factory=list)
    marked: int = -1

    def take(self, item: event_pb2.WatchResponse) -> None:
        """Takes one item; raises AssertionError where it breaks the promise."""
        kind = item.WhichOneof("item")
        if kind == "event":
            self._event(item.event)
        elif kind == "events":
            assert len(item.events.events) > 1, "one event comes by itself"
            for event in item.events.events:
                self._event(event)
        elif kind == "bookmark":
            assert item.bookmark.revision >= max(self.seen, self.marked), "bookmarks never go back"
            self.marked = item.bookmark.revision
        elif kind == "progress":
            self.progress.append(item.progress)

    def _event(self, event: event_pb2.Event) -> None:
        assert event.revision > self.seen, "events come in order, each once"
        assert event.revision > self.marked, "nothing comes behind a bookmark"
        assert event.kind
        assert event.subject
        assert event.HasField("time")
        assert event.WhichOneof("payload"), "an event carries the resource"
        if self.project:
            assert f"{event.subject}/".startswith(f"{self.project}/"), "a filtered watch shows one project only"
        self.events.append(event)

    @property
    def seen(self) -> int:
        """The last revision that was sent."""
        return self.events[-1].revision if self.events else self.after

    def complete(self, home: Path) -> None:
        """Nothing of the journal is missing between the beginning and the last event."""
        rows = journal(home, self.project)
        wanted = [row for row in rows if self.after < row[0] <= self.seen]
        assert [(e.revision, e.kind, e.subject) for e in self.events] == wanted


def journal(home: Path, project: str = "") -> list[tuple[int, str, str]]:
    """(revision, kind, subject) of the journal, read from the file beside the daemon."""
    with sqlite3.connect(f"file:{home}/bullpen.sqlite3?mode=ro", uri=True) as connection:
        where, args = ("WHERE project = ?", (project.removeprefix("projects/"),)) if project else ("", ())
        sql = f"SELECT revision, kind, subject FROM journal {where} ORDER BY revision"
        rows = connection.execute(sql, args).fetchall()
    connection.close()
    return [(int(revision), str(kind), str(subject)) for revision, kind, subject in rows]


async def collect(stream: AsyncIterable[event_pb2.WatchResponse], checker: WatchChecker, until: int) -> WatchChecker:
    """Feeds a stream to the checker until it has seen, or been told of, the revision `until`."""
    async with asyncio.timeout(PATIENCE):
        async for item in stream:
            checker.take(item)
            if max(checker.seen, checker.marked) >= until:
                break
    return checker


async def check_watch(session: Session, home: Path, project: str, revisions: Sequence[int] = ()) -> WatchChecker:
    """Holds a whole project's history against the promise: from its beginning, and resumed from some revisions."""
    rows = journal(home, project)
    last = rows[-1][0]
    request = event_pb2.WatchRequest(parent=project, after_revision=0)
    whole = await collect(session.events.Watch(request), WatchChecker(0, project), last)
    whole.complete(home)
    assert whole.seen >= last
    for after in revisions or (rows[len(rows) // 2][0],):
        # Resumed watches ask for several events at once; they must see the same.
        request = event_pb2.WatchRequest(parent=project, after_revision=after, batch=True)
        rest = await collect(session.events.Watch(request), WatchChecker(after, project), last)
        # Work may go on meanwhile, and a message may hold what came after the last row that was read.
        seen = [event for event in rest.events if event.revision <= last]
        assert seen == [event for event in whole.events if after < event.revision <= last]
    return whole


async def hold_to_the_promise(home: Path) -> None:
    """Holds everything that a daemon told so far against the promise, if it told anything."""
    if journal(home):
        async with Session(home, start=False) as session:
            await check_watch(session, home, "")
