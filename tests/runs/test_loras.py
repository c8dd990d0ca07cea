"""LoRAs of a run: which may act on what, how strongly, and what is kept of them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from bullpend.errors import (
    BullpenError,
    FieldInvalid,
    LimitExceeded,
    LoraUnsupportedEngine,
    ModelCorrupt,
    ModelUnsupported,
    RunLogInvalid,
)
from bullpend.models.model import LORA, Model, ModelState
from bullpend.runs import loras
from bullpend.runs.infotext import parameters_text
from bullpend.runs.model import Lora, LoraUse, Run, RunRequest, Sampling
from bullpend.runs.plan import PlanWorld
from bullpend.runs.recipe import Recipe
from bullpend.runs.rules import plan
from bullpend.runs.runlog import parse, render

from tests.runs.test_runlog import job
from tests.support.plans import ALL_SCENES, MODEL, WORLD

MARA = Model(
    name="models/mara",
    title="Mara",
    state=ModelState.READY,
    family="lora",
    licence="Apache-2.0",
    path="/models/mara",
    size_bytes=1_000_000,
    capabilities=(LORA,),
    base_model=MODEL.name,
    weight_file="pytorch_lora_weights.safetensors",
    digest="a" * 64,
)
WITH = replace(ALL_SCENES, loras=(LoraUse("mara", 0.8),))


def world(*models: Model) -> PlanWorld:
    return replace(WORLD, loras=models)


def test_a_lora_is_planned_with_its_digest_and_scale() -> None:
    """What will act is in the draft, and its file among the models that are needed."""
    draft = plan(WITH, world(MARA))
    assert draft.loras == (Lora("models/mara", "a" * 64, 0.8),)
    assert [model.model for model in draft.models] == [MODEL.name, "models/mara"]


def test_a_lora_changes_the_plan() -> None:
    """Its presence, its weights and its scale decide pixels; without any the plan is what it always was."""
    plans = [
        plan(ALL_SCENES, WORLD),
        plan(WITH, world(MARA)),
        plan(WITH, world(replace(MARA, digest="b" * 64))),
        plan(replace(WITH, loras=(LoraUse("mara", 0.9),)), world(MARA)),
    ]
    assert len({draft.digest for draft in plans}) == len(plans)


@pytest.mark.parametrize(
    ("uses", "models", "error", "field"),
    [
        ((LoraUse("mara", 2.1),), (MARA,), FieldInvalid, "loras[0].scale"),
        ((LoraUse("mara", float("nan")),), (MARA,), FieldInvalid, "loras[0].scale"),
        ((LoraUse("rosa"), LoraUse("mara", -3)), (MARA, MARA), FieldInvalid, "loras[1].scale"),
        ((LoraUse(""),), (MARA,), FieldInvalid, "loras[0].model"),
        ((LoraUse("mara"),) * 9, (MARA,) * 9, LimitExceeded, "loras"),
        ((LoraUse("mara"),) * 2, (MARA,) * 2, FieldInvalid, "loras[1].model"),
        ((LoraUse("edit"),), (MODEL,), ModelUnsupported, "loras[0].model"),
        ((LoraUse("mara"),), (replace(MARA, base_model="models/other"),), ModelUnsupported, "loras[0].model"),
        (
            (LoraUse("mara"),),
            (replace(MARA, state=ModelState.CORRUPT, refusal="MODEL_CORRUPT", problem="x differs."),),
            ModelCorrupt,
            "loras[0].model",
        ),
    ],
)
def test_what_cannot_act_is_refused_by_its_field(
    uses: tuple[LoraUse, ...], models: tuple[Model, ...], error: type[BullpenError], field: str
) -> None:
    """Scale, number, kind, base and state; each with something to do."""
    with pytest.raises(error) as refused:
        plan(replace(ALL_SCENES, loras=uses), world(*models))
    assert refused.value.field == field
    assert refused.value.remedy


def test_an_engine_without_loras_refuses_them() -> None:
    """By a reason of its own, not silently."""
    with pytest.raises(LoraUnsupportedEngine) as refused:
        plan(WITH, replace(world(MARA), model=replace(MODEL, engine="scripted")))
    assert refused.value.field == "loras[0].model"


@pytest.mark.parametrize("scale", [-2.0, 0.0, 2.0])
def test_the_bounds_of_a_scale_are_allowed(scale: float) -> None:
    """Also 0, which is kept in the recipe though nothing acts."""
    assert plan(replace(WITH, loras=(LoraUse("mara", scale),)), world(MARA)).loras[0].scale == scale


def test_the_database_keeps_them_as_they_are() -> None:
    """There and back."""
    used = (Lora("models/a", "a" * 64, 1.0), Lora("models/b", "b" * 64, -0.25))
    assert loras.from_json(loras.to_json(used)) == used
    assert RunRequest.from_dict(WITH.to_dict()) == WITH


def logged() -> str:
    """The log of a run with a LoRA."""
    run = Run(
        name="projects/harbor/runs/r1",
        request=WITH,
        plan_digest="d",
        model=MODEL.name,
        model_digest=MODEL.digest,
        sampling=Sampling(4, 1.0, 1.0, 128, 128),
        seed=7,
        loras=(Lora("models/mara", "a" * 64, 0.8),),
    )
    return render(run, [job(1)])


def test_a_log_tells_what_a_replay_needs() -> None:
    """Name, digest and scale of each; a log of the time before LoRAs is still one."""
    text = logged()
    replay = parse(text)
    assert replay.loras == (Lora("models/mara", "a" * 64, 0.8),)
    assert replay.request.loras == WITH.loras
    old = json.loads(text)
    del old["plan"]["loras"], old["request"]["loras"]
    assert parse(json.dumps(old)).loras == ()


def test_a_log_with_an_impossible_lora_is_refused() -> None:
    """The field at fault is named."""
    log = json.loads(logged())
    log["plan"]["loras"][0]["scale"] = 5
    with pytest.raises(RunLogInvalid) as refused:
        parse(json.dumps(log))
    assert refused.value.field == "plan.loras.0.scale"


def test_a_recipe_names_them() -> None:
    """In full for us, and under A1111's name for others."""
    recipe = Recipe(
        project="p",
        run="r",
        job="j",
        candidate="c",
        stage="style",
        model="models/edit",
        model_digest="d" * 64,
        family="instruct-pix2pix",
        engine="torch",
        device_kind="cpu",
        versions={},
        prompt="Redraw.",
        negative_prompt="",
        seed=1,
        sampling=Sampling(4, 1.0, 1.0, 64, 64),
        source_sha256="e" * 64,
        loras=(Lora("models/mara", "a" * 64, 0.8),),
    ).to_dict()
    assert recipe["loras"] == [{"name": "models/mara", "digest": "a" * 64, "scale": 0.8}]
    text = parameters_text(recipe)
    assert f'Lora hashes: "mara: {"a" * 12}"' in text
    assert 'Lora scales: "mara: 0.8"' in text
    assert "Lora" not in parameters_text({**recipe, "loras": []})
