"""What a person does at a desk, over a session: projects, scenes, runs; and waiting for a fact by watching events."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from bullpen_api.v1 import asset_pb2, bible_pb2, event_pb2, project_pb2, run_pb2
from bullpen_client import Session

from tests.support.pictures import write_picture

# An upper bound for anything that is waited for; a test that meets it fails.
PATIENCE = 180.0
ENDED = (
    run_pb2.Run.STATE_SUCCEEDED,
    run_pb2.Run.STATE_PARTIAL,
    run_pb2.Run.STATE_FAILED,
    run_pb2.Run.STATE_CANCELED,
)
_numbers = itertools.count(1)


def scripted(words: str = "") -> str:
    """An instruction that the scripted engine follows."""
    return f"scripted: {words}".strip()


def held(gate: Path, steps: int = 900, step_ms: int = 100) -> str:
    """Words for pictures that take their time, 90 seconds, until the file `gate` is made, and then none.

    What a test does to a run at work then never comes too late, however slow the machine is.
    """
    return f"steps={steps} step_ms={step_ms} quick_after={gate}"


class Studio:
    """Shorthand over a session. `folder` is where pictures to import are written."""

    def __init__(self, session: Session, folder: Path) -> None:
        self.session = session
        self.folder = folder

    async def project(self, slug: str = "") -> str:
        """A new project; returns its name."""
        slug = slug or f"universe-{next(_numbers)}"
        project = project_pb2.Project(title=slug.title(), story="A harbour at night.")
        request = project_pb2.CreateProjectRequest(project_id=slug, project=project)
        return (await self.session.projects.CreateProject(request)).name

    async def picture(self, project: str, seed: int, width: int = 64, height: int = 64) -> asset_pb2.Asset:
        """A drawing, imported as an asset of the project."""
        path = write_picture(self.folder / f"{project.rsplit('/', 1)[-1]}-{seed}.png", seed, width, height)
        return await self.session.assets.ImportAsset(asset_pb2.ImportAssetRequest(parent=project, path=str(path)))

    async def scenes(self, project: str, count: int) -> list[bible_pb2.Scene]:
        """Scenes `s1` … in story order, each with a picture of its own and values for every stage."""
        made = []
        for number in range(1, count + 1):
            asset = await self.picture(project, number)
            scene = bible_pb2.Scene(
                source_asset=asset.name,
                variables={"style": "ink", "time": "dusk", "weather": "rain", "character": "Mara", "place": "left"},
            )
            request = bible_pb2.CreateSceneRequest(parent=project, scene_id=f"s{number}", scene=scene)
            made.append(await self.session.bible.CreateScene(request))
        return made

    async def universe(self, scenes: int = 1) -> str:
        """A new project with that many scenes; returns its name."""
        project = await self.project()
        await self.scenes(project, scenes)
        return project

    async def create(self, project: str, spec: run_pb2.RunSpec, request_id: str = "") -> run_pb2.Run:
        """Starts a run as `spec` says."""
        request = run_pb2.CreateRunRequest(parent=project, spec=spec, request_id=request_id)
        return await self.session.runs.CreateRun(request)

    async def start(
        self, project: str, words: str = "", candidates: int = 1, stage: str = "style", seed: int = 7
    ) -> run_pb2.Run:
        """Starts a run of the scripted model over every scene."""
        return await self.create(project, spec(words, candidates, stage, seed))

    async def run(
        self, project: str, words: str = "", candidates: int = 1, stage: str = "style", seed: int = 7
    ) -> run_pb2.Run:
        """Starts a run of the scripted model over every scene, and returns it when it ended and its log is written."""
        return await self.logged(await self.start(project, words, candidates, stage, seed))

    async def ended(self, run: run_pb2.Run) -> run_pb2.Run:
        """The run as it is when it ended, which may have been before it was read."""
        if run.state in ENDED:
            return run
        async for event in self.events(run.name, run.revision):
            if event.subject == run.name and event.run.state in ENDED:
                return event.run
        raise AssertionError("the journal ended")

    async def logged(self, run: run_pb2.Run) -> run_pb2.Run:
        """The run as it is when it ended and its log is written, which may have been before it was read."""
        if run.log_path:
            return run
        async for event in self.events(run.name, run.revision):
            if event.subject == run.name and event.kind == "run.logged":
                return event.run
        raise AssertionError("the journal ended")

    async def progress(self, run: run_pb2.Run, when: Callable[[event_pb2.Progress], bool]) -> event_pb2.Progress:
        """The first progress of the run's candidates of which `when` holds."""
        request = event_pb2.WatchRequest(parent=project_of(run.name), after_revision=run.revision, progress=True)
        async with asyncio.timeout(PATIENCE):
            async for item in self.session.events.Watch(request):
                if item.HasField("progress") and item.progress.candidate.startswith(run.name) and when(item.progress):
                    return item.progress
        raise AssertionError("the watch ended")

    async def events(self, name: str, after: int) -> AsyncIterator[event_pb2.Event]:
        """Events of a resource's project after a revision, for as long as the patience lasts."""
        request = event_pb2.WatchRequest(parent=project_of(name), after_revision=after)
        async with asyncio.timeout(PATIENCE):
            async for item in self.session.events.Watch(request):
                if item.HasField("event"):
                    yield item.event

    async def event(self, name: str, after: int, kind: str) -> event_pb2.Event:
        """The first event of that kind inside the named resource."""
        async for event in self.events(name, after):
            if event.kind == kind and event.subject.startswith(name):
                return event
        raise AssertionError("the journal ended")

    async def jobs(self, run: run_pb2.Run) -> list[run_pb2.Job]:
        """The run's jobs as they are now."""
        request = run_pb2.ListJobsRequest(parent=run.name, page_size=500)
        return list((await self.session.runs.ListJobs(request)).jobs)

    async def candidates(self, run: run_pb2.Run) -> list[run_pb2.Candidate]:
        """The candidates of all jobs, in their order."""
        return [candidate for job in await self.jobs(run) for candidate in job.candidates]

    async def content(self, asset: str, offset: int = 0, thumbnail: bool = False) -> bytes:
        """The bytes of an asset, or of its thumbnail."""
        request = asset_pb2.ReadContentRequest(name=asset, offset=offset)
        if thumbnail:
            request.variant = asset_pb2.ReadContentRequest.VARIANT_THUMBNAIL
        return b"".join([part.chunk async for part in self.session.assets.ReadContent(request)])


def spec(words: str = "", candidates: int = 1, stage: str = "style", seed: int = 7) -> run_pb2.RunSpec:
    """A run of the scripted model over every scene."""
    return run_pb2.RunSpec(
        stage=stage,
        scenes=run_pb2.SceneSelection(),
        model="models/scripted",
        instruction=scripted(words),
        candidates=candidates,
        seed=seed,
    )


def project_of(name: str) -> str:
    """`projects/{project}` of a name inside a project."""
    return "/".join(name.split("/")[:2])
