"""Which of a picture's texts is believed, Bullpen's own recipe, and what of it can be taken over here."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest
from bullpend import redaction
from bullpend.errors import RecipeInvalid
from bullpend.models.model import LORA, Model, ModelState
from bullpend.recipes import reading, wire
from bullpend.recipes.model import Program, Told, UsedLora, from_dict

from tests.recipes.samples import A1111, graph

OWN: dict[str, Any] = {
    "schema": "bullpen.recipe/1",
    "prompt": "a pier",
    "negative_prompt": "",
    "seed": 9,
    "model": {"name": "models/starter-edit", "digest": "ab" * 32},
    "sampling": {"steps": 8, "guidance_scale": 5.0, "image_guidance_scale": 1.5, "width": 128, "height": 96},
    "method": {"strategy": "img2img", "strength": 0.6},
    "loras": [{"name": "models/mara", "digest": "cd" * 32, "scale": 0.5}],
    "source": {"sha256": "00" * 32},
}


@dataclass
class Text:
    """A text of a picture."""

    keyword: str
    text: str = ""
    problem: str = ""


def test_own_recipe_goes_before_a_graph_before_a_text() -> None:
    """Whoever wrote most of it is believed; a picture without any of them tells nothing."""
    texts = [Text("parameters", A1111), Text("prompt", json.dumps(graph())), Text("bullpen", json.dumps(OWN))]
    programs = []
    while texts:
        told = reading.read(texts)
        assert told is not None
        programs.append(told.program)
        texts.pop()
    assert programs == [Program.BULLPEN, Program.COMFYUI, Program.A1111]
    assert reading.read([]) is None


def test_a_damaged_text_is_not_passed_over_for_another_one() -> None:
    """Where the graph cannot be read, the text beside it is not believed in its place."""
    with pytest.raises(RecipeInvalid) as refused:
        reading.read([Text("prompt", problem="It is cut off."), Text("parameters", A1111)])
    assert refused.value.field == "prompt"


def test_a_secret_that_the_vault_knows_is_not_kept_of_a_picture() -> None:
    """Graphs carry keys of services now and then; what is kept of one has no secret of this home in clear."""
    redaction.remember("sk-local-0123456789abcdef", "a key")
    nodes = graph()
    nodes["6"]["inputs"]["text"] = "a pier, sk-local-0123456789abcdef"
    try:
        told = reading.read([Text("prompt", json.dumps(nodes))])
    finally:
        redaction.forget_all()
    assert told is not None
    assert "sk-local" not in json.dumps(told.to_dict())
    assert told.prompt.startswith("a pier")


def test_own_recipe_is_read_whole_and_kept_as_json() -> None:
    """Every value is there, and comes back from the database as it went in."""
    told = reading.own(OWN)
    assert (told.prompt, told.seed, told.steps, told.strength) == ("a pier", 9, 8, 0.6)
    assert told.image_guidance_scale == 1.5
    assert told.loras == (UsedLora("models/mara", 0.5, "cd" * 32),)
    assert from_dict(json.loads(json.dumps(told.to_dict()))) == told


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"schema": "other/1"}, "bullpen.schema"),
        ({"sampling": 5}, "bullpen.sampling"),
        ({"sampling": {"steps": "x"}}, "bullpen.sampling.steps"),
        ({"loras": [1]}, "bullpen.loras[0]"),
        ({"loras": [{"scale": "much"}]}, "bullpen.loras[0].scale"),
        ({"prompt": 5}, "bullpen.prompt"),
    ],
)
def test_a_damaged_own_recipe_is_named_by_its_path(change: dict[str, Any], field: str) -> None:
    """The error has the path in the recipe."""
    with pytest.raises(RecipeInvalid) as refused:
        reading.own(OWN | change)
    assert refused.value.field == field


def model(name: str, digest: str = "", *capabilities: str) -> Model:
    """An installed model."""
    state = ModelState.READY
    return Model(f"models/{name}", name, state, "sd15", "", "", 0, capabilities=capabilities, digest=digest)


TOLD = Told(Program.A1111, model_title="v1-5-pruned-emaonly", model_hash="6ce0161689", loras=(UsedLora("Mara", 0.8),))


def test_models_are_recognised_by_hash_and_by_name() -> None:
    """A hash decides where there is one, otherwise the name without folder, ending, case and signs."""
    models = [model("v1_5_Pruned-emaonly"), model("other", "6ce0161689" + "0" * 54), model("mara", "", LORA)]
    found = wire.pack("a", TOLD, models)
    assert (found.model, found.loras[0].model, list(found.left_out)) == ("models/other", "models/mara", [])
    named = wire.pack("a", replace(TOLD, model_title="sd\\V1-5-pruned-emaonly.ckpt"), models[:1])
    assert named.model == "models/v1_5_Pruned-emaonly"


def test_what_cannot_be_taken_over_is_left_out_and_said() -> None:
    """Model, LoRA, a seed of 64 bits, a sampler, steps, guidance and a size that cannot be had here: one line each."""
    told = replace(TOLD, seed=2**40, sampler="DDIM", steps=900, guidance_scale=99.0, width=513, height=512)
    found = wire.pack("a", told, [])
    assert found.seed == 2**40
    assert not found.model
    assert not found.sampling.ListFields()
    assert len(found.left_out) == 7
