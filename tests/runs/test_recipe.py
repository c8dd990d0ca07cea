"""Recipes, and the A1111 text made from them."""

from __future__ import annotations

import json
from dataclasses import replace

import bullpend
from bullpend.runs.model import AppliedChange, Sampling
from bullpend.runs.recipe import Recipe, parameters_text, parse_parameters, to_json
from hypothesis import given
from hypothesis import strategies as st

RECIPE = Recipe(
    project="harbor",
    run="projects/harbor/runs/r1",
    job="projects/harbor/runs/r1/jobs/1",
    candidate="projects/harbor/runs/r1/jobs/1/candidates/1",
    stage="style",
    model="models/starter-edit",
    model_digest="ab" * 32,
    family="instruct-pix2pix",
    engine="torch",
    device_kind="cpu",
    versions={"torch": "2.13.0", "diffusers": "0.42.1"},
    prompt="Redraw this panel in ink style.",
    negative_prompt="",
    seed=1234,
    sampling=Sampling(20, 7.5, 1.5, 128, 96),
    source_sha256="cd" * 32,
    changes=(AppliedChange(3, guidance_scale=4.0),),
)


def test_a_recipe_holds_everything_that_decided_the_picture() -> None:
    """Model by its weights, engine, versions, words, seed, sampling, source and changes."""
    data = RECIPE.to_dict()
    assert data["schema"] == "bullpen.recipe/1"
    assert data["bullpen"] == bullpend.__version__
    assert data["model"] == {"name": "models/starter-edit", "digest": "ab" * 32, "family": "instruct-pix2pix"}
    assert data["versions"] == {"diffusers": "0.42.1", "torch": "2.13.0"}
    assert data["sampling"]["image_guidance_scale"] == 1.5
    assert data["changes"] == [{"step": 3, "guidance_scale": 4.0}]
    assert data["source"]["sha256"] == "cd" * 32


def test_recipe_json_is_canonical() -> None:
    """Equal recipes are equal texts, whatever the order of their keys."""
    data = RECIPE.to_dict()
    turned = dict(reversed(list(data.items())))
    assert to_json(data) == to_json(turned)
    assert json.loads(to_json(data)) == data
    assert "\n" not in to_json(data)


def test_the_a1111_text_has_its_format() -> None:
    """Prompt, then one line of pairs; A1111's own names where it has them."""
    text = parameters_text(RECIPE.to_dict())
    assert text == (
        "Redraw this panel in ink style.\n"
        "Steps: 20, Sampler: model default, CFG scale: 7.5, Seed: 1234, Size: 128x96, Model hash: ababababab, "
        f"Model: starter-edit, Image CFG scale: 1.5, Source hash: cdcdcdcdcd, Version: bullpen {bullpend.__version__}"
    )


def test_a_negative_prompt_has_its_own_line() -> None:
    """It begins with the words that A1111 looks for, and a prompt of several lines stays whole."""
    recipe = replace(RECIPE, prompt="One.\nTwo.", negative_prompt="blurry, grey")
    text = parameters_text(recipe.to_dict())
    assert "\nNegative prompt: blurry, grey\nSteps: 20, " in text
    found = parse_parameters(text)
    assert (found["Prompt"], found["Negative prompt"]) == ("One.\nTwo.", "blurry, grey")
    assert (found["Steps"], found["Size"], found["CFG scale"]) == ("20", "128x96", "7.5")


def test_a_text_of_the_web_ui_is_read() -> None:
    """A text as stable-diffusion-webui writes it, with a quoted value."""
    found = parse_parameters(
        "a castle, (dusk:1.2)\nNegative prompt: people\n"
        "Steps: 30, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 5, Size: 512x512, Model hash: 6ce0161689, "
        'Lora hashes: "detail: 7c6bad76eb54, line: 5f1a", Version: v1.10.1'
    )
    assert found["Prompt"] == "a castle, (dusk:1.2)"
    assert found["Sampler"] == "DPM++ 2M Karras"
    assert found["Lora hashes"] == "detail: 7c6bad76eb54, line: 5f1a"
    assert found["Version"] == "v1.10.1"


lines = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), max_size=40).map(str.strip)


@given(lines, lines, st.text(st.sampled_from('ab,: "\\é'), min_size=1).map(str.strip).filter(bool))
def test_every_recipe_can_be_read_back(prompt: str, negative: str, model: str) -> None:
    """Whatever the words and the model's name, the reader finds them again."""
    if prompt.startswith("Negative prompt:") or negative.startswith("Negative prompt:"):
        return
    recipe = replace(RECIPE, prompt=prompt, negative_prompt=negative, model=f"models/{model}")
    found = parse_parameters(parameters_text(recipe.to_dict()))
    assert found["Prompt"] == prompt
    assert found["Negative prompt"] == negative
    assert found["Model"] == model
    assert found["Seed"] == "1234"


@given(st.text())
def test_the_reader_never_fails(text: str) -> None:
    """Any text gives a prompt; the reader is for files of strangers."""
    assert "Prompt" in parse_parameters(text)
