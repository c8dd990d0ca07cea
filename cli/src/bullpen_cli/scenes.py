"""`bullpen scenes`: the pictures of the story, in its order."""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import click
from bullpen_api.v1 import asset_pb2, bible_pb2
from bullpen_client import names

from bullpen_cli import output
from bullpen_cli.command import Group, State, pairs, pass_state
from bullpen_cli.paging import everything
from bullpen_cli.transfer import PICTURES, pictures, take

if TYPE_CHECKING:
    from bullpen_client import Session

# Cells that one value may take in a table.
_LONG = 28


@click.group(
    cls=Group,
    examples=[
        "bullpen scenes list harbor_lights",
        "bullpen scenes read harbor_lights",
        "bullpen scenes add noir_city pier.png market.png --set place=harbour",
    ],
)
def scenes() -> None:
    """Pictures of the story, with what each stage should make of them."""


@scenes.command("list", examples=["bullpen scenes list harbor_lights"])
@click.argument("project")
@pass_state
def list_scenes(state: State, project: str) -> None:
    """List the scenes of a project in story order."""

    async def body(session: Session) -> list[bible_pb2.Scene]:
        request = bible_pb2.ListScenesRequest(parent=names.project(project))
        return (await everything(session.bible.ListScenes, request, "scenes"))[0]

    show(state, state.with_session(body))


def show(state: State, found: list[bible_pb2.Scene]) -> None:
    """Writes scenes."""
    if state.json:
        output.emit({"scenes": [output.as_dict(scene) for scene in found]})
        return
    output.table(
        ("#", "scene", "title", "variables", "characters", "accepted"),
        (
            (
                scene.ordinal,
                names.ident(scene.name),
                scene.title,
                " ".join(f"{key}={_short(value)}" for key, value in sorted(scene.variables.items())),
                " ".join(names.ident(character) for character in scene.characters),
                " ".join(picture.stage for picture in scene.accepted) or "–",
            )
            for scene in found
        ),
        empty="The project has no scenes yet. `bullpen scenes add PROJECT FILE…` adds pictures.",
        right=("#",),
    )


def _short(value: str) -> str:
    """A value that leaves room for its neighbours; `scenes read` and `--json` have all of it."""
    return value if len(value) <= _LONG else value[: _LONG - 1].rstrip() + "…"


@scenes.command(
    "read",
    examples=["bullpen scenes read harbor_lights", "bullpen scenes read harbor_lights scene_04 --json"],
)
@click.argument("project")
@click.argument("slugs", nargs=-1, metavar="[SCENE]...")
@pass_state
def read_scenes(state: State, project: str, slugs: tuple[str, ...]) -> None:
    """Read the story: what happens in each scene, and what each stage is told about it.

    All scenes in story order, or those that are named.
    """

    async def body(session: Session) -> list[bible_pb2.Scene]:
        if not slugs:
            request = bible_pb2.ListScenesRequest(parent=names.project(project))
            return (await everything(session.bible.ListScenes, request, "scenes"))[0]
        wanted = [bible_pb2.GetSceneRequest(name=names.scene(project, slug)) for slug in slugs]
        return [await session.bible.GetScene(request) for request in wanted]

    found = state.with_session(body)
    if state.json or not found:
        show(state, found)
        return
    for number, scene in enumerate(found):
        if number:
            output.say()
        output.say(f"{scene.ordinal:>2}  {scene.title}  ({names.ident(scene.name)})", style="bold", wrap=4)
        if scene.description:
            output.say(scene.description, wrap=0)
        values = "\n".join(f"{key}: {value}" for key, value in sorted(scene.variables.items()))
        if values:
            output.say(values, style="dim", wrap=4)


def slug_of(path: Path) -> str:
    """A scene's id from a file name: lower case, other signs become a dash, beginning with a letter."""
    slug = re.sub(r"[^a-z0-9_-]+", "-", path.stem.lower()).strip("-_")
    if not slug or not slug[0].isalpha():
        slug = f"scene-{slug}".rstrip("-")
    return slug[:63]


@scenes.command(
    "add",
    examples=[
        "bullpen scenes add noir_city pier.png --title 'The pier' --set time=night --set weather=rain",
        "bullpen scenes add noir_city scans/ --character rosa",
        "bullpen scenes add noir_city pier.png --upload",
    ],
)
@click.argument("project")
@click.argument("files", nargs=-1, required=True, type=PICTURES)
@click.option("--title", default="", help="Title of the scene; with several files, of all of them.")
@click.option("--description", default="", help="What happens in it.")
@click.option("--set", "variables", multiple=True, metavar="KEY=VALUE", help="A value for the stages' templates.")
@click.option("--character", "cast", multiple=True, metavar="SLUG", help="A character in the scene; may be repeated.")
@click.option("--upload", is_flag=True, help="Send the files instead of letting the daemon read them.")
@pass_state
def add_scenes(
    state: State,
    project: str,
    files: tuple[str, ...],
    title: str,
    description: str,
    variables: tuple[str, ...],
    cast: tuple[str, ...],
    upload: bool,
) -> None:
    """Add pictures as scenes. A folder stands for the pictures in it."""
    parent = names.project(project)
    values = pairs(variables)
    paths = pictures(files)

    async def body(session: Session) -> list[bible_pb2.Scene]:
        made = []
        for path in paths:
            asset = await take(session, parent, path, asset_pb2.Asset.KIND_SOURCE, force_upload=upload)
            scene = bible_pb2.Scene(
                title=title or path.stem.replace("_", " ").replace("-", " "),
                description=description,
                source_asset=asset.name,
                variables=values,
                characters=[names.character(project, slug) for slug in cast],
            )
            request = bible_pb2.CreateSceneRequest(
                parent=parent, scene_id=slug_of(path), scene=scene, request_id=str(uuid.uuid4())
            )
            made.append(await session.bible.CreateScene(request))
        return made

    show(state, state.with_session(body))
