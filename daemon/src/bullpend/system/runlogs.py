"""Runs that the database does not know, made again from the logs that lie beside the pictures.

Each ended run has left a `run.json` in its project's folder. Where the database was lost, that is what is left of it:
who drew what from what, how it was judged, and what was accepted. The logs are taken in as they are, oldest first, so
that a scene ends with what was accepted last; nothing is drawn, and no log is written anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from bullpen_api.v1 import system_pb2

from bullpend.db import Database, Tx
from bullpend.db.database import View
from bullpend.errors import BullpenError, DatabaseUnavailable, DiskFull, RunLogInvalid, ShuttingDown
from bullpend.runs import ingest

LOG = "run.json"
# More than the log of the largest run; what is larger is no log.
MOST_BYTES = 256_000_000


async def bring_back(database: Database, projects: Path, dry_run: bool) -> AsyncIterator[system_pb2.Repair]:
    """Takes in every log below `projects` whose run is not there, and tells of each."""
    known, slugs = await database.read(_known)
    paths = await asyncio.to_thread(lambda: sorted(projects.glob(f"*/runs/*/{LOG}")))
    lost = [path for path in paths if (path.parts[-4], path.parts[-2]) not in known]
    found: list[tuple[Path, ingest.Log]] = []
    for path in lost:
        try:
            found.append((path, await asyncio.to_thread(_read, path)))
        except (BullpenError, OSError) as error:
            words = error.message if isinstance(error, BullpenError) else f"it cannot be read: {error.strerror}."
            told = f"A run is not registered, and its log is no use: {words} Remove its folder if nobody misses it."
            yield _told(path, told, done=False)
    found.sort(key=lambda each: (each[1].whole.times.create, each[0]))
    for path, log in found:
        if dry_run:
            yield _told(path, "A run was not registered; it would be made again from its log.", done=False)
        elif path.parts[-4] not in slugs:
            words = "A run was not registered, and neither is its project: its folder has no pictures."
            yield _told(path, words, done=False)
        else:
            yield await _take(database, path, log)


async def _take(database: Database, path: Path, log: ingest.Log) -> system_pb2.Repair:
    def write(tx: Tx) -> ingest.Ingested:
        done = ingest.ingest(tx, log, path.parts[-4], takes_place=True)
        # Its own files are there and stay as they are: they may tell of pictures that are gone.
        tx.run("UPDATE runs SET log_path = ? WHERE id = ?", str(path), done.row["id"])
        return done

    try:
        done = await database.write(write)
    except (DatabaseUnavailable, DiskFull, ShuttingDown):
        raise
    except BullpenError as error:
        return _told(path, f"A run was not registered, and its log was refused: {error.message}", done=False)
    lacking = f" {_pictures(len(done.missing))} of it not here." if done.missing else ""
    return _told(path, f"A run was not registered; it was made again from its log.{lacking}", done=True)


def _known(view: View) -> tuple[set[tuple[str, str]], set[str]]:
    runs = {(row["project"], row["slug"]) for row in view.all("SELECT project, slug FROM runs")}
    return runs, {row["slug"] for row in view.all("SELECT slug FROM projects")}


def _read(path: Path) -> ingest.Log:
    if path.stat().st_size > MOST_BYTES:
        raise RunLogInvalid(f"It has more than {MOST_BYTES // 1_000_000} MB.")
    return ingest.parse(path.read_text(encoding="utf-8", errors="replace"))


def _told(path: Path, message: str, *, done: bool) -> system_pb2.Repair:
    return system_pb2.Repair(kind="run", subject=str(path), message=message, done=done)


def _pictures(count: int) -> str:
    return "1 picture is" if count == 1 else f"{count} pictures are"
