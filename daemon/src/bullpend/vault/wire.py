"""The vault's rows on the wire."""

from __future__ import annotations

from collections.abc import Sequence

from bullpen_api.v1 import vault_pb2

from bullpend.db import Row
from bullpend.rpc.wire import etag, timestamp


def etag_of(row: Row) -> str:
    """Changes with each value."""
    return etag(row["slug"], row["version"], row["revision"])


def pack(row: Row, used_by: Sequence[str] = ()) -> vault_pb2.Secret:
    """What may be known of a secret."""
    return vault_pb2.Secret(
        name=f"secrets/{row['slug']}",
        version=row["version"],
        key_id=row["key_id"],
        used_by=used_by,
        create_time=timestamp(row["create_time"]),
        update_time=timestamp(row["update_time"]),
        etag=etag_of(row),
        revision=row["revision"],
    )
