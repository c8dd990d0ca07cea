"""J06 on the real engine: a run with a LoRA, what its record tells, and its replay."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from bullpen_api.v1 import bible_pb2, model_pb2, run_pb2
from bullpen_client import errors
from PIL import Image

from tests.support.daemon import Daemon
from tests.support.studio import Studio
from tests.support.tiny_lora import WEIGHTS, build_tiny_lora, write_manifest
from tests.support.tiny_pipeline import build_tiny_pipeline

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with a tiny model and a LoRA for it."""
    home = tmp_path_factory.mktemp("d") / "home"
    base = build_tiny_pipeline(home / "models" / "tiny")
    build_tiny_lora(home / "models" / "mara", base)
    with Daemon(home, {"devices.use": "cpu", "devices.threads": "1"}) as running:
        yield running


def spec(*loras: model_pb2.LoraUse) -> run_pb2.RunSpec:
    """A short run over every scene."""
    sampling = run_pb2.SamplingParameters(steps=2)
    return run_pb2.RunSpec(
        stage="style",
        scenes=run_pb2.SceneSelection(),
        model="tiny",
        candidates=1,
        seed=3,
        sampling=sampling,
        loras=loras,
    )


async def pixels(studio: Studio, run: run_pb2.Run) -> tuple[bytes, dict[str, object]]:
    """The picture of a run's only candidate, with the recipe in its file."""
    (candidate,) = await studio.candidates(run)
    with Image.open(io.BytesIO(await studio.content(candidate.asset))) as image:
        return image.tobytes(), json.loads(image.info["bullpen"])


async def test_j06_lora_acts_is_recorded_and_replayed(studio: Studio, daemon: Daemon) -> None:
    """It changes pixels by its scale, 0 is the base to the bit, and a log gives the same picture again."""
    project = await studio.universe(1)
    mara = model_pb2.LoraUse(model="models/mara", scale=0.7)
    runs = {}
    for name, used in (("base", ()), ("with", (mara,)), ("zero", (model_pb2.LoraUse(model="mara", scale=0),))):
        runs[name] = await studio.logged(await studio.create(project, spec(*used)))
        assert runs[name].state == run_pb2.Run.STATE_SUCCEEDED, runs[name].error
    made = {name: await pixels(studio, run) for name, run in runs.items()}
    assert made["zero"][0] == made["base"][0] != made["with"][0]

    listed = (await studio.session.models.ListModels(model_pb2.ListModelsRequest(capability="lora"))).models
    assert ("models/mara", "models/tiny") in [(model.name, model.base_model) for model in listed]
    kept = [{"name": "models/mara", "digest": listed[0].digest, "scale": 0.7}]
    assert made["with"][1]["loras"] == kept
    log = Path(runs["with"].log_path).read_text()
    assert json.loads(log)["plan"]["loras"] == kept
    assert list(runs["with"].spec.loras) == [mara]

    replayed = await studio.logged(await studio.session.runs.ReplayRun(run_pb2.ReplayRunRequest(run_log=log)))
    assert (await pixels(studio, replayed))[0] == made["with"][0]


async def test_j06_lora_that_cannot_act_is_refused(studio: Studio, daemon: Daemon) -> None:
    """Missing, of another base, out of bounds, damaged: named by its field, and the model goes on without it."""
    project = await studio.universe(1)
    other = daemon.home / "models" / "other"
    build_tiny_lora(other, daemon.home / "models" / "tiny", base_model="another-model")
    for use, error, field in (
        (model_pb2.LoraUse(model="nobody"), errors.ModelNotFound, "loras[0].model"),
        (model_pb2.LoraUse(model="tiny"), errors.ModelUnsupported, "loras[0].model"),
        (model_pb2.LoraUse(model="other"), errors.ModelUnsupported, "loras[0].model"),
        (model_pb2.LoraUse(model="mara", scale=2.5), errors.FieldInvalid, "loras[0].scale"),
    ):
        with pytest.raises(error) as refused:
            await studio.create(project, spec(use))
        assert refused.value.field == field
        assert refused.value.remedy
    alone = spec()
    alone.model = "mara"
    with pytest.raises(errors.ModelUnsupported):
        await studio.create(project, alone)

    weights = daemon.home / "models" / "mara" / WEIGHTS
    sound = weights.read_bytes()
    weights.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
    with pytest.raises(errors.ModelCorrupt, match=WEIGHTS) as corrupt:
        await studio.create(project, spec(model_pb2.LoraUse(model="mara")))
    assert corrupt.value.field == "loras[0].model"
    assert (await studio.logged(await studio.create(project, spec()))).state == run_pb2.Run.STATE_SUCCEEDED
    weights.write_bytes(sound)
    again = await studio.logged(await studio.create(project, spec(model_pb2.LoraUse(model="mara"))))
    assert again.state == run_pb2.Run.STATE_SUCCEEDED


async def test_j06_lora_of_other_weights_is_no_replay(studio: Studio, daemon: Daemon) -> None:
    """A LoRA that was replaced since is named instead of giving other pixels."""
    project = await studio.universe(1)
    folder = build_tiny_lora(daemon.home / "models" / "rosa", daemon.home / "models" / "tiny", seed=8)
    run = await studio.logged(await studio.create(project, spec(model_pb2.LoraUse(model="rosa"))))
    build_tiny_lora(folder, daemon.home / "models" / "tiny", seed=9)
    write_manifest(folder, "tiny")
    log = Path(run.log_path).read_text()
    with pytest.raises(errors.RunLogInvalid, match="models/rosa"):
        await studio.session.runs.ReplayRun(run_pb2.ReplayRunRequest(run_log=log))


async def test_j06_character_brings_its_own_lora(studio: Studio, daemon: Daemon) -> None:
    """It acts on the scenes of its character only, as one that the request names; one that is gone is named."""
    project = await studio.universe(2)
    session = studio.session
    folder = build_tiny_lora(daemon.home / "models" / "iris", daemon.home / "models" / "tiny", seed=11)
    iris = bible_pb2.Character(description="Iris", loras=[model_pb2.LoraUse(model="models/iris", scale=0.7)])
    request = bible_pb2.CreateCharacterRequest(parent=project, character_id="iris", character=iris)
    name = (await session.bible.CreateCharacter(request)).name
    scene = bible_pb2.Scene(name=f"{project}/scenes/s1", characters=[name])
    await session.bible.UpdateScene(bible_pb2.UpdateSceneRequest(scene=scene))
    asked = spec()
    asked.instruction = "{character} in ink"
    plan = await session.runs.PlanRun(run_pb2.PlanRunRequest(parent=project, spec=asked))
    assert [list(job.loras) for job in plan.jobs] == [list(iris.loras), []]
    assert [model.model for model in plan.models] == ["models/tiny", "models/iris"]
    made = [await studio.logged(await studio.create(project, asked))]
    asked.loras.append(model_pb2.LoraUse(model="iris", scale=0.7))
    made.append(await studio.logged(await studio.create(project, asked)))
    (own, bare), (named, forced) = [
        [await studio.content(item.asset) for item in await studio.candidates(run)] for run in made
    ]
    with Image.open(io.BytesIO(own)) as one, Image.open(io.BytesIO(named)) as other:
        assert one.tobytes() == other.tobytes()
        assert json.loads(one.info["bullpen"])["loras"] == json.loads(other.info["bullpen"])["loras"]
    with Image.open(io.BytesIO(bare)) as one, Image.open(io.BytesIO(forced)) as other:
        assert json.loads(one.info["bullpen"])["loras"] == []
        assert one.tobytes() != other.tobytes()
    log = Path(made[0].log_path).read_text()
    again = await studio.logged(await session.runs.ReplayRun(run_pb2.ReplayRunRequest(run_log=log)))
    assert [await studio.content(item.asset) for item in await studio.candidates(again)] == [own, bare]
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    del asked.loras[:]
    with pytest.raises(errors.ModelNotFound) as refused:
        await session.runs.PlanRun(run_pb2.PlanRunRequest(parent=project, spec=asked))
    assert refused.value.field == "characters.iris.loras[0].model"
