"""A daemon that lives in the test: it answers from the story and says only what the test tells it to."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Sequence

from bullpen_api.v1 import (
    asset_pb2,
    bible_pb2,
    event_pb2,
    model_pb2,
    postprocess_pb2,
    project_pb2,
    quality_pb2,
    run_pb2,
    system_pb2,
)
from bullpen_client.errors import BullpenError, ResourceNotFound
from bullpen_tui.port import Daemon, WatchItem
from google.protobuf import duration_pb2

from tests.tui import story
from tests.tui.fake_bible import FakeBible
from tests.tui.fake_desk import FakeDesk
from tests.tui.fake_export import FakeExports
from tests.tui.fake_gallery import FakeGallery
from tests.tui.fake_log import FakeLog
from tests.tui.fake_machine import FakeMachine


class FakeDaemon(FakeBible, FakeGallery, FakeDesk, FakeExports, FakeLog, FakeMachine):
    """Implements the port of the studio. `calls` keeps what was asked, `refuse` holds errors to give by call."""

    def __init__(self, *, empty: bool = False) -> None:
        super().__init__()
        self.calls: list[tuple[object, ...]] = []
        self.refuse: dict[str, BullpenError] = {}
        self.watched: list[int] = []
        self.closed = False
        self.revision = 30
        self._items: asyncio.Queue[WatchItem | BullpenError] = asyncio.Queue()
        self._metrics: asyncio.Queue[system_pb2.Metrics] = asyncio.Queue()
        for second in range(40):
            self._metrics.put_nowait(story.metrics(second))
        self._projects = {} if empty else {story.PROJECT: story.project()}
        self._trash: dict[str, project_pb2.Project] = {}
        self._runs = {} if empty else {run.name: run for run in story.runs()}
        self._jobs: dict[str, list[run_pb2.Job]] = {
            story.TIME_RUN: story.time_jobs(),
            story.STYLE_RUN: story.style_jobs(),
            story.FAILED_RUN: story.failed_jobs(),
        }
        self._assets = [] if empty else story.assets()
        self.begin_desk(empty)
        self.begin_bible(empty)
        self.begin_gallery()
        self.begin_exports()

    async def dial(self) -> Daemon:
        self._note("dial")
        return self

    # --- what the test says ---

    def say(self, *items: WatchItem) -> None:
        for item in items:
            self._items.put_nowait(item)

    def break_watch(self, error: BullpenError) -> None:
        self._items.put_nowait(error)

    def event(self, subject: str, **payload: object) -> event_pb2.Event:
        self.revision += 1
        return event_pb2.Event(revision=self.revision, subject=subject, **payload)  # type: ignore[arg-type]

    def step(self, step: int, steps: int = 8, job: int = 3, number: int = 2) -> None:
        name = f"{story.TIME_RUN}/jobs/{job}/candidates/c{number}"
        left = duration_pb2.Duration(seconds=(steps - step) // 4 + 1)
        self.say(
            event_pb2.Progress(candidate=name, step=step, steps=steps, time_left=left, phase="denoising"),
            event_pb2.Preview(
                candidate=name, step=step, image=story.preview(job, step / steps), mime_type="image/webp"
            ),
        )

    def asked(self, name: str) -> list[tuple[object, ...]]:
        return [call[1:] for call in self.calls if call[0] == name]

    def _note(self, name: str, *details: object) -> None:
        self.calls.append((name, *details))
        if name in self.refuse:
            raise self.refuse[name]

    # --- what the studio asks ---

    async def info(self) -> system_pb2.Info:
        self._note("info")
        return story.info()

    async def projects(self) -> project_pb2.ListProjectsResponse:
        self._note("projects")
        return project_pb2.ListProjectsResponse(projects=self._projects.values(), revision=self.revision)

    async def project(self, name: str) -> project_pb2.Project:
        self._note("project", name)
        return self._projects[name]

    async def create_project(self, slug: str, title: str, story: str, request_id: str) -> project_pb2.Project:
        self._note("create_project", slug, title, story)
        self.revision += 1
        made = project_pb2.Project(name=f"projects/{slug}", title=title, story=story, revision=self.revision)
        self._projects[made.name] = made
        return made

    async def delete_project(self, name: str, look: bool, force: bool) -> project_pb2.DeleteProjectResponse:
        self._note("delete_project", name, look, force)
        answer = project_pb2.DeleteProjectResponse(project=self._projects[name], folder="/home/p", size_bytes=2048)
        if not look:
            self.revision += 1
            answer.project.revision = self.revision
            answer.project.delete_time.FromSeconds(1)
            self._trash[name] = self._projects.pop(name)
        return answer

    async def undelete_project(self, name: str) -> project_pb2.Project:
        self._note("undelete_project", name)
        self.revision += 1
        self._projects[name] = self._trash.pop(name)
        self._projects[name].revision = self.revision
        return self._projects[name]

    async def scenes(self, project: str) -> bible_pb2.ListScenesResponse:
        self._note("scenes", project)
        found = self.kept(bible_pb2.Scene, project)
        return bible_pb2.ListScenesResponse(scenes=found, revision=self.revision)

    async def characters(self, project: str) -> bible_pb2.ListCharactersResponse:
        self._note("characters", project)
        found = self.kept(bible_pb2.Character, project)
        return bible_pb2.ListCharactersResponse(characters=found, revision=self.revision)

    async def style_guides(self, project: str) -> bible_pb2.ListStyleGuidesResponse:
        self._note("style_guides", project)
        found = self.kept(bible_pb2.StyleGuide, project)
        return bible_pb2.ListStyleGuidesResponse(style_guides=found, revision=self.revision)

    async def reference_sets(self, project: str) -> bible_pb2.ListReferenceSetsResponse:
        self._note("reference_sets", project)
        found = self.kept(bible_pb2.ReferenceSet, project)
        return bible_pb2.ListReferenceSetsResponse(reference_sets=found, revision=self.revision)

    async def stages(self) -> run_pb2.ListStagesResponse:
        self._note("stages")
        return story.stages()

    async def runs(self, project: str, page_token: str = "") -> run_pb2.ListRunsResponse:
        self._note("runs", project, page_token)
        found = [run for name, run in self._runs.items() if name.startswith(project + "/")]
        return run_pb2.ListRunsResponse(runs=found, revision=self.revision)

    async def run(self, name: str) -> run_pb2.Run:
        self._note("run", name)
        return self._runs[name]

    async def jobs(self, run: str, page_token: str = "") -> run_pb2.ListJobsResponse:
        self._note("jobs", run)
        return run_pb2.ListJobsResponse(jobs=self._jobs.get(run, []), revision=self.revision)

    async def job(self, name: str) -> run_pb2.Job:
        self._note("job", name)
        return next(one for jobs in self._jobs.values() for one in jobs if one.name == name)

    async def quality(self, name: str) -> quality_pb2.QualitySummary:
        self._note("quality", name)
        return story.quality(name, self._jobs.get("/".join(name.split("/")[:4]), []))

    async def finding_kinds(self) -> quality_pb2.ListFindingKindsResponse:
        self._note("finding_kinds")
        return story.finding_kinds()

    async def plan(self, project: str, spec: run_pb2.RunSpec) -> run_pb2.Plan:
        self._note("plan", project, spec)
        return story.plan(spec)

    async def create_run(
        self, project: str, spec: run_pb2.RunSpec, digest: str, spend: bool, request_id: str
    ) -> run_pb2.Run:
        self._note("create_run", project, spec, digest, spend, request_id)
        made = story.run(f"{project}/runs/r-0004-{spec.stage}", spec.stage, run_pb2.Run.STATE_QUEUED, [])
        self._runs[made.name] = made
        return made

    async def cancel_run(self, name: str) -> run_pb2.Run:
        self._note("cancel_run", name)
        self.revision += 1
        run = self._runs[name]
        run.state = run_pb2.Run.STATE_CANCELED
        run.revision = self.revision
        return run

    async def retry_run(self, name: str, request_id: str) -> run_pb2.Run:
        self._note("retry_run", name, request_id)
        made = story.run(f"{name}-again", "weather", run_pb2.Run.STATE_QUEUED, [])
        made.parent_run = name
        self._runs[made.name] = made
        return made

    async def retry_found(self, name: str, finding: int, change: int, request_id: str) -> run_pb2.Run:
        self._note("retry_found", name, finding, change)
        return await self.retry_run(name, request_id)

    async def retry_job(self, name: str, request_id: str) -> run_pb2.Job:
        self._note("retry_job", name)
        return story.job(f"{name.split('/jobs/')[0]}-again", 1, run_pb2.Job.STATE_QUEUED, [])

    async def cancel_job(self, name: str) -> run_pb2.Job:
        self._note("cancel_job", name)
        self.revision += 1
        job = next(one for jobs in self._jobs.values() for one in jobs if one.name == name)
        job.state = run_pb2.Job.STATE_CANCELED
        job.revision = self.revision
        return job

    async def tune_job(self, name: str, guidance_scale: float) -> run_pb2.Job:
        self._note("tune_job", name, guidance_scale)
        return next(one for jobs in self._jobs.values() for one in jobs if one.name == name)

    async def accept(self, candidate: str, reason: str) -> run_pb2.Candidate:
        self._note("accept", candidate, reason)
        self.revision += 1
        taken = run_pb2.Candidate()
        for jobs in self._jobs.values():
            for job in jobs:
                if not candidate.startswith(job.name + "/"):
                    continue
                for one in job.candidates:
                    one.accepted = one.name == candidate
                    one.revision = self.revision
                    if one.accepted:
                        one.accepted_by_hand = True
                        one.accept_reason = reason
                        taken.CopyFrom(one)
        return taken

    async def assets(
        self, project: str, page_token: str = "", kinds: Sequence[asset_pb2.Asset.Kind.ValueType] = ()
    ) -> asset_pb2.ListAssetsResponse:
        self._note("assets", project, page_token, tuple(kinds))
        found = [one for one in self._assets if one.name.startswith(project + "/")]
        found = [one for one in found if not kinds or one.kind in kinds]
        return asset_pb2.ListAssetsResponse(assets=found, revision=self.revision)

    async def content(self, asset: str, thumbnail: bool) -> bytes:
        self._note("content", asset, thumbnail)
        if asset.endswith("/missing"):
            raise ResourceNotFound("There is no such asset.")
        number = zlib.crc32(asset.split("/runs/")[0].encode()) % 1000
        if "source-" in asset:
            return story.png(int(asset[-1]))
        return story.png(int(asset.split("-")[-2]), dusk=True) if asset[-2] == "-" else story.png(number)

    async def models(self) -> model_pb2.ListModelsResponse:
        self._note("models")
        return story.models()

    async def residents(self) -> model_pb2.ListResidentsResponse:
        self._note("residents")
        return story.residents()

    async def unload(self, model: str) -> model_pb2.UnloadModelResponse:
        self._note("unload", model)
        return model_pb2.UnloadModelResponse(devices=["devices/cpu"])

    async def devices(self) -> model_pb2.ListDevicesResponse:
        self._note("devices")
        return story.devices()

    async def settings(self) -> system_pb2.ListSettingsResponse:
        self._note("settings")
        return story.settings()

    async def diagnose(self) -> system_pb2.DiagnoseResponse:
        self._note("diagnose")
        return story.checks()

    async def color_profiles(self) -> postprocess_pb2.ListColorProfilesResponse:
        self._note("color_profiles")
        return story.color_profiles()

    async def watch(self, after_revision: int) -> AsyncIterator[WatchItem]:
        self.watched.append(after_revision)
        while True:
            item = await self._items.get()
            if isinstance(item, BullpenError):
                raise item
            yield item

    async def metrics(self, interval: float) -> AsyncIterator[system_pb2.Metrics]:
        while True:
            yield await self._metrics.get()

    async def close(self) -> None:
        self.closed = True
