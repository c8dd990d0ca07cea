"""A5 over a real daemon: each format holds what it should, is the same twice, and proves itself; what is refused."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from bullpen_api.v1 import bible_pb2, bootstrap_pb2, event_pb2, postprocess_pb2, run_pb2, vault_pb2
from bullpen_api.v1 import export_pb2 as pb
from bullpen_client import Session, errors

from tests.exports.asking import BUNDLE, CBZ, PAGES, SHEET, begin, check, ended, made, story
from tests.support.daemon import Daemon
from tests.support.studio import Studio

pytestmark = pytest.mark.e2e


def parts(path: str) -> dict[str, bytes]:
    """The parts of an archive, each read to its end."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


async def test_a_bundle_has_pictures_universe_logs_and_where_each_comes_from(studio: Studio, tmp_path: Path) -> None:
    """Every part is in the manifest with its hash; provenance leads from file to run; the universe imports again."""
    session, project = studio.session, await story(studio)
    slug = project.rpartition("/")[2]
    empty = bible_pb2.CreateSceneRequest(parent=project, scene_id="coda", scene=bible_pb2.Scene(title="Coda"))
    await session.bible.CreateScene(empty)
    export = await made(session, project, BUNDLE, tmp_path, all_candidates=True)
    assert export.path == str(tmp_path / f"{slug}.zip")
    figures = export.figures
    assert (figures.scenes, figures.pictures, figures.candidates, figures.runs, figures.pages) == (2, 2, 2, 1, 0)
    assert [(scene.scene, scene.title) for scene in export.left_out] == [(f"{project}/scenes/coda", "Coda")]
    data = Path(export.path).read_bytes()
    assert (hashlib.sha256(data).hexdigest(), len(data)) == (export.sha256, export.size_bytes)
    inside = parts(export.path)
    listed = json.loads(inside["manifest.json"])
    assert [one["name"] for one in listed["files"]] == [name for name in inside if name != "manifest.json"]
    assert all(hashlib.sha256(inside[one["name"]]).hexdigest() == one["sha256"] for one in listed["files"])
    assert [one["scene"] for one in listed["left_out"]] == [f"{project}/scenes/coda"]
    told = json.loads(inside["provenance.json"])["pictures"]
    assert [one["file"] for one in told[:2]] == ["pictures/0001-s1.png", "pictures/0002-s2.png"]
    for one in told:
        assert hashlib.sha256(inside[one["file"]]).hexdigest() == one["sha256"]
        assert one["candidate"].startswith(one["job"])
        assert one["job"].startswith(one["run"])
        assert (one["stage"], one["recipe"]["seed"]) == ("style", one["seed"])
        source = await studio.content(one["parents"][0]["asset"])
        assert hashlib.sha256(source).hexdigest() == one["parents"][0]["sha256"]
    assert [one["accepted"] for one in told] == [True, True, False, False]
    run = told[0]["run"].rpartition("/")[2]
    assert json.loads(inside[f"runs/{run}.json"])["run"] == told[0]["run"]
    again = bootstrap_pb2.ImportBootstrapRequest(
        parent=project, document_json=inside["project.json"].decode(), dry_run=True
    )
    assert list((await session.bible.ImportBootstrap(again)).changes) == []
    checked = await check(session, export.path)
    assert (checked.sound, checked.files, checked.export, checked.sha256) == (True, 8, export.name, export.sha256)


async def test_the_same_project_gives_the_same_bytes(studio: Studio, tmp_path: Path) -> None:
    """Twice, in every format: only the names of the files differ."""
    session, project = studio.session, await story(studio)
    layout = pb.ExportLayout(columns=2, rows=1)
    for wanted, laid in ((BUNDLE, None), (CBZ, None), (CBZ, layout), (PAGES, layout), (SHEET, None)):
        first = await made(session, project, wanted, layout=laid)
        second = await made(session, project, wanted, layout=laid)
        assert (first.path != second.path, first.sha256) == (True, second.sha256)


async def test_a_comic_book_has_its_pages_in_order_and_says_so(studio: Studio, tmp_path: Path) -> None:
    """Pages are the pictures as they are, in the order that was asked for; readers find title, sizes and bookmarks."""
    session, project = studio.session, await story(studio, scenes=3)
    order = [f"{project}/scenes/{scene}" for scene in ("s3", "s1")]
    export = await made(session, project, CBZ, tmp_path / "book.cbz", scenes=order, title="The <Lamp>", series="Dusk")
    inside = parts(export.path)
    pages = [name for name in inside if name.endswith(".png")]
    assert pages == sorted(pages) == ["0001-s3.png", "0002-s1.png"]
    assert export.figures.pages == 2
    book = ElementTree.fromstring(inside["ComicInfo.xml"])
    told = {element.tag: element.text for element in book}
    assert (told["Title"], told["Series"], told["PageCount"]) == ("The <Lamp>", "Dusk", "2")
    for page, name in zip(book.findall("Pages/Page"), pages, strict=True):
        assert page.get("ImageSize") == str(len(inside[name]))
        width, height = (int.from_bytes(inside[name][start : start + 4], "big") for start in (16, 20))
        assert (page.get("ImageWidth"), page.get("ImageHeight")) == (str(width), str(height))
    assert (await check(session, export.path)).sound


async def test_finished_pictures_take_the_place_of_accepted_ones(studio: Studio) -> None:
    """What post-process made last is exported where that is asked for, and only there."""
    session, project = studio.session, await story(studio, scenes=1)
    run = (await session.runs.ListRuns(run_pb2.ListRunsRequest(parent=project))).runs[0]
    wish = postprocess_pb2.PostProcess(color=postprocess_pb2.ColorStep(profile="cold_rain"))
    request = postprocess_pb2.ProcessAssetsRequest(parent=project, run=run.name, post_process=wish)
    coloured = [item.made.asset async for item in session.postprocess.ProcessAssets(request) if item.HasField("made")]
    digests = []
    for pictures in (pb.ExportSpec.PICTURES_ACCEPTED, pb.ExportSpec.PICTURES_FINISHED):
        export = await made(session, project, CBZ, pictures=pictures)
        digests.append(hashlib.sha256(parts(export.path)["0001-s1.png"]).hexdigest())
    assert digests[0] != digests[1] == coloured[-1].sha256


async def test_pages_of_a_pdf_are_told_of_while_they_are_drawn(studio: Studio, tmp_path: Path) -> None:
    """Progress comes over the watch under the export's name; the file is a PDF with that many pages."""
    session, project = studio.session, await story(studio, scenes=3)
    watching = aiter(session.events.Watch(event_pb2.WatchRequest(parent=project, progress=True)))
    await anext(watching)
    export = await begin(session, project, PAGES, tmp_path, layout=pb.ExportLayout(columns=1, rows=2))
    phases, kinds = [], []
    async for item in watching:
        if item.HasField("progress"):
            assert item.progress.candidate == export.name
            phases.append(item.progress.phase)
        elif item.event.subject == export.name:
            kinds.append(item.event.kind)
            if item.event.export.state == pb.Export.STATE_SUCCEEDED:
                break
    assert kinds == ["export.created", "export.started", "export.sealed", "export.succeeded"]
    assert set(phases) <= {"reading", "drawing", "checking"}
    assert "drawing" in phases
    data = Path(export.path).read_bytes()
    assert data.startswith(b"%PDF-")
    assert data.count(b"/Type /Page\n") == export.figures.pages == 2
    assert (await check(session, export.path)).sound
    data = data.replace(b"%PDF-1", b"%PDF-2", 1)
    Path(export.path).write_bytes(data)
    found = await check(session, export.path)
    assert (found.sound, found.first_difference) == (False, Path(export.path).name)


async def test_what_cannot_be_exported_is_refused_at_once(studio: Studio, daemon: Daemon, tmp_path: Path) -> None:
    """Typed, naming the field, and nothing is begun: nothing accepted, a stage, a scene, places, a file in the way."""
    session, project = studio.session, await studio.universe(1)
    with pytest.raises(errors.StateConflict, match="accepted"):
        await begin(session, project, CBZ)
    await studio.run(project)
    with pytest.raises(errors.StateConflict) as refused:
        await begin(session, project, CBZ, stage="time")
    assert refused.value.field == "spec.stage"
    with pytest.raises(errors.StageUnknown):
        await begin(session, project, CBZ, stage="nowhere")
    with pytest.raises(errors.ResourceNotFound) as refused_scene:
        await begin(session, project, CBZ, scenes=[f"{project}/scenes/s9"])
    assert refused_scene.value.field == "spec.scenes[0]"
    with pytest.raises(errors.FieldInvalid):
        await begin(session, project, pb.ExportSpec.FORMAT_UNSPECIFIED)
    with pytest.raises(errors.FieldInvalid):
        await begin(session, project, BUNDLE, layout=pb.ExportLayout(columns=2, rows=2))
    with pytest.raises(errors.FieldInvalid):
        await begin(session, project, CBZ, layout=pb.ExportLayout(columns=2, rows=99))
    for place, kind in (
        ("/etc", errors.PathNotAllowed),
        ("book.cbz", errors.FieldInvalid),
        (f"{tmp_path}/../etc", errors.PathNotAllowed),
        (f"{tmp_path}/gone/book.cbz", errors.PathNotFound),
        (f"{tmp_path}/book.pdf", errors.PathNotFound),
        (f"{daemon.home}/run", errors.PathNotAllowed),
    ):
        with pytest.raises(kind) as wrong:
            await begin(session, project, CBZ, place)
        assert wrong.value.field == "spec.destination"
    taken = tmp_path / "book.cbz"
    taken.write_bytes(b"mine")
    with pytest.raises(errors.AlreadyExists):
        await begin(session, project, CBZ, taken)
    listed = await session.exports.ListExports(pb.ListExportsRequest(parent=project))
    assert (list(listed.exports), taken.read_bytes(), list(tmp_path.glob(".*"))) == ([], b"mine", [])
    export = await made(session, project, CBZ, taken, overwrite=True)
    assert (await check(session, taken)).export == export.name


async def test_a_request_is_carried_out_once(studio: Studio, tmp_path: Path) -> None:
    """The same request_id gives the same export, also when its file lies there by then; only looking keeps nothing."""
    session, project = studio.session, await story(studio, scenes=1)
    spec = pb.ExportSpec(format=CBZ, destination=str(tmp_path))
    looked = await session.exports.CreateExport(pb.CreateExportRequest(parent=project, spec=spec, validate_only=True))
    assert (looked.name, looked.figures.pages, list(tmp_path.glob("*.cbz"))) == ("", 1, [])
    request = pb.CreateExportRequest(parent=project, spec=spec, request_id=f"once-{project}")
    first = await ended(session, await session.exports.CreateExport(request))
    second = await session.exports.CreateExport(request)
    assert (second.name, second.state) == (first.name, pb.Export.STATE_SUCCEEDED)
    request.spec.title = "Another"
    with pytest.raises(errors.RequestIdReused):
        await session.exports.CreateExport(request)


async def test_a_damaged_picture_fails_the_export_by_name(studio: Studio, daemon: Daemon, tmp_path: Path) -> None:
    """In every format it is said which; nothing is left at the destination; mended and begun again it succeeds."""
    session, project = studio.session, await story(studio, scenes=1)
    (candidate,) = [one for one in await studio.candidates(await only_run(session, project)) if one.accepted]
    stored = next((daemon.home / project / "assets").glob(f"*/*/{candidate.asset.rpartition('/')[2]}*.png"))
    kept = stored.read_bytes()
    stored.write_bytes(kept[:-1] + b"x")
    export = pb.Export()
    for wanted in (CBZ, PAGES):
        export = await ended(session, await begin(session, project, wanted, tmp_path))
        assert (export.state, export.error.reason) == (pb.Export.STATE_FAILED, "CONTENT_LOST")
        assert stored.stem[:24] in export.error.message
    assert [path for path in tmp_path.iterdir() if path.suffix != ".png"] == []
    stored.write_bytes(kept)
    again = await session.exports.RestartExport(pb.RestartExportRequest(name=export.name))
    assert (await ended(session, again)).state == pb.Export.STATE_SUCCEEDED
    with pytest.raises(errors.StateConflict):
        await session.exports.RestartExport(pb.RestartExportRequest(name=export.name))


async def test_forgetting_takes_only_the_studios_own_file_along(studio: Studio, tmp_path: Path) -> None:
    """A file in the project's folder of exports goes; one that was put elsewhere, or is another one by now, stays."""
    session, project = studio.session, await story(studio, scenes=1)
    own, other = await made(session, project, CBZ), await made(session, project, CBZ)
    away = await made(session, project, CBZ, tmp_path)
    Path(other.path).write_bytes(b"edited")
    deleted = [
        (await session.exports.DeleteExport(pb.DeleteExportRequest(name=one.name))).file_deleted
        for one in (own, other, away)
    ]
    assert deleted == [True, False, False]
    assert [Path(one.path).exists() for one in (own, other, away)] == [False, True, True]
    with pytest.raises(errors.ResourceNotFound):
        await session.exports.GetExport(pb.GetExportRequest(name=own.name))
    assert (await made(session, project, CBZ)).name == f"{project}/exports/e-0004"


async def test_lists_are_paged_and_kept_apart(studio: Studio) -> None:
    """Newest first, by state, of one project; a page token belongs to its list."""
    session, project = studio.session, await story(studio, scenes=1)
    names = [(await made(session, project, CBZ)).name for _ in range(3)]
    request = pb.ListExportsRequest(parent=project, page_size=2)
    page = await session.exports.ListExports(request)
    assert [one.name for one in page.exports] == names[:0:-1]
    request.page_token = page.next_page_token
    assert [one.name for one in (await session.exports.ListExports(request)).exports] == names[:1]
    request.states.append(pb.Export.STATE_FAILED)
    with pytest.raises(errors.PageTokenInvalid):
        await session.exports.ListExports(request)
    with pytest.raises(errors.ProjectNotFound):
        await session.exports.ListExports(pb.ListExportsRequest(parent="projects/nowhere"))


async def only_run(session: Session, project: str) -> run_pb2.Run:
    """The project's only run."""
    return (await session.runs.ListRuns(run_pb2.ListRunsRequest(parent=project))).runs[0]


async def test_no_secret_is_in_a_bundle(studio: Studio, tmp_path: Path) -> None:
    """Names of secrets are, their values never."""
    session, project = studio.session, await story(studio, scenes=1)
    value = "sk-" + hashlib.sha256(project.encode()).hexdigest()
    await session.vault.SetSecret(vault_pb2.SetSecretRequest(name="secrets/mine", value=value))
    account = bible_pb2.ProviderAccount(
        provider=bible_pb2.ProviderAccount.PROVIDER_OPENAI, secret_names={"api_key": "mine"}
    )
    await session.bible.CreateProviderAccount(
        bible_pb2.CreateProviderAccountRequest(parent=project, provider_account_id="paid", provider_account=account)
    )
    inside = parts((await made(session, project, BUNDLE, tmp_path)).path)
    assert b'"mine"' in inside["project.json"]
    for hidden in (value.encode(), session.endpoint.token.encode()):
        assert all(hidden not in content for content in inside.values())


async def test_letters_that_cannot_be_set_are_a_warning(studio: Studio, tmp_path: Path) -> None:
    """A contact sheet with a title that no font sets is made and sound, and says which letters; a CBZ needs none."""
    session, project = studio.session, await story(studio, scenes=1, candidates=1)
    sheet = await made(session, project, SHEET, tmp_path, title="مصباح, a lamp")
    (warning,) = sheet.warnings
    assert (warning.kind, warning.letters) == (pb.ExportWarning.KIND_LETTERS_MISSING, "مصباح")
    assert (await check(session, sheet.path)).sound
    assert not (await made(session, project, CBZ, tmp_path, title="مصباح")).warnings
