"""R06: `bullpen doctor --repair` and `--rebuild` bring registry, files and database back together."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
from pathlib import Path

import pytest
from bullpen_api.v1 import asset_pb2, bible_pb2, run_pb2, system_pb2
from bullpen_cli import main
from bullpen_client import Session, errors

from tests.faults.damage import overwrite_index
from tests.support.daemon import Daemon
from tests.support.studio import Studio

pytestmark = pytest.mark.faults


async def repair(session: Session, dry_run: bool = False) -> list[tuple[str, str, bool]]:
    """(kind, subject, done) of everything that was wrong."""
    found = (await session.system.Repair(system_pb2.RepairRequest(dry_run=dry_run))).repairs
    assert all(each.message.endswith(".") for each in found)
    return [(each.kind, each.subject, each.done) for each in found]


async def assets(session: Session, project: str) -> list[asset_pb2.Asset]:
    """A project's registry, by name."""
    request = asset_pb2.ListAssetsRequest(parent=project, page_size=500)
    return sorted((await session.assets.ListAssets(request)).assets, key=lambda asset: asset.name)


async def status(session: Session, name: str) -> system_pb2.Check:
    """One check of the deep diagnosis."""
    checks = (await session.system.Diagnose(system_pb2.DiagnoseRequest(deep=True))).checks
    return next(check for check in checks if check.name == name)


async def test_r06_import_killed_before_it_was_registered_is_adopted(tmp_path: Path) -> None:
    """A picture whose import died between storing and registering is found, and becomes the asset that was meant."""
    home = tmp_path / "home"
    daemon = Daemon(home)
    with daemon:
        async with Session(home) as session:
            project = await Studio(session, tmp_path).project()
    armed = Daemon(home, environment={"BULLPEN_TESTING_FAILPOINT": "import.stored"})
    armed.start()
    async with Session(home) as session:
        with pytest.raises(errors.DaemonUnavailable):
            await Studio(session, tmp_path).picture(project, 3)
    assert await asyncio.to_thread(armed.wait) == -signal.SIGKILL
    with daemon:
        async with Session(home) as session:
            assert await assets(session, project) == []
            found = await status(session, "strays")
            assert (found.status, "--repair" in found.remedy) == (system_pb2.Check.STATUS_WARNING, True)
            dry = await repair(session, dry_run=True)
            assert [(kind, done) for kind, _, done in dry] == [("adopted", False)]
            assert await assets(session, project) == [], "a dry run changes nothing"
            assert [(kind, done) for kind, _, done in await repair(session)] == [("adopted", True)]
            (asset,) = await assets(session, project)
            assert asset.display_name == f"{project.split('/')[1]}-3.png"
            assert asset.kind == asset_pb2.Asset.KIND_SOURCE
            assert (await status(session, "strays")).status == system_pb2.Check.STATUS_OK
            assert await repair(session) == [], "a second repair finds nothing"


async def story(session: Session, project: str) -> list[tuple[str, str, str, list[str]]]:
    """Each scene with its words and picture, and what it has accepted in each stage."""
    request = bible_pb2.ListScenesRequest(parent=project, page_size=500)
    scenes = (await session.bible.ListScenes(request)).scenes
    return [
        (scene.name, str(dict(sorted(scene.variables.items()))), scene.source_asset, sorted(map(str, scene.accepted)))
        for scene in scenes
    ]


async def test_r06_lost_registry_is_rebuilt_from_sidecars(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the database gone, project, bible, assets and ended runs come back from what lies on the disk: the same
    names, kinds and origins, the same pictures accepted; and work goes on from there.
    """
    home = tmp_path / "home"
    daemon = Daemon(home)
    with daemon:
        async with Session(home) as session:
            studio = Studio(session, tmp_path)
            project = await studio.universe(2)
            first = await studio.run(project, candidates=2)
            newer = await studio.run(project, candidates=2, seed=8)
            later = await studio.run(project, stage="time")
            before, told = await assets(session, project), await story(session, project)
        # Beside a daemon that serves, nothing is moved.
        assert await asyncio.to_thread(main.run, ["doctor", "--rebuild", "--home", str(home)]) == 1
        assert "Stop it" in capsys.readouterr().err
    (home / "bullpen.sqlite3").write_bytes(b"no database" * 1000)
    monkeypatch.setenv("BULLPEN_TESTING_SCRIPTED", "true")
    monkeypatch.setenv("BULLPEN_DEVICES_USE", "scripted")
    assert await asyncio.to_thread(main.run, ["doctor", "--rebuild", "--json", "--home", str(home)]) == 0
    done = json.loads(capsys.readouterr().out)["repairs"]
    assert [each["kind"] for each in done] == ["project", *["adopted"] * len(before), "bible", *["run"] * 3]
    try:
        async with Session(home) as session:
            after = await assets(session, project)
            for old, new in zip(before, after, strict=True):
                for asset in (old, new):
                    for field in ("create_time", "etag", "revision"):
                        asset.ClearField(field)
                assert new == old
            assert await story(session, project) == told
            for run in (first, newer, later):
                again = await session.runs.GetRun(run_pb2.GetRunRequest(name=run.name))
                assert (again.state, again.log_path) == (run.state, run.log_path)
                assert again.figures.candidates_done == run.figures.candidates_done
            assert await repair(session) == []
            studio = Studio(session, tmp_path)
            assert (await studio.run(project, stage="time")).state == run_pb2.Run.STATE_SUCCEEDED
    finally:
        assert await asyncio.to_thread(main.run, ["daemon", "stop", "--home", str(home)]) == 0
    (kept,) = (home / "set-aside").glob("database-*/bullpen.sqlite3")
    assert kept.read_bytes().startswith(b"no database")


async def test_r06_rebuild_keeps_what_the_database_still_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the tables of a damaged database can be read, a rebuild takes them over: runs and bible are kept."""
    home = tmp_path / "home"
    daemon = Daemon(home)
    with daemon:
        async with Session(home) as session:
            studio = Studio(session, tmp_path)
            run = await studio.run(await studio.universe(1))
    overwrite_index(home / "bullpen.sqlite3")
    monkeypatch.setenv("BULLPEN_TESTING_SCRIPTED", "true")
    monkeypatch.setenv("BULLPEN_DEVICES_USE", "scripted")
    assert await asyncio.to_thread(main.run, ["doctor", "--rebuild", "--home", str(home)]) == 0
    said = capsys.readouterr()
    assert "could be read" in said.err
    assert "Nothing needs to be mended" in said.out
    try:
        async with Session(home) as session:
            assert (await session.runs.GetRun(run_pb2.GetRunRequest(name=run.name))).state == run.state
            assert (await status(session, "database")).status == system_pb2.Check.STATUS_OK
    finally:
        assert await asyncio.to_thread(main.run, ["daemon", "stop", "--home", str(home)]) == 0


async def test_r06_swapped_and_truncated_pictures_are_set_aside(studio: Studio, daemon: Daemon) -> None:
    """A stored picture with other content, of the same size or cut off, is found and set aside; imported again it is
    back under its name.
    """
    project = await studio.project()
    swapped, cut = [await studio.picture(project, seed) for seed in (1, 2)]
    data = Path(swapped.path).read_bytes()
    for asset, content in ((swapped, data[:-1] + b"x"), (cut, Path(cut.path).read_bytes()[:100])):
        Path(asset.path).chmod(0o600)
        Path(asset.path).write_bytes(content)
    found = await status(studio.session, "assets")
    assert (found.status, "2 of 2" in found.message) == (system_pb2.Check.STATUS_ERROR, True)
    done = await repair(studio.session)
    assert sorted(done) == sorted(("set_aside", asset.path, True) for asset in (swapped, cut))
    with pytest.raises(errors.ContentLost):
        await studio.content(swapped.name)
    aside = daemon.home / "set-aside" / project.split("/")[1]
    assert {path.name for path in aside.iterdir()} == {Path(asset.path).name for asset in (swapped, cut)}
    assert (await studio.picture(project, 1)).name == swapped.name
    assert await studio.content(swapped.name) == data
    assert (await studio.picture(project, 2)).name == cut.name
    assert (await status(studio.session, "assets")).status == system_pb2.Check.STATUS_OK


async def test_r06_lost_sidecars_and_thumbnails_are_made_again(studio: Studio, daemon: Daemon) -> None:
    """What can be made from the picture and the registry is; a sidecar without a picture is removed."""
    project = await studio.project()
    asset = await studio.picture(project, 5)
    sidecar = Path(asset.path).with_suffix(".json")
    before = sidecar.read_text()
    sidecar.unlink()
    (thumbnail,) = (daemon.home / project / "thumbnails").rglob("*.webp")
    thumbnail.unlink()
    lone = sidecar.with_name(f"{'e' * 64}.json")
    lone.write_text("{}")
    done = await repair(studio.session)
    assert sorted(done) == [("removed", str(lone), True), ("sidecar", asset.name, True)]
    assert json.loads(sidecar.read_text()) == json.loads(before)
    assert thumbnail.is_file()
    assert not lone.exists()


async def test_r06_what_cannot_be_brought_back_is_said(studio: Studio) -> None:
    """A picture whose file is gone is named by the repair as well, as not mended; imported again it is sound."""
    project = await studio.project()
    asset = await studio.picture(project, 7)
    Path(asset.path).unlink()
    assert await repair(studio.session) == [("lost", asset.name, False)]
    assert (await studio.picture(project, 7)).name == asset.name
    assert await repair(studio.session) == []


async def test_r06_what_bullpen_drew_can_be_drawn_again(studio: Studio) -> None:
    """A lost picture of a run is named with the log that makes it again; the replay brings back the very same file."""
    project = await studio.universe(1)
    run = await studio.run(project)
    (candidate,) = await studio.candidates(run)
    before = await studio.content(candidate.asset)
    asset = await studio.session.assets.GetAsset(asset_pb2.GetAssetRequest(name=candidate.asset))
    Path(asset.path).unlink()
    (found,) = (await studio.session.system.Repair(system_pb2.RepairRequest())).repairs
    assert (found.kind, found.done) == ("lost", False)
    assert f"`bullpen run --replay {run.log_path}`" in found.message
    log = await asyncio.to_thread(Path(run.log_path).read_text)
    await studio.logged(await studio.session.runs.ReplayRun(run_pb2.ReplayRunRequest(run_log=log)))
    assert await studio.content(candidate.asset) == before
    assert await repair(studio.session) == []


async def test_r06_a_log_that_is_none_is_named_and_left(studio: Studio, daemon: Daemon) -> None:
    """What is no log, or cannot be read, is told with its path; nothing is made of it, and it stays where it is."""
    project = await studio.universe(1)
    run = await studio.run(project)
    folder = Path(run.log_path).parent
    for name, text in (("r-0090-x", "{}"), ("r-0091-y", "no JSON"), ("r-0092-z", None)):
        log = folder.with_name(name) / "run.json"
        log.parent.mkdir()
        log.mkdir() if text is None else log.write_text(text)
    found = await repair(studio.session)
    assert found == [("run", str(folder.with_name(f"r-009{n}-{x}") / "run.json"), False) for n, x in enumerate("xyz")]
    runs = (await studio.session.runs.ListRuns(run_pb2.ListRunsRequest(parent=project))).runs
    assert [one.name for one in runs] == [run.name]
    for n, x in enumerate("xyz"):
        await asyncio.to_thread(shutil.rmtree, folder.with_name(f"r-009{n}-{x}"))


async def test_r06_a_damaged_sidecar_is_written_anew(studio: Studio) -> None:
    """A sidecar that cannot be read would make a rebuild forget what the picture is; the registry still knows it."""
    project = await studio.project()
    asset = await studio.picture(project, 8)
    sidecar = Path(asset.path).with_suffix(".json")
    before = json.loads(sidecar.read_text())
    for damage in ("", "{", "[]", "null"):
        sidecar.chmod(0o600)
        sidecar.write_text(damage)
        assert await repair(studio.session) == [("sidecar", asset.name, True)]
        assert json.loads(sidecar.read_text()) == before


async def test_r06_a_new_database_beside_old_pictures_is_told(tmp_path: Path) -> None:
    """With its database deleted under it the daemon mends nothing and says so; started without one it begins a new
    one, and tells of the projects that it does not know, until they are repaired.
    """
    daemon = Daemon(tmp_path / "home")
    with daemon:
        async with Session(daemon.home) as session:
            studio = Studio(session, tmp_path)
            project = await studio.universe(1)
            await studio.run(project)
            before = [asset.name for asset in await assets(session, project)]
            (daemon.home / "bullpen.sqlite3").unlink()
            assert await repair(session) == [("database", "bullpen.sqlite3", False)]
            assert "--rebuild" in (await status(session, "database")).remedy
    with daemon:
        async with Session(daemon.home) as session:
            found = await status(session, "projects")
            assert (found.status, str(daemon.home / project) in found.message) == (
                system_pb2.Check.STATUS_WARNING,
                True,
            )
            assert "--repair" in found.remedy
            done = {kind for kind, _, done in await repair(session) if done}
            assert done == {"project", "adopted", "bible", "run"}
            assert [asset.name for asset in await assets(session, project)] == before
            assert (await status(session, "projects")).status == system_pb2.Check.STATUS_OK


async def test_r06_stray_that_is_not_what_it_says_is_set_aside(studio: Studio, daemon: Daemon) -> None:
    """A file under a name that is not its hash is never registered under it."""
    project = await studio.project()
    asset = await studio.picture(project, 6)
    stray = daemon.home / project / "assets" / "ff" / "ff" / f"{'f' * 64}.png"
    stray.parent.mkdir(parents=True)
    shutil.copy(asset.path, stray)
    assert await repair(studio.session) == [("set_aside", str(stray), True)]
    assert len(await assets(studio.session, project)) == 1


@pytest.mark.parametrize(("at", "mended"), [(0, False), (-4, True)], ids=["header", "entry"])
async def test_r06_damaged_index_is_built_anew(tmp_path: Path, at: int, mended: bool) -> None:
    """Overwritten entries in an index of the database are mended by the daemon itself; where the damage goes too deep,
    it says so and what to do.
    """
    daemon = Daemon(tmp_path / "home")
    with daemon:
        async with Session(daemon.home) as session:
            studio = Studio(session, tmp_path)
            for _ in range(40):
                await studio.project()
    overwrite_index(daemon.home / "bullpen.sqlite3", at, 512 if at == 0 else 1)
    with daemon:
        async with Session(daemon.home) as session:
            assert (await status(session, "database")).status == system_pb2.Check.STATUS_ERROR
            assert await repair(session) == [("database", "bullpen.sqlite3", mended)]
            found = await status(session, "database")
            assert found.status == (system_pb2.Check.STATUS_OK if mended else system_pb2.Check.STATUS_ERROR)
            assert mended or "--rebuild" in found.remedy


@pytest.mark.parametrize("line", [["doctor", "--dry-run"], ["doctor", "--repair", "--rebuild"]], ids=" ".join)
def test_a_wrong_line_is_told_in_one_line(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2 and one line on stderr."""
    assert main.run(line) == 2
    assert capsys.readouterr().err.count("\n") == 1
