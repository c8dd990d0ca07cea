"""J08: a person exports a project; the file is complete, the same each time, and proves itself."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import pytest
from bullpen_api.v1 import asset_pb2
from bullpen_api.v1 import export_pb2 as pb

from tests.acceptance.conftest import Desk
from tests.exports.asking import BUNDLE, CBZ, PAGES, SHEET, check, made

pytestmark = pytest.mark.e2e


async def test_j08_a_project_goes_out_whole_and_proves_itself(desk: Desk, tmp_path: Path) -> None:
    """Bundle, comic book, pages and contact sheet of what is accepted; the scene without a picture is named; each file
    is the same a second time, is found sound, and is found out after one byte of it was changed.
    """
    universe = await desk.story()
    run = await desk.stage(universe, "style")
    (accepted,) = [candidate for candidate in await desk.candidates(run) if candidate.accepted] or (
        await desk.candidates(run)
    )[:1]
    session = desk.session
    digests: dict[int, set[str]] = {}
    for wanted, layout in ((BUNDLE, None), (CBZ, pb.ExportLayout(columns=2, rows=1)), (PAGES, None), (SHEET, None)):
        for folder in ("first", "second"):
            (tmp_path / folder).mkdir(exist_ok=True)
            export = await made(session, universe.project, wanted, tmp_path / folder, layout=layout)
            assert [scene.scene for scene in export.left_out] == [universe.scenes[1]]
            digests.setdefault(wanted, set()).add(export.sha256)
            assert (await check(session, export.path)).sound
    assert [len(found) for found in digests.values()] == [1, 1, 1, 1]
    names = sorted(path.name for path in (tmp_path / "first").iterdir())
    project = universe.project.rpartition("/")[2]
    assert names == [f"{project}-contact-sheet.pdf", f"{project}-pages.pdf", f"{project}.cbz", f"{project}.zip"]
    with zipfile.ZipFile(tmp_path / "first" / f"{project}.zip") as bundle:
        (told,) = json.loads(bundle.read("provenance.json"))["pictures"]
        assert (told["candidate"], told["scene"], told["run"]) == (accepted.name, universe.scenes[0], run.name)
        asset = await session.assets.GetAsset(asset_pb2.GetAssetRequest(name=accepted.asset))
        assert hashlib.sha256(bundle.read(told["file"])).hexdigest() == told["sha256"] == asset.sha256
        assert [parent["asset"] for parent in told["parents"]] == list(asset.derived_from)
        assert json.loads(bundle.read("project.json"))["characters"][0]["title"] == "Mara"
    for name in names:
        path = tmp_path / "first" / name
        spoiled = bytearray(path.read_bytes())
        spoiled[len(spoiled) // 3] ^= 1
        path.write_bytes(spoiled)
        found = await check(session, path)
        assert not found.sound
        assert found.first_difference
