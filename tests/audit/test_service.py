"""The audit through the public socket: every call that changes something is in it, and no other."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from bullpen_api.v1 import asset_pb2, audit_pb2, bible_pb2, project_pb2, run_pb2, system_pb2, vault_pb2
from bullpen_client.errors import BullpenError
from bullpend.audit.calls import local_user
from bullpend.audit.rules import only_reads
from google.protobuf.timestamp_pb2 import Timestamp

from tests.cli.conftest import Bullpen
from tests.cli.conftest import bullpen as bullpen
from tests.support.daemon import Daemon
from tests.support.pictures import write_picture
from tests.support.studio import Studio

pytestmark = pytest.mark.e2e

PROTO = Path(__file__).resolve().parents[2] / "proto" / "bullpen" / "v1"


@pytest.fixture
def home(daemon: Daemon) -> Path:
    """Where the command line finds the module's daemon."""
    return daemon.home


async def entries(studio: Studio, **chosen: Any) -> list[audit_pb2.AuditEntry]:
    """Entries, oldest first."""
    request = audit_pb2.ListAuditEntriesRequest(page_size=500, **chosen)
    return list((await studio.session.audit.ListAuditEntries(request)).audit_entries)[::-1]


async def test_a_persons_calls_are_put_down(studio: Studio) -> None:
    """Creating, uploading, changing, running, canceling and deleting each have an entry with who, what and digests."""
    session = studio.session
    project = await studio.project("harbor")
    picture = write_picture(studio.folder / "pier.png", 1, 64, 64).read_bytes()

    async def upload() -> AsyncIterator[asset_pb2.UploadAssetRequest]:
        yield asset_pb2.UploadAssetRequest(head=asset_pb2.UploadHead(parent=project, display_name="pier.png"))
        yield asset_pb2.UploadAssetRequest(chunk=picture)

    asset = await session.assets.UploadAsset(upload())
    scene = bible_pb2.Scene(source_asset=asset.name, variables={"style": "ink"})
    made = await session.bible.CreateScene(bible_pb2.CreateSceneRequest(parent=project, scene_id="pier", scene=scene))
    made.title = "The pier"
    await session.bible.UpdateScene(bible_pb2.UpdateSceneRequest(scene=made))
    run = await studio.run(project)
    assert (run.state, run.figures.accepted) == (run_pb2.Run.STATE_SUCCEEDED, 1)
    again = await studio.start(project, "steps=400 step_ms=20")
    await session.runs.CancelRun(run_pb2.CancelRunRequest(name=again.name))
    await session.bible.DeleteScene(bible_pb2.DeleteSceneRequest(name=made.name))
    found = await entries(studio, parent=project)
    assert [(item.method.rpartition("/")[2], item.kind, item.subject) for item in found] == [
        ("CreateProject", "project.created", project),
        ("UploadAsset", "asset.created", asset.name),
        ("CreateScene", "scene.created", made.name),
        ("UpdateScene", "scene.updated", made.name),
        ("CreateRun", "run.created", run.name),
        ("CreateRun", "run.created", again.name),
        ("CancelRun", "CancelRun", again.name),
        ("DeleteScene", "scene.deleted", made.name),
    ]
    assert {item.actor for item in found} == {local_user()}
    assert found[2].before_digest == ""
    assert found[3].before_digest == found[2].after_digest
    # Between the two the run gave the scene its picture; that was the daemon's doing.
    assert found[-1].before_digest not in ("", found[3].after_digest)
    async for event in studio.events(project, found[3].revision - 1):
        event.ClearField("revision")
        event.ClearField("time")
        event.ClearField("subject")
        event.ClearField("kind")
        assert hashlib.sha256(event.SerializeToString(deterministic=True)).hexdigest() == found[3].after_digest
        break


async def test_reads_and_refusals_leave_nothing(studio: Studio) -> None:
    """Looking changes nothing, nor does what is as it was or was only tried, and what was refused did not happen."""
    project = await studio.project("quay")
    before = await entries(studio)
    await studio.session.projects.GetProject(project_pb2.GetProjectRequest(name=project))
    await studio.session.projects.ListProjects(project_pb2.ListProjectsRequest())
    await studio.session.projects.UpdateProject(
        project_pb2.UpdateProjectRequest(project=project_pb2.Project(name=project, title="Quay"))
    )
    await studio.session.system.Diagnose(system_pb2.DiagnoseRequest())
    manifest = run_pb2.Manifest(name=f"{project}/manifest")
    await studio.session.runs.UpdateManifest(run_pb2.UpdateManifestRequest(manifest=manifest, validate_only=True))
    for refused in (
        studio.session.projects.CreateProject(project_pb2.CreateProjectRequest(project_id="quay")),
        studio.session.vault.SetSecret(vault_pb2.SetSecretRequest(name="secrets/x", value="short")),
        studio.session.runs.CancelRun(run_pb2.CancelRunRequest(name=f"{project}/runs/r-1")),
    ):
        with pytest.raises(BullpenError):
            await refused
    assert await entries(studio) == before


async def test_entries_are_asked_for_and_paged(studio: Studio, bullpen: Bullpen) -> None:
    """By subject, method and time, page after page; on the command line too, and wrong questions are refused."""
    for slug in ("one", "two", "three"):
        await studio.project(slug)
    assert [item.subject for item in await entries(studio, subject="projects/two")] == ["projects/two"]
    assert len(await entries(studio, method="CreateProject")) >= 3
    assert await entries(studio, before=Timestamp(seconds=1)) == []
    first = await studio.session.audit.ListAuditEntries(audit_pb2.ListAuditEntriesRequest(page_size=2))
    rest = await studio.session.audit.ListAuditEntries(
        audit_pb2.ListAuditEntriesRequest(page_size=2, page_token=first.next_page_token)
    )
    assert [item.subject for item in (*first.audit_entries, *rest.audit_entries)][:3] == [
        "projects/three", "projects/two", "projects/one"
    ]  # fmt: skip
    told = await bullpen("audit", "--method", "CreateProject", "--limit", "2", "--json")
    assert [item["subject"] for item in told.json["auditEntries"]] == ["projects/three", "projects/two"]
    assert "project.created" in (await bullpen("audit", "--project", "one")).out
    assert (await bullpen("audit", "--project", "nobody", "--json")).error["reason"] == "PROJECT_NOT_FOUND"
    assert (await bullpen("audit", "--limit", "0")).status == 2


def test_no_changing_method_passes_for_a_read() -> None:
    """No method that counts as a read by its name takes what only a change takes."""
    reads, odd = set(), []
    for file in sorted(PROTO.glob("*.proto")):
        module = import_module(f"bullpen_api.v1.{file.stem}_pb2")
        for service in module.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                if only_reads(f"{service.full_name}/{method.name}"):
                    reads.add(method.name)
                    fields = set(method.input_type.fields_by_name)
                    odd += [method.full_name] if fields & {"request_id", "update_mask", "etag", "plan_digest"} else []
    assert odd == []
    assert {"GetRun", "ListRuns", "Watch", "PlanRun", "SummarizeCosts"} <= reads
