"""SQL of the ledger: lines are added and, where an outcome was unknown, settled once. Nothing is ever taken away.

Beside the lines there are totals by day, run, stage, provider, model and currency, moved in the same transaction.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from bullpend.costs.model import CostEvent, Money, Outcome
from bullpend.db import Row, Tx
from bullpend.db.database import View
from bullpend.errors import FieldInvalid, ResourceNotFound, StateConflict


def record(tx: Tx, event: CostEvent) -> bool:
    """Adds a line, in the caller's transaction; False where the key has one already, which stays as it is.

    Raises FieldInvalid or CurrencyMismatch.
    """
    event.check()
    added = tx.run(
        "INSERT INTO cost_events (key, time, day, project, run, subject, stage, source, provider, account, model, "
        "operation, device, device_seconds, estimated_seconds, outcome, currency, amount_micros, estimate_micros, "
        "units, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (key) DO NOTHING",
        event.key,
        tx.now,
        day_of(tx.now),
        event.project,
        event.run,
        event.subject,
        event.stage,
        event.source.value,
        event.provider,
        event.account,
        event.model,
        event.operation,
        event.device,
        float(event.device_seconds),
        None if event.estimated_seconds is None else float(event.estimated_seconds),
        event.outcome.value,
        event.currency,
        event.amount.micros if event.amount else None,
        event.estimate.micros if event.estimate else None,
        json.dumps(dict(event.units), sort_keys=True),
        event.note,
    )
    if added:
        _total(tx, event.key, 1)
    return bool(added)


def settle(tx: Tx, key: str, amount: Money | None, note: str = "") -> bool:
    """Says what a call of unknown outcome cost after all; `amount` None means nothing. False where that is known.

    Raises ResourceNotFound for a key without a line, CurrencyMismatch, and StateConflict for a line that is settled
    otherwise.
    """
    row = by_key(tx, key)
    if row is None:
        raise ResourceNotFound("The ledger has no such line.", field="key", resource=key)
    outcome = Outcome.FREE if amount is None else Outcome.CHARGED
    micros = amount.micros if amount else None
    if row["outcome"] != Outcome.UNKNOWN:
        if (row["outcome"], row["amount_micros"]) == (outcome, micros):
            return False
        raise StateConflict("The line is settled otherwise.", subject=key, state=row["outcome"])
    if amount is not None:
        Money(row["currency"], 0).same_currency(amount)
    _total(tx, key, -1)
    tx.run(
        "UPDATE cost_events SET outcome = ?, amount_micros = ?, settle_time = ?, "
        "note = CASE WHEN ?4 = '' THEN note ELSE ?4 END WHERE key = ?5",
        outcome.value,
        micros,
        tx.now,
        note,
        key,
    )
    _total(tx, key, 1)
    return True


def _total(tx: Tx, key: str, sign: int) -> None:
    """Adds a line to its total, or takes it out."""
    tx.run(
        """INSERT INTO cost_totals
           SELECT project, run, day, stage, provider, model, currency, ?2, ?2 * device_seconds,
             ?2 * coalesce(estimated_seconds, 0.0), ?2 * iif(estimated_seconds IS NULL, 0.0, device_seconds),
             ?2 * coalesce(amount_micros, 0), ?2 * iif(outcome = 'CHARGED', coalesce(estimate_micros, 0), 0),
             ?2 * iif(outcome = 'UNKNOWN', estimate_micros, 0), ?2 * (outcome = 'CHARGED'),
             ?2 * (outcome = 'UNKNOWN'), id
           FROM cost_events WHERE key = ?1
           ON CONFLICT DO UPDATE SET events = events + excluded.events,
             device_seconds = device_seconds + excluded.device_seconds,
             estimated_seconds = estimated_seconds + excluded.estimated_seconds,
             compared_seconds = compared_seconds + excluded.compared_seconds,
             charged = charged + excluded.charged, estimated = estimated + excluded.estimated,
             unknown = unknown + excluded.unknown, charged_events = charged_events + excluded.charged_events,
             unknown_events = unknown_events + excluded.unknown_events, last_id = max(last_id, excluded.last_id)""",
        key,
        sign,
    )


def by_key(view: View, key: str) -> Row | None:
    """The line of a key."""
    return view.one("SELECT * FROM cost_events WHERE key = ?", key)


def day_of(seconds: float) -> str:
    """The day of a moment, in UTC, as `2026-01-31`."""
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def check_day(text: str, field: str) -> str:
    """A day as it is kept; empty stays empty. Raises FieldInvalid."""
    if not text:
        return ""
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date().isoformat()
    except ValueError:
        raise FieldInvalid(
            f"`{field}` is {text[:40]!r}, which is no day.", field=field, remedy="Give a day such as 2026-01-31."
        ) from None
