"""The kinds of the bible: where each is kept, what it is called on the wire, and which of its fields a person sets.

A row has a column for each of these fields, of the same name: texts and numbers as they are, enums by their name
without prefix, everything else as JSON. Beside them it has `id`, `project`, `slug`, `create_time`, `update_time`,
`delete_time` (NULL outside of the trash) and `revision`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from bullpen_api.v1 import bible_pb2

StyleGuide = bible_pb2.StyleGuide
Character = bible_pb2.Character
Scene = bible_pb2.Scene
ReferenceSet = bible_pb2.ReferenceSet
PromptTemplate = bible_pb2.PromptTemplate
ProviderAccount = bible_pb2.ProviderAccount
Message = StyleGuide | Character | Scene | ReferenceSet | PromptTemplate | ProviderAccount
M = TypeVar("M", StyleGuide, Character, Scene, ReferenceSet, PromptTemplate, ProviderAccount)


@dataclass(frozen=True)
class Kind(Generic[M]):
    """One kind: its table, its collection in names, its message, and the fields that a person sets, in their order.

    `fixed` are those that only Create sets. `singular` is the message's field in requests and events.
    """

    table: str
    collection: str
    message: type[M]
    writable: tuple[str, ...]
    fixed: tuple[str, ...] = ()

    @property
    def singular(self) -> str:
        """Such as `style_guide`."""
        return self.table[:-1]

    @property
    def title(self) -> str:
        """What a person calls it, such as `style guide`."""
        return self.singular.replace("_", " ")

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field that has a column of its own name."""
        return self.fixed + self.writable

    def name(self, project: str, slug: str) -> str:
        """The resource name."""
        return f"projects/{project}/{self.collection}/{slug}"


_WORDS = ("title", "description")
STYLE_GUIDES = Kind("style_guides", "styleGuides", StyleGuide, (*_WORDS, "variables", "anchors", "reference_set"))
CHARACTERS = Kind(
    "characters",
    "characters",
    Character,
    (*_WORDS, "references", "profile", "prompt", "negative_prompt", "looks", "loras", "reference_set"),
)
SCENES = Kind("scenes", "scenes", Scene, (*_WORDS, "source_asset", "variables", "characters", "looks", "ordinal"))
REFERENCE_SETS = Kind("reference_sets", "referenceSets", ReferenceSet, (*_WORDS, "purpose", "items"))
PROMPT_TEMPLATES = Kind(
    "prompt_templates", "promptTemplates", PromptTemplate, (*_WORDS, "stage", "text", "negative_text", "variables")
)
PROVIDER_ACCOUNTS = Kind(
    "provider_accounts",
    "providerAccounts",
    ProviderAccount,
    (*_WORDS, "base_url", "default_model", "secret_names"),
    fixed=("provider",),
)
