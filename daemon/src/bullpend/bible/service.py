"""BibleService: every method hands its request to the shelf with its kind. A prompt template can also be filled."""

# ruff: noqa: N802 -- methods are named as the contract names them
from __future__ import annotations

from typing import Any

from bullpen_api.v1 import bible_pb2 as pb
from bullpen_api.v1 import bible_pb2_grpc, bootstrap_pb2

from bullpend.bible import rules, store, templates, wire
from bullpend.bible.bootstrap import Bootstrap
from bullpend.bible.model import (
    CHARACTERS,
    PROMPT_TEMPLATES,
    PROVIDER_ACCOUNTS,
    REFERENCE_SETS,
    SCENES,
    STYLE_GUIDES,
)
from bullpend.bible.shelf import Shelf, message_of
from bullpend.db.database import View
from bullpend.errors import StateConflict
from bullpend.projects import store as projects
from bullpend.rpc import names


def scene_message(view: View, project: str, slug: str) -> pb.Scene:
    """One scene as it is now, also from the trash."""
    return message_of(view, SCENES, store.get(view, SCENES, project, slug))


class BibleService(bible_pb2_grpc.BibleServiceServicer):
    """Keeps what a universe looks like."""

    def __init__(self, shelf: Shelf, bootstrap: Bootstrap) -> None:
        self._shelf = shelf
        self._bootstrap = bootstrap

    async def CreateStyleGuide(self, request: pb.CreateStyleGuideRequest, context: Any) -> pb.StyleGuide:
        """Creates a style guide."""
        return await self._shelf.create(STYLE_GUIDES, request)

    async def GetStyleGuide(self, request: pb.GetStyleGuideRequest, context: Any) -> pb.StyleGuide:
        """One style guide."""
        return await self._shelf.get(STYLE_GUIDES, request.name)

    async def ListStyleGuides(self, request: pb.ListStyleGuidesRequest, context: Any) -> pb.ListStyleGuidesResponse:
        """Style guides in the order of their creation."""
        found = await self._shelf.listed(STYLE_GUIDES, request)
        items = [wire.pack(STYLE_GUIDES, row) for row in found.rows]
        return pb.ListStyleGuidesResponse(style_guides=items, next_page_token=found.token, revision=found.revision)

    async def UpdateStyleGuide(self, request: pb.UpdateStyleGuideRequest, context: Any) -> pb.StyleGuide:
        """Changes a style guide."""
        return await self._shelf.update(STYLE_GUIDES, request.style_guide, request.update_mask)

    async def DeleteStyleGuide(self, request: pb.DeleteStyleGuideRequest, context: Any) -> pb.StyleGuide:
        """Puts a style guide into the trash."""
        return await self._shelf.delete(STYLE_GUIDES, request.name, request.etag)

    async def UndeleteStyleGuide(self, request: pb.UndeleteStyleGuideRequest, context: Any) -> pb.StyleGuide:
        """Takes a style guide out of the trash."""
        return await self._shelf.undelete(STYLE_GUIDES, request.name, request.etag)

    async def CreateCharacter(self, request: pb.CreateCharacterRequest, context: Any) -> pb.Character:
        """Creates a character."""
        return await self._shelf.create(CHARACTERS, request)

    async def GetCharacter(self, request: pb.GetCharacterRequest, context: Any) -> pb.Character:
        """One character."""
        return await self._shelf.get(CHARACTERS, request.name)

    async def ListCharacters(self, request: pb.ListCharactersRequest, context: Any) -> pb.ListCharactersResponse:
        """Characters in the order of their creation."""
        found = await self._shelf.listed(CHARACTERS, request)
        items = [wire.pack(CHARACTERS, row) for row in found.rows]
        return pb.ListCharactersResponse(characters=items, next_page_token=found.token, revision=found.revision)

    async def UpdateCharacter(self, request: pb.UpdateCharacterRequest, context: Any) -> pb.Character:
        """Changes a character."""
        return await self._shelf.update(CHARACTERS, request.character, request.update_mask)

    async def DeleteCharacter(self, request: pb.DeleteCharacterRequest, context: Any) -> pb.Character:
        """Puts a character into the trash."""
        return await self._shelf.delete(CHARACTERS, request.name, request.etag)

    async def UndeleteCharacter(self, request: pb.UndeleteCharacterRequest, context: Any) -> pb.Character:
        """Takes a character out of the trash."""
        return await self._shelf.undelete(CHARACTERS, request.name, request.etag)

    async def CreateScene(self, request: pb.CreateSceneRequest, context: Any) -> pb.Scene:
        """Creates a scene."""
        return await self._shelf.create(SCENES, request)

    async def GetScene(self, request: pb.GetSceneRequest, context: Any) -> pb.Scene:
        """One scene."""
        return await self._shelf.get(SCENES, request.name)

    async def ListScenes(self, request: pb.ListScenesRequest, context: Any) -> pb.ListScenesResponse:
        """Scenes in story order."""
        where = "EXISTS (SELECT 1 FROM json_each(scenes.characters) WHERE value = ?)"
        found = await self._shelf.listed(SCENES, request, *([where, request.character] if request.character else []))
        items = [wire.pack_scene(row, found.accepted.get(row["slug"], [])) for row in found.rows]
        return pb.ListScenesResponse(scenes=items, next_page_token=found.token, revision=found.revision)

    async def UpdateScene(self, request: pb.UpdateSceneRequest, context: Any) -> pb.Scene:
        """Changes a scene."""
        return await self._shelf.update(SCENES, request.scene, request.update_mask)

    async def DeleteScene(self, request: pb.DeleteSceneRequest, context: Any) -> pb.Scene:
        """Puts a scene into the trash."""
        return await self._shelf.delete(SCENES, request.name, request.etag)

    async def UndeleteScene(self, request: pb.UndeleteSceneRequest, context: Any) -> pb.Scene:
        """Takes a scene out of the trash."""
        return await self._shelf.undelete(SCENES, request.name, request.etag)

    async def CreateReferenceSet(self, request: pb.CreateReferenceSetRequest, context: Any) -> pb.ReferenceSet:
        """Creates a reference set."""
        return await self._shelf.create(REFERENCE_SETS, request)

    async def GetReferenceSet(self, request: pb.GetReferenceSetRequest, context: Any) -> pb.ReferenceSet:
        """One reference set."""
        return await self._shelf.get(REFERENCE_SETS, request.name)

    async def ListReferenceSets(
        self, request: pb.ListReferenceSetsRequest, context: Any
    ) -> pb.ListReferenceSetsResponse:
        """Reference sets in the order of their creation."""
        purpose = names.choice(pb.ReferenceSet.Purpose.DESCRIPTOR, request.purpose, "purpose")
        found = await self._shelf.listed(
            REFERENCE_SETS, request, *(["purpose = ?", purpose] if request.purpose else [])
        )
        items = [wire.pack(REFERENCE_SETS, row) for row in found.rows]
        return pb.ListReferenceSetsResponse(reference_sets=items, next_page_token=found.token, revision=found.revision)

    async def UpdateReferenceSet(self, request: pb.UpdateReferenceSetRequest, context: Any) -> pb.ReferenceSet:
        """Changes a reference set."""
        return await self._shelf.update(REFERENCE_SETS, request.reference_set, request.update_mask)

    async def DeleteReferenceSet(self, request: pb.DeleteReferenceSetRequest, context: Any) -> pb.ReferenceSet:
        """Puts a reference set into the trash."""
        return await self._shelf.delete(REFERENCE_SETS, request.name, request.etag)

    async def UndeleteReferenceSet(self, request: pb.UndeleteReferenceSetRequest, context: Any) -> pb.ReferenceSet:
        """Takes a reference set out of the trash."""
        return await self._shelf.undelete(REFERENCE_SETS, request.name, request.etag)

    async def CreatePromptTemplate(self, request: pb.CreatePromptTemplateRequest, context: Any) -> pb.PromptTemplate:
        """Creates a prompt template."""
        return await self._shelf.create(PROMPT_TEMPLATES, request)

    async def GetPromptTemplate(self, request: pb.GetPromptTemplateRequest, context: Any) -> pb.PromptTemplate:
        """One prompt template."""
        return await self._shelf.get(PROMPT_TEMPLATES, request.name)

    async def ListPromptTemplates(
        self, request: pb.ListPromptTemplatesRequest, context: Any
    ) -> pb.ListPromptTemplatesResponse:
        """Prompt templates in the order of their creation."""
        found = await self._shelf.listed(
            PROMPT_TEMPLATES, request, *(["stage = ?", request.stage] if request.stage else [])
        )
        items = [wire.pack(PROMPT_TEMPLATES, row) for row in found.rows]
        return pb.ListPromptTemplatesResponse(
            prompt_templates=items, next_page_token=found.token, revision=found.revision
        )

    async def UpdatePromptTemplate(self, request: pb.UpdatePromptTemplateRequest, context: Any) -> pb.PromptTemplate:
        """Changes a prompt template."""
        return await self._shelf.update(PROMPT_TEMPLATES, request.prompt_template, request.update_mask)

    async def DeletePromptTemplate(self, request: pb.DeletePromptTemplateRequest, context: Any) -> pb.PromptTemplate:
        """Puts a prompt template into the trash."""
        return await self._shelf.delete(PROMPT_TEMPLATES, request.name, request.etag)

    async def UndeletePromptTemplate(
        self, request: pb.UndeletePromptTemplateRequest, context: Any
    ) -> pb.PromptTemplate:
        """Takes a prompt template out of the trash."""
        return await self._shelf.undelete(PROMPT_TEMPLATES, request.name, request.etag)

    async def CreateProviderAccount(self, request: pb.CreateProviderAccountRequest, context: Any) -> pb.ProviderAccount:
        """Creates a provider account."""
        return await self._shelf.create(PROVIDER_ACCOUNTS, request)

    async def GetProviderAccount(self, request: pb.GetProviderAccountRequest, context: Any) -> pb.ProviderAccount:
        """One provider account."""
        return await self._shelf.get(PROVIDER_ACCOUNTS, request.name)

    async def ListProviderAccounts(
        self, request: pb.ListProviderAccountsRequest, context: Any
    ) -> pb.ListProviderAccountsResponse:
        """Provider accounts in the order of their creation."""
        provider = names.choice(pb.ProviderAccount.Provider.DESCRIPTOR, request.provider, "provider")
        found = await self._shelf.listed(
            PROVIDER_ACCOUNTS, request, *(["provider = ?", provider] if request.provider else [])
        )
        items = [wire.pack(PROVIDER_ACCOUNTS, row) for row in found.rows]
        return pb.ListProviderAccountsResponse(
            provider_accounts=items, next_page_token=found.token, revision=found.revision
        )

    async def UpdateProviderAccount(self, request: pb.UpdateProviderAccountRequest, context: Any) -> pb.ProviderAccount:
        """Changes a provider account."""
        return await self._shelf.update(PROVIDER_ACCOUNTS, request.provider_account, request.update_mask)

    async def DeleteProviderAccount(self, request: pb.DeleteProviderAccountRequest, context: Any) -> pb.ProviderAccount:
        """Puts a provider account into the trash."""
        return await self._shelf.delete(PROVIDER_ACCOUNTS, request.name, request.etag)

    async def UndeleteProviderAccount(
        self, request: pb.UndeleteProviderAccountRequest, context: Any
    ) -> pb.ProviderAccount:
        """Takes a provider account out of the trash."""
        return await self._shelf.undelete(PROVIDER_ACCOUNTS, request.name, request.etag)

    async def RenderPromptTemplate(
        self, request: pb.RenderPromptTemplateRequest, context: Any
    ) -> pb.RenderPromptTemplateResponse:
        """Fills a prompt template with the values of a scene, of a style guide, and of the request."""
        project, slug = names.parse(request.name, "projects/*/promptTemplates/*")
        given = names.variables(request.values, "values")

        def read(view: View) -> templates.Filled:
            projects.get(view, project)
            row = store.get(view, PROMPT_TEMPLATES, project, slug)
            if row["delete_time"] is not None:
                raise StateConflict(f"{request.name} is in the trash.", field="name", resource=request.name)
            template = wire.said(PROMPT_TEMPLATES, row)
            around = self._around(view, project, request.scene, request.style_guide)
            return templates.render(template, given, around, self._shelf.variables_of(project, template.stage, "name"))

        filled = await self._shelf.database.read(read)
        return pb.RenderPromptTemplateResponse(
            text=filled.text, negative_text=filled.negative_text, values=filled.values
        )

    async def ExportBootstrap(
        self, request: bootstrap_pb2.ExportBootstrapRequest, context: Any
    ) -> bootstrap_pb2.ExportBootstrapResponse:
        """The whole bible as a document, with a prompt for a language model."""
        return await self._bootstrap.export(request.name)

    async def ImportBootstrap(
        self, request: bootstrap_pb2.ImportBootstrapRequest, context: Any
    ) -> bootstrap_pb2.ImportBootstrapResponse:
        """Makes the bible what a document says, or shows what that would change."""
        return await self._bootstrap.bring_in(request)

    def _around(self, view: View, project: str, scene: str, style_guide: str) -> dict[str, str]:
        """Values of a style guide and of a scene, the scene's own over those of its first character."""
        values: dict[str, str] = {}
        if style_guide:
            owner, slug = names.parse(style_guide, "projects/*/styleGuides/*", "style_guide")
            mine = project if owner == project else ""
            values.update(store.live(view, STYLE_GUIDES, mine, slug, "style_guide")["variables"])
        if scene:
            owner, slug = names.parse(scene, "projects/*/scenes/*", "scene")
            row = store.live(view, SCENES, project if owner == project else "", slug, "scene")
            for name in row["characters"][:1]:
                values.update(rules.values_of(store.get(view, CHARACTERS, project, name.rsplit("/", 1)[-1]), row))
            values.update(row["variables"])
        return values
