"""SQL of paid requests: each change is guarded by the states that it may come from, and books money in the same
transaction.

The table is the daemon's only memory of what was sent. Whatever happens to the process, a request that was sent is
there as SENT, and the next start makes of it what is known: ANSWERED where its answer lies in the folder of answers,
else UNKNOWN.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bullpen_api.v1 import event_pb2

from bullpend.costs import store as costs
from bullpend.costs.model import CostEvent, Money, Outcome
from bullpend.db import Row, Tx
from bullpend.db.database import View
from bullpend.errors import PaidOutcomeUnknown, ResourceNotFound, StateConflict
from bullpend.remote.model import PAID_TABLE, Order, PaidState, Resolution, name_of

_OPEN = ("PREPARED", "SENT")


@dataclass(frozen=True, slots=True)
class Kept:
    """What a kept answer says of its request: what it cost and by what, and the provider's own name for it."""

    amount: Money
    units: Mapping[str, float]
    request_id: str
    http_status: int
    note: str = ""

    def to_json(self) -> str:
        """As it lies beside the answer."""
        return json.dumps(
            {
                "currency": self.amount.currency,
                "micros": self.amount.micros,
                "units": dict(self.units),
                "request_id": self.request_id,
                "http_status": self.http_status,
                "note": self.note,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Kept:
        """Raises ValueError or LookupError where it is none."""
        data = json.loads(text)
        money = Money(data["currency"], int(data["micros"]))
        return cls(money, data["units"], data["request_id"], int(data["http_status"]), data["note"])


def prepare(tx: Tx, order: Order, slug: str, payload: str) -> Row:
    """A row for an order before anything is sent: a new one in PREPARED, or the ANSWERED one that it had before.

    Raises PaidOutcomeUnknown where a request under this confirmation, or any of its run, waits for a person; and
    StateConflict where the confirmation is used up, or the same is under way.
    """
    for row in tx.all("SELECT * FROM paid_requests WHERE confirmation = ? ORDER BY id DESC", order.confirmation):
        state = PaidState(row["state"])
        if state is PaidState.ANSWERED and row["payload_sha256"] == payload and row["answer_kept"]:
            return row
        if state is PaidState.UNKNOWN:
            raise unknown(row)
        if state in _OPEN:
            raise StateConflict(
                f"The same is asked of the provider already ({name_of(row['slug'])}).",
                remedy="Wait for it; its answer is used then.",
                paid_request=name_of(row["slug"]),
            )
        if row["charged"] and not order.repeatable:
            raise StateConflict(
                f"What was confirmed for {order.subject} was charged already ({name_of(row['slug'])}).",
                remedy="Retry the run, and confirm the cost anew.",
                paid_request=name_of(row["slug"]),
            )
    if order.run:
        row_of_run = tx.one(
            "SELECT * FROM paid_requests WHERE run = ? AND state = 'UNKNOWN' ORDER BY id LIMIT 1", order.run
        )
        if row_of_run is not None:
            raise unknown(row_of_run)
    row = {
        "slug": slug,
        "idempotency_key": f"bullpen-{slug}",
        "confirmation": order.confirmation,
        "state": PaidState.PREPARED.value,
        "provider": order.account.provider,
        "account": order.account.name,
        "model": order.model,
        "operation": order.operation,
        "project": order.project,
        "run": order.run,
        "stage": order.stage,
        "subject": order.subject,
        "payload_sha256": payload,
        "currency": order.estimate.currency,
        "estimate_micros": order.estimate.micros,
        "create_time": tx.now,
    }
    tx.insert("paid_requests", row)
    return get(tx, slug)


def sent(tx: Tx, slug: str) -> None:
    """The request is about to be sent. From now on it may have cost money."""
    _move(tx, slug, PaidState.SENT, send_time=tx.now, sendings=get(tx, slug)["sendings"] + 1)


def not_taken(tx: Tx, slug: str, reason: str, message: str, http_status: int = 0) -> None:
    """Nothing of it reached the provider, or the provider took nothing: it may be sent again."""
    _move(tx, slug, PaidState.PREPARED, reason=reason, message=message, http_status=http_status)


def answered(tx: Tx, slug: str, kept: Kept) -> None:
    """The answer is kept; what it cost is booked."""
    row = _move(
        tx,
        slug,
        PaidState.ANSWERED,
        charged=1,
        actual_micros=kept.amount.micros,
        units=json.dumps(dict(kept.units), sort_keys=True),
        provider_request_id=kept.request_id,
        http_status=kept.http_status,
        answer_kept=1,
        reason="",
        message=kept.note,
        end_time=tx.now,
    )
    costs.record(tx, _cost(row, Outcome.CHARGED, kept.amount))


def failed(tx: Tx, slug: str, reason: str, message: str, *, http_status: int = 0, request_id: str = "") -> None:
    """It ended and cost nothing."""
    _move(
        tx,
        slug,
        PaidState.FAILED,
        charged=0,
        reason=reason,
        message=message,
        http_status=http_status,
        provider_request_id=request_id,
        end_time=tx.now,
    )


def lost(tx: Tx, slug: str, message: str, *, http_status: int = 0, request_id: str = "") -> Row:
    """It was sent, and nobody knows what became of it: booked as what it may have cost, for a person to settle."""
    row = _move(
        tx,
        slug,
        PaidState.UNKNOWN,
        reason=PaidOutcomeUnknown.reason,
        message=message,
        http_status=http_status,
        provider_request_id=request_id,
        end_time=tx.now,
    )
    costs.record(tx, _cost(row, Outcome.UNKNOWN, None))
    notice = event_pb2.Notice(
        message=f"It is not known whether {row['provider']} charged {name_of(slug)}: {message}",
        details={"paid_request": name_of(slug), "subject": row["subject"], "provider": row["provider"]},
    )
    payload = event_pb2.Event(notice=notice).SerializeToString()
    tx.emit(row["project"], name_of(slug), "paid_request.unknown", payload)
    return row


def resolve(tx: Tx, slug: str, resolution: Resolution, amount: Money | None, note: str) -> Row:
    """A person says what became of a request of unknown outcome. Raises ResourceNotFound or StateConflict."""
    before = get(tx, slug)
    if before["state"] != PaidState.UNKNOWN:
        raise StateConflict(
            f"What became of {name_of(slug)} is known: it is {before['state'].lower()}.",
            field="name",
            remedy="Only a request of unknown outcome is resolved.",
            state=before["state"],
        )
    charged = resolution is Resolution.CHARGED
    money = (amount or Money(before["currency"], before["estimate_micros"])) if charged else None
    row = _move(
        tx,
        slug,
        PaidState.FAILED,
        charged=int(charged),
        actual_micros=money.micros if money else 0,
        resolution=resolution.value,
        resolution_note=note,
        end_time=tx.now,
    )
    costs.settle(tx, row["slug"], money, note)
    return row


def recover(tx: Tx, kept: Callable[[str], Kept | None]) -> int:
    """At the start of the daemon: nothing is under way any more. Returns how many outcomes are unknown now.

    `kept` gives what a complete answer in the folder says, by the request's id.
    """
    for row in tx.all("SELECT slug FROM paid_requests WHERE state = 'PREPARED'"):
        failed(tx, row["slug"], "SHUTTING_DOWN", "The daemon ended before it was sent.")
    unknowns = 0
    for row in tx.all("SELECT slug FROM paid_requests WHERE state = 'SENT'"):
        answer = kept(row["slug"])
        if answer is not None:
            answered(tx, row["slug"], answer)
        else:
            lost(tx, row["slug"], "The daemon ended while the answer was waited for.")
            unknowns += 1
    return unknowns


def forget_answers(tx: Tx, before: float) -> list[str]:
    """Ids of requests whose answers need not be kept: their picture is stored, or they are old.

    They are marked as no longer kept; the caller deletes the files. An answer that could not be used stays for a while:
    it was paid for.
    """
    rows = tx.all(
        "UPDATE paid_requests SET answer_kept = 0 WHERE answer_kept = 1 AND (end_time < ? OR EXISTS (SELECT 1 FROM "
        "candidates c WHERE c.name = paid_requests.confirmation AND c.state = 'SUCCEEDED')) "
        "RETURNING slug",
        before,
    )
    return [str(row["slug"]) for row in rows]


def get(view: View, slug: str) -> Row:
    """One row. Raises ResourceNotFound."""
    row = view.one("SELECT * FROM paid_requests WHERE slug = ?", slug)
    if row is None:
        raise ResourceNotFound(f"There is no {name_of(slug)}.", field="name", resource=name_of(slug))
    return row


def page(view: View, before: int, limit: int, states: list[str], project: str) -> list[Row]:
    """Rows with an id below `before`, the newest first; of some states and of a project where these are given."""
    where, args = "id < ?", [before]
    values: list[Any] = list(args)
    if states:
        where += f" AND state IN ({', '.join('?' * len(states))})"
        values += states
    if project:
        where += " AND project = ?"
        values.append(project)
    return view.all(f"SELECT * FROM paid_requests WHERE {where} ORDER BY id DESC LIMIT ?", *values, limit)


def unknown(row: Row) -> PaidOutcomeUnknown:
    """The error that stands for a request of unknown outcome."""
    name = name_of(row["slug"])
    return PaidOutcomeUnknown(
        f"It is not known whether {row['provider']} charged {name}, which was sent for {row['subject']}.",
        remedy=f"Look it up at the provider, then `bullpen remote resolve {row['slug']} --charged` or --not-charged.",
        paid_request=name,
    )


def _move(tx: Tx, slug: str, target: PaidState, **values: Any) -> Row:
    sources = ", ".join(f"'{state}'" for state, targets in PAID_TABLE.items() if target in targets)
    columns = "".join(f", {column} = ?" for column in values)
    row = tx.one(
        f"UPDATE paid_requests SET state = ?{columns} WHERE slug = ? AND state IN ({sources}) RETURNING *",
        target.value,
        *values.values(),
        slug,
    )
    if row is None:
        state = get(tx, slug)["state"]
        raise StateConflict(f"{name_of(slug)} is {state.lower()} and cannot become {target.lower()}.", state=state)
    return row


def _cost(row: Row, outcome: Outcome, amount: Money | None) -> CostEvent:
    return CostEvent(
        key=row["slug"],
        provider=row["provider"],
        operation=row["operation"],
        project=row["project"],
        run=row["run"],
        subject=row["subject"],
        stage=row["stage"],
        model=row["model"],
        account=row["account"],
        outcome=outcome,
        amount=amount,
        estimate=Money(row["currency"], row["estimate_micros"]),
        units=json.loads(row["units"]),
        note=row["message"],
    )
