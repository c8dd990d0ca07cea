# ruff: noqa: N802 - methods are named as the contract names them
"""The fake daemon's projects and bible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bullpen_api.v1 import (
    bible_pb2,
    bible_pb2_grpc,
    project_pb2,
    project_pb2_grpc,
)

if TYPE_CHECKING:
    pass
from tests.support.fake_services.base import Service, unserved


class Projects(Service, project_pb2_grpc.ProjectServiceServicer):
    UpdateProject = DeleteProject = UndeleteProject = unserved

    async def CreateProject(self, request: Any, context: Any) -> project_pb2.Project:
        project = request.project
        project.name = f"projects/{request.project_id}"
        return await self.new(context, self.daemon.projects, "project", "", "project", project)  # type: ignore[no-any-return]

    async def GetProject(self, request: Any, context: Any) -> project_pb2.Project:
        project = await self.the(context, self.daemon.projects, "project", request.name)
        project.figures.assets = len(self.daemon.assets)
        return project  # type: ignore[no-any-return]

    async def ListProjects(self, request: Any, context: Any) -> project_pb2.ListProjectsResponse:
        """Pages of two, so that clients must read on."""
        listed = [self.daemon.projects[name] for name in sorted(self.daemon.projects)]
        start = int(request.page_token or 0)
        more = str(start + 2) if start + 2 < len(listed) else ""
        return project_pb2.ListProjectsResponse(
            projects=listed[start : start + 2], next_page_token=more, revision=self.daemon.revision
        )


class Bible(Service, bible_pb2_grpc.BibleServiceServicer):
    UpdateStyleGuide = DeleteStyleGuide = UndeleteStyleGuide = unserved
    UpdateCharacter = DeleteCharacter = UndeleteCharacter = unserved
    UpdateScene = DeleteScene = UndeleteScene = unserved
    CreateReferenceSet = GetReferenceSet = ListReferenceSets = unserved
    UpdateReferenceSet = DeleteReferenceSet = UndeleteReferenceSet = unserved
    CreatePromptTemplate = GetPromptTemplate = ListPromptTemplates = RenderPromptTemplate = unserved
    UpdatePromptTemplate = DeletePromptTemplate = UndeletePromptTemplate = unserved
    CreateProviderAccount = GetProviderAccount = ListProviderAccounts = unserved
    UpdateProviderAccount = DeleteProviderAccount = UndeleteProviderAccount = unserved
    ExportBootstrap = ImportBootstrap = unserved

    async def CreateStyleGuide(self, request: Any, context: Any) -> bible_pb2.StyleGuide:
        item = request.style_guide
        item.name = f"{request.parent}/styleGuides/{request.style_guide_id}"
        return await self.new(context, self.daemon.styles, "style_guide", request.parent, "style_guide", item)  # type: ignore[no-any-return]

    async def GetStyleGuide(self, request: Any, context: Any) -> bible_pb2.StyleGuide:
        return await self.the(context, self.daemon.styles, "style guide", request.name)  # type: ignore[no-any-return]

    async def ListStyleGuides(self, request: Any, context: Any) -> bible_pb2.ListStyleGuidesResponse:
        return bible_pb2.ListStyleGuidesResponse(style_guides=self.daemon.styles.values())

    async def CreateCharacter(self, request: Any, context: Any) -> bible_pb2.Character:
        item = request.character
        item.name = f"{request.parent}/characters/{request.character_id}"
        return await self.new(context, self.daemon.characters, "character", request.parent, "character", item)  # type: ignore[no-any-return]

    async def GetCharacter(self, request: Any, context: Any) -> bible_pb2.Character:
        return await self.the(context, self.daemon.characters, "character", request.name)  # type: ignore[no-any-return]

    async def ListCharacters(self, request: Any, context: Any) -> bible_pb2.ListCharactersResponse:
        return bible_pb2.ListCharactersResponse(characters=self.daemon.characters.values())

    async def CreateScene(self, request: Any, context: Any) -> bible_pb2.Scene:
        item = request.scene
        item.name = f"{request.parent}/scenes/{request.scene_id}"
        item.ordinal = len(self.daemon.scenes) + 1
        return await self.new(context, self.daemon.scenes, "scene", request.parent, "scene", item)  # type: ignore[no-any-return]

    async def GetScene(self, request: Any, context: Any) -> bible_pb2.Scene:
        return await self.the(context, self.daemon.scenes, "scene", request.name)  # type: ignore[no-any-return]

    async def ListScenes(self, request: Any, context: Any) -> bible_pb2.ListScenesResponse:
        mine = [scene for name, scene in self.daemon.scenes.items() if name.startswith(request.parent + "/")]
        return bible_pb2.ListScenesResponse(scenes=mine, revision=self.daemon.revision)
