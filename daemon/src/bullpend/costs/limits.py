"""SQL of what a project may spend, and of what counts against that."""

from __future__ import annotations

from dataclasses import replace

from bullpend.costs.model import Budget, Limits, Money, Spent
from bullpend.db import Row, Tx
from bullpend.db.database import View


def row_of(view: View, project: str) -> Row:
    """The limits' row of a project; one without limits where there is none."""
    row = view.one("SELECT * FROM project_limits WHERE project = ?", project)
    return row or {
        "project": project,
        "currency": "",
        "run_cap_micros": None,
        "total_cap_micros": None,
        "update_time": None,
        "revision": 0,
    }


def limits_of(row: Row) -> Limits:
    """The limits of a row."""

    def money(micros: int | None) -> Money | None:
        return None if micros is None else Money(row["currency"], micros)

    return Limits(money(row["run_cap_micros"]), money(row["total_cap_micros"]))


def put(tx: Tx, project: str, limits: Limits) -> Row:
    """Writes the limits of a project; returns their row."""
    tx.run(
        "INSERT INTO project_limits VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (project) DO UPDATE SET "
        "currency = ?2, run_cap_micros = ?3, total_cap_micros = ?4, update_time = ?5, revision = ?6",
        project,
        limits.currency,
        limits.run_cap.micros if limits.run_cap else None,
        limits.total_cap.micros if limits.total_cap else None,
        tx.now,
        tx.next_revision(),
    )
    return row_of(tx, project)


def budget(view: View, project: str) -> Budget:
    """A project's limits with what counts against them."""
    return Budget(limits_of(row_of(view, project)), spent(view, project))


def spent(view: View, project: str) -> dict[str, Spent]:
    """What a project has spent, may have spent and has promised, by currency."""
    booked = view.all(
        "SELECT currency, coalesce(sum(amount_micros), 0) AS charged, "
        "coalesce(sum(estimate_micros) FILTER (WHERE outcome = 'UNKNOWN'), 0) AS unknown "
        "FROM cost_events WHERE project = ? AND currency <> '' GROUP BY currency",
        project,
    )
    # Of a run that goes on: what its candidates were to cost, less what is booked for it.
    promised = view.all(
        """SELECT currency, sum(max(0, asked - booked)) AS promised FROM (
             SELECT e.currency, r.candidates * e.micros_each AS asked,
               (SELECT coalesce(sum(coalesce(c.amount_micros, c.estimate_micros, 0)), 0)
                  FROM cost_events c WHERE c.run = e.run AND c.run <> '' AND c.currency = e.currency
                  AND c.outcome <> 'FREE') AS booked
             FROM runs r JOIN run_estimates e ON e.run = 'projects/' || r.project || '/runs/' || r.slug
             WHERE r.state IN ('QUEUED', 'RUNNING') AND r.project = ? AND e.currency <> '')
           GROUP BY currency""",
        project,
    )
    # Single calls that are under way; those of runs are promised with their run.
    promised += view.all(
        "SELECT currency, sum(estimate_micros) AS promised FROM paid_requests "
        "WHERE run = '' AND state IN ('PREPARED', 'SENT') AND project = ? GROUP BY currency",
        project,
    )
    found = {row["currency"]: Spent(row["charged"], row["unknown"]) for row in booked}
    for row in promised:
        known = found.get(row["currency"], Spent())
        found[row["currency"]] = replace(known, promised=known.promised + row["promised"])
    return found
