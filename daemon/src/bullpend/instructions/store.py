"""SQL of instructions: making, reading, and moving them. Each move is guarded by the states it may come from.

A worker's moves are also guarded by (owner, attempt): one whose lock ran out changes nothing any more.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from bullpend.db import Row, Tx
from bullpend.db.database import View
from bullpend.errors import ResourceNotFound
from bullpend.instructions import wire
from bullpend.instructions.model import Move, State, sources
from bullpend.projects.trash import LIVE

OPEN_LIMIT = 500


def name_of(row: Row) -> str:
    """The resource name of an instruction's row."""
    return f"projects/{row['project']}/instructions/{row['slug']}"


def create(tx: Tx, row: Row) -> Row:
    """Inserts a draft; `row` has what was said and shown. Its id counts up inside the project."""
    number = tx.value("SELECT coalesce(max(number), 0) + 1 FROM instructions WHERE project = ?", row["project"])
    made = {
        **row,
        "number": number,
        "slug": f"i-{number:04d}",
        "state": State.DRAFT.value,
        "create_time": tx.now,
        "revision": tx.next_revision(),
    }
    tx.insert("instructions", made)
    created = get(tx, row["project"], made["slug"])
    _emit(tx, created, "created")
    return created


def get(view: View, project: str, slug: str, field: str = "name") -> Row:
    """One instruction. Raises ResourceNotFound."""
    row = view.one("SELECT * FROM instructions WHERE project = ? AND slug = ?", project, slug)
    if row is None:
        name = f"projects/{project}/instructions/{slug}"
        raise ResourceNotFound(f"There is no {name}.", field=field, resource=name)
    return row


def page(
    view: View, project: str, states: Sequence[str], types: Sequence[str], before: int | None, limit: int
) -> list[Row]:
    """Instructions newest first, older than the id `before`; of one project, or of all (`-`)."""
    where, args = ("AND project = ?", [project]) if project != "-" else (f"AND {LIVE}", [])
    for column, values in (("state", states), ("type", types)):
        if values:
            where += f" AND {column} IN ({', '.join('?' * len(values))})"
    sql = f"SELECT * FROM instructions WHERE id < ? {where} ORDER BY id DESC LIMIT ?"
    return view.all(sql, 2**62 if before is None else before, *args, *states, *types, limit)


def open_drafts(tx: Tx, project: str) -> int:
    """How many drafts of a project can be confirmed as they are shown; one that expired is in nobody's way."""
    sql = "SELECT count(*) FROM instructions WHERE project = ? AND state = 'DRAFT' AND expire_time > ?"
    return int(tx.value(sql, project, tx.now))


def _emit(tx: Tx, row: Row, what: str) -> None:
    tx.emit(row["project"], name_of(row), f"instruction.{what}", wire.event(row).SerializeToString())


def _move(tx: Tx, move: Move, guard: str, args: Sequence[Any], **values: Any) -> Row | None:
    """One guarded change with its event; None where the guard held it back."""
    states = ", ".join(f"'{state}'" for state in sources(move))
    columns = {**values, "revision": tx.next_revision()}
    sets = ", ".join(f"{column} = ?" for column in columns)
    sql = f"UPDATE instructions SET {sets} WHERE state IN ({states}) AND {guard} RETURNING *"
    row = tx.one(sql, *columns.values(), *args)
    if row is not None:
        _emit(tx, row, move.value)
    return row


def show(tx: Tx, row: Row, **shown: Any) -> Row | None:
    """Writes what is shown of a draft now: `request`, `preview`, `plan`, `digest` and what follows from them."""
    return _move(tx, Move.SHOW, "id = ?", (row["id"],), **shown)


def confirm(tx: Tx, row: Row, digest: str, spend: bool) -> Row | None:
    """A person's confirmation of what was shown, once and in time."""
    return _move(
        tx,
        Move.CONFIRM,
        "id = ? AND digest = ? AND expire_time > ?",
        (row["id"], digest, tx.now),
        state=State.QUEUED.value,
        confirm_time=tx.now,
        confirm_spend=int(spend),
    )


def queue_unasked(tx: Tx, row: Row) -> Row | None:
    """A draft that nobody needs to confirm."""
    return _move(tx, Move.CONFIRM, "id = ? AND confirmation_required = 0", (row["id"],), state=State.QUEUED.value)


def claim(tx: Tx, owner: str, lock_seconds: float) -> Row | None:
    """Takes up the oldest instruction that is due, or whose worker let its lock run out; None when there is none."""
    due = tx.one(
        "SELECT id, state, failures, max_attempts, cancel_time FROM instructions "
        "WHERE (state = 'QUEUED' AND not_before <= ?1) OR (state = 'RUNNING' AND lock_time <= ?1) ORDER BY id LIMIT 1",
        tx.now,
    )
    if due is None:
        return None
    lost = int(due["state"] == State.RUNNING)
    row = tx.one("SELECT * FROM instructions WHERE id = ?", due["id"])
    assert row is not None
    return _move(
        tx,
        Move.CLAIM,
        "id = ?",
        (due["id"],),
        state=State.RUNNING.value,
        owner=owner,
        attempt=row["attempt"] + 1,
        failures=row["failures"] + lost,
        lock_time=tx.now + lock_seconds,
        start_time=tx.now if row["start_time"] is None else row["start_time"],
    )


def renew(tx: Tx, row: Row, lock_seconds: float) -> Row | None:
    """Keeps a lock; None when it belongs to somebody else by now. No event."""
    sql = (
        "UPDATE instructions SET lock_time = ? WHERE id = ? AND state = 'RUNNING' AND owner = ? AND attempt = ? "
        "RETURNING *"
    )
    return tx.one(sql, tx.now + lock_seconds, row["id"], row["owner"], row["attempt"])


_MINE = "id = ? AND owner = ? AND attempt = ?"


def _mine(row: Row) -> tuple[Any, ...]:
    return row["id"], row["owner"], row["attempt"]


def started(tx: Tx, row: Row, run: str) -> Row | None:
    """Notes the run that an instruction started."""
    sql = f"UPDATE instructions SET run = ?, revision = ? WHERE state = 'RUNNING' AND {_MINE} RETURNING *"
    found = tx.one(sql, run, tx.next_revision(), *_mine(row))
    if found is not None:
        _emit(tx, found, "started")
    return found


def dispatched(tx: Tx, instruction_id: int, shown: bytes, what: str) -> None:
    """Notes how far handing an instruction over has come."""
    sql = "UPDATE instructions SET dispatch = ?, revision = ? WHERE id = ? RETURNING *"
    row = tx.one(sql, shown, tx.next_revision(), instruction_id)
    assert row is not None
    _emit(tx, row, what)


def finish(tx: Tx, row: Row, result: str) -> Row | None:
    """It did what was shown."""
    values = {"state": State.DONE.value, "result": result, "error": "", "end_time": tx.now}
    return _move(tx, Move.FINISH, _MINE, _mine(row), **values)


def fail(tx: Tx, row: Row, error: dict[str, str], result: str = "") -> Row | None:
    """It failed, and is not tried again."""
    return _move(
        tx,
        Move.FAIL,
        _MINE,
        _mine(row),
        state=State.FAILED.value,
        error=json.dumps(error),
        result=result,
        failures=row["failures"] + 1,
        end_time=tx.now,
    )


def retry(tx: Tx, row: Row, error: dict[str, str], seconds: float) -> Row | None:
    """An attempt failed; the next one begins after so many seconds."""
    return _move(
        tx,
        Move.RETRY,
        _MINE,
        _mine(row),
        state=State.QUEUED.value,
        error=json.dumps(error),
        failures=row["failures"] + 1,
        not_before=tx.now + seconds,
        owner="",
    )


def canceled(tx: Tx, row: Row, result: str) -> Row | None:
    """A running one came to its asked end."""
    values = {"state": State.CANCELED.value, "result": result, "end_time": tx.now}
    return _move(tx, Move.CANCEL, _MINE, _mine(row), **values)


def cancel(tx: Tx, row: Row) -> Row | None:
    """Ends what is not running at once, and asks a running one to end; None for one that has ended."""
    waiting = "id = ? AND state <> 'RUNNING'"
    ended = _move(tx, Move.CANCEL, waiting, (row["id"],), state=State.CANCELED.value, end_time=tx.now)
    return ended or _move(tx, Move.ASK_CANCEL, "id = ? AND cancel_time IS NULL", (row["id"],), cancel_time=tx.now)


def recover(tx: Tx) -> int:
    """Gives back every lock; the caller knows that no worker lives. A daemon's death is no failed attempt."""
    rows = tx.all("SELECT * FROM instructions WHERE state = 'RUNNING' ORDER BY id")
    for row in rows:
        _move(tx, Move.RETRY, "id = ?", (row["id"],), state=State.QUEUED.value, owner="", not_before=0.0)
    return len(rows)
