"""`bullpen styles read`, `compare` and `apply`: looks read off pictures, held beside each other, and put on scenes."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import click
from bullpen_api.v1 import bible_pb2, instruction_pb2, style_pb2
from bullpen_client import names
from google.protobuf.json_format import ParseDict

from bullpen_cli import output
from bullpen_cli.command import State, pass_state
from bullpen_cli.instructions import one
from bullpen_cli.styles import KIND, styles
from bullpen_cli.transfer import PICTURES, pictures, taken

if TYPE_CHECKING:
    from bullpen_client import Session

__all__ = ("apply", "compare", "read", "styles")


@styles.command(
    "read",
    examples=[
        "bullpen styles read harbor_lights ~/pictures/ink1.png ~/pictures/ink2.png",
        "bullpen styles read noir_city cover.png --save ink --title 'Black ink'",
        "bullpen styles read noir_city cover.png --vision --save ink",
    ],
)
@click.argument("project")
@click.argument("files", nargs=-1, type=PICTURES)
@click.option("--asset", "assets", multiple=True, metavar="ASSET", help="A picture of the project; may be repeated.")
@click.option("--model", default="", help="The tagger, in place of the project's own.")
@click.option("--vision", is_flag=True, help="Show the pictures to the language model of the settings too.")
@click.option("--save", metavar="SLUG", help="Keep what was read as a style guide.")
@click.option("--title", default="", help="Name that people read.")
@pass_state
def read(
    state: State,
    project: str,
    files: tuple[str, ...],
    assets: tuple[str, ...],
    model: str,
    vision: bool,
    save: str | None,
    title: str,
) -> None:
    """Read the look of pictures into words; with --save they become a style guide with these pictures as anchors.

    Pictures that are files are imported as references.
    """
    parent = names.project(project)
    paths = pictures(files)
    if not paths and not assets:
        raise click.UsageError("give pictures, or --asset.")

    async def body(session: Session) -> tuple[style_pb2.StyleReading, bible_pb2.StyleGuide | None]:
        shown = [name if name.startswith("projects/") else f"{parent}/assets/{name}" for name in assets]
        shown += await taken(session, parent, paths, KIND)
        request = style_pb2.ReadStyleRequest(parent=parent, assets=shown, model=model, ask_language_model=vision)
        found = await session.styles.ReadStyle(request)
        if save is None:
            return found, None
        guide = found.style_guide
        guide.title = title or guide.title or save
        kept = bible_pb2.CreateStyleGuideRequest(
            parent=parent, style_guide_id=save, style_guide=guide, request_id=str(uuid.uuid4())
        )
        return found, await session.bible.CreateStyleGuide(kept)

    found, guide = state.with_session(body)
    if state.json:
        output.emit({"reading": output.as_dict(found), "styleGuide": output.as_dict(guide) if guide else None})
        return
    output.table(
        ("about", "word", "sure", "pictures"),
        ((tag.head, tag.word, f"{tag.share:.0%}", tag.pictures) for tag in found.tags),
        right=("sure", "pictures"),
    )
    output.say(f"keywords  {', '.join(found.keywords) or '–'}")
    if found.caption:
        output.say(f"caption   {found.caption}", wrap=10)
    for variable, value in sorted(found.style_guide.variables.items()):
        output.say(f"{variable:<9} {value}")
    for note in found.notes:
        output.say(f"⚑ {note}", style="yellow", wrap=2)
    if guide is not None:
        output.say(f"Kept as {guide.name}.")


@styles.command("compare", examples=["bullpen styles compare harbor_lights flat ink"])
@click.argument("project")
@click.argument("first")
@click.argument("second")
@pass_state
def compare(state: State, project: str, first: str, second: str) -> None:
    """Hold two style guides beside each other: values, words, and how alike their pictures look."""
    request = style_pb2.CompareStylesRequest(
        first=names.style_guide(project, first), second=names.style_guide(project, second)
    )

    async def body(session: Session) -> style_pb2.StyleComparison:
        return await session.styles.CompareStyles(request)

    found = state.with_session(body)
    if state.json:
        output.emit(found)
        return
    output.table(
        ("value", first, second),
        ((item.variable, item.first or "–", item.second or "–") for item in found.differences),
        empty="They share every value.",
    )
    if found.shared_words:
        output.say(f"both      {', '.join(found.shared_words)}")
    if found.HasField("likeness"):
        same = "one look" if found.likeness >= found.threshold else "two looks"
        output.say(f"pictures  {found.likeness:.2f} alike; from {found.threshold:.2f} on they are one look: {same}")
    for note in found.notes:
        output.say(f"⚑ {note}", style="yellow", wrap=2)


@styles.command(
    "apply",
    examples=[
        "bullpen styles apply harbor_lights ink",
        "bullpen styles apply harbor_lights ink --scene pier --scene market --candidates 3",
    ],
)
@click.argument("project")
@click.argument("guide")
@click.option("--scene", "scenes", multiple=True, help="Only this scene; may be repeated.")
@click.option("--stage", default="style", show_default=True, help="The stage that draws the look.")
@click.option("--candidates", type=int, help="Candidates of each scene.")
@pass_state
def apply(state: State, project: str, guide: str, scenes: tuple[str, ...], stage: str, candidates: int | None) -> None:
    """Propose a run that gives scenes this look. Nothing is made until you confirm it."""
    parent = names.project(project)
    spec: dict[str, object] = {
        "stage": stage,
        "scenes": {"scenes": [f"{parent}/scenes/{scene}" for scene in scenes]} if scenes else {},
        "styleGuide": names.style_guide(project, guide),
    }
    if candidates is not None:
        spec["candidates"] = candidates
    said = ParseDict(
        {
            "method": "bullpen.v1.RunService/CreateRun",
            "inputs": {"spec": spec},
            "confirmationRequired": True,
            "requestedBy": "command line",
        },
        instruction_pb2.Instruction(),
    )
    request = instruction_pb2.CreateInstructionRequest(parent=parent, instruction=said, request_id=str(uuid.uuid4()))

    async def body(session: Session) -> instruction_pb2.Instruction:
        return await session.instructions.CreateInstruction(request)

    one(state, state.with_session(body))
