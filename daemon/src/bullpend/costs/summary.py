"""Sums over the ledger, and its lines, as they are asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from bullpend.db import Row
from bullpend.db.database import Value, View

DIMENSIONS = ("project", "run", "stage", "provider", "model", "day")
_SUMS = ("events", "device_seconds", "estimated_seconds", "compared_seconds")
_MONEY = ("charged", "estimated", "unknown", "charged_events", "unknown_events")


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
        """The condition and its values, but for source and outcomes."""
        parts, values = ["1"], list[Value]()
        for condition, value in (
            ("project = ?", self.project),
            ("run = ? AND run <> ''", self.run),
            ("day >= ?", self.from_day),
            ("day <= ?", self.until_day),
        ):
            if value:
                parts.append(condition)
                values.append(value)
        return " AND ".join(parts), values


def totals(view: View, chosen: Filter, by: Sequence[str], before: int | None, limit: int) -> list[Row]:
    """One row a group, the group with the newest line first, those whose newest line is older than `before`.

    Each has the dimensions of `by`, the sums, and `money`: one entry a currency. Summed are the totals that `store.py`
    keeps by day and run, so that a long ledger need not be read; source and outcomes of the filter do not count here.
    """
    where, values = chosen.where()
    groups = ", ".join((*by, "currency"))
    sums = ", ".join(f"sum({name}) AS {name}" for name in (*_SUMS, *_MONEY))
    inner = f"SELECT {groups}, {sums}, max(last_id) AS last_id FROM cost_totals WHERE {where} GROUP BY {groups}"
    entry = ", ".join(f"'{name}', {name}" for name in ("currency", *_MONEY))
    sums = ", ".join(f"sum({name}) AS {name}" for name in _SUMS)
    outer = (
        f"SELECT {''.join(f'{name}, ' for name in by)}{sums}, max(last_id) AS last_id, "
        f"json_group_array(json_object({entry})) FILTER (WHERE currency <> '') AS money FROM ({inner})"
    )
    if by:
        outer += f" GROUP BY {', '.join(by)} HAVING max(last_id) < ? ORDER BY max(last_id) DESC LIMIT ?"
        values += [2**62 if before is None else before, limit]
    rows = view.all(outer, *values)
    return [{**row, "money": sorted(json.loads(row["money"] or "[]"), key=_currency)} for row in rows if row["events"]]


def lines(view: View, chosen: Filter, before: int | None, limit: int) -> list[Row]:
    """Lines, newest first, older than the id `before`."""
    where, values = chosen.where()
    if chosen.source:
        where += " AND source = ?"
        values.append(chosen.source)
    if chosen.outcomes:
        where += f" AND outcome IN ({', '.join('?' * len(chosen.outcomes))})"
        values.extend(chosen.outcomes)
    sql = f"SELECT * FROM cost_events WHERE {where} AND id < ? ORDER BY id DESC LIMIT ?"
    rows = view.all(sql, *values, 2**62 if before is None else before, limit)
    return [{**row, "units": json.loads(row["units"])} for row in rows]


def _currency(entry: Row) -> str:
    return str(entry["currency"])
