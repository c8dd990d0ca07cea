"""J04: a person picks a stage and scenes or a folder, sees the plan with time, memory, cost, confirms, and watches."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from bullpen_api.v1 import event_pb2, history_pb2, run_pb2
from bullpen_client import errors

from tests.acceptance.conftest import SAMPLE, Desk, few_steps
from tests.support.studio import PATIENCE

pytestmark = pytest.mark.e2e


async def test_j04_plan_confirm_watch_log_and_replay(desk: Desk) -> None:
    """The plan says what will be done and from what; progress and previews come live; a replay makes the same bytes."""
    universe = await desk.story()
    project, runs = universe.project, desk.session.runs
    spec = few_steps("style", universe.scenes[:1], candidates=2, steps=2)
    plan = await runs.PlanRun(run_pb2.PlanRunRequest(parent=project, spec=spec))
    assert (len(plan.jobs), plan.candidates) == (1, 2)
    assert plan.models[0].size_bytes > 1_000_000
    assert plan.device.startswith("devices/cpu")
    assert plan.estimated_cost_usd == 0
    assert {use.source for use in plan.jobs[0].uses} >= {universe.style, f"{project}/referenceSets/mara"}
    changed = run_pb2.RunSpec()
    changed.CopyFrom(spec)
    changed.seed = 8
    with pytest.raises(errors.PlanStale):
        await runs.CreateRun(run_pb2.CreateRunRequest(parent=project, spec=changed, plan_digest=plan.digest))

    # Watched from before it begins, so that nothing is missed.
    revision = (await runs.ListRuns(run_pb2.ListRunsRequest(parent=project))).revision
    watch = event_pb2.WatchRequest(parent=project, after_revision=revision, progress=True, previews=True)
    stream = desk.session.events.Watch(watch)
    run = await runs.CreateRun(run_pb2.CreateRunRequest(parent=project, spec=spec, plan_digest=plan.digest))
    seen: set[str] = set()
    async with asyncio.timeout(PATIENCE):
        async for item in stream:
            seen.add(str(item.WhichOneof("item")))
            if item.HasField("event") and item.event.kind == "run.logged":
                run = item.event.run
                break
    assert {"event", "progress", "preview"} <= seen
    assert run.state == run_pb2.Run.STATE_SUCCEEDED, run.error
    log = Path(run.log_path).read_text()
    assert (await desk.session.history.GetRunLog(history_pb2.GetRunLogRequest(name=run.name))).json == log
    assert [job["bible"] for job in json.loads(log)["jobs"]]

    again = await desk.logged(await runs.ReplayRun(run_pb2.ReplayRunRequest(run_log=log)))
    old, new = await desk.candidates(run), await desk.candidates(again)
    assert len(old) == len(new) == 2
    for before, after in zip(old, new, strict=True):
        assert before.name != after.name
        assert await desk.content(before.asset) == await desk.content(after.asset)


async def test_j04_a_folder_of_own_pictures_stands_for_scenes(desk: Desk, tmp_path: Path) -> None:
    """Exactly one of both; a dry run starts nothing; more than the safe batch limit is refused."""
    project = (await desk.story()).project
    folder = tmp_path / "own"
    folder.mkdir()
    for number, path in enumerate(sorted((SAMPLE / "scenes").glob("*.png"))[:2]):
        shutil.copyfile(path, folder / f"{number}.png")
    spec = few_steps("style")
    spec.ClearField("scenes")
    spec.input_folder = str(folder)
    plan = await desk.session.runs.PlanRun(run_pb2.PlanRunRequest(parent=project, spec=spec))
    assert [job.source_path for job in plan.jobs] == ["0.png", "1.png"]
    assert not (await desk.session.runs.ListRuns(run_pb2.ListRunsRequest(parent=project))).runs
    run = await desk.drawn(spec, project)
    assert run.state == run_pb2.Run.STATE_SUCCEEDED, run.error
    spec.scenes.SetInParent()
    with pytest.raises(errors.ExactlyOneOf):
        await desk.session.runs.PlanRun(run_pb2.PlanRunRequest(parent=project, spec=spec))
    spec.ClearField("scenes")
    for number in range(2, 30):
        shutil.copyfile(folder / "0.png", folder / f"{number}.png")
    with pytest.raises(errors.LimitExceeded):
        await desk.session.runs.PlanRun(run_pb2.PlanRunRequest(parent=project, spec=spec))
