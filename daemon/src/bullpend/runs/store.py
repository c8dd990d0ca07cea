"""SQL of runs, jobs and candidates: making and reading them. How they change is in transitions.py."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bullpend.db import Row, Tx
from bullpend.db.database import View
from bullpend.errors import ResourceNotFound
from bullpend.models.model import Model
from bullpend.projects.trash import LIVE
from bullpend.runs import cast, descent, loras, method
from bullpend.runs.batching import Measured
from bullpend.runs.cast import Use
from bullpend.runs.estimates import Timing
from bullpend.runs.method import NOTHING, OWN_WAY, Inputs, Method
from bullpend.runs.model import AppliedChange, Lora, Sampling

OPEN_JOBS = "('QUEUED', 'RUNNING')"
# Every column of a run but its plan, which may be long and is wanted once, for the log.
RUN = (
    "id, project, slug, stage, state, spec, plan_digest, model, model_path, model_family, model_digest, steps, "
    "guidance_scale, image_guidance_scale, width, height, seed, acceptance, priority, loras, method, model_bytes, "
    "parent_run, create_time, start_time, end_time, jobs, jobs_done, jobs_failed, jobs_canceled, candidates, "
    "candidates_done, qa_measured, qa_passed, accepted, device_seconds, log_path, error, paused, revision"
)


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to be stored: `key` is what its seeds were derived from; `changes` and `repeats` are what a replay repeats:
    changes of parameters, and the names of the candidates whose files it makes again.
    """

    key: str
    scene: str
    source_asset: str
    source_path: str
    source_sha256: str
    prompt: str
    negative_prompt: str
    seeds: tuple[int, ...]
    changes: tuple[tuple[AppliedChange, ...], ...] = ()
    loras: tuple[Lora, ...] = ()
    uses: tuple[Use, ...] = ()
    repeats: tuple[str, ...] = ()
    inputs: Inputs = NOTHING
    # The job whose picture it makes again, why, and the sampling that differs from the run's.
    parent_job: str = ""
    retry_reason: str = ""
    sampling: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run to be stored with its jobs. `spec` is a serialized bullpen.v1.RunSpec."""

    project: str
    stage: str
    spec: bytes
    plan_digest: str
    plan: Mapping[str, Any]
    model: Model
    sampling: Sampling
    seed: int
    acceptance: str
    priority: int
    jobs: tuple[NewJob, ...]
    parent_run: str = ""
    loras: tuple[Lora, ...] = ()
    method: Method = OWN_WAY
    # The id that it is to have; empty for the next one.
    slug: str = ""
    # Whether a stage that is taken again from the same picture begins a branch; what repeats a run does not.
    forks: bool = True


def run_name(row: Row) -> str:
    """The resource name of a run's row."""
    return f"projects/{row['project']}/runs/{row['slug']}"


def create(tx: Tx, new: NewRun) -> Row:
    """Inserts a run with its jobs and candidates; returns the run's row."""
    number = tx.value("UPDATE projects SET next_run = next_run + 1 WHERE slug = ? RETURNING next_run - 1", new.project)
    while tx.value("SELECT 1 FROM runs WHERE project = ? AND slug = ?", new.project, f"r-{number:04d}-{new.stage}"):
        # A run that was made of a log has its old id.
        number = tx.value(
            "UPDATE projects SET next_run = next_run + 1 WHERE slug = ? RETURNING next_run - 1", new.project
        )
    row: Row = {
        "project": new.project,
        "slug": new.slug or f"r-{number:04d}-{new.stage}",
        "stage": new.stage,
        "state": "QUEUED",
        "spec": new.spec,
        "plan_digest": new.plan_digest,
        "plan": json.dumps(new.plan, sort_keys=True),
        "model": new.model.name,
        "model_path": new.model.path,
        "model_family": new.model.family,
        "model_digest": new.model.digest,
        "steps": new.sampling.steps,
        "guidance_scale": float(new.sampling.guidance_scale),
        "image_guidance_scale": float(new.sampling.image_guidance_scale),
        "width": new.sampling.width,
        "height": new.sampling.height,
        "seed": new.seed,
        "acceptance": new.acceptance,
        "priority": new.priority,
        "loras": loras.to_json(new.loras),
        "method": method.to_json(new.method),
        "model_bytes": new.model.size_bytes,
        "parent_run": new.parent_run,
        "create_time": tx.now,
        "jobs": len(new.jobs),
        "candidates": sum(len(job.seeds) for job in new.jobs),
        "revision": tx.next_revision(),
    }
    run_id = tx.insert("runs", row)
    for number, job in enumerate(new.jobs, 1):
        name = f"{run_name(row)}/jobs/j-{number:03d}"
        starts_from, of_source = descent.origin(tx, job.scene, job.source_asset)
        branch = descent.branch(tx, job.scene, new.stage, starts_from, of_source) if new.forks else of_source
        job_id = tx.insert(
            "jobs",
            {
                "run_id": run_id,
                "name": name,
                "state": "QUEUED",
                "scene": job.scene,
                "source_asset": job.source_asset,
                "source_path": job.source_path,
                "source_sha256": job.source_sha256,
                "source_key": job.key,
                "prompt": job.prompt,
                "negative_prompt": job.negative_prompt,
                "loras": loras.to_json(job.loras),
                "uses": cast.to_json(job.uses),
                "inputs": method.to_json(job.inputs),
                "starts_from": starts_from,
                "branch": branch,
                "parent_job": job.parent_job,
                "retry_reason": job.retry_reason,
                "sampling": json.dumps(dict(job.sampling)) if job.sampling else "",
                "create_time": tx.now,
                "revision": row["revision"],
            },
        )
        for index, seed in enumerate(job.seeds, 1):
            changes = [change.to_dict() for change in job.changes[index - 1]] if job.changes else []
            tx.insert(
                "candidates",
                {
                    "job_id": job_id,
                    "run_id": run_id,
                    "name": f"{name}/candidates/c-{index}",
                    "state": "QUEUED",
                    "seed": seed,
                    "changes": json.dumps(changes),
                    "repeats": job.repeats[index - 1] if job.repeats else "",
                    "revision": row["revision"],
                },
            )
    return by_id(tx, run_id)


def line_up(tx: Tx, run_id: int, ahead: int) -> None:
    """Lets that many jobs that are accepted later go before those of a new run, if they are of earlier stages."""
    tx.run("UPDATE jobs SET place = id + ? WHERE run_id = ?", float(ahead), run_id)


def by_id(view: View, run_id: int) -> Row:
    """A run that is known to exist."""
    row = view.one(f"SELECT {RUN} FROM runs WHERE id = ?", run_id)
    assert row is not None
    return row


def get(view: View, project: str, slug: str, field: str = "name") -> Row:
    """One run. Raises ResourceNotFound."""
    row = view.one(f"SELECT {RUN} FROM runs WHERE project = ? AND slug = ?", project, slug)
    if row is None:
        name = f"projects/{project}/runs/{slug}"
        raise ResourceNotFound(f"There is no {name}.", field=field, resource=name)
    return row


def plan_of(view: View, run_id: int) -> dict[str, Any]:
    """What was planned when a run was made."""
    plan: dict[str, Any] = json.loads(view.value("SELECT plan FROM runs WHERE id = ?", run_id))
    return plan


def page(view: View, project: str, states: Sequence[str], before: int | None, limit: int) -> list[Row]:
    """Runs newest first, older than the id `before`; of one project, or of all (`-`)."""
    where, args = ("AND project = ?", [project]) if project != "-" else (f"AND {LIVE}", [])
    if states:
        where += f" AND state IN ({', '.join('?' * len(states))})"
    sql = f"SELECT {RUN} FROM runs WHERE id < ? {where} ORDER BY id DESC LIMIT ?"
    return view.all(sql, 2**62 if before is None else before, *args, *states, limit)


def jobs_page(view: View, run_id: int, after: int, limit: int) -> list[Row]:
    """Jobs of a run in their order, after a job's id, each with its `candidates`."""
    jobs = view.all("SELECT * FROM jobs WHERE run_id = ? AND id > ? ORDER BY id LIMIT ?", run_id, after, limit)
    return [with_candidates(view, job) for job in jobs]


def job(view: View, name: str, field: str = "name") -> Row:
    """One job with its candidates. Raises ResourceNotFound."""
    row = view.one("SELECT * FROM jobs WHERE name = ?", name)
    if row is None:
        raise ResourceNotFound(f"There is no {name}.", field=field, resource=name)
    return with_candidates(view, row)


def with_candidates(view: View, row: Row) -> Row:
    """The job's row with `candidates`, in their order."""
    return {**row, "candidates": view.all("SELECT * FROM candidates WHERE job_id = ? ORDER BY id", row["id"])}


def candidate(view: View, name: str, field: str = "name") -> Row:
    """One candidate. Raises ResourceNotFound."""
    row = view.one("SELECT * FROM candidates WHERE name = ?", name)
    if row is None:
        raise ResourceNotFound(f"There is no {name}.", field=field, resource=name)
    return row


def open_jobs(view: View, where: str = "1", *args: int | str) -> list[Row]:
    """Unfinished jobs with what the scheduler needs of them and their runs, in the order of acceptance.

    `where` is an SQL condition of our own on jobs `j` and runs `r`. `steps` are those that are still to be made.
    """
    return view.all(
        f"""SELECT j.id, j.name, j.state, j.attempt, j.strikes, j.place, j.paused, r.project, r.slug, r.model,
                   r.priority, k.seconds AS keep_alive, coalesce(d.device, '') AS bound_device,
                   r.steps * (SELECT count(*) FROM candidates c WHERE c.job_id = j.id
                              AND c.state IN {OPEN_JOBS}) AS steps
            FROM jobs j JOIN runs r ON r.id = j.run_id LEFT JOIN run_keep_alives k ON k.run_id = r.id
                 LEFT JOIN run_devices d ON d.run_id = r.id
            WHERE j.state IN {OPEN_JOBS} AND {where} ORDER BY j.id""",
        *args,
    )


def bind(tx: Tx, run_id: int, device: str) -> bool:
    """Writes which device alone may take a run; empty means any. Says whether that changed anything."""
    if bound_to(tx, run_id) == device:
        return False
    tx.run("DELETE FROM run_devices WHERE run_id = ?", run_id)
    if device:
        tx.insert("run_devices", {"run_id": run_id, "device": device})
    return True


def bound_to(view: View, run_id: int) -> str:
    """The device that a run is bound to; empty where any may take it."""
    return str(view.value("SELECT device FROM run_devices WHERE run_id = ?", run_id) or "")


def open_count(view: View) -> int:
    """How many jobs are unfinished."""
    return int(view.value(f"SELECT count(*) FROM jobs WHERE state IN {OPEN_JOBS}"))


def open_jobs_of(view: View, run_id: int) -> list[str]:
    """Names of a run's unfinished jobs."""
    sql = f"SELECT name FROM jobs WHERE run_id = ? AND state IN {OPEN_JOBS} ORDER BY id"
    return [row["name"] for row in view.all(sql, run_id)]


def runs_without_log(view: View) -> list[int]:
    """Ended runs whose log is still to be written."""
    return [row["id"] for row in view.all("SELECT id FROM runs WHERE end_time IS NOT NULL AND log_path = ''")]


def timings(view: View, device: str) -> tuple[Timing, ...]:
    """What was measured on a device, by model, strategy and size."""
    rows = view.all("SELECT * FROM step_times WHERE device = ?", device)
    return tuple(
        Timing(row["model"], row["strategy"], row["pixels"], row["step_seconds"], row["size_bytes"]) for row in rows
    )


def batch_times(view: View, model: str, device: str, pixels: int) -> dict[int, Measured]:
    """What a step took for one picture of a size, by the size of its batch."""
    sql = "SELECT batch, samples, step_seconds FROM batch_times WHERE model = ? AND device = ? AND pixels = ?"
    return {row["batch"]: Measured(row["samples"], row["step_seconds"]) for row in view.all(sql, model, device, pixels)}


def footprints(view: View, digest: str, kind: str) -> tuple[tuple[int, int], ...]:
    """Memory that the work on a picture took beside a model's weights, by (pixels, bytes)."""
    sql = "SELECT pixels, working_bytes FROM model_footprints WHERE digest = ? AND device_kind = ?"
    return tuple((row["pixels"], row["working_bytes"]) for row in view.all(sql, digest, kind))


def step_seconds(view: View, model: str, device: str) -> float | None:
    """Measured seconds of a denoising step of this model on this device."""
    value = view.value("SELECT step_seconds FROM timings WHERE model = ? AND device = ?", model, device)
    return None if value is None else float(value)
