"""What failed has a price too: device seconds of attempts that brought no picture are in the ledger, once each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from bullpen_api.v1 import cost_pb2, lab_pb2, postprocess_pb2, run_pb2
from bullpen_api.worker.v1 import link_pb2
from bullpen_client import errors
from bullpend.clock import ManualClock
from bullpend.dispatch.spent import InVain, Spent

from tests.support.daemon import Daemon
from tests.support.studio import PATIENCE, Studio, scripted

CANDIDATE = "projects/p/runs/r/jobs/j/candidates/1"


def step(number: int, candidate: str = CANDIDATE, phase: str = "denoising") -> link_pb2.StepDone:
    """A frame of progress."""
    return link_pb2.StepDone(job="j", attempt=2, candidate=candidate, step=number, steps=4, phase=phase)


def test_what_is_under_way_when_it_ends_was_in_vain() -> None:
    """A picture that is ready tells its own seconds; what was begun beside it counts from its first frame."""
    clock = ManualClock()
    spent = Spent(clock)
    spent.stepped("devices/a", step(0, phase="loading"))
    clock.at += 100
    spent.stepped("devices/a", step(0))
    clock.at += 3
    spent.made(link_pb2.CandidateReady(job="j", attempt=2, candidate=CANDIDATE))
    spent.stepped("devices/a", step(0, "second"))
    clock.at += 2
    spent.stepped("devices/a", step(1, "second"))
    clock.at += 0.5
    assert spent.ended("j", 2) == [InVain("j", 2, "second", "devices/a", 2.5)]
    assert spent.ended("j", 2) == []


def test_candidates_that_are_made_together_share_the_time() -> None:
    """The device worked once: what two of them took in vain is no more than it spent."""
    clock = ManualClock()
    spent = Spent(clock)
    spent.stepped("devices/a", step(0, "first"))
    spent.stepped("devices/a", step(0, "second"))
    clock.at += 6
    spent.made(link_pb2.CandidateReady(job="j", attempt=2, candidate="first"))
    clock.at += 1
    assert [(one.candidate, one.seconds) for one in spent.ended("j", 2)] == [("second", 4)]


def test_a_device_that_is_lost_takes_only_its_own_along() -> None:
    """Nothing of another device, and nothing twice."""
    clock = ManualClock()
    spent = Spent(clock)
    spent.stepped("devices/a", step(0))
    clock.at += 4
    assert spent.lost("devices/b") == []
    assert [one.seconds for one in spent.lost("devices/a")] == [4]
    assert spent.lost("devices/a") == []


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with the scripted model only."""
    with Daemon(tmp_path_factory.mktemp("d") / "home", {"paths.model_folders": "{home}/models"}) as running:
        yield running


async def lines(studio: Studio, parent: str) -> list[cost_pb2.CostEvent]:
    """The ledger's lines of a project, or of no project, the oldest first."""
    answer = await studio.session.costs.ListCostEvents(cost_pb2.ListCostEventsRequest(parent=parent, page_size=500))
    return list(reversed(answer.cost_events))


async def line_of(studio: Studio, parent: str, operation: str) -> cost_pb2.CostEvent:
    """The one line of an operation; outside of runs it is written when the call has ended already."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = [line for line in await lines(studio, parent) if line.operation == operation]
            if found:
                (line,) = found
                return line


@pytest.mark.e2e
async def test_r03_failed_and_lost_attempts_are_booked(studio: Studio) -> None:
    """A crash and then a success are two lines of one candidate; a failure is one; each says why."""
    project = await studio.universe(1)
    crashed = await studio.run(project, "step_ms=20 steps=4 crash_at=3 faults_until=1", candidates=1)
    assert crashed.state == run_pb2.Run.STATE_SUCCEEDED
    failed = await studio.run(project, "step_ms=20 steps=4 fail_at=3", candidates=1)
    assert failed.state == run_pb2.Run.STATE_FAILED
    lost, made, broken = await lines(studio, project)
    assert (lost.subject, lost.run) == (made.subject, crashed.name)
    assert "no picture" in lost.note
    assert "lost" in lost.note
    assert (made.note, dict(made.units), dict(lost.units)) == ("", {"images": 1}, {})
    assert (broken.run, "ENGINE_FAILED" in broken.note) == (failed.name, True)
    for line in (lost, broken):
        assert 0.04 <= line.device_seconds < 60
        assert line.device.startswith("devices/")
        assert not line.HasField("amount")


@pytest.mark.e2e
async def test_u01_single_pictures_and_steps_that_fail_are_booked(studio: Studio) -> None:
    """The lab's pictures and the steps of post-process have their lines as well."""
    request = lab_pb2.GenerateRequest(prompt=scripted("step_ms=20 steps=4 fail_at=3"), seed=1)
    with pytest.raises(errors.EngineFailed):
        async for _ in studio.session.lab.Generate(request):
            pass
    project = await studio.project()
    asset = await studio.picture(project, 1)
    broken = studio.folder / "broken.onnx"
    Path(broken).write_bytes(b"no network")
    steps = postprocess_pb2.PostProcess(upscale=postprocess_pb2.UpscaleStep(model=str(broken)))
    with pytest.raises((errors.ModelCorrupt, errors.ModelUnsupported, errors.EngineFailed)):
        async for _ in studio.session.postprocess.ProcessAssets(
            postprocess_pb2.ProcessAssetsRequest(parent=project, assets=[asset.name], post_process=steps)
        ):
            pass
    assert "no picture" in (await line_of(studio, project, "upscale")).note
    assert "ENGINE_FAILED" in (await line_of(studio, "projects/-", "generate")).note
