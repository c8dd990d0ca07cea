"""Plans of a whole universe: 100 scenes, four stages, three candidates each, every page of them read.

Each scene has a character, its own values and accepted pictures of the earlier stages, so that a plan has all to do
that it ever has. What the daemon's memory grows by is told for plans of many more scenes: an answer holds one page,
whatever the plan's length.
"""

from __future__ import annotations

import time

import psutil
from bullpen_api.v1 import bible_pb2, run_pb2
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct

from tests.bench.effort import Effort
from tests.bench.studio import PROJECT, SCRIPTED_MODEL, Studio, run_request
from tests.bench.table import Row, Series

STAGES = ("style", "time", "weather", "characters")
SCENES, MANY, CANDIDATES, PAGE = 100, 400, 3, 50
MOST_SECONDS, MOST_GROWTH = 0.5, 24 * 1024 * 1024
VALUES = {"style": "ink", "time": "night", "weather": "rain", "place": "left"}


async def measure(effort: Effort) -> list[Row]:
    """The same plans again and again; then long ones, and the memory that they take."""
    async with Studio() as studio:
        scenes = await _universe(studio, SCENES if effort.quick else MANY)
        process = psutil.Process(studio.pid)
        seconds, pages = [], 0
        for _ in range(effort.count(10, 3)):
            began = time.perf_counter()
            pages = sum([await _read(studio, stage, scenes[:SCENES]) for stage in STAGES])
            seconds.append(time.perf_counter() - began)
        before = process.memory_info().rss
        for stage in STAGES:
            await _read(studio, stage, scenes)
        grown = process.memory_info().rss - before
    took = Series.of(seconds)
    return [
        Row(
            f"{SCENES} scenes × {len(STAGES)} stages × {CANDIDATES} candidates planned, {pages} pages read",
            f"≤ {MOST_SECONDS} s",
            took.text("s", 1, 3),
            took.median <= MOST_SECONDS,
            took.to_dict(),
        ),
        Row(
            f"  memory of the daemon after plans of {len(scenes)} scenes, by pages of {PAGE}",
            f"≤ {MOST_GROWTH / 2**20:.0f} MB more",
            f"{grown / 2**20:.1f} MB more",
            grown <= MOST_GROWTH,
            {"scenes": len(scenes), "grown_bytes": grown},
        ),
    ]


async def _read(studio: Studio, stage: str, scenes: list[str]) -> int:
    """Reads every page of a plan; returns how many there were."""
    spec = run_pb2.RunSpec(
        stage=stage,
        scenes=run_pb2.SceneSelection(scenes=scenes),
        model=SCRIPTED_MODEL,
        candidates=CANDIDATES,
        variables=VALUES,
        seed=1,
    )
    request = run_pb2.PlanRunRequest(parent=PROJECT, spec=spec, page_size=PAGE)
    pages, jobs = 0, 0
    while True:
        plan = await studio.session.runs.PlanRun(request)
        pages, jobs = pages + 1, jobs + len(plan.jobs)
        if not plan.next_page_token:
            assert jobs == plan.job_count == len(scenes), (jobs, plan.job_count)
            return pages
        request.page_token = plan.next_page_token


async def _universe(studio: Studio, count: int) -> list[str]:
    """Scenes with a character each, and an accepted picture of every stage but the last."""
    scenes = await studio.project(count, 64)
    mara = bible_pb2.Character(title="Mara", description="a woman with red hair")
    created = bible_pb2.CreateCharacterRequest(parent=PROJECT, character_id="mara", character=mara)
    character = (await studio.session.bible.CreateCharacter(created)).name
    for name in scenes:
        changed = bible_pb2.Scene(name=name, characters=[character], variables={"place": "left"})
        await studio.session.bible.UpdateScene(bible_pb2.UpdateSceneRequest(scene=changed))
    # Pictures of the scripted engine are noise, which no limit lets through.
    judged = {"stages": {stage: {"qa": None, "must_keep": None} for stage in STAGES}}
    own = run_pb2.Manifest(name=f"{PROJECT}/manifest", own=ParseDict(judged, Struct()))
    await studio.session.runs.UpdateManifest(run_pb2.UpdateManifestRequest(manifest=own))
    async with studio.ends() as ends:
        for stage in STAGES[:-1]:
            request = run_request(scenes, "scripted: steps=1 size=64x64", seed=1)
            request.spec.stage = stage
            run = await studio.session.runs.CreateRun(request)
            await ends.ended(run.name, 300)
    return scenes
