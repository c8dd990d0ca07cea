"""What is left of an ended run for people: its JSON log and its contact sheet, side by side in the run's folder."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import structlog
from bullpen_api.v1 import run_pb2
from bullpen_api.worker.v1 import link_pb2

from bullpend import failpoints
from bullpend.assets import store as assets
from bullpend.assets.files import Files
from bullpend.db import Database, Row, Tx
from bullpend.db.database import View, mapped_disk_errors
from bullpend.errors import BullpenError, DiskFull, ShuttingDown
from bullpend.quality.model import QualityReport
from bullpend.runs import cast, loras, method, runlog, store
from bullpend.runs.model import (
    AppliedChange,
    Candidate,
    CandidateState,
    Failure,
    Job,
    JobState,
    Run,
    RunState,
)
from bullpend.runs.saying import emit_run
from bullpend.runs.wire import read_spec, sampling_of

RunTask = Callable[[link_pb2.Task], Awaitable[link_pb2.TaskDone]]
log = structlog.get_logger("dispatch")

LOG = "run.json"
SHEET = "contact-sheet.png"


class Archive:
    """Writes logs and contact sheets; what a crash left out is made up for at the next start."""

    def __init__(self, database: Database, files: Files, run_task: RunTask) -> None:
        self._database = database
        self._files = files
        self._run_task = run_task

    async def write(self, run_id: int) -> Path:
        """Writes both files of an ended run, then records the log's path; returns it."""
        run, jobs, sources, plan = await self._database.read(lambda view: read_run(view, run_id))
        folder = self._files.run(run["project"], run["slug"])
        path = folder / LOG
        # A long log takes a while to write out as JSON; clients are not to wait for it.
        await asyncio.to_thread(lambda: write_durably(path, log_text(run, jobs, sources, plan).encode()))
        failpoints.reach("log.written")
        try:
            await self._run_task(link_pb2.Task(contact_sheet=self._sheet(run, jobs, sources, folder / SHEET)))
        except (DiskFull, ShuttingDown):
            raise
        except BullpenError as error:
            # The log is what counts; a sheet can be made again from it.
            log.warning("run.sheet_failed", run=run["slug"], reason=error.reason, message=error.message)

        def record(tx: Tx) -> None:
            tx.run("UPDATE runs SET log_path = ? WHERE id = ?", str(path), run_id)
            emit_run(tx, run_id, "run.logged")

        await self._database.write(record)
        return path

    def _sheet(self, run: Row, jobs: list[Row], pictures: Mapping[str, Row], out: Path) -> link_pb2.ContactSheet:
        def path(asset: str) -> str:
            row = pictures[asset]
            return str(self._files.content(row["project"], row["sha256"], row["mime_type"]))

        sheet = link_pb2.ContactSheet(out_path=str(out), title=f"{run['project']} · {run['slug']}")
        for job in jobs:
            row = sheet.rows.add(label=(job["scene"].rsplit("/", 1)[-1] or job["source_path"]))
            if job["source_asset"]:
                row.cells.add(path=path(job["source_asset"]), label="source")
            for number, candidate in enumerate(job["candidates"], 1):
                if candidate["asset"]:
                    label = f"c{number}" + (f" · rank {candidate['rank']}" if candidate["rank"] else "")
                    row.cells.add(path=path(candidate["asset"]), label=label, accepted=bool(candidate["accepted"]))
        return sheet


def read_run(view: View, run_id: int) -> tuple[Row, list[Row], Mapping[str, Row], dict[str, Any]]:
    """A run, its jobs, their pictures by name, and its plan: all that a log tells of."""
    run = store.by_id(view, run_id)
    jobs = store.jobs_page(view, run_id, 0, 1_000_000)
    # A run that was made of a log may lack pictures.
    names = {job["source_asset"] for job in jobs if job["source_asset"]}
    names |= {candidate["asset"] for job in jobs for candidate in job["candidates"] if candidate["asset"]}
    pictures = {name: assets.by_name(view, name) for name in names}
    return run, jobs, pictures, store.plan_of(view, run_id)


def log_text(run: Row, jobs: list[Row], sources: Mapping[str, Row], plan: dict[str, Any]) -> str:
    """The log of a run, from what `read_run` gives."""
    models = [job_model(job, sources) for job in jobs]
    return runlog.render(run_model(run), models, plan=plan, versions=_versions(jobs))


def write_durably(path: Path, data: bytes) -> None:
    """Temporary file, fsync, rename, fsync of the folder. Raises DiskFull; nothing half written stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.tmp")
    with mapped_disk_errors():
        try:
            with scratch.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            failpoints.reach("log.drafted")
            scratch.replace(path)
        except OSError:
            scratch.unlink(missing_ok=True)
            raise
        if os.name == "posix":
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def _versions(jobs: list[Row]) -> dict[str, str]:
    for job in jobs:
        for candidate in job["candidates"]:
            if candidate["recipe"]:
                return dict(json.loads(candidate["recipe"]).get("versions", {}))
    return {}


def _failure(text: str) -> Failure | None:
    return Failure(**json.loads(text)) if text else None


def _changes(text: str) -> tuple[AppliedChange, ...]:
    return tuple(AppliedChange(**change) for change in json.loads(text))


def run_model(row: Row) -> Run:
    """A run's row as the log takes it."""
    return Run(
        name=store.run_name(row),
        request=read_spec(row["project"], run_pb2.RunSpec.FromString(row["spec"])),
        plan_digest=row["plan_digest"],
        model=row["model"],
        model_digest=row["model_digest"],
        model_family=row["model_family"],
        loras=loras.from_json(row["loras"]),
        method=method.method_from_json(row["method"]).to_dict(),
        sampling=sampling_of(row),
        seed=row["seed"],
        state=RunState(row["state"]),
        log_path=row["log_path"],
        parent_run=row["parent_run"],
        error=_failure(row["error"]),
        create_time=row["create_time"],
        start_time=row["start_time"],
        end_time=row["end_time"],
        revision=row["revision"],
    )


def job_model(row: Row, assets_by_name: Mapping[str, Row]) -> Job:
    """A job's row with its candidates as the log takes it; their assets' rows by name."""
    return Job(
        name=row["name"],
        key=row["source_key"],
        prompt=row["prompt"],
        negative_prompt=row["negative_prompt"],
        source_sha256=row["source_sha256"],
        scene=row["scene"],
        source_asset=row["source_asset"],
        source_path=row["source_path"],
        loras=loras.from_json(row["loras"]),
        uses=tuple(use.to_dict() for use in cast.from_json(row["uses"])),
        inputs=method.inputs_from_json(row["inputs"]).to_dict(),
        parent_job=row["parent_job"],
        retry_reason=row["retry_reason"],
        sampling=json.loads(row["sampling"] or "{}"),
        state=JobState(row["state"]),
        attempt=row["attempt"],
        device=row["device"],
        candidates=tuple(
            candidate_model(index, item, assets_by_name.get(item["asset"]))
            for index, item in enumerate(row["candidates"], 1)
        ),
        error=_failure(row["error"]),
        create_time=row["create_time"],
        start_time=row["start_time"],
        end_time=row["end_time"],
        revision=row["revision"],
    )


def candidate_model(index: int, row: Row, asset: Row | None) -> Candidate:
    """A candidate's row, and its asset's, as the log takes it. `index` is counted from 1."""
    recipe: dict[str, Any] | None = json.loads(row["recipe"]) if row["recipe"] else None
    return Candidate(
        name=row["name"],
        index=index,
        seed=row["seed"],
        state=CandidateState(row["state"]),
        asset=row["asset"],
        sha256=asset["sha256"] if asset else row["sha256"],
        quality=QualityReport.from_dict(json.loads(row["quality"])) if row["quality"] else None,
        rank=row["rank"],
        rank_reason=row["rank_reason"],
        accepted=bool(row["accepted"]),
        accept_reason=row["accept_reason"],
        accepted_by_hand=bool(row["by_hand"]),
        device_seconds=row["device_seconds"],
        changes=_changes(row["changes"]),
        recipe=recipe,
        end_time=row["end_time"],
        revision=row["revision"],
    )
