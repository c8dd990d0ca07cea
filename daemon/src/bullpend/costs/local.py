"""What this machine's own work costs: seconds of its devices, one line a picture, and one for each attempt in vain."""

from __future__ import annotations

from bullpend.costs import store
from bullpend.costs.model import CostEvent
from bullpend.db import Row, Tx


def candidate(tx: Tx, run: Row, name: str, device: str, seconds: float) -> None:
    """Records a finished candidate of a run's row, in the transaction that registers it.

    Nothing is added where a provider made it: its own line was written when its answer was kept.
    """
    _record(tx, run, name, device, seconds, name, images=1)


def in_vain(tx: Tx, run: Row, name: str, attempt: int, device: str, seconds: float, why: str) -> bool:
    """Records what an attempt at a candidate took that brought no picture: it failed, was stopped, or its worker died.

    The same attempt is recorded once; False where it was.
    """
    return _record(tx, run, f"{name}/attempts/{attempt}", device, seconds, name, note=f"It brought no picture. {why}")


def cut_off(tx: Tx, job: str, attempt: int, candidate: str, device: str, seconds: float, why: str) -> bool:
    """Records what an attempt took that an earlier daemon left in the midst of a candidate; False where the candidate
    was made after all, the attempt was ended, or it is recorded.
    """
    run = tx.one(
        "SELECT r.* FROM candidates c JOIN jobs j ON j.id = c.job_id JOIN runs r ON r.id = j.run_id "
        "WHERE c.name = ? AND c.state IN ('QUEUED', 'RUNNING') "
        "AND j.name = ? AND j.state = 'RUNNING' AND j.attempt = ?",
        candidate,
        job,
        attempt,
    )
    return run is not None and in_vain(tx, run, candidate, attempt, device, seconds, why)


def _record(
    tx: Tx, run: Row, key: str, device: str, seconds: float, candidate: str, images: int = 0, note: str = ""
) -> bool:
    """One line. What was expected is of a picture that is made, so that estimates are compared once."""
    run_name = f"projects/{run['project']}/runs/{run['slug']}"
    expected = tx.one("SELECT provider, seconds_each FROM run_estimates WHERE run = ?", run_name)
    if expected is not None and expected["provider"] != "local":
        return False
    return store.record(
        tx,
        CostEvent(
            key=key,
            provider="local",
            operation="edit",
            project=run["project"],
            run=run_name,
            subject=candidate,
            stage=run["stage"],
            model=run["model"],
            device=device,
            device_seconds=max(0.0, seconds),
            estimated_seconds=expected["seconds_each"] if expected and images else None,
            units={"images": images} if images else {},
            note=note,
        ),
    )
