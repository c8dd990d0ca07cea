"""What a message alone may say: each refusal names the path of the field."""

from __future__ import annotations

from typing import Any

import pytest
from bullpen_api.v1 import bible_pb2 as pb
from bullpend.bible import rules, templates
from bullpend.bible.model import (
    CHARACTERS,
    PROVIDER_ACCOUNTS,
    REFERENCE_SETS,
    SCENES,
    STYLE_GUIDES,
    Kind,
    Message,
)
from bullpend.errors import BullpenError, FieldInvalid, LimitExceeded, TemplateVariableUnknown

PLACE = pb.ReferenceSet.PURPOSE_PLACE
OPENAI, COMFYUI = pb.ProviderAccount.PROVIDER_OPENAI, pb.ProviderAccount.PROVIDER_COMFYUI
ROSA = "projects/p/characters/rosa"


def look(**fields: str) -> pb.Look:
    return pb.Look(**{"look_id": "coat", **fields})


@pytest.mark.parametrize(
    ("kind", "message", "field"),
    [
        (STYLE_GUIDES, pb.StyleGuide(title="x" * 201), "style_guide.title"),
        (STYLE_GUIDES, pb.StyleGuide(variables={"Upper": "x"}), "style_guide.variables.Upper"),
        (STYLE_GUIDES, pb.StyleGuide(anchors=["a"] * 201), "style_guide.anchors"),
        (CHARACTERS, pb.Character(description="x" * 20_001), "character.description"),
        (CHARACTERS, pb.Character(profile="x" * 20_001), "character.profile"),
        (CHARACTERS, pb.Character(prompt="x" * 4001), "character.prompt"),
        (CHARACTERS, pb.Character(negative_prompt="x" * 4001), "character.negative_prompt"),
        (CHARACTERS, pb.Character(looks=[look(), look(look_id="Red Coat")]), "character.looks[1].look_id"),
        (CHARACTERS, pb.Character(looks=[look(), look(look_id="b"), look()]), "character.looks[2].look_id"),
        (CHARACTERS, pb.Character(looks=[look(description="x" * 4001)]), "character.looks[0].description"),
        (CHARACTERS, pb.Character(looks=[look()] * 33), "character.looks"),
        (CHARACTERS, pb.Character(loras=[{"model": ""}]), "character.loras[0].model"),  # type: ignore[list-item]  # as the stubs do not know
        (CHARACTERS, pb.Character(loras=[{"model": "m", "scale": 3.0}]), "character.loras[0].scale"),  # type: ignore[list-item]
        (CHARACTERS, pb.Character(loras=[{"model": "m", "scale": float("nan")}]), "character.loras[0].scale"),  # type: ignore[list-item]
        (CHARACTERS, pb.Character(loras=[{"model": "m"}, {"model": "m"}]), "character.loras[1].model"),  # type: ignore[list-item]
        (CHARACTERS, pb.Character(loras=[{"model": "m"}] * 9), "character.loras"),  # type: ignore[list-item]
        (SCENES, pb.Scene(ordinal=-1), "scene.ordinal"),
        (SCENES, pb.Scene(characters=[ROSA, ROSA]), "scene.characters[1]"),
        (SCENES, pb.Scene(characters=[ROSA], looks={"mara": "coat"}), "scene.looks.mara"),
        (REFERENCE_SETS, pb.ReferenceSet(), "reference_set.purpose"),
        (REFERENCE_SETS, pb.ReferenceSet(purpose=PLACE, items=[pb.ReferenceItem()] * 201), "reference_set.items"),
        (
            REFERENCE_SETS,
            pb.ReferenceSet(purpose=PLACE, items=[pb.ReferenceItem(asset="a", weight=0.0)]),
            "reference_set.items[0].weight",
        ),
        (
            REFERENCE_SETS,
            pb.ReferenceSet(purpose=PLACE, items=[pb.ReferenceItem(asset="a"), pb.ReferenceItem(asset="a")]),
            "reference_set.items[1].asset",
        ),
        (
            REFERENCE_SETS,
            pb.ReferenceSet(purpose=PLACE, items=[pb.ReferenceItem(asset="a", caption="x" * 501)]),
            "reference_set.items[0].caption",
        ),
        (PROVIDER_ACCOUNTS, pb.ProviderAccount(), "provider_account.provider"),
        (PROVIDER_ACCOUNTS, pb.ProviderAccount(provider=OPENAI), "provider_account.secret_names.api_key"),
        (PROVIDER_ACCOUNTS, pb.ProviderAccount(provider=COMFYUI), "provider_account.base_url"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refusal_names_the_field(kind: Kind[Any], message: Message, field: str) -> None:
    """The first field at fault is named by its whole path, with a remedy."""
    with pytest.raises((FieldInvalid, LimitExceeded)) as refused:
        rules.check(kind, message)
    assert refused.value.field == field
    assert refused.value.remedy


def test_whole_character_is_good() -> None:
    """Everything that a character can have, at once, is taken."""
    rules.check(
        CHARACTERS,
        pb.Character(
            title="Mara",
            profile="Thirty, a diver.",
            prompt="mara_v1 woman",
            looks=[look(), look(look_id="diving", description="in a diving suit")],
            loras=[{"model": "models/mara", "scale": 0.8}],  # type: ignore[list-item]  # as the stubs do not know
        ),
    )


def character(**more: object) -> dict[str, object]:
    row = {"slug": "mara", "description": "a woman", "prompt": "", "negative_prompt": "", "delete_time": None}
    return {**row, "looks": [{"look_id": "coat", "description": "in a red coat"}, {"look_id": "bare"}], **more}


def test_words_of_a_character() -> None:
    """The prompt stands for the description; a look adds its words; one that is gone, or says nothing, adds none."""
    assert rules.words(character()) == "a woman"
    assert rules.words(character(), "coat") == "a woman, in a red coat"
    assert rules.words(character(prompt="mara_v1"), "coat") == "mara_v1, in a red coat"
    assert rules.words(character(), "bare") == rules.words(character(), "gone") == "a woman"


def test_values_of_a_scenes_first_character() -> None:
    """Its words, with the look that it wears, and its negative prompt; nothing from the trash."""
    scene = {"looks": {"mara": "coat"}}
    assert rules.values_of(character(), scene) == {"character": "a woman, in a red coat"}
    assert rules.values_of(character(negative_prompt="hat"), scene)["character_negative"] == "hat"
    assert rules.values_of(character(delete_time=1.0), scene) == {}


def template(text: str, *variables: str, negative: str = "") -> pb.PromptTemplate:
    """A template; `name=default` gives a variable a default."""
    made = pb.PromptTemplate(text=text, negative_text=negative)
    for word in variables:
        name, equals, default = word.partition("=")
        made.variables.add(variable=name, description=f"What {name} means.")
        if equals:
            made.variables[-1].default_value = default
    return made


@pytest.mark.parametrize(
    ("given", "field", "error"),
    [
        (template(""), "text", FieldInvalid),
        (template("x" * 4001), "text", FieldInvalid),
        (template("{a}"), "text", TemplateVariableUnknown),
        (template("{a}", "a", negative="{b}"), "negative_text", TemplateVariableUnknown),
        (template("{a", "a"), "text", FieldInvalid),
        (template("{a!r}", "a"), "text", FieldInvalid),
        (template("{a.b}", "a"), "text", FieldInvalid),
        (template("{}", "a"), "text", FieldInvalid),
        (template("x", negative="}"), "negative_text", FieldInvalid),
        (template("x", "a", "a"), "variables[1].variable", FieldInvalid),
        (template("x", "a", "B"), "variables[1].variable", FieldInvalid),
        (template("x", *(f"v{n}" for n in range(65))), "variables", LimitExceeded),
    ],
)
def test_bad_template_is_refused(given: pb.PromptTemplate, field: str, error: type[BullpenError]) -> None:
    """Undeclared variables have a reason of their own; everything else that is wrong is the field's."""
    with pytest.raises(error) as refused:
        templates.check(given, ())
    assert refused.value.field.startswith(f"prompt_template.{field}")
    assert type(refused.value) is error


def test_variables_of_the_stage_need_no_declaration() -> None:
    """What the stage declares may be used; doubled braces are braces."""
    templates.check(template("In {style}, {{not}} {what}.", "what"), ["style"])
    with pytest.raises(TemplateVariableUnknown) as refused:
        templates.check(template("In {stile}."), ["style"])
    assert refused.value.metadata == {"variable": "stile", "known": "style"}


def test_values_come_from_the_nearest() -> None:
    """Given, then what is around, then the default; blanks around count as none; every used value is reported."""
    given = template("{a} {b} {c} {d} {{x}}", "a=1", "b=1", "c=1", "d=1", negative="{d}")
    filled = templates.render(given, {"a": "4", "b": ""}, {"a": "3", "c": "{a}", "d": " ", "other": "x"}, ())
    assert filled.text == "4  {a} 1 {x}"
    assert filled.negative_text == "1"
    assert filled.values == {"a": "4", "b": "", "c": "{a}", "d": "1"}


def test_missing_and_unknown_values_are_named() -> None:
    """A blank without a value says what it means; a value for nothing is refused."""
    with pytest.raises(FieldInvalid) as missing:
        templates.render(template("{a} {b}", "a", "b"), {"a": "1"}, {}, ())
    assert missing.value.field == "values.b"
    assert "What b means." in missing.value.message
    with pytest.raises(TemplateVariableUnknown) as refused:
        templates.render(template("{a}", "a=1"), {"aa": "1"}, {}, ())
    assert refused.value.field == "values.aa"
    assert templates.render(template("{a}", "a=1"), {"style": "ink"}, {}, ["style"]).text == "1"
