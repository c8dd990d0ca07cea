"""What people do to assets: they rate, tag and note them, put them into the trash, take them out, and purge them.

Content never changes. What is purged keeps its entry, so that logs and descent stay whole; only its files go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bullpen_api.v1 import asset_pb2
from google.protobuf.field_mask_pb2 import FieldMask

from bullpend.assets import store
from bullpend.assets.files import Files
from bullpend.assets.sidecars import Sidecars
from bullpend.db import Database, Row, Tx
from bullpend.errors import FieldInvalid, StateConflict
from bullpend.projects import store as projects
from bullpend.rpc import masks, names

WRITABLE = ("rating", "tags", "note", "licence", "display_name")
BEST = 5
NOTE_LENGTH = 4000
NAME = "projects/*/assets/*"


def check_tags(tags: Sequence[str], field: str = "tags") -> list[str]:
    """Tags without blanks and doubles; at most 64 of up to 64 characters. Raises FieldInvalid."""
    if len(tags) > 64:
        raise FieldInvalid(f"`{field}` has {len(tags)} entries; at most 64 are kept.", field=field)
    return list(dict.fromkeys(names.text(tag.strip(), field, 64, required=True) for tag in tags))


class Keeping:
    """Changes of assets: each is one transaction with its event, and a sidecar afterwards."""

    def __init__(self, database: Database, files: Files, sidecars: Sidecars) -> None:
        self._database = database
        self._files = files
        self._sidecars = sidecars

    async def update(self, given: asset_pb2.Asset, mask: FieldMask) -> Row:
        """Changes the masked fields; what changes nothing is no event."""

        def work(tx: Tx, row: Row) -> Row:
            if row["purge_time"] is not None:
                raise _purged(given.name, "asset.name")
            merged = masks.merge(store.pack(row, self._files), given, mask, WRITABLE)
            if not 0 <= merged.rating <= BEST:
                raise FieldInvalid(f"A rating goes from 0 (none) to {BEST}.", field="asset.rating")
            values = {
                "rating": merged.rating,
                "tags": check_tags(merged.tags, "asset.tags"),
                "note": names.text(merged.note, "asset.note", NOTE_LENGTH),
                "licence": names.text(merged.licence, "asset.licence", 200),
                "display_name": names.text(merged.display_name, "asset.display_name", 200, required=True),
            }
            changed = {key: value for key, value in values.items() if row[key] != value}
            return store.change(tx, self._files, row, changed, "updated") if changed else row

        return await self._changed(given.name, given.etag, "asset.", work)

    async def delete(self, name: str, given_etag: str) -> Row:
        """Puts an asset into the trash."""

        def work(tx: Tx, row: Row) -> Row:
            if row["delete_time"] is not None:
                return row
            return store.change(tx, self._files, row, {"delete_time": tx.now}, "deleted")

        return await self._changed(name, given_etag, "", work)

    async def undelete(self, name: str, given_etag: str) -> Row:
        """Takes an asset out of the trash."""

        def work(tx: Tx, row: Row) -> Row:
            if row["purge_time"] is not None:
                raise _purged(name, "name")
            if row["delete_time"] is None:
                return row
            return store.change(tx, self._files, row, {"delete_time": None}, "undeleted")

        return await self._changed(name, given_etag, "", work)

    async def purge(self, name: str, given_etag: str) -> Row:
        """Removes the files of an asset in the trash."""

        def work(tx: Tx, row: Row) -> Row:
            if row["purge_time"] is not None:
                return row
            if row["delete_time"] is None:
                raise StateConflict(
                    f"{name} is not in the trash.",
                    field="name",
                    remedy="Put it into the trash first, where it can be looked at once more.",
                    resource=name,
                )
            if users := users_of(tx, row["project"], name):
                raise StateConflict(
                    f"{name} is still needed by {', '.join(users[:5])}{' and others' if len(users) > 5 else ''}.",
                    field="name",
                    remedy="Give these another picture first, or leave it in the trash.",
                    resource=name,
                )
            return store.change(tx, self._files, row, {"purge_time": tx.now}, "purged")

        return await self._changed(name, given_etag, "", work)

    async def _changed(self, name: str, given_etag: str, at: str, work: Callable[[Tx, Row], Row]) -> Row:
        project, slug = names.parse(name, NAME, f"{at}name")

        def write(tx: Tx) -> Row:
            projects.get(tx, project, f"{at}name")
            row = store.get(tx, project, slug, f"{at}name")
            masks.check_etag(given_etag, store.etag_of(row), name, f"{at}etag")
            return work(tx, row)

        row = await self._database.write(write)
        await self._sidecars.write_due()
        return row


def _purged(name: str, field: str) -> StateConflict:
    return StateConflict(
        f"The files of {name} were removed for ever.",
        field=field,
        remedy="Importing the same picture again brings it back.",
        resource=name,
    )


def users_of(tx: Tx, project: str, name: str) -> list[str]:
    """What would miss the files of an asset: resources of the bible, accepted pictures, and jobs that wait for it."""
    found: list[str] = []
    for collection, table, columns in (
        ("scenes", "scenes", ("source_asset",)),
        ("characters", "characters", ("references", "looks")),
        ("reference_sets", "reference_sets", ("items",)),
        ("style_guides", "style_guides", ("anchors",)),
    ):
        where = " OR ".join(f'instr("{column}", ?)' for column in columns)
        rows = tx.all(f"SELECT slug FROM {table} WHERE project = ? AND ({where})", project, *[name] * len(columns))
        found += [f"projects/{project}/{collection}/{row['slug']}" for row in rows]
    rows = tx.all("SELECT scene FROM accepted WHERE project = ? AND asset = ?", project, name)
    found += [row["scene"] for row in rows]
    sql = "SELECT name FROM jobs WHERE state IN ('QUEUED', 'RUNNING') AND (source_asset = ? OR instr(inputs, ?))"
    found += [row["name"] for row in tx.all(sql, name, name)]
    return list(dict.fromkeys(found))


def state_of(sidecar: Mapping[str, Any]) -> Row:
    """What people said of an asset, as its sidecar has it; what is not as it should be is left out."""

    def seconds(value: object) -> float | None:
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    rating, note = sidecar.get("rating"), sidecar.get("note")
    return {
        "rating": rating if isinstance(rating, int) and 0 <= rating <= BEST else 0,
        "note": note[:NOTE_LENGTH] if isinstance(note, str) else "",
        "delete_time": seconds(sidecar.get("delete_time")),
    }
