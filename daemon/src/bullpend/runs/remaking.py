"""Runs of jobs that were there before: those of an ended run that did not succeed or are flagged, or one single job.

Each new job names the one that it makes again, and its run names that one's run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bullpen_api.v1 import run_pb2
from google.protobuf.message import Message

from bullpend.db import Database, Row
from bullpend.db.database import View
from bullpend.errors import StateConflict
from bullpend.projects import store as projects
from bullpend.quality.model import FindingKind
from bullpend.quality.retry import Change, moved, named, words
from bullpend.rpc import names
from bullpend.runs import cast, loras, method, retrying, store
from bullpend.runs.making import Making
from bullpend.runs.method import Method
from bullpend.runs.model import AppliedChange, Lora
from bullpend.runs.planning import Planning
from bullpend.runs.rules import candidate_seed
from bullpend.runs.store import NewJob, NewRun
from bullpend.runs.wire import read_change, read_kind, sampling_of

ENDED = ("SUCCEEDED", "PARTIAL", "FAILED", "CANCELED")
# States of a job that ended without its picture.
UNMADE = ("FAILED", "HELD", "CANCELED")
MOST_REASON = 300


class Remaking:
    """Makes runs again, whole or in part."""

    def __init__(self, database: Database, planning: Planning, making: Making) -> None:
        self._database = database
        self._planning = planning
        self._making = making

    async def run(self, project: str, slug: str, request: run_pb2.RetryRunRequest) -> Row:
        """A run from an ended run's failed, held and canceled jobs, or its flagged ones. Raises StateConflict."""
        if known := await self._making.known(request.request_id):
            return await self._making.store(project, request, known)

        def read(view: View) -> tuple[Row, list[Row]]:
            projects.get(view, project)
            row = store.get(view, project, slug)
            return row, store.jobs_page(view, row["id"], 0, 1_000_000)

        row, rows = await self._database.read(read)
        if row["state"] not in ENDED:
            raise StateConflict(
                f"{request.name} has not ended.",
                field="name",
                remedy="Cancel it, or wait for it; a single job can be retried meanwhile.",
            )
        kinds = [read_kind(kind, f"findings[{index}]") for index, kind in enumerate(request.findings)]
        if kinds:
            return await self._store(project, request, row, await self._flagged(request, row, rows, kinds))
        again = [job for job in rows if job["state"] in UNMADE]
        if not again:
            raise StateConflict(f"Every job of {request.name} succeeded.", field="name", remedy="Start a new run.")
        return await self._store(project, request, row, [await self._same(job) for job in again])

    async def job(self, request: run_pb2.RetryJobRequest) -> Row:
        """A job that makes one again which did not succeed, in a run of its own. Raises StateConflict."""
        project, slug, _ = names.parse(request.name, "projects/*/runs/*/jobs/*")
        if known := await self._making.known(request.request_id):
            row = await self._making.store(project, request, known)
        else:

            def read(view: View) -> tuple[Row, Row]:
                projects.get(view, project)
                _check_unmade(view, request.name)
                return store.get(view, project, slug), store.job(view, request.name)

            def check(view: View) -> None:
                _check_unmade(view, request.name)

            run, job = await self._database.read(read)
            # Once more where it is written: two may ask at once.
            row = await self._store(project, request, run, [await self._same(job)], check)
        jobs = await self._database.read(lambda view: store.jobs_page(view, row["id"], 0, 1))
        return jobs[0]

    async def _same(self, job: Row) -> NewJob:
        """A job once more as it was, with the same seeds."""
        return NewJob(
            **await self._kept(job),
            seeds=tuple(candidate["seed"] for candidate in job["candidates"]),
            changes=tuple(
                tuple(AppliedChange(**change) for change in json.loads(candidate["changes"]))
                for candidate in job["candidates"]
            ),
            retry_reason=_reason(job),
            sampling=json.loads(job["sampling"] or "{}"),
        )

    async def _flagged(
        self, request: run_pb2.RetryRunRequest, row: Row, rows: Sequence[Row], kinds: Sequence[FindingKind]
    ) -> list[NewJob]:
        """Jobs for the pictures in whose best candidate something was found, with other seeds."""
        change = read_change(request.change, "change")
        replaced = {job["parent_job"] for job in rows}
        jobs = []
        for job in rows:
            report = retrying.best(job)
            findings = named(report, kinds) if report and job["name"] not in replaced else ()
            if not findings:
                continue
            before = retrying.parameters(row, job)
            changed: Mapping[str, float] = moved(before, findings) if change is Change.STRENGTH else {}
            jobs.append(
                NewJob(
                    **await self._kept(job),
                    seeds=tuple(
                        candidate_seed(row["seed"], f"{job['source_key']}:{job['name']}", index)
                        for index in range(1, len(job["candidates"]) + 1)
                    ),
                    retry_reason=words(findings, before, changed),
                    sampling={**json.loads(job["sampling"] or "{}"), **changed},
                )
            )
        if not jobs:
            raise StateConflict(
                f"None of these was found in the best pictures of {request.name}.",
                field="findings",
                remedy="See `bullpen runs qa` for what was found.",
            )
        return jobs

    async def _kept(self, job: Row) -> dict[str, Any]:
        """What every job that makes another one again has of it."""
        return {
            **{name: job[name] for name in ("scene", "source_asset", "source_path", "source_sha256")},
            "key": job["source_key"],
            "prompt": job["prompt"],
            "negative_prompt": job["negative_prompt"],
            "loras": await self._as_now(job["loras"]),
            "uses": cast.from_json(job["uses"]),
            "inputs": method.inputs_from_json(job["inputs"]),
            "parent_job": job["name"],
        }

    async def _store(
        self,
        project: str,
        request: Message,
        row: Row,
        jobs: Sequence[NewJob],
        check: Callable[[View], None] = lambda view: None,
    ) -> Row:
        """Stores a run of some jobs of another one."""
        sampling = sampling_of(row)
        parent = store.run_name(row)
        new = NewRun(
            project=project,
            stage=row["stage"],
            spec=row["spec"],
            plan_digest=row["plan_digest"],
            plan={"retry_of": parent},
            model=await self._making.free(await self._planning.model(row["model"]), sampling, "A retry"),
            sampling=sampling,
            seed=row["seed"],
            acceptance=row["acceptance"],
            priority=row["priority"],
            jobs=tuple(jobs),
            parent_run=parent,
            loras=await self._as_now(row["loras"]),
            method=await self._method_as_now(row["method"]),
        )
        return await self._making.store(project, request, new, check=check)

    async def _as_now(self, text: str) -> tuple[Lora, ...]:
        """Stored LoRAs with the digests that they have now."""
        known = loras.from_json(text)
        return tuple([Lora(lora.name, (await self._planning.model(lora.name)).digest, lora.scale) for lora in known])

    async def _method_as_now(self, text: str) -> Method:
        """A stored method with the digests that its companions have now."""
        known = method.method_from_json(text)
        now = [replace(one, digest=(await self._planning.model(one.name)).digest) for one in known.companions]
        return replace(known, companions=tuple(now))


def _check_unmade(view: View, name: str) -> None:
    """Raises StateConflict where a job cannot be made again, and ResourceNotFound."""
    state = store.job(view, name)["state"]
    if state not in UNMADE:
        ended = state == "SUCCEEDED"
        raise StateConflict(
            f"{name} has succeeded." if ended else f"{name} has not ended; it is {state.lower()}.",
            field="name",
            remedy="Start a new run of its scene for other pictures." if ended else "Cancel it, or wait for it.",
            state=state,
        )
    states = "('QUEUED', 'RUNNING', 'SUCCEEDED')"
    sql = f"SELECT name FROM jobs WHERE parent_job = ? AND parent_job != '' AND state IN {states}"
    successor = view.value(sql, name)
    if successor is not None:
        raise StateConflict(
            f"{successor} makes {name} again already.", field="name", remedy="Follow that job.", job=successor
        )


def _reason(job: Row) -> str:
    """Why a job that did not succeed is made again, in words."""
    what = "It failed" if job["state"] == "FAILED" else f"It was {job['state'].lower()}"
    said = json.loads(job["error"])["message"] if job["error"] else ""
    return f"{what}: {said}"[:MOST_REASON] if said else f"{what}."
