# ruff: noqa: N802 - methods are named as the contract names them
"""Exports of the fake daemon: done at once, and a few bytes long."""

from __future__ import annotations

from typing import Any

from bullpen_api.v1 import export_pb2, export_pb2_grpc

from tests.support.fake_services.base import Service


class Exports(Service, export_pb2_grpc.ExportServiceServicer):
    """Makes a file for each."""

    async def CreateExport(self, request: export_pb2.CreateExportRequest, context: Any) -> export_pb2.Export:
        """An export that has succeeded."""
        path = self.daemon.home / "book.cbz"
        path.write_bytes(b"pages")
        return export_pb2.Export(
            name=f"{request.parent}/exports/e-0001",
            spec=request.spec,
            state=export_pb2.Export.STATE_SUCCEEDED,
            path=str(path),
        )
