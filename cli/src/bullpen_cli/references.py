"""`bullpen references`: sets of pictures that show one thing, in their order."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click
from bullpen_api.v1 import asset_pb2, bible_pb2
from bullpen_client import names

from bullpen_cli import keeping, output
from bullpen_cli.command import Group, State, Whole, pairs, pass_state
from bullpen_cli.transfer import PICTURES, pictures, taken

if TYPE_CHECKING:
    from bullpen_client import Session

SORT = keeping.Sort("ReferenceSet", "reference_set", "referenceSets", "references")
KIND = asset_pb2.Asset.KIND_REFERENCE
PURPOSES = ("style", "character", "place")


@click.group(
    cls=Group,
    examples=[
        "bullpen references add noir_city rosa --for character rosa-front.png rosa-left.png",
        "bullpen references edit noir_city rosa --caption 1='from the front' --order 2,1",
        "bullpen characters edit noir_city rosa --reference-set rosa",
    ],
)
def references() -> None:
    """Reference sets: pictures that what is drawn is held against."""


@references.command("list", examples=["bullpen references list noir_city --for character"])
@click.argument("project")
@click.option("--for", "purpose", type=click.Choice(PURPOSES), help="Only sets for this purpose.")
@keeping.trash_option
@pass_state
def list_sets(state: State, project: str, purpose: str | None, trash: bool) -> None:
    """List the reference sets of a project."""
    only = {"purpose": _purpose(purpose)} if purpose else {}
    _show(state, state.with_session(lambda session: SORT.listed(session, project, trash, **only)))


def _purpose(name: str) -> bible_pb2.ReferenceSet.Purpose.ValueType:
    return bible_pb2.ReferenceSet.Purpose.Value(f"PURPOSE_{name.upper()}")


def _show(state: State, found: list[bible_pb2.ReferenceSet]) -> None:
    if state.json:
        output.emit({"referenceSets": [output.as_dict(item) for item in found]})
        return
    output.table(
        ("reference set", "title", "for", "pictures"),
        (
            (
                names.ident(item.name),
                item.title,
                bible_pb2.ReferenceSet.Purpose.Name(item.purpose).removeprefix("PURPOSE_").lower(),
                len(item.items),
            )
            for item in found
        ),
        empty="There is no reference set here. `bullpen references add PROJECT SLUG --for style FILE…` adds one.",
        right=("pictures",),
    )


@references.command("add", examples=["bullpen references add noir_city look --for style anchors/"])
@click.argument("project")
@click.argument("slug")
@click.argument("files", nargs=-1, type=PICTURES)
@click.option("--for", "purpose", type=click.Choice(PURPOSES), required=True, help="What the set shows.")
@click.option("--title", default="", help="Name that people read.")
@click.option("--description", default="", help="What the pictures have in common.")
@pass_state
def add_set(
    state: State, project: str, slug: str, files: tuple[str, ...], purpose: str, title: str, description: str
) -> None:
    """Add a reference set with pictures in their order. A folder stands for the pictures in it."""
    parent = names.project(project)
    paths = pictures(files)

    async def body(session: Session) -> bible_pb2.ReferenceSet:
        made = bible_pb2.ReferenceSet(title=title, description=description, purpose=_purpose(purpose))
        for asset in dict.fromkeys(await taken(session, parent, paths, KIND)):
            made.items.add(asset=asset)
        request = bible_pb2.CreateReferenceSetRequest(
            parent=parent, reference_set_id=slug, reference_set=made, request_id=str(uuid.uuid4())
        )
        return await session.bible.CreateReferenceSet(request)

    keeping.show(state, state.with_session(body))


@references.command(
    "edit",
    examples=[
        "bullpen references edit noir_city rosa --add rosa-back.png --remove 2",
        "bullpen references edit noir_city rosa --caption 1='from the front' --weight 1=2 --order 3,1,2",
    ],
)
@click.argument("project")
@click.argument("slug")
@click.option("--title", help="Name that people read.")
@click.option("--description", help="What the pictures have in common.")
@click.option("--caption", "captions", multiple=True, metavar="N=TEXT", help="What the N-th picture shows.")
@click.option("--weight", "weights", multiple=True, metavar="N=NUMBER", help="How much the N-th picture counts.")
@click.option("--order", metavar="N,N,…", help="The pictures in another order, by their numbers of now.")
@click.option("--remove", multiple=True, type=Whole(1), metavar="N", help="Take the N-th picture out.")
@click.option("--add", "files", multiple=True, type=PICTURES, help="Put a picture at the end.")
@pass_state
def edit_set(
    state: State,
    /,
    project: str,
    slug: str,
    title: str | None,
    description: str | None,
    files: tuple[str, ...],
    **how: Any,
) -> None:
    """Change a reference set. Numbers are those that `show` gives now."""
    paths = pictures(files)

    async def body(session: Session) -> bible_pb2.ReferenceSet:
        shown = await taken(session, names.project(project), paths, KIND)

        def edit(message: bible_pb2.ReferenceSet) -> list[str]:
            changed = keeping.put(message, title=title, description=description)
            if shown or any(how.values()):
                items = _rearranged(list(message.items), shown, **how)
                del message.items[:]
                message.items.extend(items)
                changed.append("items")
            return changed

        found: bible_pb2.ReferenceSet = await keeping.change(session, SORT, project, slug, edit)
        return found

    keeping.show(state, state.with_session(body))


def _rearranged(
    items: list[bible_pb2.ReferenceItem],
    added: Iterable[str],
    captions: tuple[str, ...],
    weights: tuple[str, ...],
    order: str | None,
    remove: tuple[int, ...],
) -> list[bible_pb2.ReferenceItem]:
    """The items as the options want them; every number is one of before."""

    def at(number: str | int, option: str) -> int:
        if not str(number).strip().isdecimal() or not 1 <= int(number) <= len(items):
            raise click.UsageError(f"{option}: there is no picture {number}; the set has {len(items)}.")
        return int(number) - 1

    copies = [bible_pb2.ReferenceItem.FromString(item.SerializeToString()) for item in items]
    for number, text in pairs(captions, "--caption").items():
        copies[at(number, "--caption")].caption = text
    for number, text in pairs(weights, "--weight").items():
        try:
            copies[at(number, "--weight")].weight = float(text)
        except ValueError:
            raise click.UsageError(f"--weight takes N=NUMBER, and '{text}' is no number.") from None
    places = [at(number, "--order") for number in order.split(",")] if order else list(range(len(items)))
    if sorted(places) != list(range(len(items))):
        raise click.UsageError(f"--order must have each of the numbers 1 to {len(items)} once.")
    gone = {at(number, "--remove") for number in remove}
    kept = [copies[place] for place in places if place not in gone]
    return [*kept, *(bible_pb2.ReferenceItem(asset=asset) for asset in added)]


keeping.add_commands(references, SORT)
