"""Which strategy a plan takes: the first that can be done, with what speaks for it and against the others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from bullpend.errors import FieldInvalid, ModelUnsupported
from bullpend.models.model import Model, ModelState
from bullpend.runs.cast import Member, Reference
from bullpend.runs.method import Inputs, Method, inputs_from_json, method_from_json, to_json
from bullpend.runs.model import RunRequest, SamplingRequest, Strategy
from bullpend.runs.plan import PlanDraft, PlanWorld
from bullpend.runs.rules import plan

from tests.support.plans import ALL_SCENES, GUIDE, MODEL, WORLD, picture, scene

SD = replace(
    MODEL,
    name="models/sd15",
    family="stable-diffusion",
    capabilities=("text_to_image", "img2img", "structure_control", "inpaint", "reference"),
    attention_width=768,
)
BRUSH = replace(SD, name="models/brush", family="stable-diffusion-inpaint", capabilities=("inpaint",))


def beside(name: str, capability: str, family: str = "stable-diffusion") -> Model:
    return replace(
        MODEL, name=f"models/{name}", family=family, capabilities=(capability,), base_family=family, digest=name * 8
    )


LINE, CANNY = beside("lineart", "control_line"), beside("canny", "control_canny")
DEPTH, ADAPTER = beside("depth", "control_depth"), beside("adapter", "reference_adapter")
ESTIMATOR = beside("estimator", "depth", family="depth-estimator")
ANCHORED = replace(GUIDE, references=(Reference("projects/harbor/assets/a", "a" * 64, GUIDE.name),))


def world(*companions: Model, **more: Any) -> PlanWorld:
    return replace(WORLD, **{"model": SD, "companions": companions, **more})


def characters(**more: Any) -> tuple[RunRequest, PlanWorld]:
    ready = scene("pier", 1, accepted={"weather": picture("w"), **more.pop("accepted", {})}, **more)
    return replace(ALL_SCENES, stage="characters"), world(scenes=(ready,))


def test_a_model_that_follows_instructions_is_asked_to() -> None:
    """The stage's first choice, with nothing passed over and nothing else to work with."""
    draft = plan(ALL_SCENES, WORLD)
    assert draft.method == Method()
    assert (draft.strategy.name, draft.strategy.passed_over) == ("instruction_edit", ())
    assert "first choice" in draft.strategy.reason
    assert {job.inputs for job in draft.jobs} == {Inputs()}


def test_without_companions_the_source_is_noised() -> None:
    """What was passed over is told with the reason, so that a person sees what to install."""
    draft = plan(ALL_SCENES, world())
    assert (draft.method.strategy, draft.method.strength) == (Strategy.IMG2IMG, 0.5)
    assert dict(draft.strategy.passed_over) == {
        "instruction_edit": "models/sd15 cannot do it",
        "structure_control": "no ControlNet (canny, line or depth) for stable-diffusion is installed",
        "reference": "no IP-Adapter for stable-diffusion is installed",
    }
    assert "no ControlNet" in draft.strategy.reason


@pytest.mark.parametrize(
    ("installed", "roles"),
    [
        ((CANNY, LINE), [("control", "models/lineart", "line")]),
        ((CANNY, DEPTH, ESTIMATOR), [("control", "models/canny", "canny")]),
        ((DEPTH, ESTIMATOR), [("control", "models/depth", "depth"), ("estimator", "models/estimator", "")]),
    ],
)
def test_a_controlnet_that_fits_holds_the_structure(
    installed: tuple[Model, ...], roles: list[tuple[str, str, str]]
) -> None:
    """Lines before edges before depth, which needs a network to see it; all are part of the plan and its digest."""
    draft = plan(ALL_SCENES, world(*installed))
    assert draft.method.strategy is Strategy.STRUCTURE_CONTROL
    assert [(one.role, one.name, one.kind) for one in draft.method.companions] == roles
    assert (draft.method.strength, draft.method.control_scale) == (0.75, 0.8)
    assert [model.model for model in draft.models] == ["models/sd15", *(name for _, name, _ in roles)]
    other = replace(installed[-1], digest="f" * 64)
    assert plan(ALL_SCENES, world(*installed[:-1], other)).digest != draft.digest or len(roles) == 1


def test_depth_without_an_estimator_says_so() -> None:
    """And the next strategy is taken."""
    draft = plan(ALL_SCENES, world(DEPTH))
    assert draft.method.strategy is Strategy.IMG2IMG
    assert "no network that estimates it" in dict(draft.strategy.passed_over)["structure_control"]


def test_references_steer_where_the_bible_has_some() -> None:
    """A stage of style shows the style's anchors; without one it is passed over."""
    asked = replace(ALL_SCENES, strategy="reference")
    draft = plan(asked, world(ADAPTER, style_guides=(ANCHORED,)))
    assert [item.asset for item in draft.jobs[0].inputs.references] == ["projects/harbor/assets/a"]
    assert "asked for" in draft.strategy.reason
    with pytest.raises(ModelUnsupported, match="no reference pictures for market, pier, alley") as caught:
        plan(asked, world(ADAPTER))
    assert caught.value.field == "strategy"


def test_a_stage_of_characters_shows_the_character() -> None:
    """The references of the one that is named first, not those of the style."""
    mara = Member("projects/harbor/characters/mara", "Mara", references=(Reference("m", "b" * 64, "mara"),))
    request, known = characters(cast=(mara,))
    draft = plan(
        replace(request, strategy="reference"), replace(known, companions=(ADAPTER,), style_guides=(ANCHORED,))
    )
    assert [item.asset for item in draft.jobs[0].inputs.references] == ["m"]


def test_characters_are_painted_where_the_scene_says() -> None:
    """The box of the place, from the manifest; everything else stays."""
    request, known = characters()
    draft = plan(request, known)
    assert draft.method.strategy is Strategy.INPAINT
    assert draft.jobs[0].inputs.boxes == ((0.0, 0.25, 0.38, 1.0),)
    moved = plan(replace(request, variables={"place": " Right "}), known)
    assert moved.jobs[0].inputs.boxes == ((0.62, 0.25, 1.0, 1.0),)
    assert moved.digest != draft.digest
    assert plan(request, replace(known, model=BRUSH)).method.strategy is Strategy.INPAINT


def test_a_place_without_a_box_is_where_the_last_picture_differs() -> None:
    """Of the accepted picture of this stage, where there is one; otherwise the request has to say it."""
    nowhere = {"time": "night", "weather": "rain", "place": "behind the boat"}
    request, known = characters(variables=nowhere)
    with pytest.raises(ModelUnsupported, match="nothing says where to paint in pier") as caught:
        plan(request, known)
    assert "box" in caught.value.remedy
    again, known_again = characters(variables=nowhere, accepted={"characters": picture("c")})
    compared = plan(again, known_again).jobs[0].inputs.compared
    assert compared is not None
    assert compared.sha256 == picture("c").sha256
    box = (0.5, 0.5, 1.0, 1.0)
    assert plan(replace(request, boxes=(box,)), known).jobs[0].inputs.boxes == (box,)


def test_numbers_are_the_requests_then_the_stages_then_the_strategys() -> None:
    """As for all sampling."""
    assert plan(replace(ALL_SCENES, sampling=SamplingRequest(strength=0.3)), world()).method.strength == 0.3
    manifest = WORLD.manifest
    style = manifest.stages["style"]
    defaults = style.defaults.model_copy(update={"strength": 0.4})
    own = manifest.model_copy(
        update={"stages": {**manifest.stages, "style": style.model_copy(update={"defaults": defaults})}}
    )
    assert plan(ALL_SCENES, world(manifest=own)).method.strength == 0.4


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"strategy": "teleport"}, "strategy"),
        ({"sampling": SamplingRequest(strength=0.0)}, "sampling.strength"),
        ({"sampling": SamplingRequest(strength=float("nan"))}, "sampling.strength"),
        ({"sampling": SamplingRequest(control_scale=2.1)}, "sampling.control_scale"),
        ({"sampling": SamplingRequest(reference_scale=-0.1)}, "sampling.reference_scale"),
        ({"boxes": ((0.5, 0.0, 0.5, 1.0),)}, "boxes[0]"),
        ({"boxes": ((0.0, 0.0, 1.0, 1.0), (0.0, 0.0, 1.1, 1.0))}, "boxes[1]"),
        ({"boxes": ((0.0, 0.0, float("nan"), 1.0),)}, "boxes[0]"),
        ({"boxes": ((0.0, 0.0, 1.0, 1.0),) * 17}, "boxes"),
    ],
)
def test_each_bound_names_its_field(change: dict[str, Any], field: str) -> None:
    """Refused before any model is looked at."""
    with pytest.raises(FieldInvalid) as caught:
        plan(replace(ALL_SCENES, **change), world())
    assert caught.value.field == field
    assert caught.value.remedy


def test_a_refusal_names_what_would_help() -> None:
    """Why each strategy failed, what the model can do, and installed models that could."""
    upscaler = replace(SD, name="models/up", capabilities=("upscale",))
    broken = replace(MODEL, name="models/broken", state=ModelState.CORRUPT)
    with pytest.raises(ModelUnsupported) as caught:
        plan(ALL_SCENES, world(model=upscaler, installed=(MODEL, SD, broken)))
    error = caught.value
    assert "instruction_edit: models/up cannot do it" in error.message
    assert "It can do: upscale" in error.message
    assert "models/starter-edit, models/sd15" in error.remedy
    assert "broken" not in error.remedy
    assert error.field == "model"
    with pytest.raises(ModelUnsupported, match="a family that can: instruct-pix2pix, stable-diffusion"):
        raise plan_error(world(model=upscaler))


def plan_error(known: PlanWorld) -> Exception:
    try:
        plan(ALL_SCENES, known)
    except ModelUnsupported as error:
        return ModelUnsupported(error.remedy)
    raise AssertionError("it was planned")


def drafts() -> list[PlanDraft]:
    request, known = characters()
    return [
        plan(ALL_SCENES, WORLD),
        plan(ALL_SCENES, world(DEPTH, ESTIMATOR)),
        plan(replace(ALL_SCENES, strategy="reference"), world(ADAPTER, style_guides=(ANCHORED,))),
        plan(request, known),
    ]


@pytest.mark.parametrize("number", range(4))
def test_a_method_is_kept_as_it_is(number: int) -> None:
    """In the database, the log and the recipe; what is empty is that of runs from before there were strategies."""
    draft = drafts()[number]
    assert method_from_json(to_json(draft.method)) == draft.method
    for job in draft.jobs:
        assert inputs_from_json(to_json(job.inputs)) == job.inputs
    assert (method_from_json(""), inputs_from_json("")) == (Method(), Inputs())
