"""SQL of assets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bullpen_api.v1 import asset_pb2, event_pb2

from bullpend.assets import index, verdicts
from bullpend.assets.details import NOTHING, details_of
from bullpend.assets.facts import facts_of
from bullpend.assets.files import Files, name_of, slug_of
from bullpend.assets.index import JSON, load
from bullpend.db import Row, Tx
from bullpend.db.database import View
from bullpend.errors import ResourceNotFound
from bullpend.rpc.wire import etag, timestamp

WORDS = ("tags", "note", "display_name")
"""Columns that people change and that are searched for words."""


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


def add(tx: Tx, files: Files, row: Row, recipe: Mapping[str, Any] | None = None) -> Row:
    """Registers stored content and says so; the same content in the same project gives the row that exists, out of the
    trash where it lay there. `recipe` is what its sidecar tells of how it was made.
    """
    slug = slug_of(row["sha256"])
    known = tx.one("SELECT * FROM assets WHERE project = ? AND slug = ?", row["project"], slug)
    if known is not None:
        found = load(known)
        if found["delete_time"] is None or row.get("delete_time") is not None:
            return found
        return change(tx, files, found, {"delete_time": None, "purge_time": None}, "undeleted")
    full: Row = {
        "licence": "",
        "tags": [],
        "rating": 0,
        "note": "",
        "update_time": None,
        "delete_time": None,
        "purge_time": None,
        "derived_from": [],
        "verdict": verdicts.known(tx, name_of(row["project"], row["sha256"])),
        **row,
        "slug": slug,
        "create_time": tx.now,
        "revision": tx.next_revision(),
    }
    full |= details_of(tx, full, recipe)
    full["facts"] = index.written(index.fact_ids(tx, full["project"], facts_of(full)))
    full["id"] = tx.insert("assets", {key: json.dumps(value) if key in JSON else value for key, value in full.items()})
    index.add(tx, full["id"], full)
    emit(tx, files, full, "created")
    return full


def change(tx: Tx, files: Files, row: Row, values: Mapping[str, Any], what: str) -> Row:
    """Gives an asset other values, says so, and has its sidecar written anew; returns its row."""
    stamps = {"update_time": tx.now, "revision": tx.next_revision()}
    changed = {**row, **values, **stamps}
    columns = {key: json.dumps(value) if key in JSON else value for key, value in {**values, **stamps}.items()}
    tx.run(f"UPDATE assets SET {', '.join(f'{key} = ?' for key in columns)} WHERE id = ?", *columns.values(), row["id"])
    changed["facts"] = index.change(tx, changed, words=any(key in WORDS for key in values))
    tx.run("INSERT OR IGNORE INTO sidecars_due VALUES (?)", row["id"])
    emit(tx, files, changed, what)
    return changed


def emit(tx: Tx, files: Files, row: Row, what: str) -> None:
    """Says what happened to an asset, with the asset as it is now."""
    message = pack(row, files)
    tx.emit(row["project"], message.name, f"asset.{what}", event_pb2.Event(asset=message).SerializeToString())


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
        note=row["note"],
        update_time=timestamp(row["update_time"]),
        delete_time=timestamp(row["delete_time"]),
        purge_time=timestamp(row["purge_time"]),
        making=making(row),
        verdict=asset_pb2.Asset.Verdict.Value(f"VERDICT_{row['verdict'] or 'UNSPECIFIED'}"),
        etag=etag_of(row),
        revision=row["revision"],
    )


def etag_of(row: Row) -> str:
    """The tag that changes with each change of the asset."""
    return etag(row["sha256"], row["revision"])


def making(row: Row) -> asset_pb2.AssetMaking | None:
    """How a run made it; None where nothing is known."""
    given = {key: row[key] for key in NOTHING if row[key]}
    return asset_pb2.AssetMaking(**given) if given else None
