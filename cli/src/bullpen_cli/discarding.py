"""`bullpen projects delete` and `undelete`: a whole universe goes into the trash, and comes back."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from bullpen_api.v1 import project_pb2
from bullpen_client import names

from bullpen_cli import output
from bullpen_cli.command import Command, State, pass_state

if TYPE_CHECKING:
    from bullpen_client import Session


@click.command(
    "delete",
    cls=Command,
    examples=["bullpen projects delete noir_city", "bullpen projects delete noir_city --force --yes --json"],
)
@click.argument("slug")
@click.option("--force", is_flag=True, help="Cancel runs that are unfinished first.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_state
def delete(state: State, slug: str, force: bool, yes: bool) -> None:
    """Put a project into the trash: no list shows it any more, and nothing can be done with it.

    What it holds is shown first. No file is removed, and nothing here deletes a project for good: its pictures and run
    logs keep their space, its name stays taken, and `bullpen projects undelete` brings all of it back.
    """
    name = names.project(slug)

    async def body(session: Session) -> project_pb2.DeleteProjectResponse:
        request = project_pb2.DeleteProjectRequest(name=name, force=force, validate_only=True)
        found = await session.projects.DeleteProject(request)
        project = found.project
        if project.HasField("delete_time"):
            return found
        if not yes:
            if state.json or not sys.stdin.isatty():
                raise click.UsageError(f"{_called(project)} {_holds(found)}; to put it into the trash say --yes.")
            output.note(f"{_called(project)} {_holds(found)}.", style=None)
            if found.canceled_runs:
                output.note(f"{output.count(len(found.canceled_runs), 'run')} would be canceled first.", style=None)
            click.confirm("Put it into the trash? No file is removed.", abort=True, err=True)
        request = project_pb2.DeleteProjectRequest(name=name, force=force, etag=project.etag)
        return await session.projects.DeleteProject(request)

    gone = state.with_session(body)
    if state.json:
        output.emit(gone)
        return
    if gone.canceled_runs:
        output.say(f"Canceled: {', '.join(names.ident(run) for run in gone.canceled_runs)}.")
    output.say(f"{_called(gone.project)} is in the trash.")
    output.say(f"Its folder stays as it is, with {_files(gone)}: {gone.folder}")
    output.note(f"back again   bullpen projects undelete {slug}")


@click.command(
    "undelete",
    cls=Command,
    examples=["bullpen projects undelete noir_city", "bullpen projects list --deleted"],
)
@click.argument("slug")
@pass_state
def undelete(state: State, slug: str) -> None:
    """Take a project out of the trash, as it was; runs that were canceled stay canceled."""

    async def body(session: Session) -> project_pb2.Project:
        return await session.projects.UndeleteProject(project_pb2.UndeleteProjectRequest(name=names.project(slug)))

    project = state.with_session(body)
    if state.json:
        output.emit(project)
    else:
        output.say(f"{_called(project)} is back.")


def _called(project: project_pb2.Project) -> str:
    return f"{project.title} ({names.ident(project.name)})"


def _holds(found: project_pb2.DeleteProjectResponse) -> str:
    figures = found.project.figures
    return (
        f"holds {output.count(figures.scenes, 'scene')}, {output.count(figures.characters, 'character')}, "
        f"{output.count(figures.runs, 'run')} and {output.count(figures.assets, 'picture')}: "
        f"{_files(found)} in {found.folder}"
    )


def _files(found: project_pb2.DeleteProjectResponse) -> str:
    return f"{output.count(found.files, 'file')} ({output.size(found.size_bytes)})"
