"""The ledger and the limits on the wire."""

from __future__ import annotations

from collections.abc import Mapping

from bullpen_api.v1 import cost_pb2

from bullpend.costs.limits import limits_of
from bullpend.costs.model import Limits, Money, Spent
from bullpend.db import Row
from bullpend.errors import BullpenError
from bullpend.rpc.wire import etag, timestamp


def pack_money(money: Money | None) -> cost_pb2.Money | None:
    """An amount; None stays None."""
    return None if money is None else cost_pb2.Money(currency_code=money.currency, micros=money.micros)


def read_money(money: cost_pb2.Money, field: str) -> Money:
    """The reverse. Raises FieldInvalid naming the part at fault."""
    try:
        return Money(money.currency_code, money.micros)
    except BullpenError as error:
        error.field = f"{field}.currency_code" if error.field == "currency" else f"{field}.{error.field}"
        raise


def pack_event(row: Row) -> cost_pb2.CostEvent:
    """A line of the ledger."""

    def money(micros: int | None) -> cost_pb2.Money | None:
        return None if micros is None else cost_pb2.Money(currency_code=row["currency"], micros=micros)

    return cost_pb2.CostEvent(
        name=f"costEvents/{row['id']}",
        time=timestamp(row["time"]),
        project=f"projects/{row['project']}" if row["project"] else "",
        run=row["run"],
        subject=row["subject"],
        stage=row["stage"],
        source=cost_pb2.CostEvent.Source.Value(f"SOURCE_{row['source']}"),
        provider=row["provider"],
        account=row["account"],
        model=row["model"],
        operation=row["operation"],
        device=row["device"],
        device_seconds=row["device_seconds"],
        estimated_device_seconds=row["estimated_seconds"],
        outcome=cost_pb2.CostEvent.Outcome.Value(f"OUTCOME_{row['outcome']}"),
        amount=money(row["amount_micros"]),
        estimate=money(row["estimate_micros"]),
        units=row["units"],
        note=row["note"],
        settle_time=timestamp(row["settle_time"]),
    )


def pack_money_total(entry: Row) -> cost_pb2.MoneyTotal:
    """Money of some lines in one currency."""
    return cost_pb2.MoneyTotal(
        currency_code=entry["currency"],
        charged_micros=entry["charged"],
        estimated_micros=entry["estimated"],
        unknown_micros=entry["unknown"],
        charged_events=entry["charged_events"],
        unknown_events=entry["unknown_events"],
    )


def pack_total(row: Row | None) -> cost_pb2.CostTotal:
    """Sums over a group; None gives zeros."""
    if row is None:
        return cost_pb2.CostTotal()
    project = row.get("project", "")
    return cost_pb2.CostTotal(
        project=f"projects/{project}" if project else "",
        run=row.get("run", ""),
        stage=row.get("stage", ""),
        provider=row.get("provider", ""),
        model=row.get("model", ""),
        day=row.get("day", ""),
        events=row["events"],
        device_seconds=row["device_seconds"],
        estimated_device_seconds=row["estimated_seconds"],
        compared_device_seconds=row["compared_seconds"],
        money=[pack_money_total(entry) for entry in row["money"]],
    )


def etag_of(row: Row) -> str:
    """Changes with each change of the limits."""
    return etag(row["project"], row["revision"])


def pack_limits(row: Row, spent: Mapping[str, Spent] | None = None) -> cost_pb2.SpendLimits:
    """The limits of a project, with what it has spent where that was asked for."""
    limits = limits_of(row)
    return cost_pb2.SpendLimits(
        name=f"projects/{row['project']}/spendLimits",
        run_cap=pack_money(limits.run_cap),
        total_cap=pack_money(limits.total_cap),
        spent=[
            cost_pb2.SpendTotal(
                currency_code=currency,
                charged_micros=one.charged,
                unknown_micros=one.unknown,
                promised_micros=one.promised,
            )
            for currency, one in sorted((spent or {}).items())
        ],
        update_time=timestamp(row["update_time"]),
        etag=etag_of(row),
        revision=row["revision"],
    )


def read_limits(message: cost_pb2.SpendLimits) -> Limits:
    """Limits as asked for. Raises FieldInvalid or CurrencyMismatch."""
    caps = {
        field: read_money(getattr(message, field), f"spend_limits.{field}") if message.HasField(field) else None
        for field in ("run_cap", "total_cap")
    }
    return Limits(**caps)
