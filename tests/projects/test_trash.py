"""The trash of projects: what may go there, what is left of it in answers and on the disk, and that it comes back."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bullpen_api import v1
from bullpen_api.v1 import (
    asset_pb2,
    audit_pb2,
    export_pb2,
    instruction_pb2,
    run_pb2,
)
from bullpen_api.v1 import project_pb2 as pb
from bullpen_client import Session, errors
from bullpend.errors import StateConflict
from bullpend.projects import trash
from google.protobuf.message_factory import GetMessageClass

from tests.support.daemon import Daemon
from tests.support.studio import Studio, held

# Calls that are about the trash itself.
OWN = ("DeleteProject", "UndeleteProject")


def delete(name: str, **more: Any) -> pb.DeleteProjectRequest:
    return pb.DeleteProjectRequest(name=name, **more)


@pytest.mark.parametrize(("runs", "force", "canceled"), [([], False, False), ([], True, True), (["r-1"], True, False)])
def test_nothing_unfinished_or_force_lets_a_project_go(runs: list[str], force: bool, canceled: bool) -> None:
    """With `force` runs may be unfinished as long as they were not told to end."""
    trash.check_unfinished("projects/p", runs, force=force, canceled=canceled)


@pytest.mark.parametrize(
    ("runs", "force", "canceled", "words", "remedy"),
    [
        (["r-1"], False, False, "1 run that is unfinished: r-1.", "`--force`"),
        (["r-1"], False, True, "1 run that is unfinished: r-1.", "`--force`"),
        (["r-1", "r-2"], True, True, "2 runs that are unfinished: r-1, r-2.", "delete it again"),
        ([f"r-{n}" for n in range(1, 8)], False, False, "r-4, r-5 and others.", "Wait"),
    ],
)
def test_unfinished_runs_are_named(runs: list[str], force: bool, canceled: bool, words: str, remedy: str) -> None:
    """The first five of them, with what to do."""
    with pytest.raises(StateConflict) as refused:
        trash.check_unfinished("projects/p", runs, force=force, canceled=canceled)
    assert words in refused.value.message
    assert remedy in refused.value.remedy
    assert "r-1" in refused.value.metadata["runs"]


def test_files_are_counted_with_what_they_hold(tmp_path: Path) -> None:
    """Links count themselves, not what they show; a folder that is not there holds nothing."""
    (tmp_path / "p" / "assets").mkdir(parents=True)
    (tmp_path / "p" / "assets" / "a.png").write_bytes(b"x" * 100)
    (tmp_path / "p" / "run.json").write_bytes(b"y" * 11)
    (tmp_path / "large").write_bytes(b"z" * 5000)
    (tmp_path / "p" / "link").symlink_to(tmp_path / "large")
    link = (tmp_path / "p" / "link").lstat().st_size
    assert trash.kept_in(tmp_path / "p") == (3, 111 + link)
    assert trash.kept_in(tmp_path / "nowhere") == (0, 0)


def calls(session: Session) -> Iterator[tuple[Any, Any]]:
    """Every unary call of the contract, with the class of its request."""
    for module in pkgutil.iter_modules(v1.__path__, f"{v1.__name__}."):
        if not module.name.endswith("_pb2"):
            continue
        for service in importlib.import_module(module.name).DESCRIPTOR.services_by_name.values():
            stub = getattr(importlib.import_module(f"{module.name}_grpc"), f"{service.name}Stub")(session.channel)
            for method in service.methods:
                if not method.client_streaming and not method.server_streaming and method.name not in OWN:
                    yield getattr(stub, method.name), GetMessageClass(method.input_type)


def asked(request: type[Any], name: str) -> Any:
    """A request about `name`, where its first field of that sort is `name` or `parent`, or that of what it changes."""
    made = request()
    for field in ("name", "parent"):
        if field in made.DESCRIPTOR.fields_by_name:
            setattr(made, field, name)
            return made
    for field in made.DESCRIPTOR.fields:
        if field.message_type is not None and "name" in field.message_type.fields_by_name and not field.is_repeated:
            getattr(made, field.name).name = name
            return made
    return None


async def reason_of(call: Any, request: Any) -> str:
    try:
        answer = call(request)
        if inspect.isawaitable(answer):
            await answer
    except errors.BullpenError as refused:
        return refused.reason
    return ""


@pytest.fixture
async def gone(studio: Studio) -> tuple[str, list[str]]:
    """A project in the trash that had a run, with the names of what is in it."""
    project = await studio.universe()
    run = await studio.run(project)
    assets = (await studio.session.assets.ListAssets(asset_pb2.ListAssetsRequest(parent=project))).assets
    job = f"{run.name}/jobs/j-001"
    assert (await studio.session.runs.GetJob(run_pb2.GetJobRequest(name=job))).name == job
    answer = await studio.session.projects.DeleteProject(delete(project))
    assert answer.project.HasField("delete_time")
    inside = [f"{project}/scenes/s1", assets[0].name, run.name, job, f"{job}/candidates/c-1"]
    return project, [project, *inside, f"{project}/manifest"]


@pytest.mark.e2e
async def test_every_call_answers_as_if_it_were_not_there(studio: Studio, gone: tuple[str, list[str]]) -> None:
    """Whatever is asked of it, or of something in it, has the reason that a project has which never was."""
    project, inside = gone
    differ, missed = [], set()
    for call, request in calls(studio.session):
        for name in inside:
            about = asked(request, name)
            if about is None:
                continue
            reason = await reason_of(call, about)
            nowhere = await reason_of(call, asked(request, name.replace(project, "projects/never-was")))
            if reason == "PROJECT_NOT_FOUND":
                missed.add(request.DESCRIPTOR.name)
            if reason != nowhere:
                differ.append((request.DESCRIPTOR.name, name, reason))
    assert differ == []
    assert {"GetProjectRequest", "GetSceneRequest", "GetAssetRequest", "GetRunRequest", "GetJobRequest"} <= missed
    with pytest.raises(errors.ProjectNotFound) as refused:
        await studio.session.projects.GetProject(pb.GetProjectRequest(name=project))
    assert f"`bullpen projects undelete {project.removeprefix('projects/')}`" in refused.value.remedy


async def everywhere(session: Session) -> set[str]:
    """Names in the lists over all projects."""
    projects = await session.projects.ListProjects(pb.ListProjectsRequest(page_size=500))
    runs = await session.runs.ListRuns(run_pb2.ListRunsRequest(parent="projects/-"))
    exports = await session.exports.ListExports(export_pb2.ListExportsRequest(parent="projects/-"))
    asked_for = instruction_pb2.ListInstructionsRequest(parent="projects/-")
    instructions = await session.instructions.ListInstructions(asked_for)
    lists: tuple[Iterable[Any], ...] = (projects.projects, runs.runs, exports.exports, instructions.instructions)
    return {item.name for found in lists for item in found}


@pytest.mark.e2e
async def test_lists_over_all_projects_leave_it_out_until_it_is_back(studio: Studio, tmp_path: Path) -> None:
    """Its runs, exports and instructions are in no such list; undeleting brings all of it back as it was."""
    session = studio.session
    project, other = await studio.universe(), await studio.universe()
    run, others = await studio.run(project), await studio.run(other)
    spec = export_pb2.ExportSpec(format=export_pb2.ExportSpec.FORMAT_CBZ, destination=str(tmp_path))
    export = await session.exports.CreateExport(export_pb2.CreateExportRequest(parent=project, spec=spec))
    said = instruction_pb2.Instruction(method="bullpen.v1.QueueService/PauseQueue", confirmation_required=True)
    request = instruction_pb2.CreateInstructionRequest(parent=project, instruction=said)
    instruction = await session.instructions.CreateInstruction(request)
    its = {project, run.name, export.name, instruction.name}
    assert its <= await everywhere(session)
    before = await session.projects.GetProject(pb.GetProjectRequest(name=project))

    await session.projects.DeleteProject(delete(project))
    assert not its & await everywhere(session)
    assert {other, others.name} <= await everywhere(session)
    trashed = await session.projects.ListProjects(pb.ListProjectsRequest(show_deleted=True))
    assert {item.name: item.HasField("delete_time") for item in trashed.projects}.items() >= {
        (project, True),
        (other, False),
    }
    with pytest.raises(errors.AlreadyExists) as taken:
        await studio.project(project.removeprefix("projects/"))
    assert "undelete" in taken.value.remedy

    back = await session.projects.UndeleteProject(pb.UndeleteProjectRequest(name=project))
    before.revision, before.etag = back.revision, back.etag
    assert back == before
    assert its <= await everywhere(session)


@pytest.mark.e2e
async def test_pages_of_lists_with_and_without_the_trash_are_never_mixed(studio: Studio) -> None:
    """A token of one is refused by the other."""
    for _ in range(2):
        await studio.project()
    page = await studio.session.projects.ListProjects(pb.ListProjectsRequest(page_size=1))
    request = pb.ListProjectsRequest(page_size=1, page_token=page.next_page_token, show_deleted=True)
    with pytest.raises(errors.PageTokenInvalid):
        await studio.session.projects.ListProjects(request)


@pytest.mark.e2e
async def test_deleting_is_an_event_once_and_removes_no_file(studio: Studio, daemon: Daemon) -> None:
    """The second time changes nothing; the answer says what stays where; the audit has both, in their order."""
    session, project = studio.session, await studio.universe()
    folder = daemon.home / "projects" / project.removeprefix("projects/")
    made = await session.projects.GetProject(pb.GetProjectRequest(name=project))
    pictures = sorted(folder.rglob("*.png"))
    looked = await session.projects.DeleteProject(delete(project, validate_only=True))
    assert not looked.project.HasField("delete_time")
    with pytest.raises(errors.EtagMismatch):
        await session.projects.DeleteProject(delete(project, etag="stale"))

    gone = await session.projects.DeleteProject(delete(project, etag=made.etag))
    again = await session.projects.DeleteProject(delete(project, etag="stale"))
    assert again.project == gone.project
    assert (gone.folder, gone.project.figures.scenes, gone.project.figures.assets) == (str(folder), 1, 1)
    assert gone.files >= len(pictures) == 1
    assert gone.size_bytes >= pictures[0].stat().st_size
    assert sorted(folder.rglob("*.png")) == pictures

    for _ in range(2):
        back = await session.projects.UndeleteProject(pb.UndeleteProjectRequest(name=project))
        assert not back.HasField("delete_time")
    events = []
    async for event in studio.events(project, made.revision):
        if event.subject == project:
            events.append((event.kind, event.project.HasField("delete_time")))
        if event.kind == "project.undeleted":
            break
    assert events == [("project.deleted", True), ("project.undeleted", False)]
    audited = await session.audit.ListAuditEntries(audit_pb2.ListAuditEntriesRequest(parent=project))
    kinds = [entry.kind for entry in audited.audit_entries if entry.subject == project]
    assert sorted(kinds) == ["project.created", "project.deleted", "project.undeleted"]


@pytest.mark.e2e
async def test_unfinished_runs_hold_it_back_and_force_cancels_them(studio: Studio, tmp_path: Path) -> None:
    """Without `force` they are named and go on; with it they are canceled, and stay so when the project is back."""
    session, project = studio.session, await studio.universe(2)
    run = await studio.start(project, held(tmp_path / "gate"))
    slug = run.name.rpartition("/")[2]
    for request in (delete(project), delete(project, validate_only=True)):
        with pytest.raises(errors.StateConflict) as refused:
            await session.projects.DeleteProject(request)
        assert refused.value.metadata["runs"] == slug
        assert "--force" in refused.value.remedy
    looked = await session.projects.DeleteProject(delete(project, force=True, validate_only=True))
    assert list(looked.canceled_runs) == [run.name]
    still = await session.runs.GetRun(run_pb2.GetRunRequest(name=run.name))
    assert still.state in (run_pb2.Run.STATE_QUEUED, run_pb2.Run.STATE_RUNNING)

    gone = await session.projects.DeleteProject(delete(project, force=True))
    assert list(gone.canceled_runs) == [run.name]
    assert (gone.project.figures.runs, gone.project.figures.active_runs) == (1, 0)
    await session.projects.UndeleteProject(pb.UndeleteProjectRequest(name=project))
    ended = await session.runs.GetRun(run_pb2.GetRunRequest(name=run.name))
    assert ended.state == run_pb2.Run.STATE_CANCELED


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "FIELD_INVALID"),
        ("projects/..", "FIELD_INVALID"),
        ("noir", "FIELD_INVALID"),
        ("projects/none", "PROJECT_NOT_FOUND"),
    ],
)
async def test_bad_names_are_refused(studio: Studio, name: str, reason: str) -> None:
    """By both calls, naming the field."""
    projects = studio.session.projects
    for call in (projects.DeleteProject(delete(name)), projects.UndeleteProject(pb.UndeleteProjectRequest(name=name))):
        with pytest.raises(errors.BullpenError) as refused:
            await call
        assert (refused.value.reason, refused.value.field) == (reason, "name")
