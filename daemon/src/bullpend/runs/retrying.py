"""Makes pictures of a run again by itself, within a budget, where something was found that it was told to retry on.

It happens in the transaction that ends the first job, so that the run cannot end between the two. The new job names the
one before it and why; whichever of all its candidates is ranked best becomes the picture, unless a person chose one.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

from bullpen_api.v1 import event_pb2

from bullpend.db import Row, Tx
from bullpend.db.database import View
from bullpend.quality import retry
from bullpend.quality.model import Entry, QualityReport
from bullpend.quality.ranking import rank
from bullpend.runs import store
from bullpend.runs.method import method_from_json, to_json
from bullpend.runs.rules import candidate_seed
from bullpend.runs.wire import pack_job, read_retry, sampling_of, stored_spec

# Parameters that belong to the run's strategy.
OF_WAY = ("strength", "control_scale", "reference_scale")


def policy_of(run: Row) -> retry.Retry | None:
    """What a run was told to retry on; None where it was not."""
    spec = stored_spec(run["spec"])
    return read_retry(spec.auto_retry) if spec.HasField("auto_retry") else None


def entries(job: Row) -> list[Entry]:
    """The finished candidates of a job, as the ranking takes them."""
    return [
        Entry(row["name"], index, QualityReport.from_dict(json.loads(row["quality"])))
        for index, row in enumerate(job["candidates"], 1)
        if row["state"] == "SUCCEEDED" and row["quality"]
    ]


def best(job: Row) -> QualityReport | None:
    """The report of a job's best candidate, whether it can be accepted or not."""
    found = entries(job)
    if not found:
        return None
    first = rank(found)[0].key
    return next(entry.report for entry in found if entry.key == first)


def chain(view: View, job: Row) -> list[Row]:
    """The jobs that a job retries, the nearest first."""
    found: list[Row] = []
    parent = job["parent_job"]
    while parent and len(found) < retry.MOST_PER_PICTURE + 1:
        found.append(store.job(view, parent))
        parent = found[-1]["parent_job"]
    return found


def again(tx: Tx, run: Row, job: Row, policy: retry.Retry) -> str:
    """Stores a job that makes the picture again, where the best candidate has a named finding and budget is left.

    Returns its name, or an empty text. `job` has its candidates as they are now.
    """
    report = best(job)
    findings = retry.named(report, policy.findings) if report else ()
    own = f"{store.run_name(run)}/jobs/"
    # A run that was itself made of flagged pictures has jobs whose parents are of another run.
    done = sum(parent["name"].startswith(own) for parent in chain(tx, job))
    sql = "SELECT count(*) FROM jobs WHERE run_id = ? AND substr(parent_job, 1, ?) = ?"
    used = int(tx.value(sql, run["id"], len(own), own))
    if not findings or done >= policy.per_picture or used >= policy.budget:
        return ""
    before = parameters(run, job)
    changed = retry.moved(before, findings) if policy.change is retry.Change.STRENGTH else {}
    sampling = {**json.loads(job["sampling"] or "{}"), **changed}
    number = int(tx.value("SELECT count(*) FROM jobs WHERE run_id = ?", run["id"])) + 1
    name = f"{store.run_name(run)}/jobs/j-{number:03d}"
    kept = (
        "run_id, scene, source_asset, source_path, source_sha256, source_key, prompt, negative_prompt, loras, uses, "
        "inputs, starts_from, branch"
    )
    tx.run(
        f"INSERT INTO jobs (name, state, parent_job, retry_reason, sampling, create_time, revision, {kept}) "
        f"SELECT ?, 'QUEUED', ?, ?, ?, ?, ?, {kept} FROM jobs WHERE id = ?",
        name,
        job["name"],
        f"{retry.words(findings, before, changed)} Retry {used + 1} of {policy.budget}.",
        json.dumps(sampling) if sampling else "",
        tx.now,
        tx.next_revision(),
        job["id"],
    )
    made = store.job(tx, name)
    for index in range(1, len(job["candidates"]) + 1):
        seed = candidate_seed(run["seed"], f"{job['source_key']}:retry {done + 1}", index)
        tx.insert(
            "candidates",
            {
                "job_id": made["id"],
                "run_id": run["id"],
                "name": f"{name}/candidates/c-{index}",
                "state": "QUEUED",
                "seed": seed,
                "revision": tx.next_revision(),
            },
        )
    tx.run(
        "UPDATE runs SET jobs = jobs + 1, candidates = candidates + ? WHERE id = ?", len(job["candidates"]), run["id"]
    )
    payload = event_pb2.Event(job=pack_job(store.job(tx, name))).SerializeToString()
    tx.emit(run["project"], name, "job.retrying", payload)
    return name


def takes_over(view: View, job: Row, key: str) -> bool:
    """Whether the best candidate `key` of a retry goes before what the jobs before it gave.

    Never before a choice that a person made, and only where it is ranked higher.
    """
    before = [(row, entry) for parent in chain(view, job) for row, entry in _accepted(parent)]
    if any(row["by_hand"] for row, _ in before):
        return False
    mine = [Entry(entry.key, 99 + entry.index, entry.report) for entry in entries(job) if entry.key == key]
    # The earlier one wins among equals.
    return rank([*(entry for _, entry in before), *mine])[0].key == key


def _accepted(job: Row) -> list[tuple[Row, Entry]]:
    rows = {row["name"]: row for row in job["candidates"] if row["accepted"]}
    return [(rows[entry.key], entry) for entry in entries(job) if entry.key in rows]


def parameters(run: Row, job: Row) -> dict[str, float | None]:
    """The sampling of a job, with the parameters of the run's strategy, as far as it has them."""
    way = method_from_json(run["method"])
    of_way = {name: getattr(way, name) for name in OF_WAY}
    return {**asdict(sampling_of(run)), **of_way, **json.loads(job["sampling"] or "{}")}


def sampled(run: Row, job: Row) -> Row:
    """The run's row with the sampling of one of its jobs."""
    own: dict[str, Any] = json.loads(job["sampling"] or "{}")
    of_way = {name: own.pop(name) for name in OF_WAY if name in own}
    if of_way:
        own["method"] = to_json(replace(method_from_json(run["method"]), **of_way))
    return {**run, **own}
