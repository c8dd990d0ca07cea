"""ExportService: unpack, call, pack."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bullpen_api.v1 import export_pb2 as pb
from bullpen_api.v1 import export_pb2_grpc

from bullpend.assets.files import Files
from bullpend.db import Database, Row, Tx
from bullpend.db.database import View
from bullpend.errors import BullpenError, ExactlyOneOf, StateConflict
from bullpend.exports import binding, checking, destination, gathering, rules, seal, store, wire
from bullpend.exports.making import Making
from bullpend.exports.model import ENDED, Move, State
from bullpend.exports.progress import Board
from bullpend.paths import allowed_file
from bullpend.projects import store as projects
from bullpend.rpc import names, paging
from bullpend.rpc.wire import once

NAME = "projects/*/exports/*"
# Stands for the export's id in the name of a file of the project's own folder.
MARK = "@"


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What an export would hold, and where it would go."""

    told: pb.Export
    path: Path
    mark: str


class ExportService(export_pb2_grpc.ExportServiceServicer):
    """Exports of projects."""

    def __init__(
        self,
        database: Database,
        files: Files,
        making: Making,
        board: Board,
        stages: Callable[[str], Sequence[str]],
        roots: Sequence[Path],
        home: Path,
    ) -> None:
        """`roots` are the folders that may be named; `home` is the daemon's own, which may not."""
        self._database = database
        self._files = files
        self._making = making
        self._board = board
        self._stages = stages
        self._roots = roots
        self._home = home

    async def CreateExport(self, request: pb.CreateExportRequest, context: Any) -> pb.Export:  # noqa: N802 -- gRPC's names from here on
        """Begins an export, or says what it would hold."""
        (project,) = names.parse(request.parent, "projects/*", "parent")
        refusal: BullpenError | None = None
        prepared = None
        try:
            prepared = await self._prepare(project, request.spec)
        except BullpenError as error:
            # A request that was carried out before is answered as it was then, whatever has become of it since.
            refusal = error
        if request.validate_only:
            if prepared is None:
                assert refusal is not None
                raise refusal
            shown = pb.Export(
                spec=request.spec, path=str(prepared.path).replace(MARK, "…") if prepared.mark else str(prepared.path)
            )
            shown.MergeFrom(prepared.told)
            return shown

        def write(tx: Tx) -> Row:
            def make() -> str:
                if prepared is None:
                    assert refusal is not None
                    raise refusal
                made = store.create(
                    tx,
                    project,
                    request.spec.SerializeToString(deterministic=True),
                    prepared.told.SerializeToString(),
                    prepared.path,
                    prepared.mark,
                )
                return str(made["slug"])

            projects.get(tx, project, "parent")
            return store.get(tx, project, once(tx, request.request_id, request, make))

        row = await self._database.write(write)
        if row["state"] == State.QUEUED:
            self._making.begin(row)
        return self._pack(row)

    async def GetExport(self, request: pb.GetExportRequest, context: Any) -> pb.Export:  # noqa: N802
        """One export."""
        return self._pack(await self._row(request.name))

    async def ListExports(self, request: pb.ListExportsRequest, context: Any) -> pb.ListExportsResponse:  # noqa: N802
        """Exports, newest first."""
        project = "-" if request.parent == "projects/-" else names.parse(request.parent, "projects/*", "parent")[0]
        states = [names.choice(pb.Export.State.DESCRIPTOR, value, "states") for value in request.states]
        page = paging.page(request.page_size, request.page_token, f"{project}/exports/{','.join(states)}", (int,))

        def read(view: View) -> tuple[list[Row], int]:
            if project != "-":
                projects.get(view, project, "parent")
            before = int(page.after[0]) if page.after else None
            return store.page(view, project, states, before, page.limit + 1), view.revision()

        rows, revision = await self._database.read(read)
        shown, token = page.cut(rows, [(row["id"],) for row in rows])
        return pb.ListExportsResponse(
            exports=[self._pack(row) for row in shown], next_page_token=token, revision=revision
        )

    async def CancelExport(self, request: pb.CancelExportRequest, context: Any) -> pb.Export:  # noqa: N802
        """Stops an export."""
        row = await self._row(request.name)
        rules.move(State(row["state"]), Move.CANCEL, request.name)
        await self._making.cancel(row)
        after = await self._row(request.name)
        if after["state"] == State.SUCCEEDED:
            raise StateConflict(
                f"{request.name} was finished before it could be stopped.", field="name", resource=request.name
            )
        return self._pack(after)

    async def RestartExport(self, request: pb.RestartExportRequest, context: Any) -> pb.Export:  # noqa: N802
        """Makes an export that came to nothing once more."""
        row = await self._row(request.name)
        rules.move(State(row["state"]), Move.RESTART, request.name)
        spec = pb.ExportSpec.FromString(row["spec"])
        spec.overwrite = spec.overwrite or request.overwrite
        wish = rules.wish_of(spec, row["project"], self._stages(row["project"]))
        stages = self._stages(row["project"])
        content = await self._database.read(lambda view: gathering.content(view, row["project"], wish, stages))
        told = wire.told_of(content, binding.page_count(content, wish), 0).SerializeToString()
        await asyncio.to_thread(destination.free, Path(row["path"]), spec.overwrite)
        packed = spec.SerializeToString(deterministic=True)
        after = await self._database.write(lambda tx: store.restart(tx, row["id"], packed, told))
        if after is None:
            raise StateConflict(f"{request.name} was begun again already.", field="name", resource=request.name)
        self._making.begin(after)
        return self._pack(after)

    async def DeleteExport(self, request: pb.DeleteExportRequest, context: Any) -> pb.DeleteExportResponse:  # noqa: N802
        """Forgets an export, with its file where that is the studio's own."""
        project, slug = names.parse(request.name, NAME)

        def write(tx: Tx) -> tuple[Row, int]:
            row = store.get(tx, project, slug)
            if State(row["state"]) not in ENDED:
                raise StateConflict(
                    f"{request.name} is being made.", field="name", remedy="Cancel it first.", resource=request.name
                )
            store.delete(tx, row)
            return row, tx.revision()

        row, revision = await self._database.write(write)
        deleted = await asyncio.to_thread(self._deleted, row)
        return pb.DeleteExportResponse(file_deleted=deleted, revision=revision)

    async def CheckExport(self, request: pb.CheckExportRequest, context: Any) -> pb.CheckExportResponse:  # noqa: N802
        """Reads an exported file again."""
        if bool(request.name) == bool(request.path):
            raise ExactlyOneOf("Give the name of an export, or the path of a file.", field="path", fields="name, path")
        row: Row | None = None
        if request.name:
            row = await self._row(request.name)
            if row["state"] != State.SUCCEEDED:
                raise StateConflict(f"{request.name} has made no file.", field="name", resource=request.name)
            path = Path(row["path"])
            if not await asyncio.to_thread(path.is_file):
                return pb.CheckExportResponse(
                    path=str(path), first_difference=path.name, problem="It is gone.", export=request.name
                )
        else:
            path = await asyncio.to_thread(allowed_file, request.path, self._roots, "path")
        with destination.mapped(path):
            checked = await asyncio.to_thread(checking.check, path)
        answer = pb.CheckExportResponse(
            path=str(path),
            sound=checked.sound,
            files=checked.files,
            size_bytes=checked.size,
            sha256=checked.sha256,
            first_difference=checked.difference,
            problem=checked.problem,
        )
        known = row or await self._database.read(lambda view: store.by_content(view, checked.sha256))
        if known is not None:
            answer.export = wire.name_of(known)
            if checked.sound and known["sha256"] != checked.sha256:
                answer.sound, answer.first_difference = False, path.name
                answer.problem = "It is sound, but another file than the one that this export wrote."
        return answer

    async def _prepare(self, project: str, spec: pb.ExportSpec) -> _Prepared:
        """Everything that can be refused before anything is begun."""
        stages = self._stages(project)
        await self._database.read(lambda view: projects.get(view, project, "parent"))
        wish = rules.wish_of(spec, project, stages)
        content = await self._database.read(lambda view: gathering.content(view, project, wish, stages))
        own = self._files.exports(project)

        def where() -> tuple[Path, str]:
            if not spec.destination:
                own.mkdir(mode=0o700, parents=True, exist_ok=True)
                return own / rules.file_name(project, wish.format, MARK), MARK
            target = destination.resolve(
                spec.destination, self._roots, self._home, own, rules.file_name(project, wish.format)
            )
            destination.free(target, spec.overwrite)
            return target, ""

        path, mark = await asyncio.to_thread(where)
        if not wish.layout and wish.format in binding.ARCHIVES:
            size = sum(picture.size_bytes for picture in content.all)
            await asyncio.to_thread(destination.room, path, size)
        return _Prepared(wire.told_of(content, binding.page_count(content, wish), 0), path, mark)

    async def _row(self, name: str) -> Row:
        project, slug = names.parse(name, NAME)

        def read(view: View) -> Row:
            projects.get(view, project)
            return store.get(view, project, slug)

        return await self._database.read(read)

    def _pack(self, row: Row) -> pb.Export:
        return wire.pack(row, self._board.of(wire.name_of(row)))

    def _deleted(self, row: Row) -> bool:
        """Deletes a file of the project's own folder, if it is still the one that was made."""
        path = Path(row["path"])
        if row["state"] != State.SUCCEEDED or path.parent != self._files.exports(row["project"]):
            return False
        try:
            if path.is_symlink() or seal.read(path).sha256 != row["sha256"]:
                return False
            path.unlink()
        except OSError:
            return False
        return True
