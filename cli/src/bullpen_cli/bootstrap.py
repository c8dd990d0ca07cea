"""`bullpen bootstrap`: a whole bible out as one JSON document with a prompt for a language model, and the answer in."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, TextIO

import click
from bullpen_api.v1 import bootstrap_pb2
from bullpen_client import names

from bullpen_cli import output
from bullpen_cli.command import Group, State, pass_state

if TYPE_CHECKING:
    from bullpen_client import Session

Change = bootstrap_pb2.BootstrapChange
Request = bootstrap_pb2.ImportBootstrapRequest
WORDS = {
    Change.ACTION_CREATE: "+ new",
    Change.ACTION_UPDATE: "~ changed",
    Change.ACTION_DELETE: "- into the trash",
    Change.ACTION_RESTORE: "^ out of the trash",
}
# Signs of a value that a diff shows; `--json` has all of them.
_LONG = 160
# How much of what is the same stands before a difference.
_LEAD = 40


@click.group(
    cls=Group,
    examples=[
        "bullpen bootstrap export noir_city > prompt.txt       give it to any language model",
        "bullpen bootstrap import noir_city answer.json --dry-run",
        "bullpen bootstrap import noir_city answer.json",
    ],
)
def bootstrap() -> None:
    """A whole bible out as one JSON document, and in again."""


@bootstrap.command(
    "export",
    examples=[
        "bullpen bootstrap export noir_city > prompt.txt",
        "bullpen bootstrap export noir_city --what document > noir_city.json",
        "bullpen bootstrap export noir_city --what schema > bible.schema.json",
    ],
)
@click.argument("project")
@click.option(
    "--what",
    type=click.Choice(["prompt", "schema", "document"]),
    default="prompt",
    show_default=True,
    help="The prompt for a language model, the JSON schema of the document, or the document as it is now.",
)
@pass_state
def export_bible(state: State, project: str, what: str) -> None:
    """Print a prompt that asks a language model for the bible of a project.

    It holds the schema of the answer and the bible as it is now.
    """

    async def body(session: Session) -> bootstrap_pb2.ExportBootstrapResponse:
        return await session.bible.ExportBootstrap(bootstrap_pb2.ExportBootstrapRequest(name=names.project(project)))

    found = state.with_session(body)
    if state.json:
        schema, document = json.loads(found.schema_json), json.loads(found.document_json)
        output.emit({"prompt": found.prompt, "schema": schema, "document": document, "revision": str(found.revision)})
        return
    texts = {"prompt": found.prompt, "schema": found.schema_json, "document": found.document_json}
    sys.stdout.write(texts[what].rstrip("\n") + "\n")


@bootstrap.command(
    "import",
    examples=[
        "bullpen bootstrap import noir_city answer.json --dry-run",
        "bullpen bootstrap import noir_city answer.json --yes",
        "bullpen bootstrap import noir_city noir_city.json --replace",
    ],
)
@click.argument("project")
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option("--replace", is_flag=True, help="What a section of the document lacks goes to the trash.")
@click.option("--dry-run", is_flag=True, help="Only show what would change.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_state
def import_bible(state: State, project: str, file: TextIO, replace: bool, dry_run: bool, yes: bool) -> None:
    """Make the bible of a project what a document says: all of it, or nothing where something in it is wrong.

    FILE is the document, or - for standard input. What would change is shown first.
    """
    request = Request(
        parent=names.project(project),
        document_json=_read(file),
        mode=Request.MODE_REPLACE if replace else Request.MODE_MERGE,
    )
    if not (yes or dry_run) and (state.json or not sys.stdin.isatty()):
        raise click.UsageError("nobody can be asked here; give --yes, or --dry-run to look first.")

    async def body(session: Session) -> bootstrap_pb2.ImportBootstrapResponse:
        request.dry_run = True
        shown = await session.bible.ImportBootstrap(request)
        if not state.json:
            _show(shown)
        if dry_run or not shown.changes or (not yes and not click.confirm("Change the bible so?", err=True)):
            return shown
        request.dry_run, request.plan_digest = False, shown.digest
        return await session.bible.ImportBootstrap(request)

    done = state.with_session(body)
    if state.json:
        output.emit(done)
    elif done.applied:
        output.say("Done.")
    else:
        output.note("Nothing was changed.")


def _read(file: TextIO) -> str:
    """The document, with whatever stands around it: the daemon takes off what language models like to add."""
    try:
        return str(file.read())
    except UnicodeDecodeError:
        raise click.UsageError(f"{file.name} is no UTF-8 text.") from None


def _show(found: bootstrap_pb2.ImportBootstrapResponse) -> None:
    for change in found.changes:
        output.say(f"{WORDS.get(change.action, '?'):<20}{change.name.partition('/')[2].partition('/')[2] or 'project'}")
        for difference in change.differences:
            if change.action != Change.ACTION_CREATE:
                output.say(f"    {difference.field}", style="dim")
                before, after = _around(difference.before_json, difference.after_json)
                output.say(f"      - {before}", style="red")
                output.say(f"      + {after}", style="green")
            else:
                output.say(f"    {difference.field}: {_short(difference.after_json)}", style="dim")
    output.say(
        f"{found.created} new, {found.updated} changed, {found.deleted} into the trash, {found.restored} out of it, "
        f"{found.unchanged} as they are"
    )


def _around(before: str, after: str) -> tuple[str, str]:
    """Both values from shortly before where they begin to differ, which in long ones lies anywhere."""
    pairs = zip(before, after, strict=False)
    same = next((place for place, (one, other) in enumerate(pairs) if one != other), min(len(before), len(after)))
    begin = max(0, same - _LEAD) if max(len(before), len(after)) > _LONG else 0
    lead = "…" if begin else ""
    return lead + _short(before[begin:]), lead + _short(after[begin:])


def _short(text: str) -> str:
    return text if len(text) <= _LONG else text[: _LONG - 1] + "…"
