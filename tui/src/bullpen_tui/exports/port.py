"""The part of the port about exports."""

from __future__ import annotations

from typing import Protocol

from bullpen_api.v1 import export_pb2 as pb


class ExportPort(Protocol):
    """Every call may raise `BullpenError`."""

    async def exports(self) -> list[pb.Export]:
        """The newest exports of all projects."""
        ...

    async def look_at_export(self, project: str, spec: pb.ExportSpec) -> pb.Export:
        """What an export would hold and leave out; nothing is begun."""
        ...

    async def begin_export(self, project: str, spec: pb.ExportSpec, request_id: str) -> pb.Export:
        """Begins an export."""
        ...

    async def stop_export(self, name: str) -> pb.Export:
        """Stops an export; nothing of it is left."""
        ...

    async def restart_export(self, name: str) -> pb.Export:
        """Begins one that came to nothing once more."""
        ...

    async def check_export(self, name: str) -> pb.CheckExportResponse:
        """Reads the file of an export again, every byte of it."""
        ...

    async def forget_export(self, name: str) -> pb.DeleteExportResponse:
        """Forgets one that has ended, with its file where that is the project's own."""
        ...
