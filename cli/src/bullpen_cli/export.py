"""`bullpen export`: a project as one file, and what became of earlier ones.

`bullpen export PROJECT …` is short for `bullpen export make PROJECT …`.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

import click
from bullpen_api.v1 import export_pb2 as pb
from bullpen_client import names

from bullpen_cli import exporting, output
from bullpen_cli.command import Group, State, Whole, pass_state
from bullpen_cli.exporting import FORMATS, STATES, Pair, export_named, finished, follow, tell_how_to_come_back
from bullpen_cli.failure import FAILED, INTERRUPTED, OK
from bullpen_cli.paging import everything
from bullpen_cli.transfer import absolute

if TYPE_CHECKING:
    from bullpen_client import Session

MAKE = "make"
_NAME = re.compile(r"last|projects/[^/]+/exports/e-\d+|([a-z][a-z0-9_-]*/)?e-\d+")


class Exports(Group):
    """A family in which the most frequent command needs no name."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Puts `make` in front of a line that names no command and asks for no help."""
        place = 0
        while place < len(args) and (args[place] == "--json" or args[place].startswith("--home")):
            place += 2 if args[place] == "--home" else 1
        first = args[place] if place < len(args) else ""
        if first and first not in self.commands and first not in ("-h", "--help"):
            args = [*args[:place], MAKE, *args[place:]]
        return super().parse_args(ctx, args)


@click.group(
    cls=Exports,
    examples=[
        "bullpen export harbor_lights --format bundle --to ~/handover",
        "bullpen export harbor_lights --format cbz --to ~/comics/harbor.cbz --title 'The Lamp'",
        "bullpen export harbor_lights --format pdf-pages --layout 2x3 --right-to-left",
        "bullpen export harbor_lights --format pdf-contact-sheet --all-candidates",
        "bullpen export verify ~/comics/harbor.cbz",
        "bullpen export list",
    ],
)
def export() -> None:
    """Make one file of a project: bundle, comic book, PDF. `bullpen export PROJECT --format F` begins.

    EXPORT is a full name, an id, PROJECT/ID, or `last`.
    """


@export.command(
    MAKE,
    examples=[
        "bullpen export make harbor_lights --format cbz",
        "bullpen export harbor_lights --format cbz --stage weather --scenes pier,market --to ~/comics",
        "bullpen export harbor_lights --format pdf-pages --layout 2x3 --page 2480x3508",
        "bullpen export harbor_lights --format bundle --all-candidates --dry-run --json",
    ],
)
@click.argument("project")
@click.option("--format", "format", type=click.Choice(list(FORMATS)), required=True, help="What is made.")
@click.option("--to", metavar="DIR|FILE", help="Where it goes. Default: the project's own folder of exports.")
@click.option("--stage", default="", metavar="NAME", help="Only this stage. Default: each scene's last accepted one.")
@click.option("--scenes", multiple=True, metavar="A,B", help="Only these scenes, in this order.")
@click.option("--finished", is_flag=True, help="What post-process made last of each accepted picture.")
@click.option("--all-candidates", is_flag=True, help="Bundle and contact sheet: those that were not accepted, too.")
@click.option("--layout", type=Pair(), metavar="CxR", help="Panels beside and below each other on a page, such as 2x3.")
@click.option("--page", type=Pair(), metavar="WxH", help="Pixels of such a page. Default: A4, 1654x2339.")
@click.option("--margin", type=Whole(0), help="Pixels around the panels.")
@click.option("--gutter", type=Whole(0), help="Pixels between the panels.")
@click.option("--right-to-left", is_flag=True, help="The first panel of a row is its rightmost one.")
@click.option("--title", default="", help="Title of the book. Default: the project's.")
@click.option("--series", default="", help="Series of the book. Default: the project's title.")
@click.option("--overwrite", is_flag=True, help="Replace a file that lies there.")
@click.option("--dry-run", is_flag=True, help="Only say what it would hold, and what would be left out.")
@click.option("--detach", is_flag=True, help="Begin and come back at once.")
@pass_state
def make(state: State, /, project: str, detach: bool, dry_run: bool, **options: Any) -> int:
    """Export a project and wait until the file lies there, checked. Ctrl-C leaves it going."""
    spec = exporting.spec_of(project, options)
    begun: list[str] = []

    async def body(session: Session) -> int:
        request = pb.CreateExportRequest(
            parent=names.project(project),
            spec=spec,
            validate_only=dry_run,
            request_id="" if dry_run else uuid.uuid4().hex,
        )
        made = await session.exports.CreateExport(request)
        if dry_run or detach:
            if state.json:
                output.emit(made)
            elif dry_run:
                exporting.show(made)
            else:
                output.say(f"begun {made.name}")
            return OK
        begun.append(made.name)
        return finished(state, await follow(session, made, quiet=state.json))

    return _unless_left(state, body, begun)


def _unless_left(state: State, body: Any, begun: list[str]) -> int:
    try:
        status: int = state.with_session(body)
    except KeyboardInterrupt:
        for name in begun:
            tell_how_to_come_back(name)
        return INTERRUPTED
    return status


@export.command("list", examples=["bullpen export list", "bullpen export list harbor_lights --state interrupted"])
@click.argument("project", default="-")
@click.option("--state", "states", multiple=True, type=click.Choice(list(STATES)), help="Only exports in this state.")
@click.option("--limit", type=Whole(1), default=30, show_default=True, help="At most so many.")
@pass_state
def list_exports(state: State, project: str, states: tuple[str, ...], limit: int) -> None:
    """List exports, newest first."""

    async def body(session: Session) -> list[pb.Export]:
        request = pb.ListExportsRequest(parent=names.project(project), states=[STATES[name] for name in states])
        return (await everything(session.exports.ListExports, request, "exports", limit=limit))[0]

    found = state.with_session(body)
    if state.json:
        output.emit({"exports": [output.as_dict(one) for one in found]})
        return
    formats = {number: name for name, number in FORMATS.items()}
    output.table(
        ("export", "format", "state", "holds", "size", "made", "file"),
        (
            (
                one.name,
                formats.get(one.spec.format, "?"),
                output.state_text(output.state_name(one)),
                exporting.holds(one),
                output.size(one.size_bytes) if one.size_bytes else "–",
                output.moment(one.create_time),
                one.path,
            )
            for one in found
        ),
        empty="There are no such exports. `bullpen export PROJECT --format cbz` makes one.",
        right=("size",),
    )


@export.command("show", examples=["bullpen export show last"])
@click.argument("name", metavar="EXPORT")
@pass_state
def show_export(state: State, name: str) -> None:
    """Show one export: where it lies, what it holds, what was left out."""

    async def body(session: Session) -> pb.Export:
        return await session.exports.GetExport(pb.GetExportRequest(name=await export_named(session, name)))

    found = state.with_session(body)
    if state.json:
        output.emit(found)
    else:
        exporting.show(found)


@export.command("follow", examples=["bullpen export follow last"])
@click.argument("name", metavar="EXPORT")
@pass_state
def follow_export(state: State, name: str) -> int:
    """Come back to an export and see it to its end. Ctrl-C leaves it going."""
    begun: list[str] = []

    async def body(session: Session) -> int:
        found = await session.exports.GetExport(pb.GetExportRequest(name=await export_named(session, name)))
        begun.append(found.name)
        return finished(state, await follow(session, found, quiet=state.json))

    return _unless_left(state, body, begun)


@export.command("verify", examples=["bullpen export verify ~/comics/harbor.cbz", "bullpen export verify last --json"])
@click.argument("file", metavar="FILE|EXPORT")
@pass_state
def verify(state: State, file: str) -> int:
    """Read an exported file again, every byte of it, and name the first part that differs.

    The file proves itself: it needs no project. Status 0 says that it is sound, 1 that it is not.
    """

    async def body(session: Session) -> pb.CheckExportResponse:
        request = pb.CheckExportRequest()
        if _is_export(file):
            request.name = await export_named(session, file)
        else:
            request.path = absolute(file)
        return await session.exports.CheckExport(request)

    found = state.with_session(body)
    if state.json:
        output.emit(found)
    elif found.sound:
        output.say(f"✓ {found.path} is as it was written: {output.count(found.files, 'part')}", style="green")
        output.say(f"  sha256 {found.sha256}")
    else:
        output.say(f"✗ {found.path} is not as it was written", style="red")
        output.say(f"  {found.first_difference}: {found.problem}", wrap=2)
    return OK if found.sound else FAILED


def _is_export(text: str) -> bool:
    """Whether a text names an export and no file; the studio's own files lie in folders called `exports`, too."""
    return _NAME.fullmatch(text) is not None


@export.command("cancel", examples=["bullpen export cancel last"])
@click.argument("name", metavar="EXPORT")
@pass_state
def cancel(state: State, name: str) -> None:
    """Stop an export; nothing of it is left at its destination."""

    async def body(session: Session) -> pb.Export:
        return await session.exports.CancelExport(pb.CancelExportRequest(name=await export_named(session, name)))

    found = state.with_session(body)
    if state.json:
        output.emit(found)
    else:
        output.say(f"{found.name} {output.state_name(found).lower()}")


@export.command("restart", examples=["bullpen export restart last", "bullpen export restart last --overwrite"])
@click.argument("name", metavar="EXPORT")
@click.option("--overwrite", is_flag=True, help="Replace a file that lies there by now.")
@pass_state
def restart(state: State, name: str, overwrite: bool) -> int:
    """Begin an export again that was interrupted, was canceled or failed."""
    begun: list[str] = []

    async def body(session: Session) -> int:
        request = pb.RestartExportRequest(name=await export_named(session, name), overwrite=overwrite)
        again = await session.exports.RestartExport(request)
        begun.append(again.name)
        return finished(state, await follow(session, again, quiet=state.json))

    return _unless_left(state, body, begun)


@export.command("forget", examples=["bullpen export forget last"])
@click.argument("name", metavar="EXPORT")
@pass_state
def forget(state: State, name: str) -> None:
    """Forget an ended export. A file in the project's own folder goes too; one that was put elsewhere stays."""

    async def body(session: Session) -> tuple[str, pb.DeleteExportResponse]:
        whole = await export_named(session, name)
        return whole, await session.exports.DeleteExport(pb.DeleteExportRequest(name=whole))

    whole, answer = state.with_session(body)
    if state.json:
        output.emit(answer)
    else:
        output.say(f"{whole} is forgotten; " + ("its file is deleted." if answer.file_deleted else "its file stays."))
