"""RunService: unpack, call, pack."""

from __future__ import annotations

from typing import Any

from bullpen_api.v1 import run_pb2, run_pb2_grpc

from bullpend.db import Database, Row, Tx
from bullpend.db.database import View
from bullpend.dispatch.dispatcher import Dispatcher
from bullpend.dispatch.tuning import Change
from bullpend.errors import FieldInvalid
from bullpend.projects import store as projects
from bullpend.projects.service import emit
from bullpend.rpc import names, paging
from bullpend.runs import accepting, manifest_wire, rules, store, wire
from bullpend.runs.making import Making
from bullpend.runs.manifests import Known, Manifests
from bullpend.runs.planning import Planning
from bullpend.runs.remaking import Remaking

JOB = "projects/*/runs/*/jobs/*"
CANDIDATE = f"{JOB}/candidates/*"
CANCEL_SECONDS = 10.0
# After a project's name, that of its manifest.
MANIFEST = "/manifest"


class RunService(run_pb2_grpc.RunServiceServicer):
    """Plans, starts, follows and reviews runs."""

    def __init__(
        self,
        database: Database,
        planning: Planning,
        making: Making,
        dispatcher: Dispatcher,
        manifests: Manifests,
    ) -> None:
        self._database = database
        self._planning = planning
        self._making = making
        self._remaking = Remaking(database, planning, making)
        self._dispatcher = dispatcher
        self._manifests = manifests

    async def ListStages(self, request: run_pb2.ListStagesRequest, context: Any) -> run_pb2.ListStagesResponse:  # noqa: N802 -- gRPC's names from here on
        """The stages of a project, or of the installation."""
        project = await self._project(request.parent, "parent") if request.parent else ""
        known = self._manifests.known(project)
        return manifest_wire.pack_stages(known.whole, known.own)

    async def GetManifest(self, request: run_pb2.GetManifestRequest, context: Any) -> run_pb2.Manifest:  # noqa: N802
        """A project's manifest."""
        project = await self._project(request.name.removesuffix(MANIFEST), "name", request.name)
        return self._manifest(project, self._manifests.known(project))

    async def UpdateManifest(self, request: run_pb2.UpdateManifestRequest, context: Any) -> run_pb2.Manifest:  # noqa: N802
        """Replaces a project's own part."""
        given = request.manifest
        project = await self._project(given.name.removesuffix(MANIFEST), "manifest.name", given.name)
        own = manifest_wire.read_own(given.own)
        if request.validate_only:
            whole = self._manifests.checked(own, str(self._manifests.path(project)))
            return self._manifest(project, Known((0, 0, 0), own, whole, given.etag))

        def write(tx: Tx) -> Known:
            row = projects.get(tx, project, "manifest.name")
            written = self._manifests.write(project, own, given.etag)
            emit(tx, row, "manifest_updated")
            return written

        return self._manifest(project, await self._database.write(write))

    def _manifest(self, project: str, known: Known) -> run_pb2.Manifest:
        return manifest_wire.pack_manifest(project, known, str(self._manifests.path(project)))

    async def _project(self, name: str, field: str, whole: str = "") -> str:
        """The slug of a project that exists; `whole` is the name that it is a part of."""
        if whole and not whole.endswith(MANIFEST):
            raise FieldInvalid(
                f"{whole!r} is not the name of a manifest.", field=field, remedy="Give projects/{project}/manifest."
            )
        (project,) = names.parse(name, "projects/*", field)
        await self._database.read(lambda view: projects.get(view, project, field))
        return project

    async def PlanRun(self, request: run_pb2.PlanRunRequest, context: Any) -> run_pb2.Plan:  # noqa: N802
        """What a run would do."""
        (project,) = names.parse(request.parent, "projects/*", "parent")
        paging.page(request.page_size, "", "", (int,))
        draft = await self._planning.draft(project, request.spec)
        # The token holds the digest: pages of two plans are never mixed.
        page = paging.page(request.page_size, request.page_token, f"plan/{draft.digest}", (int,))
        jobs, token = draft.jobs, ""
        if request.page_size or request.page_token:
            start = int(page.after[0]) if page.after else 0
            rest = draft.jobs[start : start + page.limit + 1]
            shown, token = page.cut(rest, [(start + number,) for number in range(1, len(rest) + 1)])
            jobs = tuple(shown)
        until = await self._making.offer(project, draft)
        return wire.pack_plan(draft, request.spec, until, jobs, token)

    async def CreateRun(self, request: run_pb2.CreateRunRequest, context: Any) -> run_pb2.Run:  # noqa: N802
        """Starts a run."""
        (project,) = names.parse(request.parent, "projects/*", "parent")
        return wire.pack_run(await self._making.from_plan(project, request))

    async def ReplayRun(self, request: run_pb2.ReplayRunRequest, context: Any) -> run_pb2.Run:  # noqa: N802
        """Repeats a run log."""
        project = names.parse(request.parent, "projects/*", "parent")[0] if request.parent else ""
        return wire.pack_run(await self._making.from_log(request, project))

    async def GetRun(self, request: run_pb2.GetRunRequest, context: Any) -> run_pb2.Run:  # noqa: N802
        """One run."""
        return await self._run(request.name)

    async def ListRuns(self, request: run_pb2.ListRunsRequest, context: Any) -> run_pb2.ListRunsResponse:  # noqa: N802
        """Runs, newest first."""
        project = "-" if request.parent == "projects/-" else names.parse(request.parent, "projects/*", "parent")[0]
        states = [names.choice(run_pb2.Run.State.DESCRIPTOR, state, "states") for state in request.states]
        page = paging.page(request.page_size, request.page_token, f"{project}/runs/{','.join(states)}", (int,))

        def read(view: View) -> tuple[list[Row], int]:
            if project != "-":
                projects.get(view, project, "parent")
            before = int(page.after[0]) if page.after else None
            return store.page(view, project, states, before, page.limit + 1), view.revision()

        rows, revision = await self._database.read(read)
        shown, token = page.cut(rows, [(row["id"],) for row in rows])
        runs = [wire.pack_run(row) for row in shown]
        return run_pb2.ListRunsResponse(runs=runs, next_page_token=token, revision=revision)

    async def CancelRun(self, request: run_pb2.CancelRunRequest, context: Any) -> run_pb2.Run:  # noqa: N802
        """Stops what is unfinished; answers when that is durable."""
        project, slug = names.parse(request.name, "projects/*/runs/*")

        def read(view: View) -> list[str]:
            projects.get(view, project)
            return store.open_jobs_of(view, store.get(view, project, slug)["id"])

        await self._dispatcher.cancel(await self._database.read(read), CANCEL_SECONDS)
        return await self._run(request.name)

    async def RetryRun(self, request: run_pb2.RetryRunRequest, context: Any) -> run_pb2.Run:  # noqa: N802
        """A new run from what did not succeed."""
        project, slug = names.parse(request.name, "projects/*/runs/*")
        return wire.pack_run(await self._remaking.run(project, slug, request))

    async def RetryJob(self, request: run_pb2.RetryJobRequest, context: Any) -> run_pb2.Job:  # noqa: N802
        """A new run of one job that did not succeed."""
        return wire.pack_job(await self._remaking.job(request), self._dispatcher.position)

    async def GetJob(self, request: run_pb2.GetJobRequest, context: Any) -> run_pb2.Job:  # noqa: N802
        """One job, with the recipes of its pictures."""
        return await self._job(request.name, recipes=True)

    async def ListJobs(self, request: run_pb2.ListJobsRequest, context: Any) -> run_pb2.ListJobsResponse:  # noqa: N802
        """A run's jobs in their order."""
        project, slug = names.parse(request.parent, "projects/*/runs/*", "parent")
        page = paging.page(request.page_size, request.page_token, request.parent, (int,))

        def read(view: View) -> tuple[list[Row], int]:
            projects.get(view, project, "parent")
            run = store.get(view, project, slug, "parent")
            after = int(page.after[0]) if page.after else 0
            return store.jobs_page(view, run["id"], after, page.limit + 1), view.revision()

        rows, revision = await self._database.read(read)
        shown, token = page.cut(rows, [(row["id"],) for row in rows])
        jobs = [wire.pack_job(row, self._dispatcher.position) for row in shown]
        return run_pb2.ListJobsResponse(jobs=jobs, next_page_token=token, revision=revision)

    async def CancelJob(self, request: run_pb2.CancelJobRequest, context: Any) -> run_pb2.Job:  # noqa: N802
        """Stops one job; answers when that is durable."""
        await self._job(request.name)
        await self._dispatcher.cancel([request.name], CANCEL_SECONDS)
        return await self._job(request.name)

    async def TuneJob(self, request: run_pb2.TuneJobRequest, context: Any) -> run_pb2.Job:  # noqa: N802
        """Changes parameters of a running job."""
        job = await self._job(request.name)
        guidance = request.guidance_scale if request.HasField("guidance_scale") else None
        image_guidance = request.image_guidance_scale if request.HasField("image_guidance_scale") else None
        rules.check_tuning(guidance, image_guidance)
        self._dispatcher.tune(request.name, Change(guidance, image_guidance))
        return job

    async def AcceptCandidate(self, request: run_pb2.AcceptCandidateRequest, context: Any) -> run_pb2.Candidate:  # noqa: N802
        """A person takes a candidate."""
        project, *_ = names.parse(request.name, CANDIDATE)
        reason = names.text(request.reason, "reason", 2000)
        await self._database.read(lambda view: projects.get(view, project))
        row, ended_run = await self._database.write(lambda tx: accepting.accept_by_hand(tx, request.name, reason))
        if ended_run is not None:
            self._dispatcher.archive(ended_run)
        return wire.pack_candidate(row)

    async def _run(self, name: str) -> run_pb2.Run:
        project, slug = names.parse(name, "projects/*/runs/*")

        def read(view: View) -> run_pb2.Run:
            projects.get(view, project)
            row = store.get(view, project, slug)
            return wire.pack_run(row, store.step_seconds(view, row["model"], ""))

        return await self._database.read(read)

    async def _job(self, name: str, recipes: bool = False) -> run_pb2.Job:
        project, *_ = names.parse(name, JOB)

        def read(view: View) -> Row:
            projects.get(view, project)
            return store.job(view, name)

        return wire.pack_job(await self._database.read(read), self._dispatcher.position, recipes)
