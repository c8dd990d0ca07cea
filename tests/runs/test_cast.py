"""What of the bible acts on a picture: which words, LoRAs and references, and where each was taken from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from bullpend.errors import (
    BullpenError,
    FieldInvalid,
    LimitExceeded,
    ModelCorrupt,
    ReferenceSetEmpty,
    ResourceNotFound,
    TemplateVariableUnknown,
)
from bullpend.models.model import LORA, Model, ModelState
from bullpend.runs import cast
from bullpend.runs.cast import Member, Part, Reference, Use
from bullpend.runs.model import LoraUse, RunRequest
from bullpend.runs.plan import PlanDraft, PlanWorld, TemplateFacts
from bullpend.runs.rules import plan

from tests.support.plans import ALL_SCENES, GUIDE, MODEL, WORLD, picture, scene

MARA = "projects/harbor/characters/mara"
ROSA = "projects/harbor/characters/rosa"
SHOWN = tuple(Reference(f"projects/harbor/assets/{n}", f"{n}" * 64, MARA) for n in "ab")
INK = Reference("projects/harbor/assets/c", "c" * 64, "projects/harbor/referenceSets/ink")


def lora(name: str, **more: Any) -> Model:
    return replace(
        MODEL, name=name, family="lora", capabilities=(LORA,), base_model="starter-edit", digest=name[-1] * 64, **more
    )


LORAS = {"models/mara": lora("models/mara"), "models/rosa": lora("models/rosa")}
CAST = (
    Member(MARA, "a woman in a coat", "hat", (LoraUse("models/mara", 0.8),), SHOWN),
    Member(ROSA, "a robot", "rust", (LoraUse("models/rosa"),)),
)
CHARACTERS = replace(ALL_SCENES, stage="characters", seed=7)


def world(*members: Member, **more: Any) -> PlanWorld:
    pier = scene("pier", 1, accepted={"weather": picture("w")}, characters=(), cast=members)
    guide = replace(GUIDE, references=(INK,))
    return replace(WORLD, **{"scenes": (pier,), "style_guides": (guide,), "cast_loras": LORAS, **more})


def of_rosa(asset: str = "d") -> Reference:
    return Reference(f"projects/harbor/assets/{asset}", asset * 64, ROSA)


def uses(draft: PlanDraft, part: Part) -> list[tuple[str, str, str]]:
    return [(use.item, use.value, use.source) for use in draft.jobs[0].uses if use.part is part]


def refused(error: type[BullpenError], request: RunRequest, there: PlanWorld) -> BullpenError:
    with pytest.raises(error) as caught:
        plan(request, there)
    assert caught.value.remedy
    return caught.value


def test_a_scene_brings_its_characters() -> None:
    """Words of the first, LoRAs and unwanted things of all, references of all and of the style."""
    draft = plan(CHARACTERS, world(*CAST))
    (job,) = draft.jobs
    assert job.prompt == "Add a woman in a coat on the left."
    assert job.negative_prompt == "hat, rust"
    assert [(item.name, item.scale) for item in job.loras] == [("models/mara", 0.8), ("models/rosa", 1.0)]
    assert [model.model for model in draft.models] == ["models/starter-edit", "models/mara", "models/rosa"]
    assert uses(draft, Part.LORA) == [("models/mara", "0.8", MARA), ("models/rosa", "1", ROSA)]
    assert uses(draft, Part.NEGATIVE_PROMPT) == [("", "hat", MARA), ("", "rust", ROSA)]
    assert uses(draft, Part.IDENTITY_REFERENCE) == [(item.asset, item.sha256, MARA) for item in SHOWN]
    assert uses(draft, Part.STYLE_REFERENCE) == [(INK.asset, INK.sha256, INK.source)]
    assert uses(draft, Part.INSTRUCTION) == [("", "Add {character} on the {place}.", "stages/characters")]


def test_each_value_says_where_it_was_taken_from() -> None:
    """Template, style guide, character, scene and request, the later over the earlier."""
    template = TemplateFacts(
        "projects/harbor/promptTemplates/t",
        "T",
        "",
        "{mood} {style} {character} {characters} {time} {place}",
        declared=frozenset({"mood", "style", "time"}),
        defaults={"mood": "calm", "style": "flat"},
    )
    request = replace(CHARACTERS, prompt_template=template.name, variables={"place": "right"})
    draft = plan(request, world(*CAST, templates=(template,)))
    assert draft.jobs[0].prompt == "calm ink a woman in a coat a woman in a coat and a robot night right"
    assert uses(draft, Part.VARIABLE) == [
        ("mood", "calm", template.name),
        ("style", "ink", GUIDE.name),
        ("character", "a woman in a coat", MARA),
        ("characters", "a woman in a coat and a robot", MARA),
        ("time", "night", "projects/harbor/scenes/pier"),
        ("place", "right", ""),
    ]
    assert uses(draft, Part.INSTRUCTION) == [("", template.text, template.name)]


def test_a_character_acts_where_it_is_drawn() -> None:
    """A stage without a variable for it takes no LoRA, unless the words speak of it; references count always."""
    there = world(*CAST)
    style = replace(ALL_SCENES, seed=7)
    assert plan(style, there).jobs[0].loras == ()
    assert plan(style, there).jobs[0].negative_prompt == ""
    assert uses(plan(style, there), Part.IDENTITY_REFERENCE)
    spoken = plan(replace(style, instruction="Redraw {character} in {style}."), there)
    assert [item.name for item in spoken.jobs[0].loras] == ["models/mara", "models/rosa"]
    own = plan(replace(CHARACTERS, instruction="Add somebody."), there)
    assert [item.name for item in own.jobs[0].loras] == ["models/mara", "models/rosa"]


def test_the_request_has_the_last_word_on_a_lora() -> None:
    """One that the request names acts with its scale, once; a character in the trash brings nothing."""
    asked = replace(CHARACTERS, loras=(LoraUse("models/mara", 0.2),))
    gone = Member(ROSA, "", "", (LoraUse("models/rosa"),))
    draft = plan(asked, world(CAST[0], replace(gone, loras=()), loras=(LORAS["models/mara"],)))
    assert [(item.name, item.scale) for item in draft.jobs[0].loras] == [("models/mara", 0.2)]
    assert uses(draft, Part.LORA) == [("models/mara", "0.2", "")]
    assert [item.name for item in draft.loras] == ["models/mara"]


def test_a_lora_of_another_model_is_left_out_and_said() -> None:
    """A character may have one for each model; a damaged one is refused by its path."""
    other = {**LORAS, "models/rosa": replace(LORAS["models/rosa"], base_model="flux")}
    draft = plan(CHARACTERS, world(*CAST, cast_loras=other))
    assert [item.name for item in draft.jobs[0].loras] == ["models/mara"]
    (finding,) = [item for item in draft.findings if item.code == "LORA_LEFT_OUT"]
    assert "models/rosa of rosa" in finding.message
    assert "flux" in finding.message
    scripted = plan(CHARACTERS, world(*CAST, model=replace(MODEL, engine="scripted")))
    assert scripted.jobs[0].loras == ()
    damaged = {**LORAS, "models/rosa": lora("models/rosa", refusal="MODEL_CORRUPT", problem="x")}
    damaged["models/rosa"] = replace(damaged["models/rosa"], state=ModelState.CORRUPT)
    error = refused(ModelCorrupt, CHARACTERS, world(*CAST, cast_loras=damaged))
    assert error.field == "characters.rosa.loras[0].model"


def test_more_loras_than_may_act_are_refused() -> None:
    """Those of the request and of all characters count together."""
    many = tuple(LoraUse(f"models/l{number}") for number in range(9))
    models = {use.model: lora(use.model) for use in many}
    crowd = (Member(MARA, "a woman", "", many[:5]), Member(ROSA, "a robot", "", many[5:]))
    assert refused(LimitExceeded, CHARACTERS, world(*crowd, cast_loras=models)).field == "loras"


@pytest.mark.parametrize(
    ("request_change", "error", "field"),
    [
        ({"prompt_template": "projects/harbor/promptTemplates/none"}, ResourceNotFound, "prompt_template"),
        ({"prompt_template": "projects/harbor/promptTemplates/time"}, FieldInvalid, "prompt_template"),
        (
            {"prompt_template": "projects/harbor/promptTemplates/a", "instruction": "Own."},
            FieldInvalid,
            "prompt_template",
        ),
        (
            {"prompt_template": "projects/harbor/promptTemplates/moody"},
            TemplateVariableUnknown,
            "prompt_template.variables.mood",
        ),
        ({"prompt_template": "projects/harbor/promptTemplates/blank"}, FieldInvalid, "variables.who"),
    ],
)
def test_a_template_that_cannot_be_used_is_refused_by_its_path(
    request_change: dict[str, Any], error: type[BullpenError], field: str
) -> None:
    """Unknown, of another stage, beside an instruction, with an unknown variable, or without a value."""
    at = "projects/harbor/promptTemplates/"
    templates = (
        TemplateFacts(f"{at}a", "A", "", "Draw."),
        TemplateFacts(f"{at}time", "T", "stages/time", "Draw."),
        TemplateFacts(f"{at}moody", "M", "", "Draw {mood}."),
        TemplateFacts(f"{at}blank", "B", "", "Draw {who}.", declared=frozenset({"who"})),
    )
    assert refused(error, replace(ALL_SCENES, **request_change), world(templates=templates)).field == field


def test_the_only_template_of_a_stage_is_used() -> None:
    """As with style guides: one is taken and said, of several none is; an instruction goes before both."""
    one = TemplateFacts("projects/harbor/promptTemplates/a", "Mine", "stages/style", "Ink it: {style}.", "no {style}")
    any_stage = replace(one, name="projects/harbor/promptTemplates/b", stage="")
    draft = plan(ALL_SCENES, world(templates=(one, any_stage)))
    assert (draft.jobs[0].prompt, draft.jobs[0].negative_prompt) == ("Ink it: ink.", "no ink")
    assert "TEMPLATE_CHOSEN" in [finding.code for finding in draft.findings]
    both = plan(ALL_SCENES, world(templates=(one, replace(any_stage, stage="stages/style"))))
    assert both.jobs[0].prompt == "Redraw this panel in ink style."
    assert "TEMPLATE_UNCLEAR" in [finding.code for finding in both.findings]
    own = plan(replace(ALL_SCENES, instruction="Own."), world(templates=(one,)))
    assert own.jobs[0].prompt == "Own."


def test_what_acts_decides_the_digest() -> None:
    """Another scale, another LoRA or another reference is another plan."""
    known = plan(CHARACTERS, world(*CAST)).digest
    mara, rosa = CAST
    assert plan(CHARACTERS, world(replace(mara, loras=(LoraUse("models/mara", 0.7),)), rosa)).digest != known
    assert plan(CHARACTERS, world(replace(mara, loras=()), rosa)).digest != known
    assert plan(CHARACTERS, world(replace(mara, references=SHOWN[:1]), rosa)).digest != known
    assert plan(CHARACTERS, world(*CAST)).digest == known


def test_a_set_without_items_is_refused_by_its_path() -> None:
    """Of the style guide in force and of each character; one that nothing is held against stops nobody."""
    name = "projects/harbor/referenceSets/none"
    empty = replace(CAST[0], references=(), empty_set=name)
    assert refused(ReferenceSetEmpty, CHARACTERS, world(empty)).field == "characters.mara.reference_set"
    assert refused(ReferenceSetEmpty, CHARACTERS, world(CAST[1], empty)).field == "characters.mara.reference_set"
    guide = replace(GUIDE, empty_set=name)
    assert refused(ReferenceSetEmpty, ALL_SCENES, world(style_guides=(guide,))).field == "style_guide.reference_set"
    other = replace(GUIDE, name="projects/harbor/styleGuides/other")
    assert plan(replace(ALL_SCENES, style_guide=other.name), world(style_guides=(guide, other))).jobs


def test_references_are_taken_once_and_the_first_of_them_only() -> None:
    """A picture that a look, a character and its set name is one reference."""
    assert cast.references([SHOWN, SHOWN[:1], (INK,)]) == (*SHOWN, INK)
    many = [Reference(f"a{number}", "", "") for number in range(20)]
    assert len(cast.references([many])) == cast.MOST_REFERENCES


def test_uses_survive_the_database() -> None:
    """What is stored is read as it was."""
    kept = (Use(Part.LORA, "models/mara", "0.8", MARA), Use(Part.VARIABLE, "style", "Tusche – „fein“", ""))
    assert cast.from_json(cast.to_json(kept)) == kept
    assert cast.variables(kept) == {"style": "Tusche – „fein“"}


def test_every_character_of_the_scene_is_held_against_its_own_references() -> None:
    """The pictures say whom they show; a set without items of any of them is refused by its path."""
    both = (CAST[0], replace(CAST[1], references=(of_rosa(),)))
    held = [use for use in plan(CHARACTERS, world(*both)).jobs[0].uses if use.part is Part.IDENTITY_REFERENCE]
    assert [(use.item, use.subject) for use in held] == [
        *((item.asset, MARA) for item in SHOWN),
        (of_rosa().asset, ROSA),
    ]
    assert cast.from_json(cast.to_json(held)) == tuple(held)
    assert cast.known(held) == 2
    assert "subject" not in Use(Part.VARIABLE, "a", "b", "c").to_dict()
    empty = replace(CAST[1], empty_set="projects/harbor/referenceSets/rosa")
    assert refused(ReferenceSetEmpty, CHARACTERS, world(CAST[0], empty)).field == "characters.rosa.reference_set"
