# ruff: noqa: D102 - the port documents every call
"""The calls of `ExportPort` over the client library."""

from __future__ import annotations

from bullpen_api.v1 import export_pb2 as pb
from bullpen_client.connect import Session

NEWEST = 100


class ExportCalls:
    """`ExportPort` over a session."""

    _session: Session

    async def exports(self) -> pb.ListExportsResponse:
        return await self._session.exports.ListExports(pb.ListExportsRequest(parent="projects/-", page_size=NEWEST))

    async def look_at_export(self, project: str, spec: pb.ExportSpec) -> pb.Export:
        request = pb.CreateExportRequest(parent=project, spec=spec, validate_only=True)
        return await self._session.exports.CreateExport(request)

    async def begin_export(self, project: str, spec: pb.ExportSpec, request_id: str) -> pb.Export:
        request = pb.CreateExportRequest(parent=project, spec=spec, request_id=request_id)
        return await self._session.exports.CreateExport(request)

    async def stop_export(self, name: str) -> pb.Export:
        return await self._session.exports.CancelExport(pb.CancelExportRequest(name=name))

    async def restart_export(self, name: str) -> pb.Export:
        return await self._session.exports.RestartExport(pb.RestartExportRequest(name=name))
