# ruff: noqa: D102 - the port documents every call
"""The calls of `ExportPort` over the client library."""

from __future__ import annotations

from bullpen_api.v1 import export_pb2 as pb
from bullpen_client.connect import Session

PAGE = 200
NEWEST = 1000
"""Exports that are listed at most."""


class ExportCalls:
    """`ExportPort` over a session."""

    _session: Session

    async def exports(self) -> list[pb.Export]:
        found: list[pb.Export] = []
        request = pb.ListExportsRequest(parent="projects/-", page_size=PAGE)
        while len(found) < NEWEST:
            answer = await self._session.exports.ListExports(request)
            found += answer.exports
            if not answer.next_page_token:
                break
            request.page_token = answer.next_page_token
        return found

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

    async def check_export(self, name: str) -> pb.CheckExportResponse:
        return await self._session.exports.CheckExport(pb.CheckExportRequest(name=name))

    async def forget_export(self, name: str) -> pb.DeleteExportResponse:
        return await self._session.exports.DeleteExport(pb.DeleteExportRequest(name=name))
