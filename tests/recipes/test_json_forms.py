"""Recipes as JSON, of SwarmUI, Fooocus and InvokeAI: what is read of them, and what is wrong with a damaged one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from bullpend.errors import RecipeInvalid
from bullpend.recipes import reading
from bullpend.recipes.model import Program, Told, UsedLora
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.recipes.samples import refusal
from tests.recipes.test_reading import Text

SWARMUI: dict[str, Any] = {
    "prompt": "a pier",
    "negativeprompt": "blurry",
    "model": "sd_xl_base_1.0",
    "seed": 5,
    "steps": 20,
    "cfgscale": 7.0,
    "width": 1024,
    "height": 768,
    "sampler": "euler",
    "scheduler": "normal",
    "loras": ["mara", "ink"],
    "loraweights": ["0.8"],
}
FOOOCUS: dict[str, Any] = {
    "prompt": "a pier",
    "negative_prompt": "blurry",
    "base_model": "juggernautXL_v8",
    "base_model_hash": "aeb7e9e689",
    "seed": "5",
    "steps": 30,
    "guidance_scale": 4,
    "resolution": "(1152, 896)",
    "sampler": "dpmpp_2m_sde_gpu",
    "scheduler": "karras",
    "loras": [["mara.safetensors", 0.1, "4852686128"]],
}
INVOKEAI: dict[str, Any] = {
    "positive_prompt": "a pier",
    "negative_prompt": "blurry",
    "model": {"name": "Dreamshaper 8", "hash": "blake3:00", "base": "sd-1"},
    "seed": 5,
    "steps": 30,
    "cfg_scale": 7.5,
    "scheduler": "dpmpp_3m_k",
    "width": 512,
    "height": 768,
    "strength": 0.6,
    "loras": [{"model": {"name": "mara"}, "weight": 0.75}],
}
FORMS: dict[str, tuple[str, Callable[[dict[str, Any]], dict[str, Any]], dict[str, Any], str]] = {
    "swarmui": ("parameters", lambda content: {"sui_image_params": content}, SWARMUI, "parameters.sui_image_params"),
    "fooocus": ("parameters", lambda content: content, FOOOCUS, "parameters"),
    "invokeai": ("invokeai_metadata", lambda content: content, INVOKEAI, "invokeai_metadata"),
}


def read(form: str, **changes: Any) -> Told | None:
    """The recipe of a sample with some values changed."""
    keyword, wrap, sample, _ = FORMS[form]
    return reading.read([Text(keyword, json.dumps(wrap({**sample, **changes})))])


@pytest.mark.parametrize(
    ("form", "program", "model", "size", "guidance", "loras"),
    [
        ("swarmui", Program.SWARMUI, "sd_xl_base_1.0", (1024, 768), 7.0, (UsedLora("mara", 0.8), UsedLora("ink"))),
        (
            "fooocus",
            Program.FOOOCUS,
            "juggernautXL_v8",
            (1152, 896),
            4.0,
            (UsedLora("mara.safetensors", 0.1, "4852686128"),),
        ),
        ("invokeai", Program.INVOKEAI, "Dreamshaper 8", (512, 768), 7.5, (UsedLora("mara", 0.75),)),
    ],
)
def test_each_form_is_read_whole(
    form: str, program: Program, model: str, size: tuple[int, int], guidance: float, loras: tuple[UsedLora, ...]
) -> None:
    """Words, seed, steps, guidance, size, model and LoRAs have their values."""
    told = read(form)
    assert told is not None
    assert (told.program, told.prompt, told.negative_prompt) == (program, "a pier", "blurry")
    assert (told.seed, told.guidance_scale, told.model_title) == (5, guidance, model)
    assert ((told.width, told.height), told.loras) == (size, loras)


@pytest.mark.parametrize("form", sorted(FORMS))
@pytest.mark.parametrize(
    ("name", "value", "end"), [("seed", "pier", ".seed"), ("steps", 2.5, ".steps"), ("loras", [5], ".loras[0]")]
)
def test_a_damaged_value_is_named_by_its_path(form: str, name: str, value: Any, end: str) -> None:
    """The error has the path in the program's own form."""
    with pytest.raises(RecipeInvalid) as refused:
        read(form, **{name: value})
    assert refused.value.field == FORMS[form][3] + end


@pytest.mark.parametrize("text", ["{}", '{"a": 1}', '{"sui_image_params": 5}', '{"base_model": "x"}', "{"])
def test_json_of_nobody_is_a_typed_error(text: str) -> None:
    """Neither taken for words nor guessed."""
    with pytest.raises(RecipeInvalid):
        reading.read([Text("parameters", text)])


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers())


@settings(max_examples=150)
@given(st.sampled_from(sorted(FORMS)), st.sampled_from(sorted({*SWARMUI, *FOOOCUS, *INVOKEAI})), VALUES)
def test_any_value_gives_a_recipe_or_a_typed_error(form: str, name: str, value: Any) -> None:
    """Nothing that stands in a picture ends in another exception."""
    assert refusal(lambda: read(form, **{name: value})).split(".")[0] in ("", "parameters", "invokeai_metadata")
