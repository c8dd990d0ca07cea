"""SQL of the audit. Entries are added, never changed or taken away."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from bullpen_api.v1 import event_pb2

from bullpend.db import Event, Row, Tx
from bullpend.db.database import Value, View


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries: of a project, a subject, a method (whole or its last part), before a time."""

    project: str = ""
    subject: str = ""
    method: str = ""
    before: float | None = None


def add(tx: Tx, actor: str, client: str, method: str, event: Event) -> None:
    """Adds an entry for an event that the transaction has just emitted."""
    before = tx.value(
        "SELECT payload FROM journal WHERE subject = ? AND revision < ? ORDER BY revision DESC LIMIT 1",
        event.subject,
        event.revision,
    )
    _insert(
        tx,
        actor,
        client,
        method,
        project=event.project,
        subject=event.subject,
        kind=event.kind,
        before_digest="" if before is None else digest(before),
        after_digest=digest(event.payload),
        revision=event.revision,
    )


def digest(payload: bytes) -> str:
    """SHA-256 over an event's payload in its one order: as it comes, the entries of maps stand in any."""
    event = event_pb2.Event.FromString(payload)
    return hashlib.sha256(event.SerializeToString(deterministic=True)).hexdigest()


def note(tx: Tx, actor: str, client: str, method: str, subject: str) -> None:
    """Adds an entry for a call that changed something which has no event of its own."""
    project = subject.split("/")[1] if subject.startswith("projects/") and subject.count("/") else ""
    kind = method.rpartition("/")[2]
    _insert(tx, actor, client, method, project=project, subject=subject, kind=kind)


def _insert(
    tx: Tx,
    actor: str,
    client: str,
    method: str,
    *,
    project: str,
    subject: str,
    kind: str,
    before_digest: str = "",
    after_digest: str = "",
    revision: int = 0,
) -> None:
    tx.run(
        "INSERT INTO audit_entries (time, actor, client, method, project, subject, kind, before_digest, after_digest, "
        "revision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        tx.now,
        actor,
        client,
        method,
        project,
        subject,
        kind,
        before_digest,
        after_digest,
        revision,
    )


def page(view: View, chosen: Filter, before: int | None, limit: int) -> list[Row]:
    """Entries, newest first, older than the id `before`."""
    parts, values = ["id < ?"], list[Value]([2**62 if before is None else before])
    for condition, value in (
        ("project = ?", chosen.project),
        ("subject = ?", chosen.subject),
        ("time < ?", chosen.before),
    ):
        if value:
            parts.append(condition)
            values.append(value)
    if chosen.method:
        parts.append("? IN (method, substr(method, instr(method, '/') + 1))")
        values.append(chosen.method)
    sql = f"SELECT * FROM audit_entries WHERE {' AND '.join(parts)} ORDER BY id DESC LIMIT ?"
    return view.all(sql, *values, limit)
