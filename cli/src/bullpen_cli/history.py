"""`bullpen runs log` and `ingest`: what became of a run, as one JSON document, going out and coming in."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import click
from bullpen_api.v1 import history_pb2
from bullpen_client import names

from bullpen_cli import output
from bullpen_cli.command import Command, State, pass_state
from bullpen_cli.resolve import run_named

if TYPE_CHECKING:
    from bullpen_client import Session

# Missing pictures that are named.
_SHOWN = 6


@click.command(
    "log",
    cls=Command,
    examples=["bullpen runs log last > run.json", "bullpen runs log last -o run.json", "bullpen runs log --schema"],
)
@click.argument("run", default="last")
@click.option("-o", "--output", "out", metavar="FILE", type=click.Path(dir_okay=False), help="Write it to this file.")
@click.option("--schema", is_flag=True, help="The JSON schema of such logs instead.")
@pass_state
def log_command(state: State, run: str, out: str | None, schema: bool) -> None:
    """The complete log of an ended run, as JSON: what `bullpen run --replay` and `bullpen runs ingest` take."""

    async def body(session: Session) -> str:
        if schema:
            return (await session.history.GetRunLogSchema(history_pb2.GetRunLogSchemaRequest())).json
        request = history_pb2.GetRunLogRequest(name=await run_named(session, run))
        return (await session.history.GetRunLog(request)).json

    text = state.with_session(body)
    if out is None:
        click.echo(text, nl=False)
        return
    Path(out).write_text(text, encoding="utf-8")
    if not state.json:
        output.say(f"wrote {out}")


@click.command(
    "ingest",
    cls=Command,
    examples=["bullpen runs ingest run.json", "bullpen runs ingest --project noir_city old/*/run.json"],
)
@click.argument("logs", nargs=-1, required=True, metavar="LOG...", type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--project", metavar="SLUG", default="", help="Project to belong to, in place of the one that a log names."
)
@pass_state
def ingest_command(state: State, logs: tuple[str, ...], project: str) -> None:
    """Take in logs of runs that were made elsewhere or earlier. Nothing is drawn; the same log gives the same run."""

    async def body(session: Session) -> list[history_pb2.IngestRunLogResponse]:
        found = []
        for path in logs:
            request = history_pb2.IngestRunLogRequest(
                parent=names.project(project) if project else "",
                run_log=Path(path).read_text(encoding="utf-8", errors="replace"),
                request_id=str(uuid.uuid4()),
            )
            found.append(await session.history.IngestRunLog(request))
        return found

    found = state.with_session(body)
    if state.json:
        output.emit({"runs": [output.as_dict(answer) for answer in found]})
        return
    for path, answer in zip(logs, found, strict=True):
        output.say(f"{answer.run.name}  {'made of' if answer.created else 'known already:'} {path}")
        if answer.missing:
            more = f" and {len(answer.missing) - _SHOWN} more" if len(answer.missing) > _SHOWN else ""
            shown = ", ".join(sha256[:12] for sha256 in answer.missing[:_SHOWN])
            output.say(
                f"  {output.count(len(answer.missing), 'picture')} of it are not here ({shown}{more}); import them and "
                "ingest the log again.",
                style="yellow",
                wrap=2,
            )
