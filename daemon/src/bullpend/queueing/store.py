"""SQL of the queue: what is paused, and the places of jobs."""

from __future__ import annotations

from bullpend.db import Row, Tx
from bullpend.db.database import View
from bullpend.errors import StateConflict
from bullpend.queueing.rules import Standing
from bullpend.runs import saying
from bullpend.runs import store as runs


def begin(tx: Tx, policy: str) -> bool:
    """At the start of the daemon: whether the queue is paused by the start policy, `run`, `paused` or `as-it-was`."""
    if policy != "as-it-was":
        tx.run("UPDATE queue SET paused = ?1 WHERE paused != ?1", int(policy == "paused"))
    return bool(tx.value("SELECT paused FROM queue"))


def set_paused(tx: Tx, paused: bool) -> bool:
    """Pauses or resumes the queue; says whether that changed anything."""
    return bool(tx.run("UPDATE queue SET paused = ?1 WHERE paused != ?1", int(paused)))


def paused_runs(view: View) -> list[str]:
    """Names of the unfinished runs that are paused."""
    sql = f"SELECT project, slug FROM runs WHERE state IN {runs.OPEN_JOBS} AND paused = 1"
    return [runs.run_name(row) for row in view.all(sql)]


def pause_run(tx: Tx, project: str, slug: str, paused: bool) -> Row:
    """Pauses or resumes an unfinished run. Raises ResourceNotFound, StateConflict."""
    row = _open_run(tx, project, slug)
    if bool(row["paused"]) != paused:
        tx.run("UPDATE runs SET paused = ? WHERE id = ?", int(paused), row["id"])
        saying.emit_run(tx, row["id"], "run.paused" if paused else "run.resumed")
    return runs.by_id(tx, row["id"])


def pause_job(tx: Tx, name: str, paused: bool) -> Row:
    """Pauses or resumes an unfinished job. Raises ResourceNotFound, StateConflict."""
    row, run = _open_job(tx, name)
    if not paused and run["paused"]:
        raise StateConflict(
            f"The run of {name} is paused.",
            field="name",
            remedy="Resume the run; the job goes on with it unless it was paused itself.",
        )
    if bool(row["paused"]) == paused:
        return row
    tx.run("UPDATE jobs SET paused = ? WHERE id = ?", int(paused), row["id"])
    return saying.emit_job(tx, run["project"], row["id"], "job.paused" if paused else "job.resumed")


def prioritize(tx: Tx, project: str, slug: str, priority: int) -> Row:
    """Gives an unfinished run another priority. Raises ResourceNotFound, StateConflict."""
    row = _open_run(tx, project, slug)
    if row["priority"] != priority:
        tx.run("UPDATE runs SET priority = ? WHERE id = ?", priority, row["id"])
        saying.emit_run(tx, row["id"], "run.prioritized")
    return runs.by_id(tx, row["id"])


def standings(view: View, project: str, priority: int) -> list[Standing]:
    """What waits of a project at a priority, paused or not, in its order."""
    rows = view.all(
        "SELECT j.id, coalesce(j.place, j.id) AS place FROM jobs j JOIN runs r ON r.id = j.run_id "
        "WHERE j.state = 'QUEUED' AND r.project = ? AND r.priority = ? ORDER BY coalesce(j.place, j.id), j.id",
        project,
        priority,
    )
    return [Standing(row["id"], float(row["place"])) for row in rows]


def waiting(view: View, run_id: int) -> list[int]:
    """Ids of a run's waiting jobs in their order."""
    sql = "SELECT id FROM jobs WHERE run_id = ? AND state = 'QUEUED' ORDER BY coalesce(place, id), id"
    return [row["id"] for row in view.all(sql, run_id)]


def set_places(tx: Tx, places: dict[int, float]) -> list[Row]:
    """Stores places; returns the jobs that have another one now, with what the scheduler needs to know."""
    changed = []
    for job_id, place in places.items():
        if tx.run("UPDATE jobs SET place = ?1 WHERE id = ?2 AND place IS NOT ?1", place, job_id):
            changed += runs.open_jobs(tx, "j.id = ?", job_id)
    return changed


def open_run(view: View, project: str, slug: str, field: str) -> Row:
    """An unfinished run that something is to stand beside. Raises ResourceNotFound, StateConflict."""
    return _open_run(view, project, slug, field)


def open_job(view: View, name: str, field: str) -> tuple[Row, Row]:
    """An unfinished job, and its run. Raises ResourceNotFound, StateConflict."""
    return _open_job(view, name, field)


def _open_run(view: View, project: str, slug: str, field: str = "name") -> Row:
    row = runs.get(view, project, slug, field)
    if row["state"] not in ("QUEUED", "RUNNING"):
        raise _ended(runs.run_name(row), row["state"], field)
    return row


def _open_job(view: View, name: str, field: str = "name") -> tuple[Row, Row]:
    row = runs.job(view, name, field)
    if row["state"] not in ("QUEUED", "RUNNING"):
        raise _ended(name, row["state"], field)
    return row, runs.by_id(view, row["run_id"])


def _ended(name: str, state: str, field: str) -> StateConflict:
    return StateConflict(f"{name} has ended ({state.lower()}).", field=field, remedy="Retry the run to do it again.")
