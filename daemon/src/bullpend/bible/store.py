"""SQL of style guides, characters and scenes."""

from __future__ import annotations

import json

from bullpend.db import Row, Tx
from bullpend.db.database import View
from bullpend.errors import AlreadyExists, ResourceNotFound

# Table, collection of the resource name, and the columns that hold JSON.
STYLE_GUIDES = ("style_guides", "styleGuides", ("variables", "anchors"))
CHARACTERS = ("characters", "characters", ("references",))
SCENES = ("scenes", "scenes", ("variables", "characters"))
Kind = tuple[str, str, tuple[str, ...]]


def load(kind: Kind, row: Row) -> Row:
    """A row with its JSON columns read."""
    return {key: json.loads(value) if key in kind[2] else value for key, value in row.items()}


def get(view: View, kind: Kind, project: str, slug: str, field: str = "name") -> Row:
    """One row. Raises ResourceNotFound."""
    row = view.one(f"SELECT * FROM {kind[0]} WHERE project = ? AND slug = ?", project, slug)
    if row is None:
        name = f"projects/{project}/{kind[1]}/{slug}"
        raise ResourceNotFound(f"There is no {name}.", field=field, resource=name)
    return load(kind, row)


def page(view: View, kind: Kind, project: str, after: tuple[int, int], limit: int) -> list[Row]:
    """Rows in story order (scenes) or in the order of their creation, after (ordinal, id)."""
    key = "ordinal" if kind is SCENES else "id * 0"
    sql = f"SELECT * FROM {kind[0]} WHERE project = ? AND ({key}, id) > (?, ?) ORDER BY {key}, id LIMIT ?"
    return [load(kind, row) for row in view.all(sql, project, *after, limit)]


def create(tx: Tx, kind: Kind, row: Row) -> None:
    """Inserts a row of dictionaries, lists and plain values. Raises AlreadyExists."""
    table, collection, columns = kind
    name = f"projects/{row['project']}/{collection}/{row['slug']}"
    if tx.value(f"SELECT 1 FROM {table} WHERE project = ? AND slug = ?", row["project"], row["slug"]):
        field = f"{table[:-1]}_id"
        raise AlreadyExists(f"{name} exists already.", field=field, remedy="Choose another id.", resource=name)
    tx.insert(table, {key: json.dumps(value) if key in columns else value for key, value in row.items()})


def next_ordinal(view: View, project: str) -> int:
    """The place after the last scene."""
    return int(view.value("SELECT coalesce(max(ordinal), 0) + 1 FROM scenes WHERE project = ?", project))


def accepted(view: View, project: str, scene: str = "") -> dict[str, list[Row]]:
    """Accepted pictures by scene, of one scene or of all."""
    where, args = ("AND scene = ?", (scene,)) if scene else ("", ())
    rows = view.all(f"SELECT * FROM accepted WHERE project = ? {where} ORDER BY scene, time", project, *args)
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["scene"], []).append(row)
    return found
