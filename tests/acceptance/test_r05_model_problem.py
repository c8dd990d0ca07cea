"""R05: a model is missing, of the wrong kind, or changed on disk, or a LoRA is none: each error names the remedy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from bullpen_api.v1 import model_pb2, run_pb2
from bullpen_client import errors

from tests.acceptance.conftest import Desk, Universe, few_steps
from tests.support.daemon import Daemon

pytestmark = pytest.mark.e2e


async def refused(desk: Desk, universe: Universe, error: type[errors.BullpenError], **fields: object) -> str:
    """The field that a plan with these fields is refused by, with a remedy."""
    spec = few_steps("style", universe.scenes[:1])
    for name, value in fields.items():
        if name == "loras":
            spec.loras.append(model_pb2.LoraUse(model=str(value)))
        else:
            setattr(spec, name, value)
    with pytest.raises(error) as caught:
        await desk.session.runs.PlanRun(run_pb2.PlanRunRequest(parent=universe.project, spec=spec))
    assert caught.value.remedy
    return str(caught.value.field)


async def test_r05_each_problem_of_a_model_is_typed(desk: Desk, daemon: Daemon) -> None:
    """Missing, not for this stage, swapped on disk, a LoRA that is none; the sound model goes on."""
    universe = await desk.story()
    assert await refused(desk, universe, errors.ModelNotFound, model="models/nobody") == "model"
    assert await refused(desk, universe, errors.ModelUnsupported, model="models/starter-upscale")
    assert await refused(desk, universe, errors.ModelUnsupported, loras="models/starter-cutout") == "loras[0].model"
    edit = await desk.session.models.GetModel(model_pb2.GetModelRequest(name="models/starter-edit"))
    copy = daemon.home / "models" / "swapped"
    shutil.copytree(Path(edit.path), copy)
    weights = copy / "unet" / "diffusion_pytorch_model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))
    assert await refused(desk, universe, errors.ModelCorrupt, model="models/swapped") == "model"
    run = await desk.drawn(few_steps("style", universe.scenes[:1]), universe.project)
    assert run.state == run_pb2.Run.STATE_SUCCEEDED, run.error
