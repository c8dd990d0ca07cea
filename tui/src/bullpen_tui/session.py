# ruff: noqa: D102 - the port documents every call
"""The only place of the studio that calls the daemon: the port over the client library, call by call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from bullpen_api.v1 import (
    asset_pb2,
    bible_pb2,
    model_pb2,
    postprocess_pb2,
    project_pb2,
    quality_pb2,
    run_pb2,
    system_pb2,
)
from bullpen_client.connect import Session
from bullpen_client.patience import Notice
from bullpen_client.watch import watch
from google.protobuf import duration_pb2

from bullpen_tui.exports.session import ExportCalls
from bullpen_tui.machine.session import MachineCalls
from bullpen_tui.port import Daemon, Dial, WatchItem
from bullpen_tui.session_desk import DeskCalls
from bullpen_tui.session_lab import LabCalls
from bullpen_tui.session_log import LogCalls

PAGE = 200
"""Runs or assets asked for at once; more are asked for when a person gets near the end."""


class Dialled(DeskCalls, ExportCalls, LabCalls, LogCalls, MachineCalls):
    """`Daemon` over the client library."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def info(self) -> system_pb2.Info:
        return await self._session.system.GetInfo(system_pb2.GetInfoRequest())

    async def projects(self) -> project_pb2.ListProjectsResponse:
        whole = project_pb2.ListProjectsResponse()
        token = ""
        while True:
            request = project_pb2.ListProjectsRequest(page_size=500, page_token=token)
            page = await self._session.projects.ListProjects(request)
            whole.projects.extend(page.projects)
            whole.revision = whole.revision or page.revision
            if not (token := page.next_page_token):
                return whole

    async def project(self, name: str) -> project_pb2.Project:
        return await self._session.projects.GetProject(project_pb2.GetProjectRequest(name=name))

    async def create_project(self, slug: str, title: str, story: str, request_id: str) -> project_pb2.Project:
        project = project_pb2.Project(title=title, story=story, storage=project_pb2.Project.STORAGE_LOCAL)
        request = project_pb2.CreateProjectRequest(project_id=slug, project=project, request_id=request_id)
        return await self._session.projects.CreateProject(request)

    async def delete_project(self, name: str, look: bool, force: bool) -> project_pb2.DeleteProjectResponse:
        request = project_pb2.DeleteProjectRequest(name=name, force=force, validate_only=look)
        return await self._session.projects.DeleteProject(request)

    async def undelete_project(self, name: str) -> project_pb2.Project:
        return await self._session.projects.UndeleteProject(project_pb2.UndeleteProjectRequest(name=name))

    async def scenes(self, project: str) -> bible_pb2.ListScenesResponse:
        whole = bible_pb2.ListScenesResponse()
        token = ""
        while True:
            request = bible_pb2.ListScenesRequest(parent=project, page_size=500, page_token=token)
            page = await self._session.bible.ListScenes(request)
            whole.scenes.extend(page.scenes)
            whole.revision = whole.revision or page.revision
            if not (token := page.next_page_token):
                return whole

    async def characters(self, project: str) -> bible_pb2.ListCharactersResponse:
        whole = bible_pb2.ListCharactersResponse()
        token = ""
        while True:
            request = bible_pb2.ListCharactersRequest(parent=project, page_size=500, page_token=token)
            page = await self._session.bible.ListCharacters(request)
            whole.characters.extend(page.characters)
            whole.revision = whole.revision or page.revision
            if not (token := page.next_page_token):
                return whole

    async def style_guides(self, project: str) -> bible_pb2.ListStyleGuidesResponse:
        whole = bible_pb2.ListStyleGuidesResponse()
        token = ""
        while True:
            request = bible_pb2.ListStyleGuidesRequest(parent=project, page_size=500, page_token=token)
            page = await self._session.bible.ListStyleGuides(request)
            whole.style_guides.extend(page.style_guides)
            whole.revision = whole.revision or page.revision
            if not (token := page.next_page_token):
                return whole

    async def reference_sets(self, project: str) -> bible_pb2.ListReferenceSetsResponse:
        whole = bible_pb2.ListReferenceSetsResponse()
        token = ""
        while True:
            request = bible_pb2.ListReferenceSetsRequest(parent=project, page_size=500, page_token=token)
            page = await self._session.bible.ListReferenceSets(request)
            whole.reference_sets.extend(page.reference_sets)
            whole.revision = whole.revision or page.revision
            if not (token := page.next_page_token):
                return whole

    async def stages(self) -> run_pb2.ListStagesResponse:
        return await self._session.runs.ListStages(run_pb2.ListStagesRequest())

    async def runs(self, project: str, page_token: str = "") -> run_pb2.ListRunsResponse:
        request = run_pb2.ListRunsRequest(parent=project, page_size=PAGE, page_token=page_token)
        return await self._session.runs.ListRuns(request)

    async def run(self, name: str) -> run_pb2.Run:
        return await self._session.runs.GetRun(run_pb2.GetRunRequest(name=name))

    async def jobs(self, run: str, page_token: str = "") -> run_pb2.ListJobsResponse:
        request = run_pb2.ListJobsRequest(parent=run, page_size=500, page_token=page_token)
        return await self._session.runs.ListJobs(request)

    async def job(self, name: str) -> run_pb2.Job:
        return await self._session.runs.GetJob(run_pb2.GetJobRequest(name=name))

    async def quality(self, name: str) -> quality_pb2.QualitySummary:
        return await self._session.quality.GetQualitySummary(quality_pb2.GetQualitySummaryRequest(name=name))

    async def finding_kinds(self) -> quality_pb2.ListFindingKindsResponse:
        return await self._session.quality.ListFindingKinds(quality_pb2.ListFindingKindsRequest())

    async def plan(self, project: str, spec: run_pb2.RunSpec) -> run_pb2.Plan:
        return await self._session.runs.PlanRun(run_pb2.PlanRunRequest(parent=project, spec=spec))

    async def create_run(
        self, project: str, spec: run_pb2.RunSpec, digest: str, spend: bool, request_id: str
    ) -> run_pb2.Run:
        request = run_pb2.CreateRunRequest(
            parent=project, spec=spec, plan_digest=digest, confirm_spend=spend, request_id=request_id
        )
        return await self._session.runs.CreateRun(request)

    async def cancel_run(self, name: str) -> run_pb2.Run:
        return await self._session.runs.CancelRun(run_pb2.CancelRunRequest(name=name))

    async def retry_run(self, name: str, request_id: str) -> run_pb2.Run:
        return await self._session.runs.RetryRun(run_pb2.RetryRunRequest(name=name, request_id=request_id))

    async def retry_found(self, name: str, finding: int, change: int, request_id: str) -> run_pb2.Run:
        kinds = [run_pb2.Finding.Kind.ValueType(finding)]
        changed = run_pb2.AutomaticRetry.Change.ValueType(change)
        request = run_pb2.RetryRunRequest(name=name, request_id=request_id, findings=kinds, change=changed)
        return await self._session.runs.RetryRun(request)

    async def retry_job(self, name: str, request_id: str) -> run_pb2.Job:
        return await self._session.runs.RetryJob(run_pb2.RetryJobRequest(name=name, request_id=request_id))

    async def cancel_job(self, name: str) -> run_pb2.Job:
        return await self._session.runs.CancelJob(run_pb2.CancelJobRequest(name=name))

    async def tune_job(self, name: str, guidance_scale: float) -> run_pb2.Job:
        return await self._session.runs.TuneJob(run_pb2.TuneJobRequest(name=name, guidance_scale=guidance_scale))

    async def accept(self, candidate: str, reason: str) -> run_pb2.Candidate:
        request = run_pb2.AcceptCandidateRequest(name=candidate, reason=reason)
        return await self._session.runs.AcceptCandidate(request)

    async def assets(
        self, project: str, page_token: str = "", kinds: Sequence[asset_pb2.Asset.Kind.ValueType] = ()
    ) -> asset_pb2.ListAssetsResponse:
        request = asset_pb2.ListAssetsRequest(parent=project, page_size=PAGE, page_token=page_token, kinds=kinds)
        return await self._session.assets.ListAssets(request)

    async def content(self, asset: str, thumbnail: bool) -> bytes:
        variants = asset_pb2.ReadContentRequest
        variant = variants.VARIANT_THUMBNAIL if thumbnail else variants.VARIANT_ORIGINAL
        request = asset_pb2.ReadContentRequest(name=asset, variant=variant)
        return b"".join([part.chunk async for part in self._session.assets.ReadContent(request)])

    async def models(self) -> model_pb2.ListModelsResponse:
        return await self._session.models.ListModels(model_pb2.ListModelsRequest(page_size=500))

    async def residents(self) -> model_pb2.ListResidentsResponse:
        return await self._session.models.ListResidents(model_pb2.ListResidentsRequest())

    async def unload(self, model: str) -> model_pb2.UnloadModelResponse:
        return await self._session.models.UnloadModel(model_pb2.UnloadModelRequest(name=model))

    async def devices(self) -> model_pb2.ListDevicesResponse:
        return await self._session.devices.ListDevices(model_pb2.ListDevicesRequest())

    async def settings(self) -> system_pb2.ListSettingsResponse:
        return await self._session.system.ListSettings(system_pb2.ListSettingsRequest())

    async def diagnose(self) -> system_pb2.DiagnoseResponse:
        return await self._session.system.Diagnose(system_pb2.DiagnoseRequest())

    async def color_profiles(self) -> postprocess_pb2.ListColorProfilesResponse:
        return await self._session.lab.ListColorProfiles(postprocess_pb2.ListColorProfilesRequest())

    def watch(self, after_revision: int) -> AsyncIterator[WatchItem]:
        return watch(self._session, after_revision=after_revision, progress=True, previews=True)

    async def metrics(self, interval: float) -> AsyncIterator[system_pb2.Metrics]:
        every = duration_pb2.Duration(seconds=int(interval), nanos=int(interval % 1 * 1e9))
        async for figures in self._session.system.WatchMetrics(system_pb2.WatchMetricsRequest(interval=every)):
            yield figures

    async def close(self) -> None:
        await self._session.close()


def dial(home: Path | None, notice: Notice | None = None) -> Dial:
    """Reaches the daemon of a home through the client library, starting one where none runs.

    Where that takes a while `notice` is told once what is waited for.
    """

    async def reach() -> Daemon:
        session = Session(home, start=True, notice=notice)
        await session.__aenter__()
        return Dialled(session)

    return reach
