"""What a person can write of each kind of the bible: its fields, what they are called, and how each is asked for.

Everything else of the room is made from these lists: the form, the differences that are shown, the fields that an
error names, and the calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bullpen_api.v1 import bible_pb2

Entry = (
    bible_pb2.Scene
    | bible_pb2.Character
    | bible_pb2.StyleGuide
    | bible_pb2.ReferenceSet
    | bible_pb2.PromptTemplate
    | bible_pb2.ProviderAccount
)

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
    """One field of a form.

    `hint` stands in it while it is empty, `help` says what it is good for. `also` names fields of the message that it
    writes besides its own.
    """

    name: str
    label: str
    hint: str = ""
    way: Way = "line"
    also: tuple[str, ...] = ()
    help: str = ""

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


_TITLE = Field("title", "title", "what a person calls it", help="What you call it. Its name is made of it.")

SCENES = Kind(
    "scenes",
    bible_pb2.Scene,
    "scene",
    "scene",
    (
        _TITLE,
        Field("description", "happens", "what happens in it", "words", help="What happens in the picture, in words."),
        Field(
            "source_asset",
            "picture",
            "what the first stage starts from",
            "picture",
            help="The picture of the layout. The first stage starts from it; a run needs it.",
        ),
        Field(
            "variables",
            "values",
            "name=value, one a line: time=night",
            "pairs",
            help="Values that stages put into their prompts, for this scene alone.",
        ),
        Field("characters", "cast", "who is in it", "cast", ("looks",), help="Who is seen, and what each wears."),
        Field(
            "ordinal",
            "place",
            "its place in the story; empty puts it last",
            "whole",
            help="Where it stands in the story, counted from 1.",
        ),
    ),
)
CHARACTERS = Kind(
    "characters",
    bible_pb2.Character,
    "character",
    "character",
    (
        _TITLE,
        Field(
            "description",
            "looks like",
            "a woman with red hair; goes into prompts",
            "words",
            help="What a prompt says of them: age, hair, clothes.",
        ),
        Field(
            "prompt",
            "in prompts",
            "in place of that, as for a LoRA",
            "words",
            help="Stands in prompts in place of the line above, such as the words of a LoRA.",
        ),
        Field(
            "negative_prompt",
            "never",
            "what must not be seen of them",
            help="Goes into the negative prompt wherever they are drawn.",
        ),
        Field(
            "profile",
            "who",
            "age, history, voice; in no prompt",
            "words",
            help="For you and the copilot; no prompt has it.",
        ),
        Field(
            "looks", "looks", "clothes, ages", "looks", help="Clothes, ages, disguises; a scene says which one is worn."
        ),
        Field(
            "references",
            "pictures",
            "what shows them",
            "pictures",
            help="Pictures that show them, to draw by and to compare with.",
        ),
        Field("reference_set", "held against", "", "choice", help="The set that their pictures are compared with."),
        Field("loras", "LoRA", "what draws them", "loras", help="Models that were trained on them."),
    ),
)
STYLE_GUIDES = Kind(
    "styleGuides",
    bible_pb2.StyleGuide,
    "style_guide",
    "style guide",
    (
        _TITLE,
        Field("description", "about", "what the look is", "words", help="What the look is, in words for people."),
        Field(
            "variables",
            "values",
            "style=noir; one name=value a line",
            "pairs",
            help="Values that stages put into their prompts; the first stage wants style=…",
        ),
        Field("anchors", "anchors", "what shows the style", "pictures", help="Pictures in this look, to draw by."),
        Field(
            "reference_set", "held against", "", "choice", help="The set that every picture's look is compared with."
        ),
    ),
)
REFERENCE_SETS = Kind(
    "referenceSets",
    bible_pb2.ReferenceSet,
    "reference_set",
    "reference set",
    (
        _TITLE,
        Field(
            "purpose", "for", "", "choice", help="What pictures are compared with it: a style, a character or a place."
        ),
        Field("description", "about", "what it shows", "words", help="What it shows, in words for people."),
        Field("items", "pictures", "the best first", "items", help="The pictures; the first counts as the best."),
    ),
)
PROMPT_TEMPLATES = Kind(
    "promptTemplates",
    bible_pb2.PromptTemplate,
    "prompt_template",
    "prompt template",
    (
        _TITLE,
        Field("stage", "stage", "", "choice", help="The stage that may use it."),
        Field(
            "text",
            "words",
            "with {variables}",
            "words",
            help="What the model is told; {style} stands for the value of that name.",
        ),
        Field("negative_text", "not", "what must not be seen", "words", help="What must not be seen."),
        Field(
            "variables",
            "variables",
            "those that are not the stage's own",
            "blanks",
            help="Values of your own, with what stands where none is given.",
        ),
        Field("description", "about", "what it is for", "words", help="What it is for, in words for people."),
    ),
)

PROVIDER_ACCOUNTS = Kind(
    "providerAccounts",
    bible_pb2.ProviderAccount,
    "provider_account",
    "provider account",
    (
        _TITLE,
        Field("provider", "provider", "", "choice", help="Who does the work; it stays as it is for ever."),
        Field(
            "secret_names",
            "keys by name",
            "api_key=openai-main",
            "pairs",
            help="What its key is called in the vault; s in the list keeps the key itself.",
        ),
        Field(
            "base_url",
            "address",
            "https://…, where it is not the provider's own",
            help="Where it answers. Needed for servers of your own.",
        ),
        Field("default_model", "model", "asked for where a run names none", help="The provider's name of the model."),
        Field("description", "about", "what it is for", "words", help="What it is for, in words for people."),
    ),
)

KINDS = (SCENES, CHARACTERS, STYLE_GUIDES, REFERENCE_SETS, PROMPT_TEMPLATES, PROVIDER_ACCOUNTS)


def kind_of(name: str) -> Kind:
    """The kind of a resource by its name. Raises KeyError for what is none of the bible."""
    collection = name.split("/")[2] if name.count("/") >= 2 else name
    return {kind.collection: kind for kind in KINDS}[collection]
