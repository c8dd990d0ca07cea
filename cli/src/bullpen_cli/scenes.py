"""`bullpen scenes`: the pictures of the story, in its order."""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import click
import grpc
from bullpen_api.v1 import asset_pb2, bible_pb2
from bullpen_client import errors, names

from bullpen_cli import keeping, output
from bullpen_cli.command import Group, State, Whole, pairs, pass_state
from bullpen_cli.paging import everything
from bullpen_cli.transfer import FILE, PICTURES, pictures, take

if TYPE_CHECKING:
    from bullpen_client import Session

SORT = keeping.Sort("Scene", "scene", "scenes", "scenes")
# Cells that one value may take in a table.
_LONG = 28


@click.group(
    cls=Group,
    examples=[
        "bullpen scenes list harbor_lights",
        "bullpen scenes read harbor_lights",
        "bullpen scenes add noir_city pier.png market.png --set place=harbour",
        "bullpen scenes edit noir_city pier --set time=dawn",
        "bullpen scenes delete noir_city pier",
    ],
)
def scenes() -> None:
    """Pictures of the story, with what each stage should make of them."""


@scenes.command("list", examples=["bullpen scenes list harbor_lights", "bullpen scenes list harbor_lights --trash"])
@click.argument("project")
@click.option("--character", metavar="SLUG", help="Only scenes with this character.")
@keeping.trash_option
@pass_state
def list_scenes(state: State, project: str, character: str | None, trash: bool) -> None:
    """List the scenes of a project in story order."""
    only = {"character": names.character(project, character)} if character else {}
    show(state, state.with_session(lambda session: SORT.listed(session, project, trash, **only)))


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
                " ".join(f"{'⚑' if picture.HasField('stale') else ''}{picture.stage}" for picture in scene.accepted)
                or "–",
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
        for picture in scene.accepted:
            if picture.HasField("stale"):
                output.say(f"⚑ {picture.stage}: {picture.stale.reason}", style="yellow", wrap=4)


def slug_of(path: Path) -> str:
    """A scene's id from a file name: lower case, other signs become a dash, beginning with a letter."""
    slug = re.sub(r"[^a-z0-9_-]+", "-", path.stem.lower()).strip("-_")
    if not slug or not slug[0].isalpha():
        slug = f"scene-{slug}".rstrip("-")
    return slug[:63]


async def _all_new(session: Session, parent: str, paths: list[Path]) -> None:
    """Looks before anything is sent: each picture must give a scene of its own. Raises AlreadyExists, naming all."""
    request = bible_pb2.ListScenesRequest(parent=parent, show_deleted=True)
    there = {names.ident(scene.name) for scene in (await everything(session.bible.ListScenes, request, "scenes"))[0]}
    slugs = [slug_of(path) for path in paths]
    twice = sorted({slug for slug in slugs if slugs.count(slug) > 1})
    taken = sorted(there & set(slugs))
    if not taken and not twice:
        return
    project = names.ident(parent)
    told = [f"There already, or in the trash, as scenes: {', '.join(taken)}."] if taken else []
    told += [f"Several of the files would be the scene {slug}." for slug in twice]
    raise errors.make(
        "ALREADY_EXISTS",
        f"{' '.join(told)} Nothing was added.",
        code=grpc.StatusCode.ALREADY_EXISTS,
        metadata={
            "field": "scene_id",
            "remedy": "Leave these files out, or rename them. "
            f"`bullpen scenes edit {project} {(taken or twice)[0]} --source FILE` gives a scene another picture.",
        },
    )


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
    """Add pictures as scenes, named by their files. A folder stands for the pictures in it.

    All of them, or none where a scene of one exists.
    """
    parent = names.project(project)
    values = pairs(variables)
    paths = pictures(files)

    async def body(session: Session) -> list[bible_pb2.Scene]:
        made = []
        await _all_new(session, parent, paths)
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


@scenes.command(
    "edit",
    examples=[
        "bullpen scenes edit noir_city pier --title 'The pier' --set time=dawn --unset weather",
        "bullpen scenes edit noir_city pier --character mara --character rosa --look mara=coat",
        "bullpen scenes edit noir_city market --place 1",
    ],
)
@click.argument("project")
@click.argument("slug")
@click.option("--title", help="Title of the scene.")
@click.option("--description", help="What happens in it.")
@click.option("--set", "variables", multiple=True, metavar="KEY=VALUE", help="Set a value for the stages' templates.")
@click.option("--unset", multiple=True, metavar="KEY", help="Take a value away.")
@click.option("--character", "cast", multiple=True, metavar="SLUG", help="Who is in it, in place of those before.")
@click.option("--look", "looks", multiple=True, metavar="SLUG=LOOK", help="Which look a character wears.")
@click.option("--no-look", "no_looks", multiple=True, metavar="SLUG", help="Let a character wear no look.")
@click.option("--place", type=Whole(1), help="Place in the story, counted from 1; others move along.")
@click.option("--source", type=FILE, help="The picture that the first stage starts from.")
@pass_state
def edit_scene(
    state: State,
    project: str,
    slug: str,
    title: str | None,
    description: str | None,
    variables: tuple[str, ...],
    unset: tuple[str, ...],
    cast: tuple[str, ...],
    looks: tuple[str, ...],
    no_looks: tuple[str, ...],
    place: int | None,
    source: str | None,
) -> None:
    """Change a scene; what is not named stays as it is. Pictures that were accepted stay accepted."""
    values, worn = pairs(variables), pairs(looks, "--look")

    async def body(session: Session) -> bible_pb2.Scene:
        kind = asset_pb2.Asset.KIND_SOURCE
        asset = (await take(session, names.project(project), Path(source), kind)).name if source else None

        def edit(scene: bible_pb2.Scene) -> list[str]:
            paths = [
                *keeping.put(scene, title=title, description=description, ordinal=place, source_asset=asset),
                *keeping.put_entries(scene.variables, "variables", values, unset),
            ]
            if cast:
                del scene.characters[:]
                scene.characters.extend(names.character(project, one) for one in cast)
                paths.append("characters")
            present = {names.ident(one) for one in scene.characters}
            gone = [one for one in scene.looks if one not in present]
            return [*paths, *keeping.put_entries(scene.looks, "looks", worn, [*no_looks, *gone])]

        found: bible_pb2.Scene = await keeping.change(session, SORT, project, slug, edit)
        return found

    keeping.show(state, state.with_session(body))


keeping.add_commands(scenes, SORT)
