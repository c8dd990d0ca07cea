"""Sums over the ledger, and its lines, as they are asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from bullpend.db import Row
from bullpend.db.database import Value, View

DIMENSIONS = ("project", "run", "stage", "provider", "model", "day")
_SUMS = (
    "count(*) AS events, sum(device_seconds) AS device_seconds, "
    "coalesce(sum(estimated_seconds), 0.0) AS estimated_seconds, "
    "coalesce(sum(device_seconds) FILTER (WHERE estimated_seconds IS NOT NULL), 0.0) AS compared_seconds, "
    "coalesce(sum(amount_micros), 0) AS charged, "
    "coalesce(sum(estimate_micros) FILTER (WHERE outcome = 'CHARGED'), 0) AS estimated, "
    "coalesce(sum(estimate_micros) FILTER (WHERE outcome = 'UNKNOWN'), 0) AS unknown, "
    "count(*) FILTER (WHERE outcome = 'CHARGED') AS charged_events, "
    "count(*) FILTER (WHERE outcome = 'UNKNOWN') AS unknown_events, max(id) AS last_id"
)
_OUTER = (
    "sum(events) AS events, sum(device_seconds) AS device_seconds, sum(estimated_seconds) AS estimated_seconds, "
    "sum(compared_seconds) AS compared_seconds, max(last_id) AS last_id, "
    "json_group_array(json_object('currency', currency, 'charged', charged, 'estimated', estimated, "
    "'unknown', unknown, 'charged_events', charged_events, 'unknown_events', unknown_events)) "
    "FILTER (WHERE currency <> '') AS money"
)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which lines: of a project (empty: all), of a run, of days (both included), of a source, with these outcomes."""

    project: str = ""
    run: str = ""
    from_day: str = ""
    until_day: str = ""
    source: str = ""
    outcomes: tuple[str, ...] = ()

    def where(self) -> tuple[str, list[Value]]:
        """The condition and its values."""
        parts, values = ["1"], list[Value]()
        for condition, value in (
            ("project = ?", self.project),
            ("run = ? AND run <> ''", self.run),
            ("day >= ?", self.from_day),
            ("day <= ?", self.until_day),
            ("source = ?", self.source),
        ):
            if value:
                parts.append(condition)
                values.append(value)
        if self.outcomes:
            parts.append(f"outcome IN ({', '.join('?' * len(self.outcomes))})")
            values.extend(self.outcomes)
        return " AND ".join(parts), values


def totals(view: View, chosen: Filter, by: Sequence[str], before: int | None, limit: int) -> list[Row]:
    """One row a group, the group with the newest line first, those whose newest line is older than `before`.

    Each has the dimensions of `by`, the sums, and `money`: one entry a currency.
    """
    where, values = chosen.where()
    groups = ", ".join((*by, "currency"))
    inner = f"SELECT {groups}, {_SUMS} FROM cost_events WHERE {where} GROUP BY {groups}"
    outer = f"SELECT {''.join(f'{name}, ' for name in by)}{_OUTER} FROM ({inner})"
    if by:
        outer += f" GROUP BY {', '.join(by)} HAVING max(last_id) < ? ORDER BY max(last_id) DESC LIMIT ?"
        values += [2**62 if before is None else before, limit]
    rows = view.all(outer, *values)
    return [{**row, "money": sorted(json.loads(row["money"] or "[]"), key=_currency)} for row in rows if row["events"]]


def lines(view: View, chosen: Filter, before: int | None, limit: int) -> list[Row]:
    """Lines, newest first, older than the id `before`."""
    where, values = chosen.where()
    sql = f"SELECT * FROM cost_events WHERE {where} AND id < ? ORDER BY id DESC LIMIT ?"
    rows = view.all(sql, *values, 2**62 if before is None else before, limit)
    return [{**row, "units": json.loads(row["units"])} for row in rows]


def _currency(entry: Row) -> str:
    return str(entry["currency"])
