"""The document's form: every wrong thing in it is named by its path, and schema and reader follow the contract."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from bullpend.bible import document
from bullpend.bible.document import SECTIONS
from bullpend.errors import FieldInvalid, LimitExceeded
from hypothesis import given
from hypothesis import strategies as st

GOOD: dict[str, Any] = {
    "schema_version": 1,
    "project": {"title": "Noir"},
    "reference_sets": [{"id": "faces", "purpose": "character", "items": [{"asset": "abc", "weight": 2}]}],
    "characters": [
        {"id": f"c{n}", "looks": [{"look_id": "coat", "references": ["abc"]}], "reference_set": "faces"}
        for n in range(100)
    ],
    "scenes": [{"id": "pier", "characters": ["c1"], "variables": {"time": "dusk"}, "ordinal": 3}],
}


def changed(path: list[Any], value: Any) -> dict[str, Any]:
    """The good document with one value put in."""
    data = copy.deepcopy(GOOD)
    at: Any = data
    for part in path[:-1]:
        at = at[part]
    at[path[-1]] = value
    return data


def test_references_become_names_and_words_become_enums() -> None:
    """Ids of the document are full names for the rules; lists and maps stay what they are."""
    said = document.read(json.dumps(GOOD), "noir")
    (faces,) = said.sections["reference_sets"]
    assert faces.fields == {
        "purpose": "PURPOSE_CHARACTER",
        "items": [{"asset": "projects/noir/assets/abc", "weight": 2.0}],
    }
    assert said.sections["characters"][7].fields["looks"][0]["references"] == ["projects/noir/assets/abc"]
    assert said.sections["scenes"][0].fields["characters"] == ["projects/noir/characters/c1"]
    assert list(said.sections) == ["reference_sets", "characters", "scenes"]


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (["schema_version"], 2, "document.schema_version"),
        (["schema_version"], True, "document.schema_version"),
        (["heroes"], [], "document.heroes"),
        (["project"], [], "document.project"),
        (["project", "slug"], "x", "document.project.slug"),
        (["project", "title"], 7, "document.project.title"),
        (["characters"], {}, "document.characters"),
        (["characters", 7], "mara", "document.characters[7]"),
        (["characters", 7, "id"], "Mara", "document.characters[7].id"),
        (["characters", 7, "id"], "c3", "document.characters[7].id"),
        (["characters", 7, "hair"], "red", "document.characters[7].hair"),
        (["characters", 7, "etag"], "x", "document.characters[7].etag"),
        (["characters", 7, "looks"], "coat", "document.characters[7].looks"),
        (["characters", 7, "looks", 0], "coat", "document.characters[7].looks[0]"),
        (["characters", 7, "looks", 0, "colour"], "red", "document.characters[7].looks[0].colour"),
        (["characters", 7, "looks", 0, "references"], [1], "document.characters[7].looks[0].references[0]"),
        (["characters", 7, "looks", 0, "references"], ["a/b"], "document.characters[7].looks[0].references[0]"),
        (["characters", 7, "loras"], [{"model": "m", "scale": "1"}], "document.characters[7].loras[0].scale"),
        (["reference_sets", 0, "purpose"], "PURPOSE_STYLE", "document.reference_sets[0].purpose"),
        (["reference_sets", 0, "items", 0, "weight"], 10**400, "document.reference_sets[0].items[0].weight"),
        (["reference_sets", 0, "items", 0, "weight"], True, "document.reference_sets[0].items[0].weight"),
        (["scenes", 0, "variables"], {"time": 3}, "document.scenes[0].variables.time"),
        (["scenes", 0, "variables"], [], "document.scenes[0].variables"),
        (["scenes", 0, "ordinal"], 1.5, "document.scenes[0].ordinal"),
        (["scenes", 0, "ordinal"], 2**31, "document.scenes[0].ordinal"),
        (["scenes", 0, "title"], "\ud800", "document.scenes[0].title"),
        (["scenes", 0, "characters"], None, "document.scenes[0].characters"),
    ],
)
def test_one_wrong_thing_is_named_by_its_path(path: list[Any], value: Any, field: str) -> None:
    """Wherever it is, also in the eighth of a hundred items."""
    with pytest.raises(FieldInvalid) as refused:
        document.read(json.dumps(changed(path, value)), "noir")
    assert refused.value.field == field
    assert refused.value.remedy


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", '{"schema_version": NaN}', '{"schema_version": 1, "schema_version": 1}', "[" * 5000]
)
def test_what_is_no_document_is_refused(text: str) -> None:
    """No JSON, another value, the same name twice, a number that is none, endless nesting."""
    with pytest.raises(FieldInvalid) as refused:
        document.read(text, "noir")
    assert refused.value.field.startswith("document")


@pytest.mark.parametrize(
    "around",
    [
        "```json\n{}\n```",
        "Sure, here it is:\n\n```\n{}\n```\nTell me what to change!",
        "\ufeff{}",
        "\n  {}\r\n",
    ],
)
def test_what_language_models_put_around_a_document_is_taken_off(around: str) -> None:
    """A fence, words before and behind it, the mark of the order of bytes: the document inside is what counts."""
    text = around.replace("{}", json.dumps(GOOD, indent=1))
    assert document.read(text, "noir") == document.read(json.dumps(GOOD), "noir")


@pytest.mark.parametrize("text", ["", "  \n", "Sorry, I cannot.", "```\n{}\n```\n```\n{}\n```"])
def test_what_holds_no_one_document_is_refused(text: str) -> None:
    """Nothing, words alone, or two documents, of which nobody knows the right one."""
    with pytest.raises(FieldInvalid) as refused:
        document.read(text, "noir")
    assert refused.value.field == "document"


def test_huge_document_is_refused_unread() -> None:
    """Beyond the limit nothing is parsed."""
    with pytest.raises(LimitExceeded):
        document.read(" " * (document.MOST_BYTES + 1), "noir")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "title", "looks", "items", "variables", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["project", *SECTIONS]), json_values, max_size=4))
def test_any_json_is_read_or_refused(sections: dict[str, Any]) -> None:
    """Nothing but a document or a typed refusal comes out of any JSON."""
    field = "document"
    try:
        document.read(json.dumps({"schema_version": 1, **sections}), "p")
    except FieldInvalid as refused:
        field = refused.field
    assert field.startswith("document")


def test_schema_describes_every_field() -> None:
    """Each section has its kind's fields, nothing else is allowed, and only the id is needed."""
    schema = document.schema()
    for section, kind in SECTIONS.items():
        item = schema["properties"][section]["items"]
        assert list(item["properties"]) == ["id", *kind.fields]
        assert (item["additionalProperties"], item["required"]) == (False, ["id"])
    looks = schema["properties"]["characters"]["items"]["properties"]["looks"]
    assert looks["items"]["properties"]["references"] == {"type": "array", "items": {"type": "string"}}
    purpose = schema["properties"]["reference_sets"]["items"]["properties"]["purpose"]
    assert purpose == {"enum": ["style", "character", "place"]}
