"""J04 with models of the large families: the strategy that a plan shows is the one that makes the pictures."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bullpen_api.v1 import bible_pb2, run_pb2
from bullpen_client import errors
from PIL import Image

from tests.support.daemon import Daemon
from tests.support.studio import Studio
from tests.support.tiny_families import build_tiny_control, build_tiny_ip_adapter
from tests.support.tiny_pipeline import FAMILY, SIZE, TEXT_FAMILY, build_tiny_pipeline

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with a tiny Stable Diffusion, a ControlNet and an IP-Adapter for it, and a model that edits."""
    home = tmp_path_factory.mktemp("d") / "home"
    models = home / "models"
    build_tiny_pipeline(models / "tiny-edit", family=FAMILY)
    build_tiny_pipeline(models / "tiny-sd", family=TEXT_FAMILY)
    build_tiny_control(models / "tiny-controlnet-lineart")
    from diffusers import UNet2DConditionModel

    unet = UNet2DConditionModel.from_pretrained(models / "tiny-sd" / "unet")
    build_tiny_ip_adapter(models / "tiny-adapter", unet)
    settings = {"devices.use": "cpu", "devices.threads": "1", "paths.style_roots": str(tmp_path_factory.getbasetemp())}
    with Daemon(home, settings) as running:
        yield running


def spec(stage: str = "style", **more: Any) -> run_pb2.RunSpec:
    values: dict[str, Any] = {"model": "tiny-sd", "candidates": 1, "seed": 3, **more}
    sampling = run_pb2.SamplingParameters(steps=4)
    return run_pb2.RunSpec(stage=stage, scenes=run_pb2.SceneSelection(), sampling=sampling, **values)


async def plan(studio: Studio, project: str, wanted: run_pb2.RunSpec) -> run_pb2.Plan:
    return await studio.session.runs.PlanRun(run_pb2.PlanRunRequest(parent=project, spec=wanted))


async def picture(studio: Studio, run: run_pb2.Run) -> tuple[Image.Image, dict[str, Any]]:
    """The picture of a run's only candidate, with the recipe in its file."""
    assert run.state == run_pb2.Run.STATE_SUCCEEDED, run.error
    (candidate,) = await studio.candidates(run)
    with Image.open(io.BytesIO(await studio.content(candidate.asset))) as image:
        return image.convert("RGB"), json.loads(image.info["bullpen"])


async def test_j04_the_strategy_of_the_plan_makes_the_picture_and_is_replayed(studio: Studio, daemon: Daemon) -> None:
    """Chosen from what is installed, shown with the reason, kept in recipe and log; a replay gives the same bytes."""
    project = await studio.universe(1)
    shown = await plan(studio, project, spec())
    assert shown.strategy.strategy == "structure_control"
    assert [(item.strategy, item.reason) for item in shown.strategy.passed_over] == [
        ("instruction_edit", "models/tiny-sd cannot do it")
    ]
    assert [(model.model, model.purpose) for model in shown.models] == [
        ("models/tiny-sd", "model"),
        ("models/tiny-controlnet-lineart", "controlnet"),
    ]
    assert (shown.sampling.strength, shown.sampling.control_scale) == (0.75, 0.8)
    run = await studio.logged(await studio.create(project, spec()))
    assert (run.strategy, run.sampling.strength) == ("structure_control", 0.75)
    made, recipe = await picture(studio, run)
    assert recipe["method"]["companions"][0]["kind"] == "line"
    plain, other = await picture(studio, await studio.logged(await studio.create(project, spec(strategy="img2img"))))
    assert other["method"] == {"strategy": "img2img", "strength": 0.5}
    assert made.tobytes() != plain.tobytes()

    log = Path(run.log_path).read_text()
    request = run_pb2.ReplayRunRequest(run_log=log, request_id="again")
    again = await studio.logged(await studio.session.runs.ReplayRun(request))
    assert again.strategy == "structure_control"
    assert [(await studio.candidates(one))[0].asset for one in (run, again)] == [
        (await studio.candidates(run))[0].asset
    ] * 2


async def test_j04_characters_are_painted_and_the_rest_stays_to_the_pixel(studio: Studio, daemon: Daemon) -> None:
    """Where the request says; outside of the box the picture is the source's."""
    project = await studio.universe(1)
    wanted = spec(strategy="inpaint", boxes=[run_pb2.Box(left=0.5, top=0, right=1, bottom=1)])
    shown = await plan(studio, project, wanted)
    assert [[box.left, box.right] for box in shown.jobs[0].boxes] == [[0.5, 1.0]]
    made, recipe = await picture(studio, await studio.logged(await studio.create(project, wanted)))
    assert recipe["method"]["boxes"] == [[0.5, 0.0, 1.0, 1.0]]
    (scene,) = (await studio.session.bible.ListScenes(bible_pb2.ListScenesRequest(parent=project))).scenes
    with Image.open(io.BytesIO(await studio.content(scene.source_asset))) as source:
        small = source.convert("RGB").resize((SIZE, SIZE), Image.Resampling.LANCZOS)
    left = (0, 0, SIZE // 2 - 2, SIZE)
    assert made.crop(left).tobytes() == small.crop(left).tobytes()
    assert made.tobytes() != small.tobytes()


async def test_j04_references_of_the_style_guide_steer(studio: Studio, daemon: Daemon) -> None:
    """Without anchors the plan says what is missing; with one it is part of the picture's recipe."""
    project = await studio.universe(1)
    with pytest.raises(errors.ModelUnsupported, match="no reference pictures for s1") as caught:
        await plan(studio, project, spec(strategy="reference"))
    assert caught.value.field == "strategy"
    anchor = await studio.picture(project, 77)
    guide = bible_pb2.StyleGuide(title="House", variables={"style": "ink"}, anchors=[anchor.name])
    await studio.session.bible.CreateStyleGuide(
        bible_pb2.CreateStyleGuideRequest(parent=project, style_guide_id="house", style_guide=guide)
    )
    run = await studio.logged(await studio.create(project, spec(strategy="reference")))
    _, recipe = await picture(studio, run)
    assert [item["asset"] for item in recipe["method"]["references"]] == [anchor.name]


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"strategy": "teleport"}, errors.FieldInvalid, "no strategy"),
        ({"strategy": "instruction_edit"}, errors.ModelUnsupported, "models/tiny-sd cannot do it"),
        ({"strategy": "img2img", "model": "tiny-edit"}, errors.ModelUnsupported, "models/tiny-edit cannot do it"),
    ],
)
async def test_j04_what_cannot_be_done_is_refused_with_what_could(
    studio: Studio, daemon: Daemon, change: dict[str, Any], error: type[errors.BullpenError], words: str
) -> None:
    """The remedy names an installed model."""
    project = await studio.universe(1)
    with pytest.raises(error, match=words) as caught:
        await plan(studio, project, spec(**change))
    assert caught.value.field == "strategy"
    if error is errors.ModelUnsupported:
        assert "models/" in caught.value.remedy


async def test_j04_a_companion_that_changed_ends_the_job(studio: Studio, daemon: Daemon) -> None:
    """The network of the plan is the one that acts, or none does; the plan of before is stale."""
    project = await studio.universe(1)
    shown = await plan(studio, project, spec())
    weights = daemon.home / "models" / "tiny-controlnet-lineart" / "diffusion_pytorch_model.safetensors"
    before = weights.read_bytes()
    weights.write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
    try:
        request = run_pb2.CreateRunRequest(parent=project, spec=spec(), plan_digest=shown.digest, request_id="stale")
        with pytest.raises(errors.PlanStale):
            await studio.session.runs.CreateRun(request)
    finally:
        weights.write_bytes(before)
