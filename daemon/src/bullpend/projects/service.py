"""ProjectService: unpack, call, pack."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from bullpen_api.v1 import event_pb2, project_pb2, project_pb2_grpc
from google.protobuf.json_format import ParseDict

from bullpend.costs.wire import pack_money_total
from bullpend.db import Database, Row, Tx
from bullpend.db.database import View
from bullpend.projects import rules, store, trash
from bullpend.rpc import masks, names, paging
from bullpend.rpc.wire import etag, once, timestamp

# As long as a canceled run may take.
CANCEL_SECONDS = 10.0
FOLDERS = ("assets", "thumbnails", "runs")


def pack(row: Row, figures: Row | None = None, stages: Sequence[str] = ()) -> project_pb2.Project:
    """The wire form of a project's row, with its figures where they were asked for."""
    project = project_pb2.Project(
        name=f"projects/{row['slug']}",
        title=row["title"],
        story=row["story"],
        storage=project_pb2.Project.Storage.Value(f"STORAGE_{row['storage']}"),
        create_time=timestamp(row["create_time"]),
        update_time=timestamp(row["update_time"]),
        etag=etag(row["slug"], row["revision"]),
        revision=row["revision"],
        s3=ParseDict(row["s3"], project_pb2.S3Storage()) if row["s3"] else None,
        delete_time=timestamp(row["delete_time"]),
    )
    if figures is not None:
        project.figures.CopyFrom(pack_figures(figures, stages))
    return project


def pack_figures(row: Row, stages: Sequence[str]) -> project_pb2.ProjectFigures:
    """The wire form of a project's figures; `stages` gives the order of the manifest."""
    measured = row["qa_measured"]
    return project_pb2.ProjectFigures(
        runs=row["runs"],
        active_runs=row["active_runs"],
        assets=row["assets"],
        scenes=row["scenes"],
        characters=row["characters"],
        candidates=row["candidates"],
        qa_pass_rate=row["qa_passed"] / measured if measured else None,
        device_seconds=row["device_seconds"],
        last_run_time=timestamp(row["last_run_time"]),
        money=[pack_money_total(entry) for entry in row["money"]],
        stages=[
            project_pb2.StageProgress(stage=stage, accepted=row["stages"].get(stage, 0), scenes=row["scenes"])
            for stage in stages
        ],
    )


class ProjectService(project_pb2_grpc.ProjectServiceServicer):
    """Keeps universes."""

    def __init__(
        self,
        database: Database,
        folder: Path,
        stages: Callable[[str], Sequence[str]],
        cancel: Callable[[Iterable[str], float], Awaitable[None]],
    ) -> None:
        """`stages` gives the stages of a project in their order, `cancel` ends jobs within seconds."""
        self._database = database
        self._folder = folder
        self._stages = stages
        self._cancel = cancel

    async def CreateProject(  # noqa: N802 -- gRPC's name
        self, request: project_pb2.CreateProjectRequest, context: Any
    ) -> project_pb2.Project:
        """Makes the folder, then the row: a crash between the two leaves an empty folder, which is taken over."""
        slug = names.slug(request.project_id, "project_id")
        said = rules.checked(slug, request.project)
        await asyncio.to_thread(make_folders, self._folder / slug)

        def create(tx: Tx) -> Row:
            def work() -> str:
                emit(tx, store.create(tx, slug, said), "created")
                return slug

            return store.whole(tx, once(tx, request.request_id, request, work))

        return self._full(await self._database.write(create), None)

    async def GetProject(self, request: project_pb2.GetProjectRequest, context: Any) -> project_pb2.Project:  # noqa: N802
        """One project with its figures."""
        (slug,) = names.parse(request.name, "projects/*")
        row, figures = await self._database.read(lambda v: (store.get(v, slug), store.figures(v, slug)))
        return self._full(row, figures)

    async def ListProjects(  # noqa: N802
        self, request: project_pb2.ListProjectsRequest, context: Any
    ) -> project_pb2.ListProjectsResponse:
        """Projects by slug, with their figures."""
        scope = "projects/trash" if request.show_deleted else "projects"
        page = paging.page(request.page_size, request.page_token, scope, (str,))

        def read(view: View) -> tuple[list[tuple[Row, Row]], int]:
            after = str(page.after[0]) if page.after else ""
            rows = store.page(view, after, page.limit + 1, deleted=request.show_deleted)
            return [(row, store.figures(view, row["slug"])) for row in rows], view.revision()

        rows, revision = await self._database.read(read)
        shown, token = page.cut(rows, [(row["slug"],) for row, _ in rows])
        return project_pb2.ListProjectsResponse(
            projects=[self._full(row, figures) for row, figures in shown], next_page_token=token, revision=revision
        )

    async def UpdateProject(self, request: project_pb2.UpdateProjectRequest, context: Any) -> project_pb2.Project:  # noqa: N802
        """Changes the masked fields; what changes nothing is no event."""
        given = request.project
        (slug,) = names.parse(given.name, "projects/*", "project.name")

        def write(tx: Tx) -> tuple[Row, Row]:
            row = store.get(tx, slug, "project.name")
            masks.check_etag(given.etag, etag(slug, row["revision"]), given.name, "project.etag")
            said = rules.checked(slug, masks.merge(pack(row), given, request.update_mask, rules.WRITABLE))
            if any(row[name] != value for name, value in said.items()):
                row = store.change(tx, row, said)
                emit(tx, row, "updated")
            return row, store.figures(tx, slug)

        return self._full(*await self._database.write(write))

    async def DeleteProject(  # noqa: N802
        self, request: project_pb2.DeleteProjectRequest, context: Any
    ) -> project_pb2.DeleteProjectResponse:
        """Cancels what is unfinished, where that is wished, and puts the project into the trash."""
        (slug,) = names.parse(request.name, "projects/*")

        def look(view: View) -> tuple[Row, list[str], list[str]]:
            row = store.whole(view, slug)
            if row["delete_time"] is not None:
                return row, [], []
            masks.check_etag(request.etag, etag(slug, row["revision"]), request.name, "etag")
            runs = store.unfinished(view, slug)
            trash.check_unfinished(request.name, runs, force=request.force)
            return row, runs, store.open_jobs(view, slug)

        def write(tx: Tx) -> Row:
            row = store.whole(tx, slug)
            if row["delete_time"] is None:
                masks.check_etag(request.etag, etag(slug, row["revision"]), request.name, "etag")
                left = store.unfinished(tx, slug)
                trash.check_unfinished(request.name, left, force=request.force, canceled=True)
                row = store.move(tx, row, into_trash=True)
                emit(tx, row, "deleted")
            return row

        row, runs, jobs = await self._database.read(look)
        if not request.validate_only:
            await self._cancel(jobs, CANCEL_SECONDS)
            row = await self._database.write(write)
        figures = await self._database.read(lambda view: store.figures(view, slug))
        kept = await asyncio.to_thread(trash.kept_in, self._folder / slug)
        return project_pb2.DeleteProjectResponse(
            project=self._full(row, figures),
            folder=str(self._folder / slug),
            size_bytes=kept.size_bytes,
            files=kept.files,
            canceled_runs=[f"{request.name}/runs/{run}" for run in runs],
        )

    async def UndeleteProject(  # noqa: N802
        self, request: project_pb2.UndeleteProjectRequest, context: Any
    ) -> project_pb2.Project:
        """Takes the project out of the trash, as it was."""
        (slug,) = names.parse(request.name, "projects/*")

        def write(tx: Tx) -> tuple[Row, Row]:
            row = store.whole(tx, slug)
            if row["delete_time"] is not None:
                masks.check_etag(request.etag, etag(slug, row["revision"]), request.name, "etag")
                row = store.move(tx, row, into_trash=False)
                emit(tx, row, "undeleted")
            return row, store.figures(tx, slug)

        return self._full(*await self._database.write(write))

    def _full(self, row: Row, figures: Row | None) -> project_pb2.Project:
        return pack(row, figures, self._stages(row["slug"]) if figures is not None else ())


def emit(tx: Tx, row: Row, what: str) -> None:
    """Says what happened to a project, with the project as it is now."""
    message = pack(row)
    payload = event_pb2.Event(project=message).SerializeToString()
    tx.emit(row["slug"], message.name, f"project.{what}", payload)


def make_folders(folder: Path) -> None:
    """The folders of a project; existing ones are kept."""
    for name in FOLDERS:
        (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
