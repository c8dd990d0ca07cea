"""Bringing the sample universe into a home: its project, style guide, characters and scenes.

What exists already is used as it is, so that a demo can be run again. Pictures are sent to the daemon, which then
works over a forwarded socket too. Nothing is imported from the starter but the place of its files.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from bullpen_api.v1 import asset_pb2, bible_pb2, project_pb2
from bullpen_client import errors, names

from bullpen_cli.paging import everything
from bullpen_cli.transfer import upload

if TYPE_CHECKING:
    from bullpen_client import Session

SAMPLE = "harbor_lights"
_VARIABLES = ("time", "weather", "character", "place")


@dataclass(frozen=True)
class Universe:
    """A universe on disk: `universe.json` and the pictures beside it."""

    root: Path
    said: dict[str, Any]

    @property
    def slug(self) -> str:
        """Id of the project."""
        return str(self.said["slug"])


def sample() -> Universe:
    """The sample universe of the starter. Raises RESOURCE_NOT_FOUND when the starter is not installed."""
    try:
        import bullpen_starter

        root = Path(bullpen_starter.universe_root(SAMPLE))
        return Universe(root, json.loads((root / "universe.json").read_text(encoding="utf-8")))
    except (ImportError, OSError) as error:
        raise errors.ResourceNotFound(
            f"The sample universe is not installed ({error}).",
            remedy="pip install 'bullpen[starter]', or `make demo` in a checkout.",
            metadata={"resource": SAMPLE},
            code=grpc.StatusCode.NOT_FOUND,
        ) from error


async def bring_in(session: Session, universe: Universe) -> str:
    """Makes what is missing of a universe; gives the project's name."""
    parent = names.project(universe.slug)
    try:
        await session.projects.GetProject(project_pb2.GetProjectRequest(name=parent))
    except errors.ProjectNotFound:
        await session.projects.CreateProject(
            project_pb2.CreateProjectRequest(
                project_id=universe.slug,
                project=project_pb2.Project(title=universe.said["title"], story=universe.said["story"]),
                request_id=str(uuid.uuid4()),
            )
        )
    await _style_guide(session, parent, universe)
    await _characters(session, parent, universe)
    await _scenes(session, parent, universe)
    return parent


async def _known(method: Any, request: Any, field: str) -> set[str]:
    return {item.name for item in (await everything(method, request, field))[0]}


async def _style_guide(session: Session, parent: str, universe: Universe) -> None:
    guide = universe.said["style_guide"]
    request = bible_pb2.ListStyleGuidesRequest(parent=parent)
    if await _known(session.bible.ListStyleGuides, request, "style_guides"):
        return
    await session.bible.CreateStyleGuide(
        bible_pb2.CreateStyleGuideRequest(
            parent=parent,
            style_guide_id=guide["slug"],
            style_guide=bible_pb2.StyleGuide(
                title=guide["name"], description=guide["description"], variables={"style": guide["style"]}
            ),
            request_id=str(uuid.uuid4()),
        )
    )


def _picture(universe: Universe, folder: str, slug: str) -> Path | None:
    path = universe.root / folder / f"{slug}.png"
    return path if path.is_file() else None


async def _characters(session: Session, parent: str, universe: Universe) -> None:
    request = bible_pb2.ListCharactersRequest(parent=parent)
    known = await _known(session.bible.ListCharacters, request, "characters")
    for character in universe.said["characters"]:
        slug = character["slug"]
        if names.character(parent, slug) in known:
            continue
        shown = []
        if picture := _picture(universe, "characters", slug):
            shown.append((await upload(session, parent, picture, asset_pb2.Asset.KIND_REFERENCE)).name)
        await session.bible.CreateCharacter(
            bible_pb2.CreateCharacterRequest(
                parent=parent,
                character_id=slug,
                character=bible_pb2.Character(
                    title=character["name"], description=character["description"], references=shown
                ),
                request_id=str(uuid.uuid4()),
            )
        )


async def _scenes(session: Session, parent: str, universe: Universe) -> None:
    known = await _known(session.bible.ListScenes, bible_pb2.ListScenesRequest(parent=parent), "scenes")
    cast = {character["slug"] for character in universe.said["characters"]}
    for scene in universe.said["scenes"]:
        if names.scene(parent, scene["slug"]) in known:
            continue
        asset = await upload(session, parent, universe.root / scene["file"], asset_pb2.Asset.KIND_SOURCE)
        variables = {key: str(scene[key]) for key in _VARIABLES if scene.get(key)}
        slug = str(scene.get("character_slug") or scene.get("character", ""))
        characters = [names.character(parent, slug)] if slug in cast else []
        if variables.get("character") in cast:
            del variables["character"]  # a slug is no prompt: the daemon takes the words of the character
        await session.bible.CreateScene(
            bible_pb2.CreateSceneRequest(
                parent=parent,
                scene_id=scene["slug"],
                scene=bible_pb2.Scene(
                    title=scene["title"],
                    description=scene["description"],
                    source_asset=asset.name,
                    variables=variables,
                    characters=characters,
                ),
                request_id=str(uuid.uuid4()),
            )
        )
