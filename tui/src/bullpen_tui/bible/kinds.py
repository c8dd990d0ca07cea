"""What a person can write of each kind of the bible: its fields, what they are called, and how each is asked for.

Everything else of the room is made from these lists: the form, the differences that are shown, the fields that an
error names, and the calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bullpen_api.v1 import bible_pb2

Entry = bible_pb2.Scene | bible_pb2.Character | bible_pb2.StyleGuide | bible_pb2.ReferenceSet | bible_pb2.PromptTemplate

Way = Literal[
    "line",  # one line of text
    "words",  # several lines of text
    "pairs",  # a line `name=value` for each entry of a map
    "whole",  # a whole number, 0 where it is left empty
    "choice",  # one of what is offered
    "picture",  # one asset
    "pictures",  # assets in their order
    "items",  # pictures of a reference set, with captions and weights
    "looks",
    "loras",
    "cast",  # characters with the look that each wears
    "blanks",  # variables of a template
]
LISTED = ("picture", "pictures", "items", "looks", "loras", "cast", "blanks")
"""Ways that are a list of parts."""
PICTURED = ("picture", "pictures", "items")
"""Ways whose parts are pictures."""


@dataclass(frozen=True)
class Field:
    """One field of a form. `also` names fields of the message that it writes besides its own."""

    name: str
    label: str
    hint: str = ""
    way: Way = "line"
    also: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Fields of the message that it writes."""
        return (self.name, *self.also)


@dataclass(frozen=True)
class Kind:
    """One kind: its collection in names, its message and what it is called in requests, and its fields."""

    collection: str
    message: type[Entry]
    singular: str
    title: str
    fields: tuple[Field, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Every field of the message that the form writes."""
        return tuple(name for field in self.fields for name in field.names)

    @property
    def pictured(self) -> bool:
        """Whether it has pictures."""
        return any(field.way in PICTURED or field.way == "looks" for field in self.fields)

    def field(self, path: str) -> Field | None:
        """The field that a path of the daemon names, such as `character.looks[0].look_id`; nothing for another."""
        inner = path.removeprefix(f"{self.singular}.").split(".")[0].split("[")[0]
        return next((one for one in self.fields if inner in one.names), None)


_TITLE = Field("title", "title", "what a person calls it")

SCENES = Kind(
    "scenes",
    bible_pb2.Scene,
    "scene",
    "scene",
    (
        _TITLE,
        Field("description", "happens", "what happens in it", "words"),
        Field("source_asset", "picture", "what the first stage starts from", "picture"),
        Field("variables", "values", "name=value, one a line: time=night", "pairs"),
        Field("characters", "cast", "who is in it", "cast", ("looks",)),
        Field("ordinal", "place", "its place in the story; empty puts it last", "whole"),
    ),
)
CHARACTERS = Kind(
    "characters",
    bible_pb2.Character,
    "character",
    "character",
    (
        _TITLE,
        Field("description", "looks like", "a woman with red hair; goes into prompts", "words"),
        Field("prompt", "in prompts", "in place of that, as for a LoRA", "words"),
        Field("negative_prompt", "never", "what must not be seen of them"),
        Field("profile", "who", "age, history, voice; in no prompt", "words"),
        Field("looks", "looks", "clothes, ages", "looks"),
        Field("references", "pictures", "what shows them", "pictures"),
        Field("reference_set", "held against", "", "choice"),
        Field("loras", "LoRA", "what draws them", "loras"),
    ),
)
STYLE_GUIDES = Kind(
    "styleGuides",
    bible_pb2.StyleGuide,
    "style_guide",
    "style guide",
    (
        _TITLE,
        Field("description", "about", "what the look is", "words"),
        Field("variables", "values", "style=noir; one name=value a line", "pairs"),
        Field("anchors", "anchors", "what shows the style", "pictures"),
        Field("reference_set", "held against", "", "choice"),
    ),
)
REFERENCE_SETS = Kind(
    "referenceSets",
    bible_pb2.ReferenceSet,
    "reference_set",
    "reference set",
    (
        _TITLE,
        Field("purpose", "for", "", "choice"),
        Field("description", "about", "what it shows", "words"),
        Field("items", "pictures", "the best first", "items"),
    ),
)
PROMPT_TEMPLATES = Kind(
    "promptTemplates",
    bible_pb2.PromptTemplate,
    "prompt_template",
    "prompt template",
    (
        _TITLE,
        Field("stage", "stage", "", "choice"),
        Field("text", "words", "with {variables}", "words"),
        Field("negative_text", "not", "what must not be seen", "words"),
        Field("variables", "variables", "those that are not the stage's own", "blanks"),
        Field("description", "about", "what it is for", "words"),
    ),
)

KINDS = (SCENES, CHARACTERS, STYLE_GUIDES, REFERENCE_SETS, PROMPT_TEMPLATES)


def kind_of(name: str) -> Kind:
    """The kind of a resource by its name. Raises KeyError for what is none of the bible."""
    collection = name.split("/")[2] if name.count("/") >= 2 else name
    return {kind.collection: kind for kind in KINDS}[collection]
