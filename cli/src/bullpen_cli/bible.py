"""`bullpen styles` and `bullpen characters`: the looks and the cast that a universe keeps."""

from __future__ import annotations

import uuid
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


@click.group(
    cls=Group,
    examples=["bullpen characters list harbor_lights", "bullpen characters add noir_city rosa --title Rosa"],
)
def characters() -> None:
    """The cast: people, animals and machines."""


@characters.command("list", examples=["bullpen characters list harbor_lights"])
@click.argument("project")
@pass_state
def list_characters(state: State, project: str) -> None:
    """List the characters of a project."""

    async def body(session: Session) -> list[bible_pb2.Character]:
        request = bible_pb2.ListCharactersRequest(parent=names.project(project))
        return (await everything(session.bible.ListCharacters, request, "characters"))[0]

    _show_characters(state, state.with_session(body))


def _show_characters(state: State, found: list[bible_pb2.Character]) -> None:
    if state.json:
        output.emit({"characters": [output.as_dict(character) for character in found]})
        return
    output.table(
        ("character", "name", "description", "references"),
        ((names.ident(c.name), c.title, c.description, len(c.references)) for c in found),
        empty="The project has no characters yet. `bullpen characters add PROJECT SLUG` adds one.",
        right=("references",),
    )


@characters.command(
    "add",
    examples=[
        "bullpen characters add noir_city rosa --title Rosa --description 'red hair, yellow coat'",
        "bullpen characters add noir_city rosa --reference rosa.png",
    ],
)
@click.argument("project")
@click.argument("slug")
@click.option("--title", default="", help="Name that people read.")
@click.option("--description", default="", help="How the character looks, as words in a prompt.")
@click.option("--reference", "references", multiple=True, type=PICTURES, help="A picture of it; may be repeated.")
@pass_state
def add_character(
    state: State, project: str, slug: str, title: str, description: str, references: tuple[str, ...]
) -> None:
    """Add a character, with pictures that show it."""
    parent = names.project(project)
    paths = pictures(references)

    async def body(session: Session) -> bible_pb2.Character:
        shown = [(await take(session, parent, path, asset_pb2.Asset.KIND_REFERENCE)).name for path in paths]
        request = bible_pb2.CreateCharacterRequest(
            parent=parent,
            character_id=slug,
            character=bible_pb2.Character(title=title or slug, description=description, references=shown),
            request_id=str(uuid.uuid4()),
        )
        return await session.bible.CreateCharacter(request)

    _show_characters(state, [state.with_session(body)])


@click.group(
    cls=Group,
    examples=["bullpen styles list harbor_lights", "bullpen styles add noir_city ink --set style='black ink'"],
)
def styles() -> None:
    """Style guides: looks that a whole project keeps."""


@styles.command("list", examples=["bullpen styles list harbor_lights"])
@click.argument("project")
@pass_state
def list_styles(state: State, project: str) -> None:
    """List the style guides of a project."""

    async def body(session: Session) -> list[bible_pb2.StyleGuide]:
        request = bible_pb2.ListStyleGuidesRequest(parent=names.project(project))
        return (await everything(session.bible.ListStyleGuides, request, "style_guides"))[0]

    _show_styles(state, state.with_session(body))


def _show_styles(state: State, found: list[bible_pb2.StyleGuide]) -> None:
    if state.json:
        output.emit({"styleGuides": [output.as_dict(style) for style in found]})
        return
    output.table(
        ("style guide", "title", "description", "variables"),
        (
            (
                names.ident(style.name),
                style.title,
                style.description,
                " ".join(f"{key}={value}" for key, value in sorted(style.variables.items())),
            )
            for style in found
        ),
        empty="The project has no style guide yet. `bullpen styles add PROJECT SLUG --set style=…` adds one.",
    )


@styles.command("add", examples=["bullpen styles add noir_city ink --title 'Black ink' --set style='noir ink'"])
@click.argument("project")
@click.argument("slug")
@click.option("--title", default="", help="Name that people read.")
@click.option("--description", default="", help="The look, in words.")
@click.option("--set", "variables", multiple=True, metavar="KEY=VALUE", help="A value for the stages' templates.")
@click.option("--anchor", "anchors", multiple=True, type=PICTURES, help="A picture in this style; may be repeated.")
@pass_state
def add_style(
    state: State,
    project: str,
    slug: str,
    title: str,
    description: str,
    variables: tuple[str, ...],
    anchors: tuple[str, ...],
) -> None:
    """Add a style guide."""
    parent = names.project(project)
    values = pairs(variables)
    paths = pictures(anchors)

    async def body(session: Session) -> bible_pb2.StyleGuide:
        shown = [(await take(session, parent, path, asset_pb2.Asset.KIND_REFERENCE)).name for path in paths]
        guide = bible_pb2.StyleGuide(title=title or slug, description=description, variables=values, anchors=shown)
        request = bible_pb2.CreateStyleGuideRequest(
            parent=parent, style_guide_id=slug, style_guide=guide, request_id=str(uuid.uuid4())
        )
        return await session.bible.CreateStyleGuide(request)

    _show_styles(state, [state.with_session(body)])
