"""R05: weights that are damaged or swapped while work waits for them, on the real engine."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from bullpen_api.v1 import model_pb2, run_pb2, system_pb2
from bullpen_client import errors

from tests.support.daemon import Daemon
from tests.support.studio import Studio
from tests.support.tiny_pipeline import build_tiny_pipeline

pytestmark = [pytest.mark.faults, pytest.mark.slow]

WEIGHTS = "unet/diffusion_pytorch_model.safetensors"
SOUND, VICTIM = "models/sound", "models/victim"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that computes on the processor, with two tiny models whose manifests list every file."""
    home = tmp_path_factory.mktemp("d") / "home"
    for name in (SOUND, VICTIM):
        folder = build_tiny_pipeline(home / name)
        files = {
            path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*")
            if path.is_file()
        }
        manifest = {"schema_version": 1, "title": name, "licence": "Apache-2.0", "files": files}
        (folder / "bullpen-manifest.json").write_text(json.dumps(manifest))
    with Daemon(home, {"devices.use": "cpu", "devices.threads": "1"}) as running:
        yield running


def spec(model: str, steps: int = 1) -> run_pb2.RunSpec:
    """A run of the model over every scene."""
    return run_pb2.RunSpec(
        stage="style",
        scenes=run_pb2.SceneSelection(),
        model=model,
        candidates=1,
        seed=1,
        sampling=run_pb2.SamplingParameters(steps=steps),
    )


def flip(weights: Path) -> str:
    """Changes the last byte, and keeps size and time of content. Done twice it is as before. Gives the new hash."""
    before, content = weights.stat(), bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))
    return sha256(content).hexdigest()


async def checks(studio: Studio) -> dict[str, system_pb2.Check]:
    """What a deep diagnosis says of each model."""
    answer = await studio.session.system.Diagnose(system_pb2.DiagnoseRequest(deep=True))
    return {check.name: check for check in answer.checks if check.name.startswith("models/")}


async def test_r05_weights_swapped_under_a_waiting_run(studio: Studio, daemon: Daemon) -> None:
    """The run that waits fails by the file's name and hashes, all else goes on, and a repair needs no restart."""
    project = await studio.universe(1)
    weights = daemon.home / VICTIM / WEIGHTS
    listed = sha256(weights.read_bytes()).hexdigest()
    # The victim is in memory already: that must not help it.
    assert (await studio.logged(await studio.create(project, spec(VICTIM)))).state == run_pb2.Run.STATE_SUCCEEDED

    first = await studio.create(project, spec(SOUND, steps=100))
    await studio.progress(first, lambda progress: progress.step > 0)
    waiting = await studio.create(project, spec(VICTIM))
    found = flip(weights)
    with pytest.raises(errors.ModelCorrupt, match=WEIGHTS) as refused:
        await studio.create(project, spec(VICTIM))
    assert refused.value.field == "model"
    assert refused.value.remedy
    failed = await studio.logged(waiting)
    assert (failed.state, failed.error.reason) == (run_pb2.Run.STATE_FAILED, "MODEL_CORRUPT")
    for word in (WEIGHTS, found[:12], listed[:12]):
        assert word in failed.error.message
    assert failed.error.remedy

    said = await checks(studio)
    assert said[VICTIM].status == system_pb2.Check.STATUS_ERROR
    for word in (WEIGHTS, found[:12], listed[:12]):
        assert word in said[VICTIM].message
    assert said[VICTIM].remedy
    assert said[SOUND].status == system_pb2.Check.STATUS_OK
    models = {
        model.name: model for model in (await studio.session.models.ListModels(model_pb2.ListModelsRequest())).models
    }
    assert models[VICTIM].state == model_pb2.Model.STATE_CORRUPT
    assert models[SOUND].state == model_pb2.Model.STATE_READY
    assert (await studio.logged(first)).state == run_pb2.Run.STATE_SUCCEEDED

    flip(weights)
    again = await studio.session.runs.RetryRun(run_pb2.RetryRunRequest(name=failed.name))
    assert (await studio.logged(again)).state == run_pb2.Run.STATE_SUCCEEDED
    assert (await checks(studio))[VICTIM].status == system_pb2.Check.STATUS_OK


async def test_r05_model_replaced_under_a_waiting_run(studio: Studio, daemon: Daemon) -> None:
    """Without a manifest nothing is wrong with new weights, but they are not those that the run was planned with."""
    project = await studio.universe(1)
    folder = build_tiny_pipeline(daemon.home / "models" / "replaced")
    first = await studio.create(project, spec(SOUND, steps=100))
    await studio.progress(first, lambda progress: progress.step > 0)
    waiting = await studio.create(project, spec("models/replaced"))
    flip(folder / WEIGHTS)
    failed = await studio.logged(waiting)
    assert (failed.state, failed.error.reason) == (run_pb2.Run.STATE_FAILED, "MODEL_CORRUPT")
    assert "models/replaced" in failed.error.message
    assert (await studio.logged(await studio.create(project, spec("models/replaced")))).state == (
        run_pb2.Run.STATE_SUCCEEDED
    )
