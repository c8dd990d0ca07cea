"""SQL of the bible: one way for every kind."""

from __future__ import annotations

import json
from typing import Any

from bullpend.bible.model import (
    CHARACTERS,
    PROMPT_TEMPLATES,
    PROVIDER_ACCOUNTS,
    REFERENCE_SETS,
    SCENES,
    STYLE_GUIDES,
    Kind,
)
from bullpend.db import Row, Tx
from bullpend.db.database import Value, View
from bullpend.errors import AlreadyExists, ResourceNotFound

AnyKind = Kind[Any]
# Columns that hold JSON, by table.
JSON = {
    STYLE_GUIDES.table: ("variables", "anchors"),
    CHARACTERS.table: ("references", "looks", "loras"),
    SCENES.table: ("variables", "characters", "looks"),
    REFERENCE_SETS.table: ("items",),
    PROMPT_TEMPLATES.table: ("variables",),
    PROVIDER_ACCOUNTS.table: ("secret_names",),
}


def load(kind: AnyKind, row: Row) -> Row:
    """A row with its JSON columns read."""
    return {key: json.loads(value) if key in JSON[kind.table] else value for key, value in row.items()}


def _dump(kind: AnyKind, row: Row) -> Row:
    return {key: json.dumps(value) if key in JSON[kind.table] else value for key, value in row.items()}


def get(view: View, kind: AnyKind, project: str, slug: str, field: str = "name") -> Row:
    """One row, also from the trash. Raises ResourceNotFound."""
    row = view.one(f"SELECT * FROM {kind.table} WHERE project = ? AND slug = ?", project, slug)
    if row is None:
        name = kind.name(project, slug)
        raise ResourceNotFound(f"There is no {name}.", field=field, resource=name)
    return load(kind, row)


def live(view: View, kind: AnyKind, project: str, slug: str, field: str) -> Row:
    """One row that is not in the trash, for something that is to refer to it. Raises ResourceNotFound."""
    row = get(view, kind, project, slug, field)
    if row["delete_time"] is not None:
        name = kind.name(project, slug)
        remedy = f"Take it out of the trash, or name another {kind.title}."
        raise ResourceNotFound(f"{name} is in the trash.", field=field, remedy=remedy, resource=name)
    return row


def page(
    view: View,
    kind: AnyKind,
    project: str,
    after: tuple[int, int],
    limit: int,
    *,
    deleted: bool = False,
    where: str = "",
    values: tuple[Value, ...] = (),
) -> list[Row]:
    """Rows in story order (scenes) or in the order of their creation, after (ordinal, id).

    `deleted` takes the trash in; `where` is a condition of our own, with its `values`.
    """
    key = "ordinal" if kind is SCENES else "id * 0"
    only = ("" if deleted else "AND delete_time IS NULL ") + (f"AND {where} " if where else "")
    sql = f"SELECT * FROM {kind.table} WHERE project = ? {only}AND ({key}, id) > (?, ?) ORDER BY {key}, id LIMIT ?"
    return [load(kind, row) for row in view.all(sql, project, *values, *after, limit)]


def create(tx: Tx, kind: AnyKind, row: Row) -> None:
    """Inserts a row of dictionaries, lists and plain values. Raises AlreadyExists, also for an id in the trash."""
    name = kind.name(row["project"], row["slug"])
    known = tx.one(f"SELECT delete_time FROM {kind.table} WHERE project = ? AND slug = ?", row["project"], row["slug"])
    if known is not None:
        trashed = known["delete_time"] is not None
        raise AlreadyExists(
            f"{name} {'is in the trash' if trashed else 'exists already'}.",
            field=f"{kind.singular}_id",
            remedy="Take it out of the trash, or choose another id." if trashed else "Choose another id.",
            resource=name,
        )
    tx.insert(kind.table, _dump(kind, row))


def change(tx: Tx, kind: AnyKind, row: Row, values: Row) -> Row:
    """Writes some columns of a row, and gives the whole row as it is then."""
    texts = _dump(kind, values)
    sets = ", ".join(f'"{name}" = ?' for name in texts)
    tx.run(f"UPDATE {kind.table} SET {sets} WHERE id = ?", *texts.values(), row["id"])
    return {**row, **values}


def next_ordinal(view: View, project: str) -> int:
    """The place after the last scene."""
    return int(view.value("SELECT coalesce(max(ordinal), 0) + 1 FROM scenes WHERE project = ?", project))


def users_of_set(view: View, project: str, name: str) -> list[tuple[AnyKind, str]]:
    """Style guides and characters outside the trash that need a reference set: kind and resource name of each."""
    found = []
    for kind in (STYLE_GUIDES, CHARACTERS):
        sql = f"SELECT slug FROM {kind.table} WHERE project = ? AND reference_set = ? AND delete_time IS NULL"
        found += [(kind, kind.name(project, row["slug"])) for row in view.all(sql, project, name)]
    return found


def accepted(view: View, project: str, *scenes: str) -> dict[str, list[Row]]:
    """Accepted pictures by scene, of these or of all; `stale` and `branch` are those of their candidates."""
    where = f"AND a.scene IN ({', '.join('?' * len(scenes))})" if scenes else ""
    rows = view.all(
        "SELECT a.*, coalesce(c.stale, '') AS stale, coalesce(j.branch, 0) AS branch FROM accepted a "
        "LEFT JOIN candidates c ON c.name = a.candidate LEFT JOIN jobs j ON j.id = c.job_id "
        f"WHERE a.project = ? {where} ORDER BY a.scene, a.time",
        project,
        *scenes,
    )
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["scene"], []).append(row)
    return found
