"""The studio that the journeys share: a real daemon with the embedded starter models, and a small universe in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import pytest
from bullpen_api.v1 import asset_pb2, bible_pb2, run_pb2
from bullpen_client import Session

from tests.support.daemon import Daemon
from tests.support.studio import Studio

# The real engine on the processor, with one thread; the starter is in the installation.
STARTER = {"testing.scripted": "false", "devices.use": "cpu", "devices.threads": "1"}
SAMPLE = Path(str(resources.files("bullpen_starter"))) / "universe" / "harbor_lights"


@pytest.fixture(scope="package")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One daemon for all journeys that need no other settings; each has a project of its own."""
    with Daemon(tmp_path_factory.mktemp("a") / "home", STARTER) as running:
        yield running


@pytest.fixture
async def session(daemon: Daemon) -> AsyncIterator[Session]:
    """A session with it."""
    async with Session(daemon.home) as opened:
        yield opened


@dataclass(frozen=True)
class Universe:
    """A project with two scenes, a character with references, and a style guide, by their names."""

    project: str
    scenes: tuple[str, ...]
    mara: str
    style: str


class Desk(Studio):
    """Shorthand over a session, with pictures of the sample universe."""

    async def take_in(self, project: str, path: Path) -> asset_pb2.Asset:
        """Imports a picture by its path."""
        return await self.session.assets.ImportAsset(asset_pb2.ImportAssetRequest(parent=project, path=str(path)))

    async def story(self, slug: str = "") -> Universe:
        """A small universe with pictures of the sample."""
        project = await self.project(slug)
        bible = self.session.bible
        anchor = await self.take_in(project, next((SAMPLE / "styles").glob("*.png")))
        guide = bible_pb2.StyleGuide(title="Flat", variables={"style": "flat"}, anchors=[anchor.name])
        style = await bible.CreateStyleGuide(
            bible_pb2.CreateStyleGuideRequest(parent=project, style_guide_id="flat", style_guide=guide)
        )
        shown = await self.take_in(project, SAMPLE / "characters" / "mara.png")
        kept = bible_pb2.ReferenceSet(
            purpose=bible_pb2.ReferenceSet.PURPOSE_CHARACTER, items=[bible_pb2.ReferenceItem(asset=shown.name)]
        )
        kept = await bible.CreateReferenceSet(
            bible_pb2.CreateReferenceSetRequest(parent=project, reference_set_id="mara", reference_set=kept)
        )
        mara = bible_pb2.Character(
            title="Mara", description="a woman with red hair in a yellow coat", reference_set=kept.name
        )
        mara = await bible.CreateCharacter(
            bible_pb2.CreateCharacterRequest(parent=project, character_id="mara", character=mara)
        )
        names = []
        for number, path in enumerate(sorted((SAMPLE / "scenes").glob("*.png"))[:2], start=1):
            source = await self.take_in(project, path)
            scene = bible_pb2.Scene(
                title=f"Scene {number}",
                description="The lamp goes out.",
                source_asset=source.name,
                characters=[mara.name],
                variables={"time": "night", "weather": "rain", "place": "left"},
            )
            request = bible_pb2.CreateSceneRequest(parent=project, scene_id=f"s{number}", scene=scene)
            names.append((await bible.CreateScene(request)).name)
        return Universe(project, tuple(names), mara.name, style.name)

    async def drawn(self, spec: run_pb2.RunSpec, project: str) -> run_pb2.Run:
        """Plans, confirms what was shown, and waits for the log."""
        plan = await self.session.runs.PlanRun(run_pb2.PlanRunRequest(parent=project, spec=spec))
        request = run_pb2.CreateRunRequest(parent=project, spec=spec, plan_digest=plan.digest)
        return await self.logged(await self.session.runs.CreateRun(request))

    async def stage(self, universe: Universe, stage: str, scenes: int = 1, candidates: int = 1) -> run_pb2.Run:
        """Takes scenes through a stage; the first candidate of each is taken by hand where none was good enough."""
        run = await self.drawn(few_steps(stage, universe.scenes[:scenes], candidates), universe.project)
        assert run.state == run_pb2.Run.STATE_SUCCEEDED, run.error
        for job in await self.jobs(run):
            if not any(candidate.accepted for candidate in job.candidates):
                name = job.candidates[0].name
                await self.session.runs.AcceptCandidate(run_pb2.AcceptCandidateRequest(name=name, reason="It will do."))
        return run


@pytest.fixture
def desk(session: Session, tmp_path: Path) -> Desk:
    """Shorthand for what a person does."""
    return Desk(session, tmp_path)


def few_steps(stage: str, scenes: tuple[str, ...] = (), candidates: int = 1, steps: int = 1) -> run_pb2.RunSpec:
    """A short run of the starter."""
    return run_pb2.RunSpec(
        stage=stage,
        scenes=run_pb2.SceneSelection(scenes=scenes),
        candidates=candidates,
        seed=7,
        sampling=run_pb2.SamplingParameters(steps=steps),
    )
