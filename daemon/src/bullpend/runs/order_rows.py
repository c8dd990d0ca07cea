"""The rows that an order to a worker is made of: of the run, the job with its candidates, and their pictures.

They are read when a job is leased, or ahead of that. What of them decides the order changes only while the job is
leased; so rows that were read ahead are good as long as the job's `attempt` is the one that they have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bullpend.assets import store as assets
from bullpend.db import Row
from bullpend.db.database import View
from bullpend.runs import method, store


@dataclass(frozen=True, slots=True)
class OrderRows:
    """Of one job. `beside` has the pictures that it works with beside its source, by name."""

    run: Row
    job: Row
    source: Row
    beside: Mapping[str, Row]

    def leased(self, attempt: int, device: str) -> OrderRows | None:
        """The same as leased by this attempt; None where they are out of date."""
        if self.job["state"] != "QUEUED" or self.job["attempt"] != attempt - 1:
            return None
        return replace(self, job={**self.job, "state": "RUNNING", "attempt": attempt, "device": device})


def of(view: View, run: Row, job: Row) -> OrderRows:
    """All rows for a job that was read with its candidates."""
    beside = method.inputs_from_json(job["inputs"]).assets
    source = assets.by_name(view, job["source_asset"])
    return OrderRows(run, job, source, {one: assets.by_name(view, one) for one in beside})


def ahead(view: View, name: str) -> OrderRows | None:
    """The rows of a job that waits; None where it does not."""
    job = store.job(view, name)
    return of(view, store.by_id(view, job["run_id"]), job) if job["state"] == "QUEUED" else None
