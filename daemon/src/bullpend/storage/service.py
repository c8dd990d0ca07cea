"""StorageService: goes through a project's pictures once, copies what is missing elsewhere, and lists it."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import structlog
from bullpen_api.v1 import storage_pb2 as pb
from bullpen_api.v1 import storage_pb2_grpc

from bullpend.assets.files import Files
from bullpend.clock import new_id
from bullpend.db import Database, Row
from bullpend.errors import ExactlyOneOf, FieldInvalid, PathNotAllowed, StateConflict, StorageUnavailable
from bullpend.paths import allowed_path
from bullpend.projects import store as projects
from bullpend.remote import addresses
from bullpend.rpc import names
from bullpend.storage.places import Bucket, Damaged, Folder, Place, bucket_of, sha256_of

log = structlog.get_logger("storage")

PAGE = 500
# Pictures between two words about how far it is.
EVERY = 20
MOST_LOST = 100
LIST = "pictures.jsonl"


class StorageService(storage_pb2_grpc.StorageServiceServicer):
    """Brings pictures to another place."""

    def __init__(
        self,
        database: Database,
        files: Files,
        home: Path,
        roots: Sequence[Path],
        reveal: Callable[[str], Awaitable[str]],
        *,
        allow_private: bool,
    ) -> None:
        """`roots` are the folders that may be named; `allow_private` is whether a bucket may be on this machine."""
        self._database = database
        self._files = files
        self._home = home
        self._roots = roots
        self._reveal = reveal
        self._allow_private = allow_private

    async def SyncStorage(  # noqa: N802 -- gRPC's name
        self, request: pb.SyncStorageRequest, context: Any
    ) -> AsyncIterator[pb.SyncStorageResponse]:
        """Picture by picture, then the list of them."""
        (project,) = names.parse(request.parent, "projects/*", "parent")
        row = await self._database.read(lambda view: projects.get(view, project, "parent"))
        place = await self._place(row, request)
        total = await self._database.read(lambda view: int(view.value(f"SELECT count(*) {_FROM}", project) or 0))
        report = pb.SyncReport(place=place.title)
        draft = self._home / "tmp" / f"sync-{new_id()}.jsonl"
        listed = hashlib.sha256()
        try:
            with await asyncio.to_thread(draft.open, "xb") as out:
                after = ""
                while page := await self._page(project, after):
                    after = str(page[-1]["sha256"])
                    for asset in page:
                        line = await asyncio.to_thread(self._bring, place, asset, report, request.verify)
                        listed.update(line)
                        out.write(line)
                        if report.pictures % EVERY == 0:
                            yield _progress(report, total)
            report.list, report.list_sha256 = LIST, listed.hexdigest()
            size = draft.stat().st_size
            if not await asyncio.to_thread(place.holds, LIST, size, report.list_sha256, True):
                await asyncio.to_thread(place.put, LIST, draft, report.list_sha256)
        except Damaged as error:
            raise StorageUnavailable(f"The list of pictures could not be written: {error}.") from error
        finally:
            await asyncio.to_thread(draft.unlink, missing_ok=True)
        log.info("storage.synced", project=project, place=place.title, copied=report.copied, lost=len(report.lost))
        yield _progress(report, total)
        yield pb.SyncStorageResponse(report=report)

    async def _place(self, project: Row, request: pb.SyncStorageRequest) -> Place:
        """Where it is to be brought. Raises what the contract lists."""
        if bool(request.folder) == request.bucket:
            raise ExactlyOneOf("Give a folder, or the project's bucket.", field="folder")
        return (
            await self._bucket(project) if request.bucket else await asyncio.to_thread(self._folder, project, request)
        )

    def _folder(self, project: Row, request: pb.SyncStorageRequest) -> Folder:
        chosen = allowed_path(request.folder, self._roots, "folder")
        if not chosen.is_dir():
            raise FieldInvalid(f"{request.folder} is no folder.", field="folder", path=request.folder)
        if chosen.is_relative_to(self._home.resolve()):
            raise PathNotAllowed(
                f"{request.folder} lies in the daemon's own home.",
                field="folder",
                remedy="Choose a folder outside of it; a copy beside the original saves nothing.",
                path=request.folder,
            )
        return Folder(chosen / str(project["slug"]))

    async def _bucket(self, project: Row) -> Bucket:
        if not project["s3"]:
            raise StateConflict(
                f"The project {project['slug']} names no bucket.",
                field="bucket",
                remedy="`bullpen projects edit P --bucket …` names one; or give a folder.",
            )
        s3 = project["s3"]
        if s3.get("endpoint_url"):
            addresses.check(s3["endpoint_url"], self._allow_private)
        named = dict(s3.get("secret_names", {}))
        secrets = {what: await self._reveal(name) for what, name in named.items()}
        return await asyncio.to_thread(bucket_of, s3, project["slug"], secrets)

    async def _page(self, project: str, after: str) -> list[Row]:
        sql = f"SELECT project, slug, sha256, mime_type, size_bytes {_FROM} AND sha256 > ? ORDER BY sha256 LIMIT ?"
        return await self._database.read(lambda view: view.all(sql, project, after, PAGE))

    def _bring(self, place: Place, asset: Row, report: pb.SyncReport, verify: bool) -> bytes:
        """One picture with its sidecar; returns its line of the list, which is empty for one that is lost."""
        project, sha256 = asset["project"], asset["sha256"]
        path = self._files.content(project, sha256, asset["mime_type"])
        key = path.relative_to(self._files.assets(project).parent).as_posix()
        report.pictures += 1
        try:
            if place.holds(key, asset["size_bytes"], sha256, verify):
                report.unchanged += 1
            else:
                report.bytes_copied += place.put(key, path, sha256)
                report.copied += 1
        except Damaged as error:
            log.warning("storage.lost", project=project, asset=asset["slug"], why=str(error))
            if len(report.lost) < MOST_LOST:
                report.lost.append(f"projects/{project}/assets/{asset['slug']}")
            return b""
        sidecar = path.with_suffix(".json")
        if sidecar.is_file():
            own = sha256_of(sidecar)
            beside = key.removesuffix(path.suffix) + ".json"
            # Ratings, tags and notes change it, and often not its size.
            if not place.holds(beside, sidecar.stat().st_size, own, True):
                place.put(beside, sidecar, own)
        told = {"key": key, "mime_type": asset["mime_type"], "sha256": sha256, "size_bytes": asset["size_bytes"]}
        return json.dumps(told, sort_keys=True).encode() + b"\n"


# What is in the trash stays here.
_FROM = "FROM assets WHERE project = ? AND delete_time IS NULL"


def _progress(report: pb.SyncReport, total: int) -> pb.SyncStorageResponse:
    return pb.SyncStorageResponse(
        progress=pb.SyncProgress(
            pictures_done=report.pictures, pictures=max(total, report.pictures), bytes_copied=report.bytes_copied
        )
    )
