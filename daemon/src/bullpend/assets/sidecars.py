"""Keeps sidecars in step with what people say of assets, so that a registry built again from them has it all.

The database is what counts while it is there. Each change notes in its own transaction that the sidecar is due; it is
written right after, whole or not at all, and the note goes; of a purged asset the files are removed. What a crash or a
full disk leaves due is written with the next change, or at the next start.
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any, Final

import structlog

from bullpend.assets.files import Files
from bullpend.assets.index import load
from bullpend.clock import new_id
from bullpend.db import Database, Row

log = structlog.get_logger("assets")
BATCH: Final = 500
SAID: Final = ("display_name", "licence", "tags", "rating", "note", "delete_time")
"""What people say of an asset, by the names that it has in the row and in the sidecar."""


class Sidecars:
    """Writes what is due."""

    def __init__(self, database: Database, files: Files) -> None:
        self._database = database
        self._files = files
        self._writing = asyncio.Lock()

    async def write_due(self) -> None:
        """Writes every sidecar that is due. One that cannot be written stays due, and is told in the log."""
        async with self._writing:
            after = 0
            while rows := await self._database.read(lambda view: view.all(_DUE, after, BATCH)):  # noqa: B023 -- awaited
                done = []
                for raw in rows:
                    row = load(raw)
                    try:
                        await asyncio.to_thread(self._write, row)
                    except OSError as error:
                        log.warning("sidecar.not_written", asset=row["slug"], error=str(error))
                    else:
                        done.append((row["id"], row["revision"]))
                if done:
                    await self._database.write(
                        lambda tx: [tx.run(_DONE, asset, asset, revision) for asset, revision in done]  # noqa: B023 -- awaited
                    )
                after = rows[-1]["id"]

    def _write(self, row: Row) -> None:
        content = self._files.content(row["project"], row["sha256"], row["mime_type"])
        path = content.with_suffix(".json")
        if row["purge_time"] is not None:
            for gone in (content, path, self._files.thumbnail(row["project"], row["sha256"])):
                gone.unlink(missing_ok=True)
            return
        if not content.is_file():
            return
        sidecar = read(path) | {key: row[key] for key in SAID}
        drafts = self._files.assets(row["project"]) / ".tmp"  # swept at each start
        drafts.mkdir(mode=0o700, exist_ok=True)
        draft = drafts / f"sidecar-{new_id()}"
        try:
            with draft.open("wb") as file:
                file.write((json.dumps(sidecar, ensure_ascii=False, sort_keys=True) + "\n").encode())
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)


def read(path: Path) -> dict[str, Any]:
    """A sidecar; empty where there is none, or none that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


_DUE = "SELECT a.* FROM sidecars_due d JOIN assets a ON a.id = d.asset WHERE d.asset > ? ORDER BY d.asset LIMIT ?"
# Only where it was not changed again since it was read.
_DONE = "DELETE FROM sidecars_due WHERE asset = ? AND (SELECT revision FROM assets WHERE id = ?) = ?"
