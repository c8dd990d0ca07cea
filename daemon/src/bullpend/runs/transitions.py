"""How runs, jobs and candidates change, in SQL: each change is guarded by the states it may come from.

Each function runs inside one transaction, returns None or False when the guard refused, and says what changed. A
finished picture is guarded by (job, attempt): what a lost or stopped worker still says changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from bullpend.assets import store as assets
from bullpend.assets.files import Files, name_of
from bullpend.costs import local
from bullpend.db import Row, Tx
from bullpend.quality.model import Entry, QualityReport, Ranked
from bullpend.quality.ranking import rank
from bullpend.runs import accepting, estimates, lineage, retrying, saying, store
from bullpend.runs.method import method_from_json
from bullpend.runs.model import JOB_TABLE, Failure, JobState, RunState, sources
from bullpend.runs.wire import sampling_of

TIMING_WEIGHT = 0.2


@dataclass(frozen=True, slots=True)
class Finished:
    """A candidate that a worker made and a post worker stored. `asset` is an assets row without its defaults."""

    candidate: str
    job: str
    attempt: int
    asset: Mapping[str, Any]
    quality: QualityReport
    recipe: str
    changes: list[dict[str, Any]]
    device_seconds: float
    device: str


def _set(tx: Tx, table: str, row_id: int, **values: Any) -> None:
    columns = ", ".join(f"{name} = ?" for name in values)
    tx.run(f"UPDATE {table} SET {columns} WHERE id = ?", *values.values(), row_id)


def _states(table: Mapping[Any, Any], target: StrEnum) -> str:
    return "(" + ", ".join(f"'{state}'" for state in sources(table, target)) + ")"


_LEASABLE = _states(JOB_TABLE, JobState.RUNNING)


def lease(tx: Tx, name: str, attempt: int, device: str) -> tuple[Row, Row] | None:
    """Gives a queued job to a device; returns (run, job with candidates), or None when it is no longer queued."""
    job = tx.one(
        "UPDATE jobs SET state = 'RUNNING', attempt = ?1, device = ?2, start_time = coalesce(start_time, ?3), "
        f"revision = ?5 WHERE name = ?4 AND attempt < ?1 AND state IN {_LEASABLE} RETURNING *",
        attempt,
        device,
        tx.now,
        name,
        tx.next_revision(),
    )
    if job is None:
        return None
    run = store.by_id(tx, job["run_id"])
    if run["state"] != "QUEUED":
        return run, saying.say_job(tx, run["project"], job, "job.started")
    _set(tx, "runs", run["id"], state="RUNNING", start_time=tx.now)
    saying.emit_run(tx, run["id"], "run.started")
    return run, saying.emit_job(tx, run["project"], job["id"], "job.started")


def finish_candidate(tx: Tx, files: Files, done: Finished) -> bool:
    """Registers a finished picture; False when its job or attempt is no longer the one that runs."""
    return _finish_candidate(tx, files, done) is not None


def finish_last(tx: Tx, files: Files, done: Finished) -> tuple[bool, int | None]:
    """Registers the picture that its job waited for, and ends the job; what `finish_candidate` and `finish_job` say."""
    rows = _finish_candidate(tx, files, done)
    if rows is None:
        return False, finish_job(tx, done.job, JobState.SUCCEEDED)
    return True, _finish_job(tx, *rows, JobState.SUCCEEDED, None)


def _finish_candidate(tx: Tx, files: Files, done: Finished) -> tuple[Row, Row] | None:
    """The job with its candidates, as they are then, and its run; None where the picture does not count."""
    job = store.job(tx, done.job)
    place = next((n for n, row in enumerate(job["candidates"]) if row["name"] == done.candidate), None)
    if place is None or job["candidates"][place]["state"] not in ("QUEUED", "RUNNING"):
        return None
    if job["attempt"] != done.attempt or job["state"] != "RUNNING":
        return None
    run = store.by_id(tx, job["run_id"])
    asset = assets.add(tx, files, dict(done.asset))
    job["candidates"][place] = saying.change_candidate(
        tx,
        run["project"],
        done.candidate,
        "candidate.succeeded",
        state="SUCCEEDED",
        asset=name_of(asset["project"], asset["sha256"]),
        quality=json.dumps(done.quality.to_dict()),
        hard_failures=done.quality.hard_failures,
        device_seconds=done.device_seconds,
        changes=json.dumps(done.changes),
        recipe=done.recipe,
        end_time=tx.now,
    )
    tx.run(
        "UPDATE runs SET candidates_done = candidates_done + 1, qa_measured = qa_measured + 1, "
        "qa_passed = qa_passed + ?, device_seconds = device_seconds + ? WHERE id = ?",
        int(done.quality.hard_failures == 0),
        done.device_seconds,
        run["id"],
    )
    local.candidate(tx, run, done.candidate, done.device, done.device_seconds)
    _learn(tx, run, done.device, done.device_seconds, len(job["candidates"]))
    return job, run


def _learn(tx: Tx, run: Row, device: str, seconds: float, candidates: int) -> None:
    """Keeps what a step took: of any size for a rough guess, by strategy and size for a plan, and by the size of its
    batch, where the job could have been cut into batches.
    """
    used = method_from_json(run["method"])
    tx.run(
        # An empty name stands for any device.
        "INSERT INTO timings VALUES (?1, ?2, 1, ?3), (?1, '', 1, ?3) ON CONFLICT DO UPDATE SET samples = samples + 1, "
        "step_seconds = step_seconds + (?3 - step_seconds) * max(?4, 1.0 / (samples + 1))",
        run["model"],
        device,
        seconds / max(run["steps"], 1),
        TIMING_WEIGHT,
    )
    tx.run(
        "INSERT INTO step_times VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6) ON CONFLICT DO UPDATE SET samples = samples + 1, "
        "size_bytes = ?6, step_seconds = step_seconds + (?5 - step_seconds) * max(?7, 1.0 / (samples + 1))",
        run["model"],
        device,
        used.strategy.value,
        run["width"] * run["height"],
        seconds / estimates.steps(sampling_of(run), used),
        run["model_bytes"],
        TIMING_WEIGHT,
    )
    if candidates > 1:
        # A batch that was asked for and could not be made took what single pictures take: it was not worth asking.
        tx.run(
            "INSERT INTO batch_times VALUES (?1, ?2, ?3, ?4, 1, ?5) ON CONFLICT DO UPDATE SET samples = samples + 1, "
            "step_seconds = step_seconds + (?5 - step_seconds) * max(?6, 1.0 / (samples + 1))",
            run["model"],
            device,
            run["width"] * run["height"],
            used.batch,
            seconds / estimates.steps(sampling_of(run), used),
            TIMING_WEIGHT,
        )


def requeue(tx: Tx, name: str, attempt: int, deaths: int) -> bool:
    """Puts a leased job back; its finished candidates stay."""
    changed = tx.run(
        "UPDATE jobs SET state = 'QUEUED', strikes = ?, device = '' "
        "WHERE name = ? AND attempt = ? AND state = 'RUNNING'",
        deaths,
        name,
        attempt,
    )
    if changed:
        job = store.job(tx, name)
        saying.emit_job(tx, store.by_id(tx, job["run_id"])["project"], job["id"], "job.requeued")
    return bool(changed)


def recover(tx: Tx) -> int:
    """At the start of the daemon: nothing runs, so every leased job goes back to the queue."""
    rows = tx.all("SELECT name, attempt, strikes FROM jobs WHERE state = 'RUNNING'")
    for row in rows:
        requeue(tx, row["name"], row["attempt"], row["strikes"])
    return len(rows)


def finish_job(tx: Tx, name: str, target: JobState, failure: Failure | None = None) -> int | None:
    """Ends a job: what was not made takes its fate, what was made is ranked, and the best one may be accepted.

    Returns the run's id when this was its last open job, else None.
    """
    job = store.job(tx, name)
    return _finish_job(tx, job, store.by_id(tx, job["run_id"]), target, failure)


def _finish_job(tx: Tx, job: Row, run: Row, target: JobState, failure: Failure | None) -> int | None:
    name = str(job["name"])
    error = json.dumps(asdict(failure)) if failure else ""
    changed = tx.run(
        f"UPDATE jobs SET state = ?, error = ?, end_time = ? WHERE id = ? AND state IN {_states(JOB_TABLE, target)}",
        target.value,
        error,
        tx.now,
        job["id"],
    )
    if not changed:
        return None
    left = "CANCELED" if target is JobState.CANCELED else "FAILED"
    if any(row["state"] in ("QUEUED", "RUNNING") for row in job["candidates"]):
        tx.run(
            "UPDATE candidates SET state = ?, end_time = ? WHERE job_id = ? AND state IN ('QUEUED', 'RUNNING')",
            left,
            tx.now,
            job["id"],
        )
    best = _rank(tx, job)
    # A person may have chosen among the finished ones while the last were made; that choice stands.
    chosen = any(row["by_hand"] for row in job["candidates"])
    wanted = best and not chosen and target is JobState.SUCCEEDED and run["acceptance"] == "BEST"
    if best and wanted and (not job["parent_job"] or retrying.takes_over(tx, store.job(tx, name), best.key)):
        accepting.accept(tx, run, job, best.key, best.reason, False)
    else:
        lineage.refresh(tx, job["scene"])
    policy = retrying.policy_of(run) if target is JobState.SUCCEEDED else None
    if policy is not None:
        retrying.again(tx, run, store.job(tx, name), policy)
    column = {JobState.SUCCEEDED: "jobs_done", JobState.CANCELED: "jobs_canceled"}.get(target, "jobs_failed")
    saying.emit_job(tx, run["project"], job["id"], f"job.{target.lower()}")
    return _settle(tx, run["id"], column, error)


def _rank(tx: Tx, job: Row) -> Ranked | None:
    """Ranks the finished candidates of a job; returns the best one's place where it is acceptable."""
    entries = [
        Entry(row["name"], index, QualityReport.from_dict(json.loads(row["quality"])))
        for index, row in enumerate(job["candidates"], 1)
        if row["state"] == "SUCCEEDED"
    ]
    best = None
    for place in rank(entries):
        tx.run("UPDATE candidates SET rank = ?, rank_reason = ? WHERE name = ?", place.rank, place.reason, place.key)
        if place.rank == 1 and place.acceptable:
            best = place
    return best


def _settle(tx: Tx, run_id: int, column: str, error: str) -> int | None:
    """Updates a run after one of its jobs ended, which counts in `column`; returns its id when it ended with it."""
    run = tx.one(
        f"UPDATE runs SET {column} = {column} + 1, error = iif(error = '', ?, error), revision = ? WHERE id = ? "
        f"RETURNING {store.RUN}",
        error,
        tx.next_revision(),
        run_id,
    )
    assert run is not None
    if run["jobs_done"] + run["jobs_failed"] + run["jobs_canceled"] < run["jobs"]:
        saying.say_run(tx, run, "run.progressed")
        return None
    if run["jobs_done"] == run["jobs"]:
        state = RunState.SUCCEEDED
    elif run["jobs_done"]:
        state = RunState.PARTIAL
    else:
        state = RunState.CANCELED if run["jobs_canceled"] == run["jobs"] else RunState.FAILED
    _set(tx, "runs", run_id, state=state.value, end_time=tx.now)
    saying.emit_run(tx, run_id, f"run.{state.lower()}")
    return run_id
