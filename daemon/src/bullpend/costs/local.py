"""What this machine's own work costs: seconds of its devices, one line a picture."""

from __future__ import annotations

from bullpend.costs import store
from bullpend.costs.model import CostEvent
from bullpend.db import Row, Tx


def candidate(tx: Tx, run: Row, name: str, device: str, seconds: float) -> None:
    """Records a finished candidate of a run's row, in the transaction that registers it.

    Nothing is added where a provider made it: its own line was written when its answer was kept.
    """
    run_name = f"projects/{run['project']}/runs/{run['slug']}"
    expected = tx.one("SELECT provider, seconds_each FROM run_estimates WHERE run = ?", run_name)
    if expected is not None and expected["provider"] != "local":
        return
    store.record(
        tx,
        CostEvent(
            key=name,
            provider="local",
            operation="edit",
            project=run["project"],
            run=run_name,
            subject=name,
            stage=run["stage"],
            model=run["model"],
            device=device,
            device_seconds=max(0.0, seconds),
            estimated_seconds=expected["seconds_each"] if expected else None,
            units={"images": 1},
        ),
    )
