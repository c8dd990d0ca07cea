"""J07: a person runs cutout, refining, upscaling and colour over accepted pictures, in that order."""

from __future__ import annotations

import pytest
from bullpen_api.v1 import asset_pb2, history_pb2, postprocess_pb2

from tests.acceptance.conftest import Desk

pytestmark = pytest.mark.e2e


async def test_j07_each_step_makes_an_asset_of_the_one_before(desk: Desk) -> None:
    """The fixed order, however they are asked for; each output names its parent and leads back to the scene."""
    universe = await desk.story()
    run = await desk.stage(universe, "style")
    (accepted,) = [
        candidate for candidate in await desk.candidates(run) if candidate.accepted
    ] or await desk.candidates(run)
    wish = postprocess_pb2.PostProcess(
        color=postprocess_pb2.ColorStep(profile="cold_rain"),
        upscale=postprocess_pb2.UpscaleStep(scale=2),
        refine=postprocess_pb2.RefineStep(),
        cutout=postprocess_pb2.CutoutStep(),
    )
    request = postprocess_pb2.ProcessAssetsRequest(parent=universe.project, run=run.name, post_process=wish)
    made = [item.made async for item in desk.session.postprocess.ProcessAssets(request) if item.HasField("made")]
    assert [one.step for one in made] == ["cutout", "refine", "upscale", "color"]
    parent = accepted.asset
    for one in made:
        asset = await desk.session.assets.GetAsset(asset_pb2.GetAssetRequest(name=one.asset.name))
        assert list(asset.derived_from) == [parent]
        parent = asset.name
    assert (asset.width, asset.height) == (256, 256)
    lineage = await desk.session.history.GetLineage(history_pb2.GetLineageRequest(name=parent))
    assert [node.candidate for node in lineage.nodes if node.asked] == [accepted.name]
