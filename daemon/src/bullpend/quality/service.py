"""QualityService: unpack, call, pack."""

from __future__ import annotations

import json
from typing import Any

from bullpen_api.v1 import quality_pb2, quality_pb2_grpc

from bullpend.db import Database, Row
from bullpend.db.database import View
from bullpend.projects import store as projects
from bullpend.quality.model import QualityReport
from bullpend.quality.summary import summarise
from bullpend.quality.wire import pack_kinds, pack_summary
from bullpend.rpc import names
from bullpend.runs import store
from bullpend.runs.wire import pack_candidate

RUN = "projects/*/runs/*"
JOB = f"{RUN}/jobs/*"
CANDIDATE = f"{JOB}/candidates/*"
_MOST_JOBS = 1_000_000


class QualityService(quality_pb2_grpc.QualityServiceServicer):
    """Tells what was found in the pictures of a run."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def GetQualitySummary(  # noqa: N802 -- gRPC's names from here on
        self, request: quality_pb2.GetQualitySummaryRequest, context: Any
    ) -> quality_pb2.QualitySummary:
        """The sum over a run, a job, or one candidate."""
        name = request.name
        pattern = next((one for one in (CANDIDATE, JOB) if len(one.split("/")) == len(name.split("/"))), RUN)
        project, run, *_ = names.parse(name, pattern)

        def read(view: View) -> list[Row]:
            projects.get(view, project)
            if pattern == RUN:
                return store.jobs_page(view, store.get(view, project, run)["id"], 0, _MOST_JOBS)
            if pattern == JOB:
                return [store.job(view, name)]
            row = store.candidate(view, name)
            return [{**store.job(view, name.rsplit("/candidates/", 1)[0]), "candidates": [row]}]

        jobs = await self._database.read(read)
        finished = {job["name"]: [row for row in job["candidates"] if row["quality"]] for job in jobs}
        reports = {
            row["name"]: QualityReport.from_dict(json.loads(row["quality"]))
            for rows in finished.values()
            for row in rows
        }
        return pack_summary(name, summarise(reports), [_pack_job(job, finished[job["name"]]) for job in jobs])

    async def ListFindingKinds(  # noqa: N802
        self, request: quality_pb2.ListFindingKindsRequest, context: Any
    ) -> quality_pb2.ListFindingKindsResponse:
        """The closed list of what can be found."""
        return pack_kinds()


def _pack_job(job: Row, finished: list[Row]) -> quality_pb2.JobQuality:
    ordered = sorted(finished, key=lambda row: (row["rank"] or len(finished) + 1, row["id"]))
    return quality_pb2.JobQuality(
        job=job["name"],
        scene=job["scene"],
        source_path=job["source_path"],
        passed=sum(row["hard_failures"] == 0 for row in finished),
        candidates=[pack_candidate(row) for row in ordered],
        parent_job=job["parent_job"],
        retry_reason=job["retry_reason"],
    )
