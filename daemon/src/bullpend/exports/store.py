"""SQL of exports. Each move is guarded by the states it may come from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bullpend.db import Row, Tx
from bullpend.db.database import View
from bullpend.errors import BullpenError, ResourceNotFound
from bullpend.exports import wire
from bullpend.exports.model import Move, State, sources
from bullpend.projects.trash import LIVE


def create(tx: Tx, project: str, spec: bytes, told: bytes, path: Path, marked: str) -> Row:
    """Adds an export that waits. `marked` stands in the path for the export's own id, which counts up."""
    number = tx.value("UPDATE projects SET next_export = next_export + 1 WHERE slug = ? RETURNING next_export", project)
    slug = f"e-{number - 1:04d}"
    row = {
        "project": project,
        "number": number - 1,
        "slug": slug,
        "state": State.QUEUED.value,
        "spec": spec,
        "path": str(path.with_name(path.name.replace(marked, slug)) if marked else path),
        "told": told,
        "create_time": tx.now,
        "revision": tx.next_revision(),
    }
    tx.insert("exports", row)
    made = get(tx, project, slug)
    _emit(tx, made, "created")
    return made


def get(view: View, project: str, slug: str, field: str = "name") -> Row:
    """One export. Raises ResourceNotFound."""
    row = view.one("SELECT * FROM exports WHERE project = ? AND slug = ?", project, slug)
    if row is None:
        name = f"projects/{project}/exports/{slug}"
        raise ResourceNotFound(f"There is no {name}.", field=field, resource=name)
    return row


def page(view: View, project: str, states: Sequence[str], before: int | None, limit: int) -> list[Row]:
    """Exports newest first, older than the id `before`; of one project, or of all (`-`)."""
    where, args = ("AND project = ?", [project]) if project != "-" else (f"AND {LIVE}", [])
    if states:
        where += f" AND state IN ({', '.join('?' * len(states))})"
    sql = f"SELECT * FROM exports WHERE id < ? {where} ORDER BY id DESC LIMIT ?"
    return view.all(sql, 2**62 if before is None else before, *args, *states, limit)


def unfinished(view: View) -> list[Row]:
    """What waits or is being made, in its order."""
    return view.all("SELECT * FROM exports WHERE state IN ('QUEUED', 'RUNNING') ORDER BY id")


def by_content(view: View, sha256: str) -> Row | None:
    """The newest export that wrote this content."""
    sql = "SELECT * FROM exports WHERE sha256 = ? AND state = 'SUCCEEDED' ORDER BY id DESC LIMIT 1"
    return view.one(sql, sha256)


def _emit(tx: Tx, row: Row, what: str) -> None:
    tx.emit(row["project"], wire.name_of(row), f"export.{what}", wire.event(row).SerializeToString())


def _move(tx: Tx, move: Move, identity: int, **values: Any) -> Row | None:
    """One guarded change with its event; None where the guard held it back."""
    states = ", ".join(f"'{state}'" for state in sources(move))
    columns = {**values, "revision": tx.next_revision()}
    sets = ", ".join(f"{column} = ?" for column in columns)
    row = tx.one(
        f"UPDATE exports SET {sets} WHERE state IN ({states}) AND id = ? RETURNING *", *columns.values(), identity
    )
    if row is not None:
        _emit(tx, row, move.value)
    return row


def begin(tx: Tx, identity: int, draft: Path) -> Row | None:
    """It is being made now, under another name at first."""
    return _move(tx, Move.BEGIN, identity, state=State.RUNNING.value, draft=str(draft), start_time=tx.now)


def held(tx: Tx, identity: int, told: bytes) -> None:
    """Notes what it really holds; no event of its own."""
    tx.run("UPDATE exports SET told = ? WHERE id = ?", told, identity)


def seal(tx: Tx, identity: int, size: int, sha256: str) -> Row | None:
    """It is complete, durable and checked, and gets its name next."""
    return _move(tx, Move.SEAL, identity, size_bytes=size, sha256=sha256)


def finish(tx: Tx, identity: int) -> Row | None:
    """It lies at its destination."""
    return _move(tx, Move.FINISH, identity, state=State.SUCCEEDED.value, draft="", end_time=tx.now)


def fail(tx: Tx, identity: int, error: BullpenError) -> Row | None:
    """It could not be made; nothing of it is left."""
    said = json.dumps({"reason": error.reason, "message": error.message, "remedy": error.remedy})
    return _move(tx, Move.FAIL, identity, **_nothing(tx), state=State.FAILED.value, error=said)


def cancel(tx: Tx, identity: int) -> Row | None:
    """Somebody stopped it; nothing of it is left."""
    return _move(tx, Move.CANCEL, identity, **_nothing(tx), state=State.CANCELED.value)


def interrupt(tx: Tx, identity: int) -> Row | None:
    """The daemon ended before it was finished; nothing of it is left."""
    return _move(tx, Move.INTERRUPT, identity, **_nothing(tx), state=State.INTERRUPTED.value)


def restart(tx: Tx, identity: int, spec: bytes, told: bytes) -> Row | None:
    """It waits again, with what it would hold now."""
    return _move(
        tx,
        Move.RESTART,
        identity,
        state=State.QUEUED.value,
        spec=spec,
        told=told,
        error="",
        start_time=None,
        end_time=None,
    )


def delete(tx: Tx, row: Row) -> None:
    """Forgets one."""
    tx.run("DELETE FROM exports WHERE id = ?", row["id"])
    _emit(tx, row, "deleted")


def _nothing(tx: Tx) -> Row:
    return {"draft": "", "size_bytes": 0, "sha256": "", "end_time": tx.now}
