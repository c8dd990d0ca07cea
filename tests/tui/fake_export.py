"""The part of the fake daemon about exports: it looks, begins, stops and begins again; the test says when one ends."""

from __future__ import annotations

from bullpen_api.v1 import export_pb2 as pb

from tests.tui import story


class FakeExports:
    """Implements `ExportPort`."""

    revision: int

    def begin_exports(self) -> None:
        self.made: dict[str, pb.Export] = {}
        self.found: dict[str, pb.CheckExportResponse] = {}

    def _note(self, name: str, *details: object) -> None:
        raise NotImplementedError

    def _export(self, project: str, spec: pb.ExportSpec) -> pb.Export:
        figures = pb.ExportFigures(scenes=5, pictures=5, pages=2 if spec.HasField("layout") else 5)
        left = pb.LeftOut(scene=f"{project}/scenes/s6", title="Coda", reason=pb.LeftOut.REASON_NOTHING_ACCEPTED)
        path = spec.destination or f"/studio/{project}/exports/harbor_lights.cbz"
        return pb.Export(spec=spec, figures=figures, left_out=[left], path=path)

    def export_now(self, name: str, state: pb.Export.State.ValueType) -> pb.Export:
        """The export in another state, as an event would have it."""
        self.revision += 1
        export = pb.Export()
        export.CopyFrom(self.made[name])
        export.state, export.revision = state, self.revision
        self.made[name] = export
        return export

    async def exports(self) -> list[pb.Export]:
        self._note("exports")
        return list(self.made.values())

    async def look_at_export(self, project: str, spec: pb.ExportSpec) -> pb.Export:
        self._note("look_at_export", project, spec)
        return self._export(project, spec)

    async def begin_export(self, project: str, spec: pb.ExportSpec, request_id: str) -> pb.Export:
        self._note("begin_export", project, spec, request_id)
        self.revision += 1
        export = self._export(project, spec)
        export.name = f"{story.PROJECT}/exports/e-{len(self.made) + 1:04d}"
        export.state, export.revision = pb.Export.STATE_RUNNING, self.revision
        self.made[export.name] = export
        return export

    async def stop_export(self, name: str) -> pb.Export:
        self._note("stop_export", name)
        return self.export_now(name, pb.Export.STATE_CANCELED)

    async def restart_export(self, name: str) -> pb.Export:
        self._note("restart_export", name)
        return self.export_now(name, pb.Export.STATE_QUEUED)

    async def check_export(self, name: str) -> pb.CheckExportResponse:
        self._note("check_export", name)
        return self.found.get(name, pb.CheckExportResponse(sound=True, files=7, export=name))

    async def forget_export(self, name: str) -> pb.DeleteExportResponse:
        self._note("forget_export", name)
        self.revision += 1
        own = "/exports/" in self.made.pop(name).path
        return pb.DeleteExportResponse(file_deleted=own, revision=self.revision)
