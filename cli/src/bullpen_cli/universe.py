"""Bringing a sample universe into a home: its project, style guide, characters and scenes.

What exists already is used as it is, so that a demo can be run again. Pictures are sent to the daemon, which then
works over a forwarded socket too. Nothing is imported from the starter but the place of its files. What a universe
tells beside the fields of the contract goes where a person reads it: who the cast are, under the project's story; what
is said in a scene, under its description.
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


@dataclass(frozen=True)
class Universe:
    """A universe on disk: `universe.json` and the pictures beside it."""

    root: Path
    said: dict[str, Any]

    @property
    def slug(self) -> str:
        """Id of the project."""
        return str(self.said["slug"])


def sample(name: str = SAMPLE) -> Universe:
    """A sample universe of the starter. Raises RESOURCE_NOT_FOUND for an unknown name and where there is no starter."""
    try:
        import bullpen_starter
    except ImportError as error:
        raise _missing(
            name,
            f"The sample universes are not installed ({error}).",
            "pip install 'bullpen[starter]', or `make demo` in a checkout.",
        ) from error
    try:
        root = Path(bullpen_starter.universe_root(name))
    except FileNotFoundError as error:
        known = ", ".join(bullpen_starter.universe_names()) or "none"
        raise _missing(name, f"There is no sample universe {name}.", f"The sample universes are: {known}.") from error
    return Universe(root, json.loads((root / "universe.json").read_text(encoding="utf-8")))


def _missing(name: str, message: str, remedy: str) -> errors.ResourceNotFound:
    return errors.ResourceNotFound(message, remedy=remedy, metadata={"resource": name}, code=grpc.StatusCode.NOT_FOUND)


def story(universe: Universe) -> str:
    """The project's story, and below it a line for each of the cast."""
    said = universe.said
    cast = [f"{one['name']}: {one['profile']}" for one in said["characters"] if one.get("profile")]
    return "\n".join([said["story"], "", *cast]) if cast else str(said["story"])


def script(universe: Universe, scene: dict[str, Any]) -> str:
    """What happens in a scene, and below it what is told and said."""
    called = {one["slug"]: one["name"] for one in universe.said["characters"]}
    lines = [f"{called[line['who']]}: {line['text']}" if line["who"] else line["text"] for line in scene["lines"]]
    return "\n".join([scene["description"], "", *lines]) if lines else str(scene["description"])


async def bring_in(session: Session, universe: Universe) -> str:
    """Makes what is missing of a universe; gives the project's name."""
    parent = names.project(universe.slug)
    try:
        await session.projects.GetProject(project_pb2.GetProjectRequest(name=parent))
    except errors.ProjectNotFound:
        await session.projects.CreateProject(
            project_pb2.CreateProjectRequest(
                project_id=universe.slug,
                project=project_pb2.Project(title=universe.said["title"], story=story(universe)),
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
    anchors = await _sent(session, parent, universe, guide["anchors"])
    await session.bible.CreateStyleGuide(
        bible_pb2.CreateStyleGuideRequest(
            parent=parent,
            style_guide_id=guide["slug"],
            style_guide=bible_pb2.StyleGuide(
                title=guide["name"],
                description=guide["description"],
                variables=guide["variables"],
                anchors=anchors,
            ),
            request_id=str(uuid.uuid4()),
        )
    )


async def _sent(session: Session, parent: str, universe: Universe, files: list[str]) -> list[str]:
    """Sends pictures that show somebody or something; gives the names of their assets."""
    kind = asset_pb2.Asset.KIND_REFERENCE
    return [(await upload(session, parent, universe.root / file, kind)).name for file in files]


async def _characters(session: Session, parent: str, universe: Universe) -> None:
    request = bible_pb2.ListCharactersRequest(parent=parent)
    known = await _known(session.bible.ListCharacters, request, "characters")
    for character in universe.said["characters"]:
        slug = character["slug"]
        if names.character(parent, slug) in known:
            continue
        references = await _sent(session, parent, universe, character["references"])
        await session.bible.CreateCharacter(
            bible_pb2.CreateCharacterRequest(
                parent=parent,
                character_id=slug,
                character=bible_pb2.Character(
                    title=character["name"], description=character["description"], references=references
                ),
                request_id=str(uuid.uuid4()),
            )
        )


async def _scenes(session: Session, parent: str, universe: Universe) -> None:
    known = await _known(session.bible.ListScenes, bible_pb2.ListScenesRequest(parent=parent), "scenes")
    for scene in universe.said["scenes"]:
        if names.scene(parent, scene["slug"]) in known:
            continue
        asset = await upload(session, parent, universe.root / scene["file"], asset_pb2.Asset.KIND_SOURCE)
        await session.bible.CreateScene(
            bible_pb2.CreateSceneRequest(
                parent=parent,
                scene_id=scene["slug"],
                scene=bible_pb2.Scene(
                    title=scene["title"],
                    description=script(universe, scene),
                    source_asset=asset.name,
                    variables=scene["variables"],
                    characters=[names.character(parent, slug) for slug in scene["characters"]],
                ),
                request_id=str(uuid.uuid4()),
            )
        )
