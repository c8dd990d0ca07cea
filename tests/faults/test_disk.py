"""R06: full disks, damaged and deleted databases, lost files: said plainly, nothing half written."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from bullpen_api.v1 import asset_pb2, project_pb2, run_pb2, system_pb2
from bullpen_client import Session, errors
from PIL import Image

from tests.faults.damage import overwrite_index
from tests.support.daemon import Daemon, DaemonEnded
from tests.support.studio import Studio, spec
from tests.support.watching import check_watch

pytestmark = pytest.mark.faults

MEGABYTE = 1 << 20


def can_mount() -> bool:
    """Whether this user may mount a small file system here."""
    probe = subprocess.run(["unshare", "--mount", "true"], capture_output=True)
    return os.geteuid() == 0 and probe.returncode == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of sixteen megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "bullpen-test", str(disk)], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(disk: Path, leave: int) -> Path:
    """Fills a disk but for `leave` bytes; returns the file that does it."""
    filler = disk / "filler"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    with filler.open("wb") as file:
        file.write(b"\0" * max(0, free - leave))
    return filler


async def check(session: Session, name: str, deep: bool = False) -> system_pb2.Check:
    """One check of the daemon's own diagnosis."""
    checks = (await session.system.Diagnose(system_pb2.DiagnoseRequest(deep=deep))).checks
    return next(check for check in checks if check.name == name)


def halves(daemon: Daemon, project: str) -> list[Path]:
    """Files of a project that are no whole asset: drafts, contents without sidecar, sidecars without content."""
    folder = daemon.home / project / "assets"
    files = {path for path in folder.rglob("*") if path.is_file()}
    drafts = {path for path in files if ".tmp" in path.parts}
    contents = {path.with_suffix("") for path in files if path.suffix == ".png"}
    sidecars = {path.with_suffix("") for path in files if path.suffix == ".json"}
    return sorted(drafts | (contents ^ sidecars))


if can_mount():  # elsewhere the tests below it, with a played full disk, say what can be said

    async def test_r06_full_disk_fails_typed_and_a_retry_succeeds(small_disk: Path, tmp_path: Path) -> None:
        """Pictures that find no room fail with DISK_FULL, nothing half stays, and with room a retry is whole."""
        with Daemon(small_disk / "home", {"previews.enabled": "false"}) as daemon:
            async with Session(daemon.home) as session:
                studio = Studio(session, tmp_path)
                project = await studio.universe(1)
                assert (await studio.run(project)).state == run_pb2.Run.STATE_SUCCEEDED
                filler = fill(small_disk, 600 * 1024)
                run = await studio.ended(await studio.start(project, "steps=1 size=512x512", 2, seed=99))
                assert run.state == run_pb2.Run.STATE_FAILED
                assert run.error.reason == "DISK_FULL"
                assert run.error.remedy
                assert halves(daemon, project) == []
                assert (await check(session, "disk")).status == system_pb2.Check.STATUS_WARNING
                filler.unlink()
                assert Path((await studio.logged(run)).log_path).is_file(), "the log is made up for"
                request = run_pb2.RetryRunRequest(name=run.name)
                again = await studio.logged(await session.runs.RetryRun(request))
                assert again.state == run_pb2.Run.STATE_SUCCEEDED
                assert len({candidate.asset for candidate in await studio.candidates(again)}) == 2
                assert halves(daemon, project) == []
                assert list((daemon.home / "tmp").iterdir()) == []
                await check_watch(session, daemon.home, project)

    async def test_r06_import_to_a_full_disk_is_refused_whole(small_disk: Path, tmp_path: Path) -> None:
        """An import or upload without room is DISK_FULL, leaves nothing, and with room again it is taken."""
        with Daemon(small_disk / "home") as daemon:
            async with Session(daemon.home) as session:
                studio = Studio(session, tmp_path)
                project = await studio.project()
                big = tmp_path / "big.png"
                write_noise(big, 1200)
                filler = fill(small_disk, MEGABYTE)
                request = asset_pb2.ImportAssetRequest(parent=project, path=str(big))
                with pytest.raises(errors.DiskFull) as refused:
                    await session.assets.ImportAsset(request)
                assert refused.value.remedy
                with pytest.raises(errors.DiskFull):
                    await session.assets.UploadAsset(parts(project, big.read_bytes()))
                assert halves(daemon, project) == []
                assert list((daemon.home / "tmp").iterdir()) == []
                assert await session.serving()
                filler.unlink()
                assert (await session.assets.ImportAsset(request)).width == 1200

    async def test_r06_database_on_a_full_disk_refuses_and_recovers(small_disk: Path, tmp_path: Path) -> None:
        """Without any room writes are refused by DISK_FULL while reads go on; with room again everything works."""
        with Daemon(small_disk / "home") as daemon:
            async with Session(daemon.home) as session:
                studio = Studio(session, tmp_path)
                first = await studio.project()
                filler = fill(small_disk, 0)
                with pytest.raises(errors.DiskFull) as refused:
                    await write_on(session)
                assert refused.value.remedy
                assert (await session.projects.GetProject(project_pb2.GetProjectRequest(name=first))).name == first
                filler.unlink()
                assert (await studio.run(await studio.universe(1))).state == run_pb2.Run.STATE_SUCCEEDED
                assert (await check(session, "database")).status == system_pb2.Check.STATUS_OK
                await check_watch(session, daemon.home, "")


async def write_on(session: Session) -> None:
    """Makes projects until that is refused."""
    for number in range(400):
        given = project_pb2.Project(story="x" * 20_000)
        request = project_pb2.CreateProjectRequest(project_id=f"p{number}", project=given)
        await session.projects.CreateProject(request)


async def parts(project: str, data: bytes) -> AsyncIterator[asset_pb2.UploadAssetRequest]:
    """An upload in chunks."""
    yield asset_pb2.UploadAssetRequest(head=asset_pb2.UploadHead(parent=project, display_name="big.png"))
    for start in range(0, len(data), MEGABYTE):
        yield asset_pb2.UploadAssetRequest(chunk=data[start : start + MEGABYTE])


def write_noise(path: Path, side: int) -> None:
    """Writes a square picture that no codec makes small."""
    Image.frombytes("RGB", (side, side), random.Random(1).randbytes(side * side * 3)).save(path)


async def test_r06_played_full_disk_fails_one_job(studio: Studio, daemon: Daemon) -> None:
    """A worker that finds the disk full fails that job with DISK_FULL; jobs after it are made."""
    project = await studio.universe(1)
    run = await studio.run(project, "candidate=2 disk_full", 3)
    assert run.state == run_pb2.Run.STATE_FAILED
    assert run.error.reason == "DISK_FULL"
    (job,) = await studio.jobs(run)
    assert job.candidates[0].state == run_pb2.Candidate.STATE_SUCCEEDED
    assert halves(daemon, project) == []
    assert (await studio.run(project)).state == run_pb2.Run.STATE_SUCCEEDED


async def test_r06_deleted_database_refuses_writes(tmp_path: Path) -> None:
    """A database that is deleted under the daemon is not silently written to: writes are refused, with the reason."""
    with Daemon(tmp_path / "home") as daemon:
        async with Session(daemon.home) as session:
            studio = Studio(session, tmp_path)
            project = await studio.universe(1)
            assert (await check(session, "database")).status == system_pb2.Check.STATUS_OK
            kept = tmp_path / "kept.sqlite3"
            (daemon.home / "bullpen.sqlite3").rename(kept)
            with pytest.raises(errors.DatabaseUnavailable) as refused:
                await studio.project()
            assert refused.value.remedy
            with pytest.raises(errors.DatabaseUnavailable):
                await studio.create(project, spec())
            found = await check(session, "database")
            assert found.status == system_pb2.Check.STATUS_ERROR
            assert found.remedy
            kept.rename(daemon.home / "bullpen.sqlite3")
            assert (await studio.run(project)).state == run_pb2.Run.STATE_SUCCEEDED


async def test_r06_damaged_page_is_found_by_diagnosis(tmp_path: Path) -> None:
    """Bytes that were overwritten in the middle of the database are reported, with what to do."""
    daemon = Daemon(tmp_path / "home")
    with daemon:
        async with Session(daemon.home) as session:
            studio = Studio(session, tmp_path)
            for _ in range(40):
                await studio.project()
    overwrite_index(daemon.home / "bullpen.sqlite3")
    daemon.start()
    try:
        async with Session(daemon.home) as session:
            found = await check(session, "database")
    finally:
        daemon.stop()
    assert found.status == system_pb2.Check.STATUS_ERROR
    assert "damaged" in found.message
    assert found.remedy


async def test_r06_pages_damaged_under_a_living_daemon_are_typed_errors(tmp_path: Path) -> None:
    """What cannot be read is refused by DATABASE_UNAVAILABLE, the diagnosis says so, the daemon lives; started with
    the pages back it works as before.
    """
    daemon = Daemon(tmp_path / "home")
    with daemon:
        async with Session(daemon.home) as session:
            studio = Studio(session, tmp_path)
            names = [await studio.project() for _ in range(40)]
    path = daemon.home / "bullpen.sqlite3"
    whole = path.read_bytes()
    with daemon:
        async with Session(daemon.home) as session:
            with path.open("r+b") as file:
                file.seek(8192)
                file.write(b"\xa5" * (len(whole) - 8192))
            refused = 0
            for name in names:
                try:
                    await session.projects.GetProject(project_pb2.GetProjectRequest(name=name))
                except errors.DatabaseUnavailable as error:
                    refused += bool(error.remedy)
            assert refused, "some page was not in memory"
            found = await check(session, "database")
            assert (found.status, "damaged" in found.message) == (system_pb2.Check.STATUS_ERROR, True)
    assert "Traceback" not in daemon.said.decode()
    path.with_name(f"{path.name}-wal").unlink(missing_ok=True)
    path.write_bytes(whole)
    with daemon:
        async with Session(daemon.home) as session:
            for name in names:
                assert (await session.projects.GetProject(project_pb2.GetProjectRequest(name=name))).name == name


async def test_r06_lost_and_changed_files_are_found(tmp_path: Path) -> None:
    """A missing picture is found at once, a changed one by the deep check; both name the file."""
    with Daemon(tmp_path / "home") as daemon:
        async with Session(daemon.home) as session:
            studio = Studio(session, tmp_path)
            project = await studio.universe(2)
            assert (await check(session, "assets", deep=True)).status == system_pb2.Check.STATUS_OK
            listed = (await session.assets.ListAssets(asset_pb2.ListAssetsRequest(parent=project))).assets
            changed = Path(listed[0].path)
            changed.chmod(0o600)
            changed.write_bytes(changed.read_bytes()[:-1] + b"x")
            assert (await check(session, "assets")).status == system_pb2.Check.STATUS_OK
            deep = await check(session, "assets", deep=True)
            assert deep.status == system_pb2.Check.STATUS_ERROR
            assert str(changed) in deep.message
            Path(listed[1].path).unlink()
            found = await check(session, "assets")
            assert found.status == system_pb2.Check.STATUS_ERROR
            assert str(listed[1].path) in found.message
            assert found.remedy


async def test_r06_source_that_was_lost_fails_its_job_only(studio: Studio) -> None:
    """A scene whose picture is gone from the disk fails with a reason; the other scenes are made."""
    project = await studio.universe(2)
    (lost, _) = sorted(
        (await studio.session.assets.ListAssets(asset_pb2.ListAssetsRequest(parent=project))).assets,
        key=lambda asset: asset.display_name,
    )
    Path(lost.path).unlink()
    run = await studio.run(project)
    assert run.state == run_pb2.Run.STATE_PARTIAL
    assert run.error.reason in ("CONTENT_LOST", "PATH_NOT_FOUND")
    assert run.error.remedy
    first, second = await studio.jobs(run)
    assert first.state == run_pb2.Job.STATE_FAILED
    assert second.state == run_pb2.Job.STATE_SUCCEEDED


def test_r06_database_that_is_none_ends_the_start(tmp_path: Path) -> None:
    """A home whose database is something else is refused in one line, and the file is left as it is."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "bullpen.sqlite3").write_bytes(b"no database " * 500)
    daemon = Daemon(home)
    with pytest.raises(DaemonEnded) as refused:
        daemon.start()
    assert str(refused.value).count("\n") == 1
    assert daemon.status == 1
    assert (home / "bullpen.sqlite3").read_bytes() == b"no database " * 500


@pytest.mark.parametrize("name", ["", "run", "projects"], ids=["home", "run", "projects"])
def test_r06_a_file_where_a_folder_belongs_ends_the_start(tmp_path: Path, name: str) -> None:
    """A home that cannot be made is refused in one line that names what is in the way."""
    home = tmp_path / "home"
    if name:
        home.mkdir()
    (home / name).write_text("mine")
    daemon = Daemon(home)
    with pytest.raises(DaemonEnded) as refused:
        daemon.start()
    assert str(refused.value).count("\n") == 1
    assert f"{home / name} cannot be made: a file is in its place." in str(refused.value)
    assert (home / name).read_text() == "mine"
