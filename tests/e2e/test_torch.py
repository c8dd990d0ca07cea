"""J04 on the real engine: a person's own pictures, and a local diffusers folder named by its path as the model."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from bullpen_api.v1 import asset_pb2, model_pb2, run_pb2
from PIL import Image

from tests.support.daemon import Daemon
from tests.support.pictures import picture, write_picture
from tests.support.studio import Studio
from tests.support.tiny_pipeline import build_tiny_pipeline
from tests.support.watching import check_watch

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny pipeline in diffusers layout with random weights."""
    return build_tiny_pipeline(tmp_path_factory.mktemp("m") / "tiny")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that computes on the processor, with one thread."""
    with Daemon(tmp_path_factory.mktemp("d") / "home", {"devices.use": "cpu", "devices.threads": "1"}) as running:
        yield running


def folder_spec(model: Path, folder: Path) -> run_pb2.RunSpec:
    """A short run of the model over a folder."""
    return run_pb2.RunSpec(
        stage="style",
        input_folder=str(folder),
        model=str(model),
        candidates=2,
        seed=11,
        variables={"style": "ink"},
        sampling=run_pb2.SamplingParameters(steps=2),
    )


async def test_j04_own_pictures_through_a_local_model(
    studio: Studio, daemon: Daemon, model: Path, tmp_path: Path
) -> None:
    """Pictures of any size, format and orientation keep their shape; the source asset is the original file."""
    project = await studio.project()
    folder = tmp_path / "own"
    write_picture(folder / "portrait.png", 1, 77, 150)
    write_picture(folder / "scan.webp", 2, 201, 99)
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(3, 160, 80).save(folder / "phone.jpg", exif=exif)
    run = await studio.logged(await studio.create(project, folder_spec(model, folder)))
    assert run.state == run_pb2.Run.STATE_SUCCEEDED, run.error
    jobs = {job.source_path: job for job in await studio.jobs(run)}
    for path, aspect in (("portrait.png", 77 / 150), ("scan.webp", 201 / 99), ("phone.jpg", 80 / 160)):
        job = jobs[path]
        assert await studio.content(job.source_asset) == (folder / path).read_bytes()
        first, second = [await studio.content(candidate.asset) for candidate in job.candidates]
        assert first != second, "another seed makes another picture"
        with Image.open(io.BytesIO(first)) as made:
            assert abs(made.width / made.height - aspect) < 0.15, f"{path} became {made.size}"
            recipe = json.loads(made.info["bullpen"])
        assert recipe["engine"] == {"name": "torch", "device_kind": "cpu"}
        assert recipe["prompt"] == "Redraw this panel in ink style."
    (device,) = (await studio.session.devices.ListDevices(model_pb2.ListDevicesRequest())).devices
    assert device.kind == "cpu"
    residents = (await studio.session.models.ListResidents(model_pb2.ListResidentsRequest())).residents
    assert [resident.model for resident in residents] == [str(model)]
    await check_watch(studio.session, daemon.home, project)


async def test_j04_torch_replay_gives_the_same_pixels(studio: Studio, model: Path, tmp_path: Path) -> None:
    """A replay of the log on the same machine makes the same pictures to the bit."""
    project = await studio.project()
    folder = tmp_path / "own"
    write_picture(folder / "a.png", 5, 64, 64)
    run = await studio.logged(await studio.create(project, folder_spec(model, folder)))
    log = Path(run.log_path).read_text()
    replayed = await studio.logged(await studio.session.runs.ReplayRun(run_pb2.ReplayRunRequest(run_log=log)))
    old, new = await studio.candidates(run), await studio.candidates(replayed)
    for before, after in zip(old, new, strict=True):
        one, two = await studio.content(before.asset), await studio.content(after.asset)
        with Image.open(io.BytesIO(one)) as first, Image.open(io.BytesIO(two)) as second:
            assert first.tobytes() == second.tobytes()
    listed = await studio.session.assets.ListAssets(asset_pb2.ListAssetsRequest(parent=project))
    assert len({asset.sha256 for asset in listed.assets}) == len(listed.assets)
