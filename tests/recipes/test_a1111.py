"""A1111's text: what is read of it, and what is wrong with a damaged one."""

from __future__ import annotations

import time
from functools import partial

import pytest
from bullpend.errors import RecipeInvalid
from bullpend.recipes import a1111
from bullpend.recipes.model import UsedLora
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.recipes.samples import A1111, refusal


def test_everything_that_the_text_tells_is_read() -> None:
    """Words, seed, sampler, sizes, model and LoRA have their values; the LoRA's tag is no part of the words."""
    told = a1111.read(A1111)
    assert told.prompt == "a pier at night, (rain:1.2), ink\nsecond line"
    assert told.negative_prompt == "blurry, text"
    assert (told.seed, told.steps, told.guidance_scale, told.strength) == (4105123456, 28, 6.5, 0.45)
    assert (told.sampler, told.scheduler) == ("DPM++ 2M", "Karras")
    assert (told.width, told.height) == (512, 768)
    assert (told.model_title, told.model_hash) == ("v1-5-pruned-emaonly", "6ce0161689")
    assert told.loras == (UsedLora("mara", 0.8, "77b0aa11c2d3"),)
    assert told.others == {"Clip skip": "2", "Version": "v1.10.1"}


def test_a_strength_of_a_second_pass_is_not_that_of_the_picture() -> None:
    """With `Hires upscale` the denoising strength is of the enlarged picture."""
    assert a1111.read(A1111.replace("Clip skip: 2", "Hires upscale: 2")).strength is None


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        ("Seed: 4105123456", "Seed: pier", "parameters.Seed"),
        ("Seed: 4105123456", "Seed: -1", "parameters.Seed"),
        ("Steps: 28", "Steps: 28.5", "parameters.Steps"),
        ("Steps: 28", f"Steps: {'9' * 5000}", "parameters.Steps"),
        ("CFG scale: 6.5", "CFG scale: nan", "parameters.CFG scale"),
        ("Size: 512x768", "Size: large", "parameters.Size"),
        ("Model hash: 6ce0161689", "Model hash: none!", "parameters.Model hash"),
        ("Denoising strength: 0.45", "Denoising strength: 45", "parameters.Denoising strength"),
        ("<lora:mara:0.8>", "<lora:mara:much>", "parameters.Prompt.<lora:mara>"),
        ('"mara: 77b0aa11c2d3"', "mara", "parameters.Lora hashes"),
    ],
)
def test_a_damaged_value_is_named_by_its_path(before: str, after: str, field: str) -> None:
    """The error has the pair that is wrong, and nothing is guessed in its place."""
    with pytest.raises(RecipeInvalid) as refused:
        a1111.read(A1111.replace(before, after))
    assert refused.value.field == field


def test_a_text_without_its_last_line_is_no_recipe() -> None:
    """Words alone do not tell how a picture was made."""
    with pytest.raises(RecipeInvalid) as refused:
        a1111.read("A holiday picture, taken at the harbour.")
    assert refused.value.field == "parameters"


def test_a_text_of_one_endless_word_is_read_in_linear_time() -> None:
    """A stranger's text of the greatest length that is taken costs no minutes."""
    began = time.perf_counter()
    for filling in ("a", " ", 'ab: "', "a:", "<lora:"):
        with pytest.raises(RecipeInvalid):
            a1111.read("x" + filling * (190_000 // len(filling)) + "y")
    assert time.perf_counter() - began < 20


@settings(max_examples=150)
@given(st.text(max_size=400) | st.text(alphabet='Steps:Seed Size,"\\\n<lora:1.2x>', max_size=400))
def test_any_text_is_a_recipe_or_a_typed_error(text: str) -> None:
    """Nothing that stands in a picture ends in another exception."""
    for whole in (text, f"{text}\nSteps: 1, Sampler: x, Seed: 2, {text}"):
        assert refusal(partial(a1111.read, whole)).split(".")[0] in ("", "parameters")
