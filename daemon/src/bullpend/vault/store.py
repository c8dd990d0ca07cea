"""SQL of the vault. What is sealed leaves this room as `Sealed` only; everything else of a row may be shown."""

from __future__ import annotations

from bullpend.db import Row, Tx
from bullpend.db.database import View
from bullpend.errors import ResourceNotFound
from bullpend.vault.sealing import Sealed

# What may be shown of a secret.
SHOWN = "slug, version, key_id, create_time, update_time, revision"


def get(view: View, slug: str, field: str = "name") -> Row:
    """One secret without what is sealed. Raises ResourceNotFound."""
    row = view.one(f"SELECT {SHOWN} FROM secrets WHERE slug = ?", slug)
    if row is None:
        raise _missing(slug, field)
    return row


def sealed(view: View, slug: str, field: str = "name") -> tuple[int, Sealed]:
    """Version and encrypted value of a secret. Raises ResourceNotFound."""
    row = view.one("SELECT version, key_id, nonce, content FROM secrets WHERE slug = ?", slug)
    if row is None:
        raise _missing(slug, field)
    return row["version"], Sealed(row["key_id"], row["nonce"], row["content"])


def page(view: View, after: str, limit: int) -> list[Row]:
    """Secrets by name, without what is sealed."""
    return view.all(f"SELECT {SHOWN} FROM secrets WHERE slug > ? ORDER BY slug LIMIT ?", after, limit)


def key_ids(view: View) -> dict[str, int]:
    """How many secrets are sealed with each key."""
    rows = view.all("SELECT key_id, count(*) AS secrets FROM secrets GROUP BY key_id")
    return {row["key_id"]: row["secrets"] for row in rows}


def put(tx: Tx, slug: str, version: int, content: Sealed) -> Row:
    """Writes a secret, new or in place of its earlier version; returns what may be shown."""
    tx.run(
        "INSERT INTO secrets (slug, version, key_id, nonce, content, create_time, update_time, revision) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7) ON CONFLICT (slug) DO UPDATE SET version = ?2, key_id = ?3, "
        "nonce = ?4, content = ?5, update_time = ?6, revision = ?7",
        slug,
        version,
        content.key_id,
        content.nonce,
        content.content,
        tx.now,
        tx.next_revision(),
    )
    return get(tx, slug)


def reseal(tx: Tx, slug: str, content: Sealed) -> None:
    """Writes the same version under another key."""
    tx.run(
        "UPDATE secrets SET key_id = ?, nonce = ?, content = ? WHERE slug = ?",
        content.key_id,
        content.nonce,
        content.content,
        slug,
    )


def delete(tx: Tx, slug: str) -> Row:
    """Takes a secret away for ever; returns what it was. Raises ResourceNotFound."""
    row = get(tx, slug)
    tx.run("DELETE FROM secrets WHERE slug = ?", slug)
    return {**row, "revision": tx.next_revision()}


def users(view: View) -> dict[str, list[str]]:
    """Provider accounts outside the trash by the secret that they name."""
    rows = view.all(
        "SELECT a.project, a.slug, s.value AS secret FROM provider_accounts a, json_each(a.secret_names) s "
        "WHERE a.delete_time IS NULL ORDER BY a.project, a.slug"
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["secret"], []).append(f"projects/{row['project']}/providerAccounts/{row['slug']}")
    return {secret: list(dict.fromkeys(names)) for secret, names in found.items()}


def _missing(slug: str, field: str) -> ResourceNotFound:
    return ResourceNotFound(
        f"The vault has no secret {slug}.",
        field=field,
        remedy=f"Set it with `bullpen vault set {slug}`.",
        resource=f"secrets/{slug}",
    )
