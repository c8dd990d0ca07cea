"""`bullpen characters`: the cast that a universe keeps."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import click
from bullpen_api.v1 import asset_pb2, bible_pb2
from bullpen_client import names

from bullpen_cli import keeping, output
from bullpen_cli.command import Group, State, pairs, pass_state
from bullpen_cli.run import lora_uses
from bullpen_cli.transfer import PICTURES, pictures, taken

if TYPE_CHECKING:
    from bullpen_client import Session

SORT = keeping.Sort("Character", "character", "characters", "characters")
KIND = asset_pb2.Asset.KIND_REFERENCE


@click.group(
    cls=Group,
    examples=[
        "bullpen characters list harbor_lights",
        "bullpen characters add noir_city rosa --title Rosa --description 'a woman with red hair'",
        "bullpen characters edit noir_city rosa --look coat='in a yellow coat' --lora rosa=0.8",
        "bullpen characters delete noir_city rosa",
    ],
)
def characters() -> None:
    """The cast: people, animals and machines."""


@characters.command("list", examples=["bullpen characters list harbor_lights"])
@click.argument("project")
@keeping.trash_option
@pass_state
def list_characters(state: State, project: str, trash: bool) -> None:
    """List the characters of a project."""
    _show(state, state.with_session(lambda session: SORT.listed(session, project, trash)))


def _show(state: State, found: list[bible_pb2.Character]) -> None:
    if state.json:
        output.emit({"characters": [output.as_dict(character) for character in found]})
        return
    output.table(
        ("character", "name", "description", "looks", "references"),
        (
            (names.ident(c.name), c.title, c.description, " ".join(x.look_id for x in c.looks), len(c.references))
            for c in found
        ),
        empty="There is no character here. `bullpen characters add PROJECT SLUG` adds one.",
        right=("references",),
    )


def _fields(command: Any) -> Any:
    """The options of a character that adding and editing share."""
    for option in reversed(
        (
            click.option("--title", help="Name that people read."),
            click.option("--description", help="How the character looks, as words in a prompt."),
            click.option("--profile", help="Who the character is; never part of a prompt."),
            click.option("--prompt", help="Words for prompts in place of the description."),
            click.option("--negative", help="What must not be seen: the variable character_negative."),
            click.option("--look", "looks", multiple=True, metavar="ID=WORDS", help="Clothes, an age, a disguise."),
            click.option("--lora", "loras", multiple=True, metavar="NAME[=SCALE]", help="A LoRA of the character."),
            click.option("--reference", "references", multiple=True, type=PICTURES, help="Add a picture of it."),
            click.option("--reference-set", metavar="SLUG", help="The set that pictures are held against."),
        )
    ):
        command = option(command)
    return command


@characters.command(
    "add",
    examples=[
        "bullpen characters add noir_city rosa --title Rosa --description 'red hair, yellow coat'",
        "bullpen characters add noir_city rosa --reference rosa.png",
    ],
)
@click.argument("project")
@click.argument("slug")
@_fields
@pass_state
def add_character(state: State, /, project: str, slug: str, references: tuple[str, ...], **given: Any) -> None:
    """Add a character, with pictures that show it."""
    parent = names.project(project)
    paths = pictures(references)
    character = bible_pb2.Character(title=slug)
    _put(character, project, given, ())

    async def body(session: Session) -> bible_pb2.Character:
        character.references.extend(await taken(session, parent, paths, KIND))
        request = bible_pb2.CreateCharacterRequest(
            parent=parent, character_id=slug, character=character, request_id=str(uuid.uuid4())
        )
        return await session.bible.CreateCharacter(request)

    _show(state, [state.with_session(body)])


@characters.command("edit", examples=["bullpen characters edit noir_city rosa --look coat='in a yellow coat'"])
@click.argument("project")
@click.argument("slug")
@_fields
@click.option("--no-look", "no_looks", multiple=True, metavar="ID", help="Take a look away.")
@pass_state
def edit_character(
    state: State, /, project: str, slug: str, references: tuple[str, ...], no_looks: tuple[str, ...], **given: Any
) -> None:
    """Change a character; what is not named stays as it is. LoRAs are replaced, looks and references added."""
    paths = pictures(references)

    async def body(session: Session) -> bible_pb2.Character:
        shown = await taken(session, names.project(project), paths, KIND)

        def edit(character: bible_pb2.Character) -> list[str]:
            character.references.extend(shown)
            return [*_put(character, project, given, no_looks), *(["references"] if shown else [])]

        found: bible_pb2.Character = await keeping.change(session, SORT, project, slug, edit)
        return found

    keeping.show(state, state.with_session(body))


def _put(character: bible_pb2.Character, project: str, given: dict[str, Any], no_looks: tuple[str, ...]) -> list[str]:
    """Writes what the options say; gives the names of the fields."""
    named = given["reference_set"]
    paths = keeping.put(
        character,
        title=given["title"],
        description=given["description"],
        profile=given["profile"],
        prompt=given["prompt"],
        negative_prompt=given["negative"],
        reference_set=names.reference_set(project, named) if named else named,
    )
    looks = pairs(given["looks"], "--look")
    kept = {look.look_id: look for look in character.looks if look.look_id not in no_looks}
    for look_id, words in looks.items():
        kept.setdefault(look_id, bible_pb2.Look(look_id=look_id)).description = words
    if looks or no_looks:
        listed = [bible_pb2.Look.FromString(look.SerializeToString()) for look in kept.values()]
        del character.looks[:]
        character.looks.extend(listed)
        paths.append("looks")
    if given["loras"]:
        del character.loras[:]
        character.loras.extend(lora_uses(given["loras"]))
        paths.append("loras")
    return paths


keeping.add_commands(characters, SORT)
