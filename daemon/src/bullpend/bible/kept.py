"""Keeps each project's bible beside its pictures, as the document that an export gives: `<project>/bible.json`.

The database holds the bible; this file is what is left of it where the database is lost, as sidecars are of assets and
logs of runs. It is written a moment after whatever changed the bible, whole and atomically, and never read but by a
repair: a daemon that was killed before it wrote makes up for that at its next start. A person can bring it in as well:
`bullpen bootstrap import PROJECT bible.json`.

A project that is younger than the file in its folder was made anew after its database was lost. Such a file is never
written over: it becomes `bible.lost.json`, which waits for a repair or for a person.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from pathlib import Path

import structlog

from bullpend.bible import document, store
from bullpend.bible.document import SECTIONS
from bullpend.db import Database
from bullpend.db.database import Event, View
from bullpend.errors import BullpenError
from bullpend.events.bus import Bus
from bullpend.projects import store as projects

log = structlog.get_logger("bible")
FILE_NAME = "bible.json"
LOST = "bible.lost.json"
# How long changes are gathered: whoever imports a bible writes hundreds of them at once.
QUIET_SECONDS = 1.0
_WAIT_SECONDS = 3600.0
_ALL = 1_000_000
_BEGINNING = (-(2**31), 0)
_COLLECTIONS = frozenset(kind.collection for kind in SECTIONS.values())
# What is said of projects and scenes with each accepted picture, and is no matter of the bible.
_ELSEWHERE = frozenset({"scene.accepted"})


class KeptBibles:
    """Writes the files; one task of the daemon's loop. `folder` holds the projects' folders."""

    def __init__(self, database: Database, bus: Bus, folder: Path) -> None:
        self._database = database
        self._bus = bus
        self._folder = folder
        self._task: asyncio.Task[None] | None = None
        self._subscriber = bus.subscribe(inside=True)
        self._ending = asyncio.Event()
        self._seen = bus.revision
        self._due: set[str] = set()
        # At the start nobody knows which files are as they should be.
        self._all = True

    def start(self) -> None:
        """Begins to keep them."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Writes what is due, and ends."""
        self._ending.set()
        self._subscriber.notify()
        if self._task is not None:
            await self._task
        self._bus.unsubscribe(self._subscriber)

    async def _run(self) -> None:
        while not self._ending.is_set():
            # Not at once: at a start others have more to do, and changes come in crowds.
            await self._pause(QUIET_SECONDS)
            self._look()
            await self._write()
            while not self._ending.is_set() and not self._look():
                await self._subscriber.wait(_WAIT_SECONDS)
                # Not with each of hundreds of events in a second; the bus remembers more than come meanwhile.
                await self._pause(QUIET_SECONDS / 2)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ending.wait()

    def _look(self) -> bool:
        """Reads on in the journal; whether something is to be written."""
        found, self._seen = changed(self._bus, self._seen)
        self._all = self._all or found is None
        self._due |= found or set()
        return self._all or bool(self._due)

    async def _write(self) -> None:
        if self._all:
            self._due.update(await self._slugs())
            self._all = False
        for slug in sorted(self._due):
            await self._keep(slug)
            self._due.discard(slug)

    async def _slugs(self) -> list[str]:
        try:
            return await self._database.read(_slugs)
        except BullpenError as error:
            log.warning("bible.not_kept", project="", message=str(error))
            return []

    async def _keep(self, slug: str) -> None:
        try:
            found = await self._database.read(lambda view: text_of(view, slug))
            if found is not None:
                await asyncio.to_thread(_put, self._folder / slug / FILE_NAME, *found)
        except (BullpenError, OSError) as error:
            # The next change, or the next start, tries again; the database has it all.
            log.warning("bible.not_kept", project=slug, message=str(error))


def changed(bus: Bus, seen: int) -> tuple[set[str] | None, int]:
    """Projects whose bible changed after a revision, None where that is not known any more; and the revision now."""
    now, due = bus.revision, set[str]()
    while seen < now:
        events = bus.recent(seen, 1000)
        if events is None:
            return None, now
        if not events:
            break
        due |= {slug for event in events if (slug := project_of(event))}
        seen = events[-1].revision
    return due, max(seen, now)


def project_of(event: Event) -> str:
    """The project whose bible an event changed; empty where it changed none."""
    parts = event.subject.split("/")
    if event.kind in _ELSEWHERE or parts[0] != "projects" or len(parts) not in (2, 4):
        return ""
    return parts[1] if len(parts) == 2 or parts[2] in _COLLECTIONS else ""


def text_of(view: View, slug: str) -> tuple[str, float] | None:
    """The document of a project's bible, and when the project was made; None where there is none such any more."""
    if slug not in _slugs(view):
        return None
    project = projects.whole(view, slug)
    rows = {section: store.page(view, kind, slug, _BEGINNING, _ALL) for section, kind in SECTIONS.items()}
    return json.dumps(document.write(project, rows), indent=1, ensure_ascii=False) + "\n", project["create_time"]


def is_empty(view: View, slug: str) -> bool:
    """Whether nobody has written anything into a project's bible."""
    return not any(store.page(view, kind, slug, _BEGINNING, 1) for kind in SECTIONS.values())


def set_aside(folder: Path) -> None:
    """Keeps a bible of a project that is not registered from being written over. Blocking."""
    kept = folder / FILE_NAME
    if kept.exists() and not (folder / LOST).exists():
        kept.replace(folder / LOST)


def _slugs(view: View) -> list[str]:
    return [str(row["slug"]) for row in view.all("SELECT slug FROM projects")]


def _put(path: Path, text: str, since: float) -> None:
    """Writes it where it is not there as it is: a start with a thousand projects is to write nothing."""
    data = text.encode()
    with contextlib.suppress(FileNotFoundError):
        if path.read_bytes() == data:
            return
        if path.stat().st_mtime < since:
            set_aside(path.parent)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.tmp")
    with scratch.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
