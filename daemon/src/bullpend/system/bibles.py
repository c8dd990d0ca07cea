"""Bibles that a lost database leaves behind, brought back from the files beside the pictures (`bible/kept.py`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from bullpen_api.v1 import bootstrap_pb2, system_pb2

from bullpend.bible import kept
from bullpend.db import Database
from bullpend.db.database import View
from bullpend.errors import BullpenError, DatabaseUnavailable, DiskFull, ShuttingDown

BringIn = Callable[[bootstrap_pb2.ImportBootstrapRequest], Awaitable[bootstrap_pb2.ImportBootstrapResponse]]


async def bring_back(
    database: Database, projects: Path, bring_in: BringIn, dry_run: bool
) -> AsyncIterator[system_pb2.Repair]:
    """Imports each bible that was lost into its project, where nobody has begun another one there."""
    registered = await database.read(_registered)
    for path in await asyncio.to_thread(lambda: _waiting(projects, registered)):
        slug = path.parent.name
        if dry_run:
            yield _told(slug, f"The bible of projects/{slug} would be brought back from {path}.", done=False)
        elif not registered.get(slug, False):
            how = f"`bullpen bootstrap import {slug} {path}` brings it in; remove the file if it is not wanted."
            yield _told(slug, f"projects/{slug} has another bible than the one that was lost. {how}", done=False)
        else:
            yield await _take(slug, path, bring_in)


async def _take(slug: str, path: Path, bring_in: BringIn) -> system_pb2.Repair:
    try:
        text = await asyncio.to_thread(path.read_text, encoding="utf-8", errors="replace")
        request = bootstrap_pb2.ImportBootstrapRequest(
            parent=f"projects/{slug}",
            document_json=text,
            mode=bootstrap_pb2.ImportBootstrapRequest.MODE_MERGE,
        )
        done = await bring_in(request)
    except (DatabaseUnavailable, DiskFull, ShuttingDown):
        raise
    except (BullpenError, OSError) as error:
        why = error.message if isinstance(error, BullpenError) else f"It cannot be read: {error.strerror}."
        how = f"Mend it, then `bullpen bootstrap import {slug} {path}`."
        return _told(slug, f"The bible of projects/{slug} was lost, and its file was refused: {why} {how}", done=False)
    await asyncio.to_thread(path.unlink, missing_ok=True)
    words = f"The bible of projects/{slug} was brought back: its words, and {_items(done.created)}."
    return _told(slug, words, done=True)


def _waiting(projects: Path, registered: dict[str, bool]) -> list[Path]:
    """Bibles that were set aside, and those of projects that a dry run did not register."""
    unknown = [path for path in projects.glob(f"*/{kept.FILE_NAME}") if path.parent.name not in registered]
    return sorted([*projects.glob(f"*/{kept.LOST}"), *unknown])


def _registered(view: View) -> dict[str, bool]:
    """Every project, with whether its bible is empty."""
    slugs = [str(row["slug"]) for row in view.all("SELECT slug FROM projects")]
    return {slug: kept.is_empty(view, slug) for slug in slugs}


def _told(slug: str, message: str, *, done: bool) -> system_pb2.Repair:
    return system_pb2.Repair(kind="bible", subject=f"projects/{slug}", message=message, done=done)


def _items(count: int) -> str:
    return "1 item" if count == 1 else f"{count} items"
