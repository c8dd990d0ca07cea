"""`bullpen runs log`, `ingest` and `lineage`: what became of a run, and where its pictures come from."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import click
from bullpen_api.v1 import history_pb2, lineage_pb2
from bullpen_client import errors, names

from bullpen_cli import output
from bullpen_cli.command import Command, State, pass_state
from bullpen_cli.resolve import run_named
from bullpen_cli.transfer import writing

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
    with writing(Path(out)):
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
            try:
                found.append(await session.history.IngestRunLog(request))
            except errors.BullpenError as error:
                error.metadata["file"] = path
                error.message = f"{path}: {error.message}"
                raise
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


@click.command(
    "lineage",
    cls=Command,
    examples=["bullpen runs lineage last", "bullpen runs lineage projects/harbor_lights/scenes/scene_01"],
)
@click.argument("name", default="last")
@pass_state
def lineage_command(state: State, name: str) -> None:
    """Where the pictures of a run, a scene, a candidate or an asset come from, what was made of them, what is stale.

    ★ is accepted, ▸ was asked for, ⚑ is out of date.
    """

    async def body(session: Session) -> lineage_pb2.Lineage:
        whole = name.startswith("projects/") and not name.startswith("projects/-")
        full = name if whole else await run_named(session, name)
        return await session.history.GetLineage(history_pb2.GetLineageRequest(name=full))

    found = state.with_session(body)
    if state.json:
        output.emit(found)
        return
    if not found.nodes:
        output.say("No picture was made of it yet.")
    show_lineage(list(found.nodes))


def show_lineage(nodes: list[lineage_pb2.LineageNode]) -> None:
    """Writes trees of descent, one for each scene, then pictures of folders."""
    by_name = {node.candidate for node in nodes}
    scenes = dict.fromkeys(node.scene for node in nodes)
    for scene in scenes:
        output.say(names.ident(scene) or "own pictures", style="bold")
        of_scene = [node for node in nodes if node.scene == scene]
        roots = [node for node in of_scene if node.source_candidate not in by_name]
        for source in dict.fromkeys(node.source_asset for node in roots):
            output.say(f"  source {names.ident(source)[:12] or '–'}", style="dim")
            _branch([node for node in roots if node.source_asset == source], of_scene, 2)


def _branch(nodes: list[lineage_pb2.LineageNode], of_scene: list[lineage_pb2.LineageNode], depth: int) -> None:
    for node in nodes:
        signs = f"{'▸' if node.asked else ' '}{'★' if node.accepted else ' '}"
        run, place = names.ident(node.run), "/".join(node.candidate.split("/")[5::2])
        line = f"{'  ' * depth}{signs} {node.stage}  {run}/{place}  branch {node.branch}"
        output.say(line, style="bold" if node.accepted else None)
        if node.HasField("stale"):
            output.say(f"{'  ' * depth}   ⚑ {node.stale.reason}", style="yellow", wrap=2 * depth + 5)
        _branch([item for item in of_scene if item.source_candidate == node.candidate], of_scene, depth + 1)
