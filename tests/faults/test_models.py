"""R05: a model that is missing, unsafe, damaged, of a wrong kind or gone: named with its remedy, others usable."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from bullpen_api.v1 import model_pb2, run_pb2, system_pb2
from bullpen_client import errors

from tests.support.daemon import Daemon
from tests.support.studio import Studio, spec

pytestmark = pytest.mark.faults

WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon whose home has a sound model, and one of each kind of unsound ones."""
    home = tmp_path_factory.mktemp("d") / "home"
    models = home / "models"
    models.mkdir(parents=True)
    write_model(models / "sound")
    pickled = write_model(models / "pickled")
    for weights in pickled.rglob("*.safetensors"):
        weights.with_suffix(".bin").write_bytes(pickle.dumps({"weight": 1}))
        weights.unlink()
    damaged = write_model(models / "damaged")
    data = bytearray((damaged / WEIGHTS).read_bytes())
    data[-1] ^= 1
    (damaged / WEIGHTS).write_bytes(data)
    (write_model(models / "incomplete") / WEIGHTS).unlink()
    (write_model(models / "garbled") / "model_index.json").write_text("{no json")
    other = write_model(models / "other-family")
    index = json.loads((other / "model_index.json").read_text())
    (other / "model_index.json").write_text(json.dumps({**index, "_class_name": "KolorsPipeline"}))
    (models / "lone.ckpt").write_bytes(b"pickled")
    with Daemon(home) as running:
        yield running


def write_model(folder: Path) -> Path:
    """Writes a folder in diffusers layout with a manifest, of which only the names are true."""
    parts = {
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "text_encoder": ["transformers", "CLIPTextModel"],
    }
    files = {
        "unet": WEIGHTS,
        "vae": "vae/diffusion_pytorch_model.safetensors",
        "text_encoder": "text_encoder/model.safetensors",
    }
    listed = {}
    for name, path in files.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "config.json").write_text(json.dumps({"sample_size": 16}))
        content = len(header := b"{}").to_bytes(8, "little") + header + name.encode()
        (folder / path).write_bytes(content)
        listed[path] = {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
    index = {"_class_name": "StableDiffusionInstructPix2PixPipeline", "_diffusers_version": "0.42.1", **parts}
    (folder / "model_index.json").write_text(json.dumps(index))
    manifest = {"schema_version": 1, "title": folder.name, "licence": "Apache-2.0", "files": listed}
    (folder / "bullpen-manifest.json").write_text(json.dumps(manifest))
    return folder


async def plan(studio: Studio, model: str) -> run_pb2.Plan:
    """The plan of a run with that model."""
    project = await studio.universe(1)
    wanted = spec()
    wanted.model = model
    return await studio.session.runs.PlanRun(run_pb2.PlanRunRequest(parent=project, spec=wanted))


async def test_r05_sound_model_is_planned_with(studio: Studio) -> None:
    """The counterpart of the others: a folder that is as its manifest says can be planned with."""
    assert [model.model for model in (await plan(studio, "models/sound")).models] == ["models/sound"]


@pytest.mark.parametrize(
    ("model", "error", "word"),
    [
        ("models/pickled", errors.ModelUnsafe, "pickle"),
        ("models/damaged", errors.ModelCorrupt, WEIGHTS),
        ("models/incomplete", errors.ModelCorrupt, "unet"),
        ("models/garbled", errors.ModelCorrupt, "model_index.json"),
        ("models/other-family", errors.ModelUnsupported, "kolors"),
        ("models/lone", errors.ModelUnsafe, "lone.ckpt"),
        ("models/none", errors.ModelNotFound, "models/none"),
    ],
)
async def test_r05_unsound_model_is_refused_with_its_remedy(
    studio: Studio, model: str, error: type[errors.BullpenError], word: str
) -> None:
    """Planning and starting refuse it alike, naming what is wrong; nothing of it is ever loaded."""
    with pytest.raises(error) as refused:
        await plan(studio, model)
    assert refused.value.field == "model"
    assert refused.value.remedy
    assert word.lower() in refused.value.message.lower()
    project = await studio.universe(1)
    wanted = spec()
    wanted.model = model
    with pytest.raises(error):
        await studio.create(project, wanted)


async def test_r05_list_shows_what_is_wrong(studio: Studio) -> None:
    """Every model is listed with its state; what cannot be used says why, and diagnosis says it too."""
    listed = {
        model.name: model for model in (await studio.session.models.ListModels(model_pb2.ListModelsRequest())).models
    }
    assert listed["models/sound"].state == model_pb2.Model.STATE_READY
    for name in ("pickled", "incomplete", "garbled", "other-family", "lone"):
        model = listed[f"models/{name}"]
        assert model.state in (model_pb2.Model.STATE_CORRUPT, model_pb2.Model.STATE_UNSUPPORTED), name
        assert model.problem
    checks = {
        check.name: check
        for check in (await studio.session.system.Diagnose(system_pb2.DiagnoseRequest())).checks
        if check.name.startswith("models/")
    }
    assert checks["models/sound"].status == system_pb2.Check.STATUS_OK
    assert checks["models/damaged"].status == system_pb2.Check.STATUS_ERROR
    assert checks["models/damaged"].remedy


async def test_r05_model_that_changes_is_noticed(studio: Studio, daemon: Daemon) -> None:
    """Weights that are changed or removed after they were found sound are noticed at the next plan."""
    folder = daemon.home / "models" / "changing"
    write_model(folder)
    await plan(studio, "models/changing")
    data = bytearray((folder / WEIGHTS).read_bytes())
    data[-1] ^= 1
    (folder / WEIGHTS).write_bytes(data)
    with pytest.raises(errors.ModelCorrupt):
        await plan(studio, "models/changing")
    shutil.rmtree(folder)
    with pytest.raises(errors.ModelNotFound):
        await plan(studio, "models/changing")


async def test_r05_model_that_fails_to_load_fails_its_run(studio: Studio, daemon: Daemon) -> None:
    """A model that no engine of the device can load fails the run with a reason; the next run is made."""
    project = await studio.universe(1)
    folder = write_model(daemon.home / "models" / "unloadable")
    (folder / "scripted.json").write_text(json.dumps({"fail": "MODEL_CORRUPT"}))
    wanted = spec()
    wanted.model = "models/unloadable"
    run = await studio.logged(await studio.create(project, wanted))
    assert run.state == run_pb2.Run.STATE_FAILED
    assert run.error.reason == "MODEL_CORRUPT"
    assert run.error.remedy
    assert (await studio.run(project)).state == run_pb2.Run.STATE_SUCCEEDED
