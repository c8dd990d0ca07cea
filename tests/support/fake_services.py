# ruff: noqa: N802 - methods are named as the contract names them
"""The services of the fake daemon: as little as clients need, in memory."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import grpc
from bullpen_api.v1 import (
    asset_pb2,
    asset_pb2_grpc,
    bible_pb2,
    bible_pb2_grpc,
    event_pb2,
    event_pb2_grpc,
    lab_pb2,
    lab_pb2_grpc,
    model_pb2,
    model_pb2_grpc,
    postprocess_pb2,
    project_pb2,
    project_pb2_grpc,
    run_pb2,
    run_pb2_grpc,
    system_pb2,
    system_pb2_grpc,
)

from tests.support.fake_daemon import Refusal

if TYPE_CHECKING:
    from tests.support.fake_daemon import FakeDaemon

STAGES = ("style", "time")


async def refuse(context: Any, refusal: Refusal) -> NoReturn:
    """Ends the call with a typed error."""
    await context.abort(refusal.code, refusal.message, refusal.trailing())
    raise AssertionError("abort raises")


def absent(kind: str, name: str) -> Refusal:
    """A NOT_FOUND refusal."""
    reason = "PROJECT_NOT_FOUND" if kind == "project" else "RESOURCE_NOT_FOUND"
    return Refusal(reason, grpc.StatusCode.NOT_FOUND, f"There is no {kind} {name}.", "name", "Look at the list.")


class _Service:
    def __init__(self, daemon: FakeDaemon) -> None:
        self.daemon = daemon

    async def the(self, context: Any, table: dict[str, Any], kind: str, name: str) -> Any:
        if name not in table:
            await refuse(context, absent(kind, name))
        return table[name]

    async def new(self, context: Any, table: dict[str, Any], kind: str, parent: str, part: str, item: Any) -> Any:
        if item.name in table:
            taken = Refusal("ALREADY_EXISTS", grpc.StatusCode.ALREADY_EXISTS, f"{item.name} exists.", f"{kind}_id")
            await refuse(context, taken)
        if parent:
            await self.the(context, self.daemon.projects, "project", parent)
        table[item.name] = item
        item.revision = self.daemon.publish(f"{kind}.created", item.name, **{part: item}).revision
        return item


async def _unserved(service: Any, request: Any, context: Any) -> Any:
    """What no test asks the fake for; the tests of these commands have a real daemon."""
    await context.abort(grpc.StatusCode.UNIMPLEMENTED, "The fake daemon does not do this.")


unserved: Any = _unserved


class Projects(_Service, project_pb2_grpc.ProjectServiceServicer):
    UpdateProject = unserved

    async def CreateProject(self, request: Any, context: Any) -> project_pb2.Project:
        project = request.project
        project.name = f"projects/{request.project_id}"
        return await self.new(context, self.daemon.projects, "project", "", "project", project)  # type: ignore[no-any-return]

    async def GetProject(self, request: Any, context: Any) -> project_pb2.Project:
        project = await self.the(context, self.daemon.projects, "project", request.name)
        project.figures.assets = len(self.daemon.assets)
        return project  # type: ignore[no-any-return]

    async def ListProjects(self, request: Any, context: Any) -> project_pb2.ListProjectsResponse:
        """Pages of two, so that clients must read on."""
        listed = [self.daemon.projects[name] for name in sorted(self.daemon.projects)]
        start = int(request.page_token or 0)
        more = str(start + 2) if start + 2 < len(listed) else ""
        return project_pb2.ListProjectsResponse(
            projects=listed[start : start + 2], next_page_token=more, revision=self.daemon.revision
        )


class Bible(_Service, bible_pb2_grpc.BibleServiceServicer):
    UpdateStyleGuide = DeleteStyleGuide = UndeleteStyleGuide = unserved
    UpdateCharacter = DeleteCharacter = UndeleteCharacter = unserved
    UpdateScene = DeleteScene = UndeleteScene = unserved
    CreateReferenceSet = GetReferenceSet = ListReferenceSets = unserved
    UpdateReferenceSet = DeleteReferenceSet = UndeleteReferenceSet = unserved
    CreatePromptTemplate = GetPromptTemplate = ListPromptTemplates = RenderPromptTemplate = unserved
    UpdatePromptTemplate = DeletePromptTemplate = UndeletePromptTemplate = unserved
    CreateProviderAccount = GetProviderAccount = ListProviderAccounts = unserved
    UpdateProviderAccount = DeleteProviderAccount = UndeleteProviderAccount = unserved
    ExportBootstrap = ImportBootstrap = unserved

    async def CreateStyleGuide(self, request: Any, context: Any) -> bible_pb2.StyleGuide:
        item = request.style_guide
        item.name = f"{request.parent}/styleGuides/{request.style_guide_id}"
        return await self.new(context, self.daemon.styles, "style_guide", request.parent, "style_guide", item)  # type: ignore[no-any-return]

    async def GetStyleGuide(self, request: Any, context: Any) -> bible_pb2.StyleGuide:
        return await self.the(context, self.daemon.styles, "style guide", request.name)  # type: ignore[no-any-return]

    async def ListStyleGuides(self, request: Any, context: Any) -> bible_pb2.ListStyleGuidesResponse:
        return bible_pb2.ListStyleGuidesResponse(style_guides=self.daemon.styles.values())

    async def CreateCharacter(self, request: Any, context: Any) -> bible_pb2.Character:
        item = request.character
        item.name = f"{request.parent}/characters/{request.character_id}"
        return await self.new(context, self.daemon.characters, "character", request.parent, "character", item)  # type: ignore[no-any-return]

    async def GetCharacter(self, request: Any, context: Any) -> bible_pb2.Character:
        return await self.the(context, self.daemon.characters, "character", request.name)  # type: ignore[no-any-return]

    async def ListCharacters(self, request: Any, context: Any) -> bible_pb2.ListCharactersResponse:
        return bible_pb2.ListCharactersResponse(characters=self.daemon.characters.values())

    async def CreateScene(self, request: Any, context: Any) -> bible_pb2.Scene:
        item = request.scene
        item.name = f"{request.parent}/scenes/{request.scene_id}"
        item.ordinal = len(self.daemon.scenes) + 1
        return await self.new(context, self.daemon.scenes, "scene", request.parent, "scene", item)  # type: ignore[no-any-return]

    async def GetScene(self, request: Any, context: Any) -> bible_pb2.Scene:
        return await self.the(context, self.daemon.scenes, "scene", request.name)  # type: ignore[no-any-return]

    async def ListScenes(self, request: Any, context: Any) -> bible_pb2.ListScenesResponse:
        mine = [scene for name, scene in self.daemon.scenes.items() if name.startswith(request.parent + "/")]
        return bible_pb2.ListScenesResponse(scenes=mine, revision=self.daemon.revision)


class Assets(_Service, asset_pb2_grpc.AssetServiceServicer):
    def _store(self, parent: str, content: bytes, name: str, kind: Any) -> asset_pb2.Asset:
        digest = hashlib.sha256(content).hexdigest()
        asset = asset_pb2.Asset(
            name=f"{parent}/assets/{digest}",
            kind=kind,
            sha256=digest,
            mime_type="image/png",
            size_bytes=len(content),
            display_name=name,
            path=f"/store/{digest}.png",
        )
        self.daemon.assets[asset.name] = asset
        self.daemon.contents[asset.name] = content
        return asset

    async def GetAsset(self, request: Any, context: Any) -> asset_pb2.Asset:
        return await self.the(context, self.daemon.assets, "asset", request.name)  # type: ignore[no-any-return]

    async def ListAssets(self, request: Any, context: Any) -> asset_pb2.ListAssetsResponse:
        kinds = set(request.kinds)
        listed = [asset for asset in self.daemon.assets.values() if not kinds or asset.kind in kinds]
        return asset_pb2.ListAssetsResponse(assets=listed, revision=self.daemon.revision)

    async def ImportAsset(self, request: Any, context: Any) -> asset_pb2.Asset:
        path = Path(request.path)
        if "allowed" not in path.parts:
            outside = Refusal("PATH_NOT_ALLOWED", grpc.StatusCode.PERMISSION_DENIED, "Outside the roots.", "path")
            await refuse(context, outside)
        return self._store(request.parent, path.read_bytes(), path.name, request.kind)

    async def UploadAsset(self, request_iterator: Any, context: Any) -> asset_pb2.Asset:
        head, content = asset_pb2.UploadHead(), b""
        async for part in request_iterator:
            if part.HasField("head"):
                head = part.head
            content += part.chunk
        return self._store(head.parent, content, head.display_name, head.kind)

    async def ReadContent(self, request: Any, context: Any) -> AsyncIterator[asset_pb2.ReadContentResponse]:
        await self.the(context, self.daemon.assets, "asset", request.name)
        content = self.daemon.contents[request.name]
        for start in range(0, len(content), 4):
            yield asset_pb2.ReadContentResponse(chunk=content[start : start + 4], total_bytes=len(content))


class Runs(_Service, run_pb2_grpc.RunServiceServicer):
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


class Events(_Service, event_pb2_grpc.EventServiceServicer):
    async def Watch(self, request: Any, context: Any) -> AsyncIterator[event_pb2.WatchResponse]:
        """The journal after a revision, then what is told; `None` ends the stream, a refusal breaks it."""
        daemon = self.daemon
        after = request.after_revision if request.HasField("after_revision") else daemon.revision
        if after > daemon.revision:
            await refuse(context, Refusal("REVISION_UNKNOWN", grpc.StatusCode.OUT_OF_RANGE, field="after_revision"))
        queue: asyncio.Queue[event_pb2.WatchResponse | Refusal | None] = asyncio.Queue()
        daemon.watchers.add(queue)
        daemon.alone.clear()
        daemon.watched.set()
        try:
            for event in [event for event in daemon.journal if event.revision > after]:
                yield event_pb2.WatchResponse(event=event)
            yield event_pb2.WatchResponse(bookmark=event_pb2.Bookmark(revision=daemon.revision))
            while (message := await queue.get()) is not None:
                if isinstance(message, Refusal):
                    await refuse(context, message)
                if request.progress or message.WhichOneof("item") != "progress":
                    yield message
        finally:
            daemon.watchers.discard(queue)
            if not daemon.watchers:
                daemon.alone.set()


class Models(_Service, model_pb2_grpc.ModelServiceServicer):
    async def GetModel(self, request: Any, context: Any) -> model_pb2.Model:
        if request.name != "models/starter-edit":
            missing = Refusal("MODEL_NOT_FOUND", grpc.StatusCode.NOT_FOUND, "Not installed.", "name", "Install it.")
            await refuse(context, missing)
        return model_pb2.Model(name=request.name, title="Starter", family="instruct-pix2pix")

    async def ListModels(self, request: Any, context: Any) -> model_pb2.ListModelsResponse:
        edit = model_pb2.Model(name="models/starter-edit", title="Starter", capabilities=["instruction_edit"])
        lora = model_pb2.Model(name="models/mara", family="lora", base_model=edit.name, capabilities=["lora"])
        listed = [model for model in (lora, edit) if request.capability in ("", *model.capabilities)]
        return model_pb2.ListModelsResponse(models=listed)

    async def ListResidents(self, request: Any, context: Any) -> model_pb2.ListResidentsResponse:
        resident = model_pb2.Resident(model="models/starter-edit", device="devices/cpu", size_bytes=1000, reason="job")
        return model_pb2.ListResidentsResponse(residents=[resident])

    async def UnloadModel(self, request: Any, context: Any) -> model_pb2.UnloadModelResponse:
        return model_pb2.UnloadModelResponse(devices=["devices/cpu"])

    async def LoadModel(self, request: Any, context: Any) -> model_pb2.LoadModelResponse:
        return model_pb2.LoadModelResponse(resident=model_pb2.Resident(model=request.name, device="devices/cpu"))

    async def PinModel(self, request: Any, context: Any) -> model_pb2.ModelKeeping:
        return model_pb2.ModelKeeping(model=request.name, pinned=True)

    async def UnpinModel(self, request: Any, context: Any) -> model_pb2.ModelKeeping:
        return model_pb2.ModelKeeping(model=request.name)

    async def SetModelKeepAlive(self, request: Any, context: Any) -> model_pb2.ModelKeeping:
        return model_pb2.ModelKeeping(model=request.name, keep_alive=request.keep_alive)


class Lab(_Service, lab_pb2_grpc.LabServiceServicer):
    async def Generate(self, request: Any, context: Any) -> AsyncIterator[lab_pb2.GenerateResponse]:
        """Pictures of a few bytes: the seed in words, in two parts. A prompt of `damaged` gives another hash."""
        seeds = [request.seed + number for number in range(request.count or 1)]
        started = lab_pb2.GenerateStarted(model=request.model or "models/starter-text", seeds=seeds)
        started.sampling.CopyFrom(request.sampling)
        yield lab_pb2.GenerateResponse(started=started)
        for number, seed in enumerate(seeds, 1):
            yield lab_pb2.GenerateResponse(progress=lab_pb2.GenerateProgress(picture=number, step=1, steps=2))
            content = f"picture {seed}".encode()
            sha256 = hashlib.sha256(b"" if request.prompt == "damaged" else content).hexdigest()
            head = lab_pb2.GeneratedPicture(picture=number, seed=seed, size_bytes=len(content), sha256=sha256)
            yield lab_pb2.GenerateResponse(picture=head)
            yield lab_pb2.GenerateResponse(chunk=content[:3])
            yield lab_pb2.GenerateResponse(chunk=content[3:])

    async def ProcessPicture(
        self, request_iterator: Any, context: Any
    ) -> AsyncIterator[postprocess_pb2.ProcessPictureResponse]:
        """The picture as it was sent. A profile of `damaged` gives another hash."""
        parts = [part async for part in request_iterator]
        wish = parts[0].head.post_process
        started = postprocess_pb2.ProcessPictureStarted(post_process=wish)
        yield postprocess_pb2.ProcessPictureResponse(started=started)
        content = b"".join(part.chunk for part in parts)
        sha256 = hashlib.sha256(b"" if wish.color.profile == "damaged" else content).hexdigest()
        picture = postprocess_pb2.ProcessedPicture(width=1, height=1, size_bytes=len(content), sha256=sha256)
        yield postprocess_pb2.ProcessPictureResponse(picture=picture)
        yield postprocess_pb2.ProcessPictureResponse(chunk=content)

    async def ListColorProfiles(self, request: Any, context: Any) -> postprocess_pb2.ListColorProfilesResponse:
        return postprocess_pb2.ListColorProfilesResponse(profiles=[postprocess_pb2.ColorProfile(name="neutral")])


class Devices(_Service, model_pb2_grpc.DeviceServiceServicer):
    async def ListDevices(self, request: Any, context: Any) -> model_pb2.ListDevicesResponse:
        return model_pb2.ListDevicesResponse(devices=[model_pb2.Device(name="devices/cpu", kind="cpu")])

    async def SwitchDevice(self, request: Any, context: Any) -> model_pb2.Device:
        return model_pb2.Device(name=request.name, kind="cpu", use=request.use)


class System(_Service, system_pb2_grpc.SystemServiceServicer):
    async def GetInfo(self, request: Any, context: Any) -> system_pb2.Info:
        instance = f"instance-{self.daemon.starts}"
        return system_pb2.Info(
            version="0.0.0", instance=instance, home=str(self.daemon.home), revision=self.daemon.revision
        )

    async def GetMetrics(self, request: Any, context: Any) -> system_pb2.Metrics:
        return system_pb2.Metrics(cpu_utilization=0.5, queued_jobs=3)

    async def WatchMetrics(self, request: Any, context: Any) -> AsyncIterator[system_pb2.Metrics]:
        for queued in range(3):
            yield system_pb2.Metrics(queued_jobs=queued)

    async def ListSettings(self, request: Any, context: Any) -> system_pb2.ListSettingsResponse:
        return system_pb2.ListSettingsResponse(settings=[system_pb2.Setting(name="a", value="1", source="default")])

    async def Diagnose(self, request: Any, context: Any) -> system_pb2.DiagnoseResponse:
        check = system_pb2.Check(name="database", status=system_pb2.Check.STATUS_OK, message="sound")
        return system_pb2.DiagnoseResponse(checks=[check])

    async def Repair(self, request: Any, context: Any) -> system_pb2.RepairResponse:
        return system_pb2.RepairResponse()

    async def Shutdown(self, request: Any, context: Any) -> system_pb2.ShutdownResponse:
        return system_pb2.ShutdownResponse()
