"""Makes an ended run of a log: of another home, of an earlier version, or of a run that the database lost.

The run is stored as any other and then brought to the states that the log tells, in one transaction. Its own files are
written by the archive, which does so for every ended run that has none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bullpen_api.v1 import event_pb2

from bullpend.assets import verdicts
from bullpend.assets.files import name_of, slug_of
from bullpend.db import Row, Tx
from bullpend.errors import RunLogInvalid
from bullpend.models.model import Model, ModelState
from bullpend.projects import store as projects
from bullpend.rpc.names import SLUG
from bullpend.runs import accepting, logform, store
from bullpend.runs.model import RunRequest
from bullpend.runs.replay import ReplayJob, ReplayRequest, read, request_of
from bullpend.runs.store import NewJob, NewRun
from bullpend.runs.wire import pack_run, write_spec


@dataclass(frozen=True, slots=True)
class Ingested:
    """The run's row, whether it was made now, and hashes of pictures that are not among the project's assets.

    `changed` says that its own files are to be written anew.
    """

    row: Row
    created: bool
    changed: bool
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Log:
    """A log that was read: whole, and as the request to repeat it. `digest` is of its content, not of its text."""

    whole: logform.Whole
    request: ReplayRequest
    digest: str

    @property
    def project(self) -> str:
        """The project that it is of."""
        return self.request.request.project

    @property
    def slug(self) -> str:
        """The id that its run had."""
        return self.request.run.rsplit("/", 1)[-1]


def parse(text: str) -> Log:
    """Reads a whole log. Raises RunLogInvalid naming the path of the first field at fault."""
    whole = read(text, logform.Whole)
    request = request_of(whole)
    for field, value in (("request.project", request.request.project), ("request.stage", request.request.stage)):
        if not SLUG.fullmatch(value.removeprefix("stages/")):
            raise RunLogInvalid(f"{value[:80]!r} is not an id.", field=field, remedy="Give the run.json of a run.")
    content = json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    return Log(whole, request, hashlib.sha256(content.encode(errors="replace")).hexdigest())


def ingest(tx: Tx, log: Log, project: str, *, takes_place: bool = False) -> Ingested:
    """Stores the run of a log, or finds the one that it made before. With `takes_place` what the log accepted takes the
    place of what its scene has. Raises ProjectNotFound.
    """
    projects.get(tx, project, "parent")
    there = _pictures(tx, log, project)
    missing = tuple(sorted(sha256 for sha256, asset in there.items() if not asset))
    run_id = _known(tx, log, project)
    created = run_id is None
    if run_id is None:
        new = replace(_new_run(tx, log, project, there), forks=takes_place)
        run_id = int(store.create(tx, new)["id"])
        tx.insert("ingested", {"project": project, "digest": log.digest, "run_id": run_id})
        _bring_about(tx, run_id, log)
    changed = _take_pictures(tx, run_id, log, there, takes_place) or created
    if changed:
        payload = event_pb2.Event(run=pack_run(store.by_id(tx, run_id)))
        tx.emit(project, store.run_name(store.by_id(tx, run_id)), "run.ingested", payload.SerializeToString())
    return Ingested(store.by_id(tx, run_id), created, changed, missing)


def _pictures(tx: Tx, log: Log, project: str) -> dict[str, str]:
    """Every picture of the log by its hash, with the project's asset, if it has it."""
    hashes = {job.source.sha256 for job in log.whole.jobs}
    hashes |= {candidate.sha256 for job in log.whole.jobs for candidate in job.candidates if candidate.sha256}
    sql = "SELECT 1 FROM assets WHERE project = ? AND slug = ? AND sha256 = ?"
    return {
        sha256: name_of(project, sha256) if tx.value(sql, project, slug_of(sha256), sha256) else "" for sha256 in hashes
    }


def _known(tx: Tx, log: Log, project: str) -> int | None:
    """The run that this log made before, or that wrote it."""
    run_id = tx.value("SELECT run_id FROM ingested WHERE project = ? AND digest = ?", project, log.digest)
    if run_id is None and log.project == project:
        sql = "SELECT id FROM runs WHERE project = ? AND slug = ? AND create_time = ? AND seed = ?"
        run_id = tx.value(sql, project, log.slug, log.whole.times.create, log.whole.plan.seed)
    return None if run_id is None else int(run_id)


def _new_run(tx: Tx, log: Log, project: str, there: Mapping[str, str]) -> NewRun:
    request, own = log.request, log.project == project
    taken = tx.value("SELECT 1 FROM runs WHERE project = ? AND slug = ?", project, log.slug)
    return NewRun(
        project=project,
        stage=request.request.stage.removeprefix("stages/"),
        spec=write_spec(_in(project, request.request)).SerializeToString(),
        plan_digest="",
        plan={"log_of": request.run, "log_digest": log.digest},
        model=Model(request.model, "", ModelState.READY, request.model_family, "", "", 0, digest=request.model_digest),
        sampling=request.sampling,
        seed=request.seed,
        acceptance=request.request.acceptance.value,
        priority=request.request.priority,
        jobs=tuple(_new_job(tx, job, project, there) for job in request.jobs),
        parent_run=log.whole.parent_run if own else "",
        loras=request.loras,
        method=request.method,
        forks=False,
        slug=log.slug if own and not taken and SLUG.fullmatch(log.slug) else "",
    )


def _here(project: str, name: str) -> str:
    """The name that a resource of the log's project has in this one."""
    parts = name.split("/")
    return "/".join(["projects", project, *parts[2:]]) if parts[0] == "projects" and len(parts) > 2 else name


def _in(project: str, request: RunRequest) -> RunRequest:
    """The request, as if it had been made in this project."""
    return replace(
        request,
        project=project,
        scenes=None if request.scenes is None else tuple(_here(project, name) for name in request.scenes),
        style_guide=_here(project, request.style_guide),
        prompt_template=_here(project, request.prompt_template),
    )


def _new_job(tx: Tx, job: ReplayJob, project: str, there: Mapping[str, str]) -> NewJob:
    slug = job.scene.rsplit("/", 1)[-1]
    known = slug and tx.value("SELECT 1 FROM scenes WHERE project = ? AND slug = ?", project, slug)
    return NewJob(
        key=job.key,
        scene=_here(project, job.scene) if known else "",
        source_asset=there[job.source_sha256],
        # A scene that this project has not is at least called by its id.
        source_path=job.source_path or ("" if known else slug),
        source_sha256=job.source_sha256,
        prompt=job.prompt,
        negative_prompt=job.negative_prompt,
        seeds=tuple(candidate.seed for candidate in job.candidates),
        changes=tuple(candidate.changes for candidate in job.candidates),
        loras=job.loras,
        uses=job.uses,
        inputs=job.inputs.renamed(lambda given: _here(project, given.asset)),
        retry_reason=job.retry_reason,
        sampling=job.sampling,
        repeats=tuple(candidate.repeats for candidate in job.candidates),
    )


def _set(tx: Tx, table: str, row_id: int, values: Mapping[str, Any]) -> None:
    columns = ", ".join(f"{name} = ?" for name in values)
    tx.run(f"UPDATE {table} SET {columns} WHERE id = ?", *values.values(), row_id)


def _failure(failure: logform.Failure | None) -> str:
    return json.dumps(failure.model_dump()) if failure else ""


def _bring_about(tx: Tx, run_id: int, log: Log) -> None:
    """Writes what came of the run, its jobs and its candidates."""
    whole = log.whole
    rows = store.jobs_page(tx, run_id, 0, 1_000_000)
    for row, job in zip(rows, whole.jobs, strict=True):
        ends = {"start_time": job.times.start, "end_time": job.times.end, "create_time": job.times.create}
        values = {"state": job.state, "attempt": job.attempt, "device": job.device, "error": _failure(job.error)}
        _set(tx, "jobs", row["id"], {**values, **ends})
        candidates = sorted(job.candidates, key=lambda item: item.index)
        for line, candidate in zip(row["candidates"], candidates, strict=True):
            _set(tx, "candidates", line["id"], _candidate(candidate))
    made = [candidate for job in whole.jobs for candidate in job.candidates]
    states = [job.state for job in whole.jobs]
    measured = [candidate.quality for candidate in made if candidate.quality]
    _set(
        tx,
        "runs",
        run_id,
        {
            "state": whole.state,
            "create_time": whole.times.create,
            "start_time": whole.times.start,
            # An ended run without a time would be taken for one that runs.
            "end_time": whole.times.end if whole.times.end is not None else whole.times.create,
            "error": _failure(whole.error),
            "jobs_done": states.count("SUCCEEDED"),
            "jobs_canceled": states.count("CANCELED"),
            "jobs_failed": states.count("FAILED") + states.count("HELD"),
            "candidates_done": sum(candidate.state == "SUCCEEDED" for candidate in made),
            "qa_measured": len(measured),
            "qa_passed": sum(quality.hard_failures == 0 for quality in measured),
            "accepted": sum(candidate.accepted for candidate in made),
            "device_seconds": sum(candidate.device_seconds for candidate in made),
        },
    )


def _candidate(candidate: logform.WholeCandidate) -> dict[str, Any]:
    quality = candidate.quality
    return {
        "state": candidate.state,
        "sha256": candidate.sha256,
        "hard_failures": quality.hard_failures if quality else None,
        "quality": json.dumps(quality.model_dump()) if quality else "",
        "rank": candidate.rank,
        "rank_reason": candidate.rank_reason,
        "accepted": int(candidate.accepted),
        "accept_reason": candidate.accept_reason,
        "by_hand": int(candidate.accepted_by_hand),
        "device_seconds": candidate.device_seconds,
        "recipe": json.dumps(candidate.recipe, sort_keys=True, ensure_ascii=False) if candidate.recipe else "",
        "end_time": candidate.end_time,
    }


def _take_pictures(tx: Tx, run_id: int, log: Log, there: Mapping[str, str], takes_place: bool) -> bool:
    """Gives jobs and candidates the pictures that they lack and that are there now, and scenes what was accepted."""
    changed = False
    run = store.by_id(tx, run_id)
    rows = store.jobs_page(tx, run_id, 0, 1_000_000)
    for row, job in zip(rows, log.whole.jobs, strict=True):
        if not row["source_asset"] and there[job.source.sha256]:
            _set(tx, "jobs", row["id"], {"source_asset": there[job.source.sha256]})
            changed = True
        for line, candidate in zip(row["candidates"], sorted(job.candidates, key=lambda item: item.index), strict=True):
            asset = there.get(candidate.sha256, "")
            if line["asset"] or not asset:
                continue
            changed = True
            _set(tx, "candidates", line["id"], {"asset": asset})
            if line["accepted"] and row["scene"] and takes_place:
                accepting.accept(tx, run, row, line["name"], line["accept_reason"], bool(line["by_hand"]))
            elif line["accepted"] and row["scene"]:
                accepting.accept_for_scene(tx, run, row["scene"], {**line, "asset": asset})
        if any(line["accepted"] for line in row["candidates"]):
            verdicts.judge(tx, run, row)
    return changed
