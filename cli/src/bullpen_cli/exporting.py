"""What a person says of an export on a command line, and how what came of it is shown."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import click
import grpc
from bullpen_api.v1 import event_pb2
from bullpen_api.v1 import export_pb2 as pb
from bullpen_client import errors, names
from bullpen_client import watch as watch_journal
from bullpen_client.watch import Reconnecting

from bullpen_cli import output
from bullpen_cli.command import State
from bullpen_cli.failure import OK
from bullpen_cli.follow import bar
from bullpen_cli.paging import everything
from bullpen_cli.resolve import LAST
from bullpen_cli.transfer import absolute

if TYPE_CHECKING:
    from bullpen_client import Session

FORMATS = {
    name.removeprefix("FORMAT_").lower().replace("_", "-"): number
    for name, number in pb.ExportSpec.Format.items()
    if number
}
STATES = {name.removeprefix("STATE_").lower(): number for name, number in pb.Export.State.items() if number}
ENDED = (
    pb.Export.STATE_SUCCEEDED,
    pb.Export.STATE_FAILED,
    pb.Export.STATE_CANCELED,
    pb.Export.STATE_INTERRUPTED,
)
_WHY = {pb.LeftOut.REASON_NOTHING_ACCEPTED: "nothing of it is accepted"}
# Scenes that are named one by one before the rest is counted.
_NAMED = 8


class Pair(click.ParamType[tuple[int, int]]):
    """Two whole numbers, such as `2x3`."""

    name = "AxB"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Reads them, or fails with one line."""
        if isinstance(value, tuple):
            return value
        first, sign, second = str(value).lower().replace("×", "x").partition("x")
        if not (sign and first.isdecimal() and second.isdecimal() and len(value) < 12):
            self.fail(f"'{value}' is not two whole numbers with an x between them, such as 2x3.", param, ctx)
        return int(first), int(second)


def spec_of(project: str, options: dict[str, Any]) -> pb.ExportSpec:
    """What the options ask for. Raises a usage error."""
    spec = pb.ExportSpec(
        format=FORMATS[options["format"]],
        stage=options["stage"],
        scenes=[
            names.scene(project, slug.strip()) for text in options["scenes"] for slug in text.split(",") if slug.strip()
        ],
        pictures=pb.ExportSpec.PICTURES_FINISHED if options["finished"] else pb.ExportSpec.PICTURES_ACCEPTED,
        all_candidates=options["all_candidates"],
        title=options["title"],
        series=options["series"],
        destination=absolute(options["to"]) if options["to"] else "",
        overwrite=options["overwrite"],
    )
    details = {name: options[name] for name in ("page", "margin", "gutter") if options[name] is not None}
    if options["layout"] is None:
        if details or options["right_to_left"]:
            raise click.UsageError(
                "--page, --margin, --gutter and --right-to-left need --layout, such as --layout 2x3."
            )
        return spec
    columns, rows = options["layout"]
    width, height = details.get("page", (0, 0))
    layout = pb.ExportLayout(
        columns=columns, rows=rows, page_width=width, page_height=height, right_to_left=options["right_to_left"]
    )
    for name in ("margin", "gutter"):
        if name in details:
            setattr(layout, name, details[name])
    spec.layout.CopyFrom(layout)
    return spec


async def export_named(session: Session, text: str) -> str:
    """The name of an export. A bare id is looked for in all projects; `last` is the newest export."""
    if text.startswith("projects/"):
        return text
    if text.count("/") == 1:
        project, _, slug = text.partition("/")
        return names.child(names.project(project), "exports", slug)
    request = pb.ListExportsRequest(parent="projects/-")
    found = (await everything(session.exports.ListExports, request, "exports", limit=1 if text == LAST else 0))[0]
    for export in found:
        if text in (LAST, names.ident(export.name)):
            return str(export.name)
    raise errors.ResourceNotFound(
        "There is no export yet." if text == LAST else f"No project has an export '{text}'.",
        field="name",
        remedy="`bullpen export list` shows the exports.",
        metadata={"resource": text},
        code=grpc.StatusCode.NOT_FOUND,
    )


async def follow(session: Session, export: pb.Export, *, quiet: bool) -> pb.Export:
    """Shows an export until it has ended; gives its last state. Survives a daemon that restarts meanwhile."""
    if export.state in ENDED:
        return export
    with _shown(names.ident(export.name), quiet) as show:
        revision = export.revision
        async for item in watch_journal(session, names.project_of(export.name), revision, progress=True):
            if isinstance(item, Reconnecting):
                show("the daemon does not answer; waiting for it")
            elif isinstance(item, event_pb2.Progress) and item.candidate == export.name:
                show(words(item))
            elif isinstance(item, event_pb2.Event) and item.subject == export.name and item.export.state in ENDED:
                return item.export
    raise AssertionError("a watch never ends by itself")


def words(progress: event_pb2.Progress) -> str:
    """How far an export is, in a line."""
    left = f"  {output.span(progress.time_left)} left" if progress.HasField("time_left") else ""
    counted = f"  {bar(progress.step, progress.steps)} {progress.step}/{progress.steps}" if progress.steps else ""
    return f"{progress.phase}{counted}{left}"


@contextlib.contextmanager
def _shown(title: str, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Says what happens: on a terminal in one line, elsewhere each step once."""
    if quiet:
        yield lambda _: None
    elif sys.stderr.isatty():
        with output.console(stderr=True).status(title) as line:
            yield lambda text: line.update(f"{title}  {text}")
    else:
        told: list[str] = []

        def once(text: str) -> None:
            step = text.partition("  ")[0]
            if step not in told[-1:]:
                told.append(step)
                output.note(f"{title}: {step}", style=None)

        yield once


def finished(state: State, export: pb.Export) -> int:
    """Shows what came of an export and gives the exit status. Raises what it failed with, typed."""
    if export.state != pb.Export.STATE_SUCCEEDED:
        raise came_to_nothing(export)
    if state.json:
        output.emit(export)
    else:
        show(export)
    return OK


def came_to_nothing(export: pb.Export) -> errors.BullpenError:
    """What an export that did not succeed is told as."""
    name = names.parse(export.name)
    again = f"`bullpen export restart {name['projects']}/{name['exports']}` begins it again."
    word = output.state_name(export).lower()
    if export.state == pb.Export.STATE_FAILED:
        return errors.make(
            export.error.reason,
            export.error.message,
            code=grpc.StatusCode.ABORTED,
            metadata={"export": export.name, "remedy": f"{export.error.remedy} Then {again}".strip()},
        )
    return errors.make(
        "STATE_CONFLICT",
        f"The export was {word}; nothing of it is left at its destination.",
        code=grpc.StatusCode.ABORTED,
        metadata={"export": export.name, "remedy": again},
    )


def show(export: pb.Export) -> None:
    """One export for a person."""
    rows: list[tuple[str, Any]] = []
    if export.name:
        rows += [("export", export.name), ("state", output.state_name(export).lower())]
    rows += [("file", export.path), ("holds", holds(export))]
    if export.sha256:
        rows += [("size", output.size(export.size_bytes)), ("sha256", export.sha256)]
    if export.state == pb.Export.STATE_RUNNING and export.progress.step:
        rows.append(("now", export.progress.step))
    if export.error.message:
        rows += [("failed", export.error.message), ("remedy", export.error.remedy)]
    output.details(rows)
    tell_left_out(export)


def holds(export: pb.Export) -> str:
    """What is in an export, counted."""
    figures = export.figures
    parts = [
        (figures.pages, "page"),
        (figures.pictures, "picture"),
        (figures.candidates, "further candidate"),
        (figures.runs, "run log"),
    ]
    return ", ".join(output.count(number, word) for number, word in parts if number)


def tell_left_out(export: pb.Export) -> None:
    """Names the scenes that are not in it, each with why, and the letters that could not be set."""
    for scene in export.left_out[:_NAMED]:
        title = f" ({scene.title})" if scene.title else ""
        output.say(
            f"⚑ left out: {names.ident(scene.scene)}{title}: {_WHY.get(scene.reason, 'unknown')}", style="yellow"
        )
    if len(export.left_out) > _NAMED:
        output.say(f"⚑ and {output.count(len(export.left_out) - _NAMED, 'further scene')}", style="yellow")
    for warning in export.warnings:
        if warning.kind == pb.ExportWarning.KIND_LETTERS_MISSING:
            output.say(f"⚑ no font for {warning.letters}: a question mark stands for each", style="yellow")


def tell_how_to_come_back(name: str) -> None:
    """After Ctrl-C: the export is not canceled."""
    parts = names.parse(name)
    short = f"{parts['projects']}/{parts['exports']}"
    output.note("")
    output.note("Left the export; it goes on.", style="yellow")
    output.note(f"  come back  bullpen export follow {short}", style=None)
    output.note(f"  stop it    bullpen export cancel {short}", style=None)
