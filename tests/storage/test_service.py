"""A5 and C2 `storage_sync` over a real daemon: a project's pictures in a folder, by a call and by an instruction."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from bullpen_api.v1 import instruction_pb2, project_pb2, storage_pb2
from bullpen_client import Session, errors

from tests.instructions.test_service import confirm, ended, propose
from tests.support.daemon import Daemon
from tests.support.studio import Studio

pytestmark = pytest.mark.e2e
SYNC = "bullpen.v1.StorageService/SyncStorage"


async def sync(session: Session, project: str, folder: Path, **more: bool) -> storage_pb2.SyncReport:
    """The report, after progress that only grows."""
    report, done = storage_pb2.SyncReport(), -1
    request = storage_pb2.SyncStorageRequest(parent=project, folder=str(folder), **more)
    async for item in session.storage.SyncStorage(request):
        if item.HasField("report"):
            report = item.report
        else:
            assert item.progress.pictures_done >= done
            done = item.progress.pictures_done
    return report


async def test_a_folder_has_everything_once(studio: Studio, daemon: Daemon, tmp_path: Path) -> None:
    """Copied whole with sidecars and a list; a second time nothing is copied; what is damaged there is mended."""
    session, project = studio.session, await studio.project()
    for seed in range(3):
        await studio.picture(project, seed)
    there = tmp_path / "backup"
    there.mkdir()
    report = await sync(session, project, there)
    assert (report.pictures, report.copied, report.unchanged, list(report.lost)) == (3, 3, 0, [])
    root = there / project.rpartition("/")[2]
    assert report.place == str(root)
    lines = (root / report.list).read_bytes()
    assert hashlib.sha256(lines).hexdigest() == report.list_sha256
    listed = [json.loads(line) for line in lines.splitlines()]
    for told in listed:
        content = (root / told["key"]).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (told["sha256"], told["size_bytes"])
        assert json.loads((root / told["key"]).with_suffix(".json").read_text())
    again = await sync(session, project, there)
    assert (again.copied, again.unchanged, again.bytes_copied, again.list_sha256) == (0, 3, 0, report.list_sha256)
    victim = root / listed[0]["key"]
    victim.write_bytes(b"x" * listed[0]["size_bytes"])
    assert (await sync(session, project, there, verify=True)).copied == 1
    own = daemon.home / "projects" / project.rpartition("/")[2] / listed[1]["key"]
    own.write_bytes(b"damaged here")
    (root / listed[1]["key"]).unlink()
    lost = await sync(session, project, there)
    assert [name.rpartition("/")[2] for name in lost.lost] == [listed[1]["sha256"][:24]]
    assert not (root / listed[1]["key"]).exists()


async def test_by_instruction(studio: Studio, tmp_path: Path) -> None:
    """The card says how much goes where; confirmed, it is done, and the result says so; no other project gets in."""
    session, project, other = studio.session, await studio.project(), await studio.project()
    await studio.picture(project, 1)
    there = tmp_path / "backup"
    there.mkdir()
    shown = await propose(session, project, SYNC, storage_pb2.SyncStorageRequest(folder=str(there)))
    assert shown.type == instruction_pb2.Instruction.TYPE_STORAGE_SYNC
    facts = {fact.label: fact.value for fact in shown.preview.facts}
    assert (facts["place"], facts["pictures"]) == (str(there), "1")
    assert not list(there.iterdir())
    await confirm(session, shown)
    done = await ended(studio, shown)
    assert done.state == instruction_pb2.Instruction.STATE_DONE
    assert done.result.startswith("1 picture was copied to ")
    with pytest.raises(errors.FieldInvalid):
        await propose(
            session, project, SYNC, storage_pb2.SyncStorageRequest(parent=other, folder=str(there)), objective="other"
        )
    gone = await propose(
        session, project, SYNC, storage_pb2.SyncStorageRequest(folder=str(there / "gone")), objective="gone"
    )
    await confirm(session, gone)
    failed = await ended(studio, gone)
    assert (failed.state, failed.error.reason) == (instruction_pb2.Instruction.STATE_FAILED, "PATH_NOT_FOUND")


async def test_places_that_are_refused(studio: Studio, daemon: Daemon, tmp_path: Path) -> None:
    """Outside the allowed folders, inside the daemon's home, a file, both or neither, no bucket, a private one."""
    session, project = studio.session, await studio.project()
    (tmp_path / "file").write_text("x")
    for request, error in (
        ({"folder": "/etc"}, errors.PathNotAllowed),
        ({"folder": str(daemon.home)}, errors.PathNotAllowed),
        ({"folder": str(tmp_path / "file")}, errors.FieldInvalid),
        ({"folder": "backup"}, errors.FieldInvalid),
        ({}, errors.ExactlyOneOf),
        ({"folder": str(tmp_path), "bucket": True}, errors.ExactlyOneOf),
        ({"bucket": True}, errors.StateConflict),
    ):
        with pytest.raises(error):
            await anext(aiter(session.storage.SyncStorage(storage_pb2.SyncStorageRequest(parent=project, **request))))
    s3 = project_pb2.S3Storage(bucket="noir", endpoint_url="http://127.0.0.1:9", path_style=True)
    away = await session.projects.CreateProject(
        project_pb2.CreateProjectRequest(
            project_id="in-a-bucket",
            project=project_pb2.Project(title="X", storage=project_pb2.Project.STORAGE_S3, s3=s3),
        )
    )
    with pytest.raises(errors.AddressNotAllowed):
        await anext(aiter(session.storage.SyncStorage(storage_pb2.SyncStorageRequest(parent=away.name, bucket=True))))
