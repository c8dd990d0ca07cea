"""`bullpen stages`: what the manifest can make of a picture, and a project's own part of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from bullpen_api.v1 import run_pb2
from bullpen_client import names
from bullpen_client.errors import SettingInvalid
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from google.protobuf.struct_pb2 import Struct

from bullpen_cli import output
from bullpen_cli.command import Command, State, pass_state

if TYPE_CHECKING:
    from bullpen_client import Session


@click.command(
    cls=Command,
    examples=[
        "bullpen stages",
        "bullpen stages --project harbor_lights",
        "bullpen stages --project harbor_lights --own > own.json",
        "bullpen stages --project harbor_lights --check own.json",
        "bullpen stages --project harbor_lights --use own.json",
    ],
)
@click.option("--project", metavar="SLUG", default="", help="The stages of this project, with its own ones.")
@click.option("--own", is_flag=True, help="Print the project's own part of the manifest, as JSON.")
@click.option("--use", "use", metavar="FILE", help="Make this JSON the project's own part; `-` reads it from stdin.")
@click.option("--check", "check", metavar="FILE", help="Only look whether --use would take it.")
@pass_state
def stages(state: State, project: str, own: bool, use: str | None, check: str | None) -> None:
    """List the stages of the manifest, with their limits and defaults.

    A project may have stages of its own, or change single fields of others: a JSON file in the form of
    settings/manifest.json with only what differs.
    """
    if (own or use or check) and not project:
        raise click.UsageError("--own, --use and --check need --project.")
    if use and check:
        raise click.UsageError("--use and --check exclude each other.")
    if own and not (use or check):
        _show_own(state, project)
        return
    if given := use or check:
        _replace(state, project, given, bool(check))
        return

    async def body(session: Session) -> run_pb2.ListStagesResponse:
        request = run_pb2.ListStagesRequest(parent=names.project(project) if project else "")
        return await session.runs.ListStages(request)

    answer = state.with_session(body)
    if state.json:
        output.emit(answer)
        return
    output.table(
        ("stage", "title", "after", "model", "strategies", "candidates", "variables", "instruction"),
        (
            (
                names.ident(stage.name) + (" *" if stage.own else ""),
                stage.title,
                " or ".join(stage.predecessors) or "–",
                stage.default_model,
                ", ".join(stage.strategies),
                stage.default_candidates,
                " ".join(stage.variables),
                stage.instruction,
            )
            for stage in answer.stages
        ),
        right=("candidates",),
    )
    if any(stage.own for stage in answer.stages):
        output.say("* the project's own, or changed by it", style="dim")
    output.say(
        f"One run takes at most {answer.safe_batch_limit} pictures with {answer.candidate_cap} candidates each.",
        style="dim",
    )


def _name(project: str) -> str:
    return f"{names.project(project)}/manifest"


def _show_own(state: State, project: str) -> None:
    async def body(session: Session) -> run_pb2.Manifest:
        return await session.runs.GetManifest(run_pb2.GetManifestRequest(name=_name(project)))

    found = state.with_session(body)
    if state.json:
        output.emit(found)
    else:
        click.echo(json.dumps(_whole(MessageToDict(found.own)), indent=2, ensure_ascii=False))


def _whole(value: Any) -> Any:
    """Numbers without a fraction as whole ones: on the wire all are fractions."""
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _replace(state: State, project: str, given: str, look: bool) -> None:
    own = _read(given)

    async def body(session: Session) -> run_pb2.Manifest:
        manifest = run_pb2.Manifest(name=_name(project), own=own)
        request = run_pb2.UpdateManifestRequest(manifest=manifest, validate_only=look)
        try:
            return await session.runs.UpdateManifest(request)
        except SettingInvalid as error:
            # What is wrong stands in the file that was given, not in the one that it would become.
            kept = error.metadata.get("file", "")
            shown = "standard input" if given == "-" else given
            if kept:
                error.message, error.remedy = (text.replace(kept, shown) for text in (error.message, error.remedy))
                error.metadata["file"] = given
            raise

    made = state.with_session(body)
    if state.json:
        output.emit(made)
    elif look:
        output.say("It would be taken.")
    elif made.own.fields:
        output.say(f"{project} has its own part of the manifest now: {made.path}")
    else:
        output.say(f"{project} has the manifest of the installation now.")


def _read(given: str) -> Struct:
    try:
        text = sys.stdin.read() if given == "-" else Path(given).read_text(encoding="utf-8")
        data: Any = json.loads(text)
        if not isinstance(data, dict):
            raise click.UsageError(f"{given} is not a JSON object.")
        return ParseDict(data, Struct())
    except OSError as error:
        raise click.UsageError(f"{given} cannot be read: {error.strerror}.") from error
    except (ValueError, ParseError) as error:
        raise click.UsageError(f"{given} is not valid JSON: {error}.") from error
