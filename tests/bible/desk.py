"""The six kinds as a table, so that what holds for all of them is tested on all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bullpen_api.v1 import bible_pb2 as pb
from bullpen_client import Session
from google.protobuf.field_mask_pb2 import FieldMask


@dataclass(frozen=True)
class Sort:
    """One kind over a session: an example without references, and the calls by their verbs."""

    camel: str
    singular: str
    collection: str
    example: Callable[[], Any]

    def __str__(self) -> str:
        return self.singular

    async def call(self, session: Session, verb: str, **fields: Any) -> Any:
        """Calls `{verb}{Kind}` with the fields of its request."""
        name = f"{verb}{self.camel}{'s' if verb == 'List' else ''}"
        return await getattr(session.bible, name)(getattr(pb, f"{name}Request")(**fields))

    async def create(self, session: Session, parent: str, slug: str, message: Any = None, request_id: str = "") -> Any:
        """Creates an example, or the message."""
        given = {self.singular: message or self.example(), f"{self.singular}_id": slug}
        return await self.call(session, "Create", parent=parent, request_id=request_id, **given)

    async def update(self, session: Session, message: Any, *paths: str) -> Any:
        """Updates the named fields."""
        mask = FieldMask(paths=paths)
        return await self.call(session, "Update", update_mask=mask, **{self.singular: message})

    async def listed(self, session: Session, parent: str, **more: Any) -> list[Any]:
        """The first page of the list."""
        return list(getattr(await self.call(session, "List", parent=parent, **more), f"{self.singular}s"))


STYLE = Sort("StyleGuide", "style_guide", "styleGuides", lambda: pb.StyleGuide(description="Ink on cream."))
CHARACTER = Sort("Character", "character", "characters", lambda: pb.Character(description="a woman in a coat"))
SCENE = Sort("Scene", "scene", "scenes", lambda: pb.Scene(description="The pier at dusk.", variables={"time": "dusk"}))
SET = Sort(
    "ReferenceSet", "reference_set", "referenceSets", lambda: pb.ReferenceSet(purpose=pb.ReferenceSet.PURPOSE_PLACE)
)
TEMPLATE = Sort(
    "PromptTemplate",
    "prompt_template",
    "promptTemplates",
    lambda: pb.PromptTemplate(text="Draw {what}.", variables=[pb.TemplateVariable(variable="what")]),
)
ACCOUNT = Sort(
    "ProviderAccount",
    "provider_account",
    "providerAccounts",
    lambda: pb.ProviderAccount(provider=pb.ProviderAccount.PROVIDER_OPENAI, secret_names={"api_key": "openai-main"}),
)
SORTS = (STYLE, CHARACTER, SCENE, SET, TEMPLATE, ACCOUNT)
