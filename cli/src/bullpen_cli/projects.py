"""`bullpen projects`: the universes of this home."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import click
from bullpen_api.v1 import project_pb2
from bullpen_client import names
from google.protobuf.field_mask_pb2 import FieldMask

from bullpen_cli import discarding, output
from bullpen_cli.command import Group, State, pairs, pass_state
from bullpen_cli.keeping import put
from bullpen_cli.paging import everything
from bullpen_cli.universe import SAMPLE, bring_in, sample

if TYPE_CHECKING:
    from bullpen_client import Session


@click.group(
    cls=Group,
    examples=[
        "bullpen projects list",
        "bullpen projects create noir_city --title 'Noir City' --story 'A detective who cannot sleep.'",
        "bullpen projects sample paper_garden",
        "bullpen projects show noir_city",
        "bullpen projects edit noir_city --title 'Noir City, year two'",
        "bullpen projects delete noir_city",
    ],
)
def projects() -> None:
    """Universes: the unit of work and of isolation."""


projects.add_command(discarding.delete)
projects.add_command(discarding.undelete)


@projects.command("list", examples=["bullpen projects list", "bullpen projects list --deleted"])
@click.option("--deleted", is_flag=True, help="List what is in the trash instead.")
@pass_state
def list_projects(state: State, deleted: bool) -> None:
    """List the projects with their figures."""

    async def body(session: Session) -> list[project_pb2.Project]:
        request = project_pb2.ListProjectsRequest(show_deleted=deleted)
        found = (await everything(session.projects.ListProjects, request, "projects"))[0]
        return [project for project in found if project.HasField("delete_time")] if deleted else found

    found = state.with_session(body)
    if state.json:
        output.emit({"projects": [output.as_dict(project) for project in found]})
        return
    if deleted:
        output.table(
            ("project", "title", "scenes", "runs", "pictures", "deleted"),
            ((*_row(project)[:5], output.moment(project.delete_time)) for project in found),
            empty="No project is in the trash.",
            right=("scenes", "runs", "pictures"),
        )
        if found:
            output.note("back again   bullpen projects undelete PROJECT")
        return
    output.table(
        ("project", "title", "scenes", "runs", "pictures", "QA pass", "last run"),
        (_row(project) for project in found),
        empty="There is no project yet. `bullpen projects create SLUG --title …` makes one, `bullpen demo` a sample.",
        right=("scenes", "runs", "pictures", "QA pass"),
    )


def _money(figures: project_pb2.ProjectFigures) -> str:
    """What providers charged, and what they may have charged besides."""
    parts = []
    for entry in figures.money:
        if entry.charged_events:
            parts.append(f"{output.money(entry.charged_micros, entry.currency_code)} charged")
        if entry.unknown_events:
            parts.append(f"{output.money(entry.unknown_micros, entry.currency_code)} possibly charged")
    return "".join(f", {part}" for part in parts)


def _row(project: project_pb2.Project) -> tuple[Any, ...]:
    figures = project.figures
    runs = f"{figures.runs} ({figures.active_runs} ●)" if figures.active_runs else str(figures.runs)
    rate = output.percent(figures, "qa_pass_rate")
    last = output.moment(figures.last_run_time)
    return names.ident(project.name), project.title, figures.scenes, runs, figures.assets, rate, last


@projects.command("show", examples=["bullpen projects show harbor_lights"])
@click.argument("slug")
@pass_state
def show_project(state: State, slug: str) -> None:
    """Show one project: story, figures, and how far each stage is."""

    async def body(session: Session) -> project_pb2.Project:
        return await session.projects.GetProject(project_pb2.GetProjectRequest(name=names.project(slug)))

    show(state, state.with_session(body))


def show(state: State, project: project_pb2.Project) -> None:
    """Writes one project."""
    if state.json:
        output.emit(project)
        return
    figures = project.figures
    output.say(f"{project.title or names.ident(project.name)}  ({project.name})", style="bold")
    if project.story:
        output.say(project.story)
    output.say(
        f"{output.count(figures.scenes, 'scene')}, {output.count(figures.characters, 'character')}, "
        f"{output.count(figures.runs, 'run')}, {output.count(figures.candidates, 'candidate')}, "
        f"{output.count(figures.assets, 'picture')}, QA pass {output.percent(figures, 'qa_pass_rate')}, "
        f"{output.span(figures.device_seconds)} of device time{_money(figures)}"
    )
    if project.HasField("s3"):
        s3 = project.s3
        where = f"{s3.bucket}/{s3.prefix}".rstrip("/") + f" at {s3.endpoint_url or s3.region}"
        kept = project.storage == project_pb2.Project.STORAGE_S3
        kept_where = "to be kept" if kept else "local; could be kept"
        output.say(f"{kept_where} in the bucket {where}; `bullpen sync --bucket` brings the pictures there")
    if figures.stages:
        done = ((stage.stage, f"{stage.accepted}/{stage.scenes}") for stage in figures.stages)
        output.table(("stage", "accepted"), done)


@projects.command("create", examples=["bullpen projects create noir_city --title 'Noir City'"])
@click.argument("slug")
@click.option("--title", default="", help="Name that people read.")
@click.option("--story", default="", help="What the universe is about, in a sentence or more.")
@pass_state
def create_project(state: State, slug: str, title: str, story: str) -> None:
    """Create a project. SLUG is lower-case letters, digits, _ and -."""

    async def body(session: Session) -> project_pb2.Project:
        request = project_pb2.CreateProjectRequest(
            project_id=slug,
            project=project_pb2.Project(title=title, story=story),
            request_id=str(uuid.uuid4()),
        )
        return await session.projects.CreateProject(request)

    show(state, state.with_session(body))


@projects.command(
    "edit",
    examples=[
        "bullpen projects edit noir_city --story 'A detective who sleeps at last.'",
        "bullpen projects edit noir_city --storage s3 --bucket noir --region eu-west-1 --secret access_key_id=aws-id",
    ],
)
@click.argument("slug")
@click.option("--title", help="Name that people read.")
@click.option("--story", help="What the universe is about.")
@click.option("--storage", type=click.Choice(["local", "s3"]), help="Where the pictures are to be kept.")
@click.option("--bucket", help="The S3 bucket.")
@click.option("--region", help="Its region, such as eu-central-1.")
@click.option("--prefix", help="Put before every key.")
@click.option("--endpoint", metavar="URL", help="A server that is not Amazon's.")
@click.option("--path-style/--no-path-style", default=None, help="Whether the bucket is part of the path.")
@click.option("--secret", "secrets", multiple=True, metavar="USE=NAME", help="The name that a secret is kept under.")
@pass_state
def edit_project(state: State, /, slug: str, secrets: tuple[str, ...], **given: Any) -> None:
    """Change a project; what is not named stays as it is.

    The bucket is kept and checked; `bullpen sync PROJECT --bucket` brings the pictures there.
    """
    named = pairs(secrets, "--secret")

    async def body(session: Session) -> project_pb2.Project:
        request = project_pb2.GetProjectRequest(name=names.project(slug))
        project = await session.projects.GetProject(request)
        storage = given["storage"]
        kind = project_pb2.Project.Storage.Value(f"STORAGE_{storage.upper()}") if storage else None
        paths = put(project, title=given["title"], story=given["story"], storage=kind)
        bucket = {key: given[key] for key in ("bucket", "region", "prefix", "path_style")}
        inside = put(project.s3, endpoint_url=given["endpoint"], **bucket)
        if inside or named:
            project.s3.secret_names.update(named)
            paths.append("s3")
        if not paths:
            raise click.UsageError("nothing to change.")
        mask = FieldMask(paths=paths)
        return await session.projects.UpdateProject(project_pb2.UpdateProjectRequest(project=project, update_mask=mask))

    show(state, state.with_session(body))


@projects.command("sample", examples=["bullpen projects sample", "bullpen projects sample paper_garden"])
@click.argument("name", default=SAMPLE)
@pass_state
def bring_sample(state: State, name: str) -> None:
    """Bring in a sample universe: its story, style guide, cast and scenes, ready for a first run.

    What is there already stays as it is. `bullpen demo` does this too, and draws its first scenes.
    """
    universe = sample(name)

    async def body(session: Session) -> project_pb2.Project:
        parent = await bring_in(session, universe)
        return await session.projects.GetProject(project_pb2.GetProjectRequest(name=parent))

    project = state.with_session(body)
    show(state, project)
    if not state.json:
        slug = names.ident(project.name)
        output.note(f"the story       bullpen scenes read {slug}")
        output.note(f"the first run   bullpen run --project {slug} --stage style --all-scenes")
