"""What a running daemon says about its own health."""

from __future__ import annotations

import shutil

from bullpen_api.v1 import system_pb2

from tests.support.daemon import Daemon
from tests.support.studio import Studio


async def test_r06_stray_files_are_reported(studio: Studio, daemon: Daemon) -> None:
    """A stored file that no asset names is found by a deep diagnosis, by its path, with what to do."""
    project = await studio.project()
    asset = await studio.picture(project, 1)
    request = system_pb2.DiagnoseRequest(deep=True)
    before = {check.name: check for check in (await studio.session.system.Diagnose(request)).checks}
    assert before["strays"].status == system_pb2.Check.STATUS_OK

    slug = project.rsplit("/", 1)[-1]
    stray = daemon.home / "projects" / slug / "assets" / "ff" / "ff" / f"{'f' * 64}.png"
    stray.parent.mkdir(parents=True)
    shutil.copy(asset.path, stray)
    after = {check.name: check for check in (await studio.session.system.Diagnose(request)).checks}
    assert after["strays"].status == system_pb2.Check.STATUS_WARNING
    assert str(stray) in after["strays"].message
    assert after["strays"].remedy
    stray.unlink()
