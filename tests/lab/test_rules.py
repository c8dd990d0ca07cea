"""What a wish for single pictures becomes: bounds, the model that is taken, seeds that follow each other."""

from __future__ import annotations

from dataclasses import replace

import pytest
from bullpend.errors import (
    BullpenError,
    DeviceUnavailable,
    FieldInvalid,
    LimitExceeded,
    ModelNotFound,
    ModelUnsupported,
)
from bullpend.lab.rules import Sitting, Wish, check, default_models, plan
from bullpend.models.model import TEXT_TO_IMAGE, ModelState
from bullpend.runs.infotext import parameters_text
from bullpend.runs.model import LoraUse, SamplingRequest

from tests.support.plans import CPU, MODEL

TEXT = replace(
    MODEL,
    name="models/text",
    path="/models/text",
    family="stable-diffusion",
    capabilities=(TEXT_TO_IMAGE,),
    default_guidance_scale=4.0,
)
WISH = Wish("a pier at night", seed=7)
MOST = 6


def sit(wish: Wish = WISH) -> Sitting:
    return plan(wish, TEXT, [], [CPU], MOST)


def test_unset_values_are_the_models() -> None:
    """Steps, guidance and size come from the model; what was asked for goes before."""
    assert (sit().sampling.steps, sit().sampling.guidance_scale, sit().sampling.width) == (6, 4.0, 128)
    asked = SamplingRequest(steps=3, width=64, image_guidance_scale=9.0)
    sampling = sit(replace(WISH, sampling=asked)).sampling
    assert (sampling.steps, sampling.width, sampling.height) == (3, 64, 128)
    assert sampling.image_guidance_scale == TEXT.default_image_guidance_scale, "nothing to guide by"


def test_seeds_follow_each_other() -> None:
    """Each picture can be asked for alone by the seed in its recipe; the last seed is followed by the first."""
    assert sit(replace(WISH, count=3)).seeds == (7, 8, 9)
    assert sit(replace(WISH, seed=2**32 - 1, count=2)).seeds == (2**32 - 1, 0)


def test_a_wish_without_a_seed_has_one_of_its_content() -> None:
    """The same wish gives the same pictures; whatever decides pixels gives another seed, the count does not."""
    wish = replace(WISH, seed=None)
    others = [
        replace(wish, prompt="a market"),
        replace(wish, negative_prompt="rain"),
        replace(wish, sampling=SamplingRequest(steps=9)),
    ]
    seeds = [sit(item).seeds[0] for item in (wish, *others)]
    assert len(set(seeds)) == len(seeds)
    assert sit(replace(wish, count=2)).seeds[0] == sit(wish).seeds[0]


def test_without_a_name_the_ready_ones_are_tried_by_name() -> None:
    """Damaged ones and those that cannot are left out, embedded ones are last; the words say what there could be."""
    late, broken = replace(TEXT, name="models/zoo"), replace(TEXT, name="models/a", state=ModelState.CORRUPT)
    embedded = replace(TEXT, name="models/starter-text")
    assert default_models([late, embedded, broken, MODEL, TEXT]) == ("models/text", "models/zoo", embedded.name)
    with pytest.raises(ModelNotFound, match="models/a could"):
        default_models([broken, MODEL])
    with pytest.raises(ModelNotFound) as refused:
        default_models([MODEL])
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("wish", "error", "field"),
    [
        (replace(WISH, prompt=" \n"), FieldInvalid, "prompt"),
        (replace(WISH, negative_prompt="x" * 4001), FieldInvalid, "negative_prompt"),
        (replace(WISH, count=MOST + 1), LimitExceeded, "count"),
        (replace(WISH, count=-1), FieldInvalid, "count"),
        (replace(WISH, seed=2**32), FieldInvalid, "seed"),
        (replace(WISH, loras=(LoraUse("mara", 3.0),)), FieldInvalid, "loras[0].scale"),
    ],
)
def test_what_is_out_of_bounds_is_refused_by_its_field(wish: Wish, error: type[BullpenError], field: str) -> None:
    """Before any model is looked at."""
    with pytest.raises(error) as refused:
        check(wish, MOST)
    assert refused.value.field == field
    assert refused.value.remedy


def test_a_model_that_cannot_and_a_machine_without_device_are_refused() -> None:
    """By their reasons."""
    with pytest.raises(ModelUnsupported, match=TEXT_TO_IMAGE):
        plan(WISH, MODEL, [], [CPU], MOST)
    with pytest.raises(DeviceUnavailable):
        plan(WISH, TEXT, [], [], MOST)


def test_the_recipe_tells_of_no_source() -> None:
    """Neither in ours nor in A1111's words."""
    recipe = sit().recipe(7, "torch", "cpu", {"torch": "2"}).to_dict()
    assert (recipe["seed"], recipe["prompt"], recipe["source"]["sha256"]) == (7, "a pier at night", "")
    text = parameters_text(recipe)
    assert "Seed: 7" in text
    assert "Image CFG" not in text
    assert "Source" not in text
