"""Asking a daemon for exports, and waiting for what became of them by watching events."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from bullpen_api.v1 import event_pb2
from bullpen_api.v1 import export_pb2 as pb
from bullpen_client import Session

from tests.support.studio import PATIENCE, Studio, project_of

BUNDLE = pb.ExportSpec.FORMAT_BUNDLE
CBZ = pb.ExportSpec.FORMAT_CBZ
PAGES = pb.ExportSpec.FORMAT_PDF_PAGES
SHEET = pb.ExportSpec.FORMAT_PDF_CONTACT_SHEET
ENDED = (
    pb.Export.STATE_SUCCEEDED,
    pb.Export.STATE_FAILED,
    pb.Export.STATE_CANCELED,
    pb.Export.STATE_INTERRUPTED,
)


async def begin(
    session: Session, project: str, wanted: pb.ExportSpec.Format.ValueType, destination: Path | str = "", **more: Any
) -> pb.Export:
    """Begins an export of a project."""
    spec = pb.ExportSpec(format=wanted, destination=str(destination), **more)
    return await session.exports.CreateExport(pb.CreateExportRequest(parent=project, spec=spec))


async def ended(session: Session, export: pb.Export) -> pb.Export:
    """The export as it is when it has ended, which may have been before it was read."""
    if export.state in ENDED:
        return export
    request = event_pb2.WatchRequest(parent=project_of(export.name), after_revision=export.revision)
    async with asyncio.timeout(PATIENCE):
        async for item in session.events.Watch(request):
            if item.event.subject == export.name and item.event.export.state in ENDED:
                return item.event.export
    raise AssertionError("the journal ended")


async def made(
    session: Session, project: str, wanted: pb.ExportSpec.Format.ValueType, destination: Path | str = "", **more: Any
) -> pb.Export:
    """Exports a project, which is to succeed."""
    export = await ended(session, await begin(session, project, wanted, destination, **more))
    assert export.state == pb.Export.STATE_SUCCEEDED, export.error
    return export


async def check(session: Session, path: Path | str) -> pb.CheckExportResponse:
    """What the daemon finds when it reads an exported file again."""
    return await session.exports.CheckExport(pb.CheckExportRequest(path=str(path)))


async def story(studio: Studio, scenes: int = 2, candidates: int = 2) -> str:
    """A project whose scenes have an accepted picture each."""
    project = await studio.universe(scenes)
    await studio.run(project, candidates=candidates)
    return project
