"""J02: a person takes in style anchors, scene pictures and character sheets, into reference sets."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from bullpen_api.v1 import bible_pb2
from bullpen_client import errors

from tests.acceptance.conftest import SAMPLE, Desk
from tests.support.daemon import Daemon

pytestmark = pytest.mark.e2e


async def test_j02_pictures_become_references(desk: Desk, daemon: Daemon, tmp_path: Path) -> None:
    """Hash, thumbnail and sidecar of each; the same content is one asset; an anchor from elsewhere is refused."""
    project = await desk.project()
    sheet = SAMPLE / "characters" / "mara_sheet.png"
    asset = await desk.take_in(project, sheet)
    assert asset.sha256 == hashlib.sha256(sheet.read_bytes()).hexdigest()
    assert await desk.content(asset.name, thumbnail=True)
    assert json.loads(Path(asset.path).with_suffix(".json").read_text())["sha256"] == asset.sha256
    copy = tmp_path / "another name.png"
    shutil.copyfile(sheet, copy)
    assert (await desk.take_in(project, copy)).name == asset.name
    bible = desk.session.bible
    items = [bible_pb2.ReferenceItem(asset=asset.name, caption="from all sides")]
    kept = bible_pb2.ReferenceSet(purpose=bible_pb2.ReferenceSet.PURPOSE_CHARACTER, items=items)
    made = await bible.CreateReferenceSet(
        bible_pb2.CreateReferenceSetRequest(parent=project, reference_set_id="mara", reference_set=kept)
    )
    assert [item.caption for item in made.items] == ["from all sides"]

    allowed = daemon.home / "anchor.png"
    shutil.copyfile(next((SAMPLE / "styles").glob("*.png")), allowed)
    outside = await desk.picture(project, 9)
    good = await desk.take_in(project, allowed)
    guide = bible_pb2.StyleGuide(anchors=[good.name, outside.name])
    with pytest.raises(errors.PathNotAllowed) as refused:
        await bible.CreateStyleGuide(
            bible_pb2.CreateStyleGuideRequest(parent=project, style_guide_id="ink", style_guide=guide)
        )
    assert refused.value.field == "style_guide.anchors[1]"
