"""SQL of assets."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bullpen_api.v1 import asset_pb2, event_pb2

from bullpend.assets.files import Files, name_of, slug_of
from bullpend.db import Row, Tx
from bullpend.db.database import View
from bullpend.errors import ResourceNotFound
from bullpend.rpc.wire import etag, timestamp

JSON = ("tags", "derived_from")


def load(row: Row) -> Row:
    """A row with its JSON columns read."""
    return {key: json.loads(value) if key in JSON else value for key, value in row.items()}


def get(view: View, project: str, slug: str, field: str = "name") -> Row:
    """One asset. Raises ResourceNotFound."""
    row = view.one("SELECT * FROM assets WHERE project = ? AND slug = ?", project, slug)
    if row is None:
        name = f"projects/{project}/assets/{slug}"
        raise ResourceNotFound(f"There is no {name}.", field=field, resource=name)
    return load(row)


def by_name(view: View, name: str) -> Row:
    """One asset by its resource name, which is known to be well formed."""
    _, project, _, slug = name.split("/")
    return get(view, project, slug)


def page(view: View, project: str, kinds: Sequence[str], before: int | None, limit: int) -> list[Row]:
    """Assets newest first, older than the id `before`."""
    marks = ", ".join("?" * len(kinds))
    where = f"AND kind IN ({marks})" if kinds else ""
    sql = f"SELECT * FROM assets WHERE project = ? AND id < ? {where} ORDER BY id DESC LIMIT ?"
    return [load(row) for row in view.all(sql, project, 2**62 if before is None else before, *kinds, limit)]


def add(tx: Tx, files: Files, row: Row) -> Row:
    """Registers stored content and says so; the same content in the same project gives the row that exists."""
    slug = slug_of(row["sha256"])
    known = tx.one("SELECT * FROM assets WHERE project = ? AND slug = ?", row["project"], slug)
    if known is not None:
        return load(known)
    full: Row = {
        "licence": "",
        "tags": [],
        "rating": 0,
        "derived_from": [],
        **row,
        "slug": slug,
        "create_time": tx.now,
        "revision": tx.next_revision(),
    }
    tx.insert("assets", {key: json.dumps(value) if key in JSON else value for key, value in full.items()})
    message = pack(full, files)
    tx.emit(row["project"], message.name, "asset.created", event_pb2.Event(asset=message).SerializeToString())
    return full


def pack(row: Row, files: Files) -> asset_pb2.Asset:
    """The wire form of an asset."""
    return asset_pb2.Asset(
        name=name_of(row["project"], row["sha256"]),
        kind=asset_pb2.Asset.Kind.Value(f"KIND_{row['kind']}"),
        sha256=row["sha256"],
        mime_type=row["mime_type"],
        size_bytes=row["size_bytes"],
        width=row["width"],
        height=row["height"],
        display_name=row["display_name"],
        origin=row["origin"],
        licence=row["licence"],
        tags=row["tags"],
        rating=row["rating"],
        derived_from=row["derived_from"],
        path=str(files.content(row["project"], row["sha256"], row["mime_type"])),
        create_time=timestamp(row["create_time"]),
        etag=etag(row["sha256"], row["revision"]),
        revision=row["revision"],
    )
