"""`bullpen styles`: the looks that a universe keeps."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import click
from bullpen_api.v1 import asset_pb2, bible_pb2
from bullpen_client import names

from bullpen_cli import keeping, output
from bullpen_cli.command import Group, State, pairs, pass_state
from bullpen_cli.transfer import PICTURES, pictures, taken

if TYPE_CHECKING:
    from bullpen_client import Session

SORT = keeping.Sort("StyleGuide", "style_guide", "styleGuides", "styles")
KIND = asset_pb2.Asset.KIND_REFERENCE


@click.group(
    cls=Group,
    examples=[
        "bullpen styles list harbor_lights",
        "bullpen styles add noir_city ink --set style='black ink'",
        "bullpen styles edit noir_city ink --set paper=cream --unset grain",
        "bullpen styles delete noir_city ink",
    ],
)
def styles() -> None:
    """Style guides: looks that a whole project keeps."""


@styles.command("list", examples=["bullpen styles list harbor_lights", "bullpen styles list harbor_lights --trash"])
@click.argument("project")
@keeping.trash_option
@pass_state
def list_styles(state: State, project: str, trash: bool) -> None:
    """List the style guides of a project."""
    _show(state, state.with_session(lambda session: SORT.listed(session, project, trash)))


def _show(state: State, found: list[bible_pb2.StyleGuide]) -> None:
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
        empty="There is no style guide here. `bullpen styles add PROJECT SLUG --set style=…` adds one.",
    )


@styles.command("add", examples=["bullpen styles add noir_city ink --title 'Black ink' --set style='noir ink'"])
@click.argument("project")
@click.argument("slug")
@click.option("--title", default="", help="Name that people read.")
@click.option("--description", default="", help="The look, in words.")
@click.option("--set", "variables", multiple=True, metavar="KEY=VALUE", help="A value for the stages' templates.")
@click.option("--anchor", "anchors", multiple=True, type=PICTURES, help="A picture in this style; may be repeated.")
@click.option("--reference-set", metavar="SLUG", help="The set that pictures are held against.")
@pass_state
def add_style(
    state: State,
    project: str,
    slug: str,
    title: str,
    description: str,
    variables: tuple[str, ...],
    anchors: tuple[str, ...],
    reference_set: str | None,
) -> None:
    """Add a style guide."""
    parent = names.project(project)
    values = pairs(variables)
    paths = pictures(anchors)

    async def body(session: Session) -> bible_pb2.StyleGuide:
        guide = bible_pb2.StyleGuide(
            title=title or slug,
            description=description,
            variables=values,
            anchors=await taken(session, parent, paths, KIND),
            reference_set=names.reference_set(project, reference_set) if reference_set else "",
        )
        request = bible_pb2.CreateStyleGuideRequest(
            parent=parent, style_guide_id=slug, style_guide=guide, request_id=str(uuid.uuid4())
        )
        return await session.bible.CreateStyleGuide(request)

    _show(state, [state.with_session(body)])


@styles.command("edit", examples=["bullpen styles edit noir_city ink --set style='noir ink' --anchor ink.png"])
@click.argument("project")
@click.argument("slug")
@click.option("--title", help="Name that people read.")
@click.option("--description", help="The look, in words.")
@click.option("--set", "variables", multiple=True, metavar="KEY=VALUE", help="Set a value for the stages' templates.")
@click.option("--unset", multiple=True, metavar="KEY", help="Take a value away.")
@click.option("--anchor", "anchors", multiple=True, type=PICTURES, help="Add a picture in this style.")
@click.option("--reference-set", metavar="SLUG", help="The set that pictures are held against; '' for none.")
@pass_state
def edit_style(
    state: State,
    project: str,
    slug: str,
    title: str | None,
    description: str | None,
    variables: tuple[str, ...],
    unset: tuple[str, ...],
    anchors: tuple[str, ...],
    reference_set: str | None,
) -> None:
    """Change a style guide; what is not named stays as it is."""
    values = pairs(variables)
    paths = pictures(anchors)

    async def body(session: Session) -> bible_pb2.StyleGuide:
        shown = await taken(session, names.project(project), paths, KIND)

        def edit(guide: bible_pb2.StyleGuide) -> list[str]:
            guide.anchors.extend(shown)
            named = names.reference_set(project, reference_set) if reference_set else reference_set
            return [
                *keeping.put(guide, title=title, description=description, reference_set=named),
                *keeping.put_entries(guide.variables, "variables", values, unset),
                *(["anchors"] if shown else []),
            ]

        found: bible_pb2.StyleGuide = await keeping.change(session, SORT, project, slug, edit)
        return found

    keeping.show(state, state.with_session(body))


keeping.add_commands(styles, SORT)
