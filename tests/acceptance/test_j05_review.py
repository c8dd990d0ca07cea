"""J05: a person compares candidates, sees findings and ranking, accepts or overrides, and retries."""

from __future__ import annotations

import pytest
from bullpen_api.v1 import bible_pb2, history_pb2, quality_pb2, run_pb2
from bullpen_client import errors

from tests.acceptance.conftest import Desk, few_steps

pytestmark = pytest.mark.e2e


async def test_j05_review_override_and_take_a_stage_again(desk: Desk) -> None:
    """The winner has its reason, a person's choice stays with its own, later stages start from what was accepted, and
    say when that was replaced.
    """
    universe = await desk.story()
    project, session = universe.project, desk.session
    request = run_pb2.PlanRunRequest(parent=project, spec=few_steps("time", universe.scenes[:1]))
    with pytest.raises(errors.StageNotReady) as early:
        await session.runs.PlanRun(request)
    assert early.value.metadata["predecessor"] == "style"
    run = await desk.stage(universe, "style", candidates=2)
    summary = await session.quality.GetQualitySummary(quality_pb2.GetQualitySummaryRequest(name=run.name))
    assert {"chroma_mean", "structure_f1", "style_drift"} <= {tally.measure for tally in summary.measures}
    (job,) = await desk.jobs(run)
    ranked = sorted(job.candidates, key=lambda candidate: candidate.rank)
    assert [candidate.rank for candidate in ranked] == [1, 2]
    assert all(candidate.rank_reason for candidate in ranked)
    (winner,) = [candidate for candidate in job.candidates if candidate.accepted]
    (other,) = [candidate for candidate in job.candidates if not candidate.accepted]
    assert winner.accept_reason

    later = await desk.stage(universe, "time")
    (made,) = await desk.jobs(later)
    assert (made.source_asset, made.source_candidate) == (winner.asset, winner.name)
    taken = run_pb2.AcceptCandidateRequest(name=other.name, reason="Better hands.")
    chosen = await session.runs.AcceptCandidate(taken)
    assert (chosen.accepted_by_hand, chosen.accept_reason) == (True, "Better hands.")
    scene = await session.bible.GetScene(bible_pb2.GetSceneRequest(name=universe.scenes[0]))
    stale = {picture.stage: picture.stale.superseded_asset for picture in scene.accepted if picture.HasField("stale")}
    assert stale == {"time": winner.asset}
    again = await desk.stage(universe, "time")
    scene = await session.bible.GetScene(bible_pb2.GetSceneRequest(name=universe.scenes[0]))
    assert not [picture for picture in scene.accepted if picture.HasField("stale")]
    lineage = await session.history.GetLineage(history_pb2.GetLineageRequest(name=again.name))
    assert {node.stage for node in lineage.nodes} == {"style", "time"}
    with pytest.raises(errors.StateConflict):
        await session.runs.RetryRun(run_pb2.RetryRunRequest(name=run.name))
