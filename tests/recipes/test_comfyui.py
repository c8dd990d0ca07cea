"""ComfyUI's graphs: what is read of them, and what is wrong with a damaged one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bullpend.errors import RecipeInvalid
from bullpend.recipes import comfyui
from bullpend.recipes.model import Told, UsedLora
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.recipes.samples import flux, graph, refusal, workflow


def read(content: Any, keyword: str = "prompt") -> Told:
    """The recipe of a graph."""
    return comfyui.read({keyword: json.dumps(content)})


def test_the_first_pass_of_the_saved_picture_is_read() -> None:
    """Of two samplers the one that began with empty latents counts; words, LoRAs and model are found behind it."""
    told = read(graph())
    assert (told.prompt, told.negative_prompt) == ("a lighthouse, ink", "text, watermark")
    assert (told.seed, told.steps, told.guidance_scale, told.strength) == (156680208700286, 20, 8.0, 1.0)
    assert (told.sampler, told.scheduler, told.width, told.height) == ("euler", "karras", 512, 768)
    assert told.model_title == "sdxl/sd_xl_base_1.0.safetensors"
    assert told.loras == (UsedLora("ink.safetensors", 0.3), UsedLora("mara.safetensors", 0.7))
    assert told.others["Samplers"] == "2"


def test_a_sampler_that_is_split_into_nodes_is_read() -> None:
    """Noise, sigmas, guider and guidance of a Flux graph are put together; it has no negative words."""
    told = read(flux())
    assert (told.prompt, told.negative_prompt, told.seed, told.steps) == ("a boat", "", 42, 4)
    assert (told.guidance_scale, told.sampler, told.scheduler) == (3.5, "euler", "simple")
    assert (told.width, told.height, told.model_title) == (1024, 1024, "flux1-dev.safetensors")


def test_the_editors_form_is_read_where_there_is_no_other() -> None:
    """Values by position have their names; a reroute is walked past, a muted node is not there."""
    told = read(workflow(), "workflow")
    assert (told.prompt, told.negative_prompt, told.seed, told.steps) == ("a cat", "bad", 777, 25)
    assert (told.model_title, told.width, told.height) == ("anything-v5.safetensors", 640, 448)
    assert told.others["Samplers"] == "1"


def test_what_was_run_is_believed_before_what_was_drawn() -> None:
    """With both texts the graph that ran counts."""
    both = {"prompt": json.dumps(graph()), "workflow": json.dumps(workflow())}
    assert comfyui.read(both).seed == 156680208700286


def test_a_controlnet_hands_on_each_side_at_its_own_output() -> None:
    """Words that were wanted and those that were not are not mixed up behind a node that has both."""
    nodes = graph(positive=["20", 0], negative=["20", 1])
    nodes["20"] = {"class_type": "ControlNetApplyAdvanced", "inputs": {"positive": ["6", 0], "negative": ["7", 0]}}
    told = read(nodes)
    assert (told.prompt, told.negative_prompt) == ("a lighthouse, ink", "text, watermark")


def test_words_that_were_zeroed_out_did_not_act() -> None:
    """What stands behind a node that makes nothing of them is no negative prompt."""
    nodes = graph(negative=["20", 0])
    nodes["20"] = {"class_type": "ConditioningZeroOut", "inputs": {"conditioning": ["6", 0]}}
    assert read(nodes).negative_prompt == ""


def _without(nodes: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: node for name, node in nodes.items() if name != key}


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ([1, 2], "prompt"),
        ({"3": "node"}, "prompt.3"),
        ({"3": {"class_type": "KSampler"}}, "prompt.3"),
        (graph(seed="pier"), "prompt.3.inputs.seed"),
        (graph(seed=2**64), "prompt.3.inputs.seed"),
        (graph(steps=True), "prompt.3.inputs.steps"),
        (graph(cfg=[]), "prompt.3.inputs.cfg"),
        (graph(denoise=3), "prompt.3.inputs.denoise"),
        (graph(sampler_name=5), "prompt.3.inputs.sampler_name"),
        (graph(model=["99", 0]), "prompt.3.inputs.model"),
        (graph(latent_image=["13", 0]), "prompt.3.inputs.latent_image"),
        (_without(_without(graph(), "3"), "13") | {"8": {"class_type": "X", "inputs": {}}}, "prompt"),
    ],
)
def test_a_damaged_graph_is_named_by_its_path(content: Any, field: str) -> None:
    """The error has the node and the input that is wrong; a graph in a circle ends too."""
    with pytest.raises(RecipeInvalid) as refused:
        read(content)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"nodes": {}}, "workflow.nodes"),
        ({"nodes": [{"id": 1}]}, "workflow.nodes[0]"),
        ({"links": [[1]]}, "workflow.links[0]"),
        ({"links": []}, "workflow.nodes[1].inputs[0].link"),
    ],
)
def test_a_damaged_drawing_is_named_by_its_path(change: dict[str, Any], field: str) -> None:
    """The error has the place in the editor's form."""
    with pytest.raises(RecipeInvalid) as refused:
        read(workflow() | change, "workflow")
    assert refused.value.field == field


@pytest.mark.parametrize("text", ["", "{", "nonsense", "[" * 100_000, '{"a":' + "9" * 5000 + "}"])
def test_what_is_no_json_is_said_so(text: str) -> None:
    """Cut off, nested without end, or with a number of thousands of digits: a typed error."""
    with pytest.raises(RecipeInvalid) as refused:
        comfyui.read({"prompt": text})
    assert refused.value.field == "prompt"


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["3", "4", "6"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["inputs", "type", "id"]), inner),
    max_leaves=6,
)


@settings(max_examples=200)
@given(st.sampled_from(sorted(graph())), st.sampled_from(["seed", "model", "positive", "text", "images"]), _VALUES)
def test_any_value_in_a_graph_gives_a_recipe_or_a_typed_error(node: str, name: str, value: Any) -> None:
    """Nothing that stands in a picture ends in another exception."""
    nodes = graph()
    nodes[node]["inputs"][name] = value
    assert refusal(lambda: read(nodes)).split(".")[0] in ("", "prompt")


@settings(max_examples=100)
@given(st.sampled_from(["nodes", "links"]), _VALUES, st.integers(0, 8))
def test_any_value_in_a_drawing_gives_a_recipe_or_a_typed_error(part: str, value: Any, index: int) -> None:
    """The same of the editor's form."""
    drawn = workflow()
    drawn[part][index] = value
    assert refusal(lambda: read(drawn, "workflow")).split(".")[0] in ("", "workflow")
