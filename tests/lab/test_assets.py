"""J07 over the public socket: accepted pictures go through the chain, and each output is an asset with its parent."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from bullpen_api.v1 import asset_pb2, postprocess_pb2, run_pb2
from bullpen_api.v1.postprocess_pb2 import (
    ColorStep,
    CutoutStep,
    PostProcess,
    ProcessAssetsRequest,
    RefineStep,
    UpscaleStep,
)
from bullpen_client import Session, errors
from PIL import Image

from tests.support.daemon import Daemon
from tests.support.studio import Studio

pytestmark = pytest.mark.e2e

STEPS = ["cutout", "refine", "upscale", "color"]
ALL = PostProcess(
    cutout=CutoutStep(), refine=RefineStep(), upscale=UpscaleStep(scale=2), color=ColorStep(profile="cold_rain")
)


@pytest.fixture
def studio(session: Session, daemon: Daemon) -> Studio:
    folder = daemon.home / "pictures"
    folder.mkdir(exist_ok=True)
    return Studio(session, folder)


async def accept(studio: Studio, candidate: str) -> None:
    """A person takes a candidate."""
    await studio.session.runs.AcceptCandidate(run_pb2.AcceptCandidateRequest(name=candidate))


async def made(studio: Studio, request: ProcessAssetsRequest) -> list[postprocess_pb2.AssetMade]:
    """Everything that a call makes."""
    answers = [answer async for answer in studio.session.postprocess.ProcessAssets(request)]
    assert answers[0].WhichOneof("body") == "started"
    return [answer.made for answer in answers if answer.HasField("made")]


async def test_j07_each_output_is_an_asset_linked_to_its_parent(studio: Studio) -> None:
    """A run's accepted pictures go through all four steps; every output names the asset before it, and how."""
    project = await studio.universe(scenes=2)
    run = await studio.run(project, "steps=1 size=64x48", candidates=2)
    first = {candidate.name.rsplit("/", 2)[0]: candidate for candidate in reversed(await studio.candidates(run))}
    for candidate in first.values():
        await accept(studio, candidate.name)
    accepted = [candidate.asset for candidate in await studio.candidates(run) if candidate.accepted]
    assert len(accepted) == 2
    request = ProcessAssetsRequest(parent=project, run=run.name, post_process=ALL)
    outputs = await made(studio, request)
    assert [(one.source, one.step, one.last) for one in outputs] == [
        (asset, step, step == "color") for asset in accepted for step in STEPS
    ]
    before = ""
    for one in outputs:
        parent = one.source if one.step == "cutout" else before
        before = one.asset.name
        asset = await studio.session.assets.GetAsset(asset_pb2.GetAssetRequest(name=before))
        assert asset.kind == asset_pb2.Asset.KIND_POSTPROCESS
        assert list(asset.derived_from) == [parent]
        data = await studio.content(asset.name)
        with Image.open(io.BytesIO(data)) as image:
            recipe = json.loads(image.info["bullpen"])
            assert (recipe["step"], recipe["parent"]["asset"]) == (one.step, parent)
            assert image.mode == "RGBA"
            assert image.size == ((128, 96) if one.step in ("upscale", "color") else (64, 48))
    again = await made(studio, request)
    assert [one.asset.name for one in again] == [one.asset.name for one in outputs]
    listed = await studio.session.assets.ListAssets(
        asset_pb2.ListAssetsRequest(parent=project, kinds=[asset_pb2.Asset.KIND_POSTPROCESS])
    )
    assert len(listed.assets) == len({one.asset.name for one in outputs})


async def test_j07_steps_are_switched_off_one_by_one(studio: Studio) -> None:
    """Only the steps that are set act, on assets that a person names, in the order that they are named."""
    project = await studio.universe(scenes=0)
    assets = [(await studio.picture(project, seed)).name for seed in (1, 2)]
    wish = PostProcess(upscale=UpscaleStep(scale=2))
    request = ProcessAssetsRequest(parent=project, assets=[*reversed(assets), assets[1]], post_process=wish)
    outputs = await made(studio, request)
    assert [(one.source, one.step) for one in outputs] == [(assets[1], "upscale"), (assets[0], "upscale")]
    assert {(one.asset.width, one.asset.height) for one in outputs} == {(128, 128)}


async def test_j07_without_steps_the_settings_decide(studio: Studio, daemon: Daemon) -> None:
    """The steps that postprocess.json switches on are done, with its values."""
    project = await studio.universe(scenes=0)
    asset = await studio.picture(project, 3)
    own = daemon.home / "postprocess.json"
    settings = {step: {"enabled": step == "color"} for step in STEPS}
    own.write_text(json.dumps({"schema_version": 1, **settings, "color": {"profile": "cinematic_warm"}}))
    try:
        outputs = await made(studio, ProcessAssetsRequest(parent=project, assets=[asset.name]))
    finally:
        own.unlink()
    assert [one.step for one in outputs] == ["color"]
    with Image.open(io.BytesIO(await studio.content(outputs[0].asset.name))) as image:
        assert json.loads(image.info["bullpen"])["settings"]["profile"] == "cinematic_warm"


async def test_j07_what_cannot_be_taken_is_refused(studio: Studio) -> None:
    """Neither or both of assets and run, another project's, unknown ones, and a run without accepted pictures."""
    project, other = await studio.universe(scenes=1), await studio.universe(scenes=0)
    asset, foreign = await studio.picture(project, 1), await studio.picture(other, 1)
    run = await studio.run(project, "steps=1 blank", candidates=1)
    for request, error in (
        (ProcessAssetsRequest(parent=project), errors.ExactlyOneOf),
        (ProcessAssetsRequest(parent=project, run=run.name), errors.StateConflict),
        (ProcessAssetsRequest(parent=project, assets=[asset.name], run=run.name), errors.ExactlyOneOf),
        (ProcessAssetsRequest(parent=project, assets=[foreign.name]), errors.FieldInvalid),
        (ProcessAssetsRequest(parent=other, run=run.name), errors.FieldInvalid),
        (ProcessAssetsRequest(parent=project, assets=[f"{project}/assets/none"]), errors.ResourceNotFound),
        (ProcessAssetsRequest(parent=project, run=f"{project}/runs/none"), errors.ResourceNotFound),
        (ProcessAssetsRequest(parent="projects/none", assets=["projects/none/assets/a"]), errors.ProjectNotFound),
        (ProcessAssetsRequest(parent=project, assets=[asset.name] * 501), errors.LimitExceeded),
        (
            ProcessAssetsRequest(parent=project, assets=[asset.name], post_process=PostProcess()),
            errors.FieldInvalid,
        ),
    ):
        with pytest.raises(error):
            await made(studio, request)


async def test_j07_a_model_redraws_the_edge_of_a_cutout_and_nothing_else(studio: Studio) -> None:
    """A device works between two post workers; transparency and middle stay, and the same call gives the same asset."""
    project = await studio.project()
    path = studio.folder / "figure.png"
    figure = Image.new("RGBA", (64, 64))
    figure.paste((200, 10, 10, 255), (16, 16, 48, 48))
    figure.save(path)
    asset = await studio.session.assets.ImportAsset(asset_pb2.ImportAssetRequest(parent=project, path=str(path)))

    async def refined(model: str) -> tuple[Image.Image, dict[str, Any], str]:
        wish = PostProcess(refine=RefineStep(softness=1, model=model))
        request = ProcessAssetsRequest(parent=project, assets=[asset.name], post_process=wish)
        (one,) = await made(studio, request)
        with Image.open(io.BytesIO(await studio.content(one.asset.name))) as image:
            return image.convert("RGBA"), json.loads(image.info["bullpen"])["settings"], one.asset.name

    plain, _, _ = await refined("none")
    drawn, settings, name = await refined("models/scripted")
    assert drawn.getchannel("A").tobytes() == plain.getchannel("A").tobytes()
    middle = (26, 26, 38, 38)
    assert drawn.crop(middle).tobytes() == plain.crop(middle).tobytes()
    assert drawn.tobytes() != plain.tobytes()
    assert (settings["model"], settings["digest"], settings["strength"]) == ("models/scripted", "scripted", 0.2)
    assert (await refined("models/scripted"))[2] == name
    with pytest.raises(errors.ModelUnsupported) as caught:
        await refined("models/starter-upscale")
    assert caught.value.field == "post_process.refine.model"
