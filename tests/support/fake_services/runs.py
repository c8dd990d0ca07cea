# ruff: noqa: N802 - methods are named as the contract names them
"""The fake daemon's runs: planned, started, told of step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from bullpen_api.v1 import (
    asset_pb2,
    event_pb2,
    run_pb2,
    run_pb2_grpc,
)

from tests.support.fake_daemon import Refusal

if TYPE_CHECKING:
    pass
from tests.support.fake_services.base import Service, absent, refuse
from tests.support.fake_services.pictures import Assets

STAGES = ("style", "time")


class Runs(Service, run_pb2_grpc.RunServiceServicer):
    async def ListStages(self, request: Any, context: Any) -> run_pb2.ListStagesResponse:
        listed = [run_pb2.Stage(name=f"stages/{stage}", title=stage.title(), default_candidates=2) for stage in STAGES]
        return run_pb2.ListStagesResponse(stages=listed, safe_batch_limit=20, candidate_cap=6)

    async def GetManifest(self, request: run_pb2.GetManifestRequest, context: Any) -> run_pb2.Manifest:
        """No project has a part of its own."""
        return run_pb2.Manifest(name=request.name)

    async def UpdateManifest(self, request: run_pb2.UpdateManifestRequest, context: Any) -> run_pb2.Manifest:
        """Takes everything and keeps nothing."""
        return request.manifest

    async def PlanRun(self, request: Any, context: Any) -> run_pb2.Plan:
        await self.the(context, self.daemon.projects, "project", request.parent)
        spec = request.spec
        if spec.HasField("scenes") == bool(spec.input_folder):
            both = Refusal(
                "EXACTLY_ONE_OF", message="Give scenes or a folder.", field="spec.scenes", remedy="Name one of them."
            )
            await refuse(context, both)
        scenes = list(spec.scenes.scenes) or [n for n in self.daemon.scenes if n.startswith(request.parent + "/")]
        jobs = [run_pb2.PlannedJob(scene=scene, prompt=f"make it {spec.stage}", seeds=[1, 2]) for scene in scenes]
        plan = run_pb2.Plan(digest="d" * 64, spec=spec, jobs=jobs, candidates=len(jobs) * (spec.candidates or 2))
        plan.models.add(model="models/starter-edit", size_bytes=1_000_000)
        return plan

    async def CreateRun(self, request: Any, context: Any) -> run_pb2.Run:
        plan = await self.PlanRun(run_pb2.PlanRunRequest(parent=request.parent, spec=request.spec), context)
        if request.plan_digest != plan.digest:
            await refuse(context, Refusal("PLAN_STALE", grpc.StatusCode.ABORTED, "Plan again.", "plan_digest"))
        return await self._begin(request.parent, plan)

    async def ReplayRun(self, request: Any, context: Any) -> run_pb2.Run:
        if not request.run_log.startswith("{"):
            await refuse(context, Refusal("RUN_LOG_INVALID", message="That is no run log.", field="run_log"))
        plan = run_pb2.Plan(spec=run_pb2.RunSpec(stage="style"), jobs=[run_pb2.PlannedJob(scene="s")], candidates=1)
        return await self._begin(request.parent or next(iter(self.daemon.projects)), plan)

    async def _begin(self, parent: str, plan: run_pb2.Plan) -> run_pb2.Run:
        name = f"{parent}/runs/r{len(self.daemon.runs) + 1}"
        run = run_pb2.Run(name=name, state=run_pb2.Run.STATE_QUEUED, spec=plan.spec)
        run.figures.jobs, run.figures.candidates = len(plan.jobs), plan.candidates
        self.daemon.runs[name] = run
        each = plan.candidates // max(1, len(plan.jobs))
        for index, planned in enumerate(plan.jobs, 1):
            job = run_pb2.Job(name=f"{name}/jobs/{index}", state=run_pb2.Job.STATE_QUEUED, scene=planned.scene)
            for number in range(1, each + 1):
                job.candidates.add(
                    name=f"{job.name}/candidates/{number}", state=run_pb2.Candidate.STATE_QUEUED, seed=number
                )
            self.daemon.jobs[job.name] = job
        self.daemon.publish("run.created", name, run=run)
        self.daemon.spawn(self._work(run))
        return run

    async def _work(self, run: run_pb2.Run) -> None:
        daemon = self.daemon
        run.state = run_pb2.Run.STATE_RUNNING
        daemon.publish("run.started", run.name, run=run)
        for job in [job for name, job in daemon.jobs.items() if name.startswith(run.name + "/")]:
            job.state = run_pb2.Job.STATE_RUNNING
            daemon.publish("job.started", job.name, job=job)
            for rank, candidate in enumerate(job.candidates, 1):
                step = event_pb2.Progress(candidate=candidate.name, step=1, steps=2, phase="denoising")
                daemon.tell(event_pb2.WatchResponse(progress=step))
                if daemon.gate is not None:
                    await daemon.gate.wait()
                made = Assets(daemon)._store("projects/p", candidate.name.encode(), "", asset_pb2.Asset.KIND_CANDIDATE)
                candidate.state, candidate.asset = run_pb2.Candidate.STATE_SUCCEEDED, made.name
                candidate.rank, candidate.accepted = rank, rank == 1
                run.figures.candidates_done += 1
                daemon.publish("candidate.succeeded", candidate.name, candidate=candidate)
            job.state = run_pb2.Job.STATE_SUCCEEDED
            run.figures.jobs_done += 1
            run.figures.accepted += 1
            daemon.publish("job.succeeded", job.name, job=job)
        self._end(run)

    def _end(self, run: run_pb2.Run) -> None:
        run.figures.qa_pass_rate = 1.0
        run.state = run_pb2.Run.STATE_SUCCEEDED
        self.daemon.publish("run.succeeded", run.name, run=run)
        self._archive(run)

    def _archive(self, run: run_pb2.Run) -> None:
        """Log and sheet come a little after the end, as in the real daemon."""
        folder = self.daemon.home / run.name
        folder.mkdir(parents=True)
        (folder / "run.json").write_text("{}")
        (folder / "contact-sheet.png").write_bytes(b"sheet")
        run.log_path = str(folder / "run.json")
        self.daemon.publish("run.logged", run.name, run=run)

    async def GetRun(self, request: Any, context: Any) -> run_pb2.Run:
        return await self.the(context, self.daemon.runs, "run", request.name)  # type: ignore[no-any-return]

    async def ListRuns(self, request: Any, context: Any) -> run_pb2.ListRunsResponse:
        listed = [run for run in self.daemon.runs.values() if not request.states or run.state in request.states]
        return run_pb2.ListRunsResponse(runs=reversed(listed), revision=self.daemon.revision)

    async def CancelRun(self, request: Any, context: Any) -> run_pb2.Run:
        run = await self.the(context, self.daemon.runs, "run", request.name)
        if run.state in (run_pb2.Run.STATE_QUEUED, run_pb2.Run.STATE_RUNNING):
            run.state = run_pb2.Run.STATE_CANCELED
            self.daemon.publish("run.canceled", run.name, run=run)
            self._archive(run)
        return run  # type: ignore[no-any-return]

    async def RetryRun(self, request: Any, context: Any) -> run_pb2.Run:
        await self.the(context, self.daemon.runs, "run", request.name)
        return await refuse(context, Refusal("STATE_CONFLICT", grpc.StatusCode.ABORTED, "Nothing to retry.", "name"))

    async def RetryJob(self, request: Any, context: Any) -> run_pb2.Job:
        await self.the(context, self.daemon.jobs, "job", request.name)
        return await refuse(context, Refusal("STATE_CONFLICT", grpc.StatusCode.ABORTED, "It succeeded.", "name"))

    async def GetJob(self, request: Any, context: Any) -> run_pb2.Job:
        return await self.the(context, self.daemon.jobs, "job", request.name)  # type: ignore[no-any-return]

    async def ListJobs(self, request: Any, context: Any) -> run_pb2.ListJobsResponse:
        await self.the(context, self.daemon.runs, "run", request.parent)
        mine = [job for name, job in self.daemon.jobs.items() if name.startswith(request.parent + "/")]
        return run_pb2.ListJobsResponse(jobs=mine, revision=self.daemon.revision)

    async def CancelJob(self, request: Any, context: Any) -> run_pb2.Job:
        job = await self.the(context, self.daemon.jobs, "job", request.name)
        job.state = run_pb2.Job.STATE_CANCELED
        return job  # type: ignore[no-any-return]

    async def TuneJob(self, request: Any, context: Any) -> run_pb2.Job:
        return await self.the(context, self.daemon.jobs, "job", request.name)  # type: ignore[no-any-return]

    async def AcceptCandidate(self, request: Any, context: Any) -> run_pb2.Candidate:
        job = await self.the(context, self.daemon.jobs, "job", request.name.rpartition("/candidates/")[0])
        for candidate in job.candidates:
            candidate.accepted = candidate.name == request.name
            if candidate.accepted:
                candidate.accept_reason, candidate.accepted_by_hand = request.reason, True
                return candidate  # type: ignore[no-any-return]
        return await refuse(context, absent("candidate", request.name))
