"""AssetService: unpack, call, pack; content goes out in chunks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any

from bullpen_api.v1 import asset_pb2, asset_pb2_grpc

from bullpend.assets import descent, store
from bullpend.assets.files import Files
from bullpend.assets.finding import Finding
from bullpend.assets.intake import Intake
from bullpend.assets.keeping import Keeping, check_tags
from bullpend.assets.origins import SENT
from bullpend.assets.saved import SavedSearches
from bullpend.assets.sidecars import Sidecars
from bullpend.audit import calls
from bullpend.clock import new_id
from bullpend.db import Database, Row
from bullpend.db.database import View, mapped_disk_errors
from bullpend.errors import BullpenError, ContentLost, FieldInvalid, LimitExceeded
from bullpend.paths import allowed_file
from bullpend.projects import store as projects
from bullpend.rpc import names

CHUNK = 256 * 1024
UPLOAD_LIMIT = 256 * 1024 * 1024
HEAR_OUT_SECONDS = 10.0
IMPORT_KINDS = ("SOURCE", "REFERENCE")


def import_kind(kind: asset_pb2.Asset.Kind.ValueType) -> str:
    """The kind of an imported asset. Raises FieldInvalid for kinds that only runs make."""
    name = names.choice(asset_pb2.Asset.Kind.DESCRIPTOR, kind, "kind") if kind else "SOURCE"
    if name not in IMPORT_KINDS:
        raise FieldInvalid("An imported picture is a source or a reference.", field="kind")
    return name


async def _hear_out(parts: AsyncIterator[asset_pb2.UploadAssetRequest]) -> None:
    """Reads and drops what a refused upload still sends: a client that cannot send on would not hear the reason."""
    left = UPLOAD_LIMIT
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HEAR_OUT_SECONDS):
            async for part in parts:
                left -= len(part.chunk)
                if left < 0:
                    return


class AssetService(asset_pb2_grpc.AssetServiceServicer):
    """The registry of pictures and files."""

    def __init__(
        self,
        database: Database,
        files: Files,
        intake: Intake,
        sidecars: Sidecars,
        roots: Sequence[Path],
        scratch: Path,
    ) -> None:
        self._database = database
        self._files = files
        self._intake = intake
        self._roots = roots
        self._scratch = scratch
        self._finding = Finding(database, files)
        self._keeping = Keeping(database, files, sidecars)
        self._saved = SavedSearches(database)

    async def GetAsset(self, request: asset_pb2.GetAssetRequest, context: Any) -> asset_pb2.Asset:  # noqa: N802
        """One asset."""
        return store.pack(await self._get(request.name), self._files)

    async def ListAssets(self, request: asset_pb2.ListAssetsRequest, context: Any) -> asset_pb2.ListAssetsResponse:  # noqa: N802
        """A page of assets."""
        return await self._finding.page(request)

    async def SummarizeAssets(  # noqa: N802
        self, request: asset_pb2.SummarizeAssetsRequest, context: Any
    ) -> asset_pb2.SummarizeAssetsResponse:
        """Counts and facets."""
        return await self._finding.summary(request)

    async def UpdateAsset(self, request: asset_pb2.UpdateAssetRequest, context: Any) -> asset_pb2.Asset:  # noqa: N802
        """Rating, tags, note, licence, name."""
        return store.pack(await self._keeping.update(request.asset, request.update_mask), self._files)

    async def DeleteAsset(self, request: asset_pb2.DeleteAssetRequest, context: Any) -> asset_pb2.Asset:  # noqa: N802
        """Into the trash."""
        return store.pack(await self._keeping.delete(request.name, request.etag), self._files)

    async def UndeleteAsset(self, request: asset_pb2.UndeleteAssetRequest, context: Any) -> asset_pb2.Asset:  # noqa: N802
        """Out of the trash."""
        return store.pack(await self._keeping.undelete(request.name, request.etag), self._files)

    async def PurgeAsset(self, request: asset_pb2.PurgeAssetRequest, context: Any) -> asset_pb2.Asset:  # noqa: N802
        """Removes the files of what is in the trash."""
        return store.pack(await self._keeping.purge(request.name, request.etag), self._files)

    async def GetAssetLineage(  # noqa: N802
        self, request: asset_pb2.GetAssetLineageRequest, context: Any
    ) -> asset_pb2.AssetLineage:
        """The tree around an asset."""
        project, slug = names.parse(request.name, "projects/*/assets/*")

        def read(view: View) -> asset_pb2.AssetLineage:
            projects.get(view, project)
            nodes, truncated = descent.tree(view, store.get(view, project, slug))
            answer = asset_pb2.AssetLineage(revision=view.revision(), truncated=truncated)
            for node in nodes:
                parent = f"projects/{project}/assets/{node.parent}" if node.parent else ""
                asset = store.pack(node.row, self._files)
                answer.nodes.add(asset=asset, depth=node.depth, parent=parent, asked=node.row["slug"] == slug)
            return answer

        return await self._database.read(read)

    async def CreateSavedSearch(  # noqa: N802
        self, request: asset_pb2.CreateSavedSearchRequest, context: Any
    ) -> asset_pb2.SavedSearch:
        """Keeps a search."""
        return await self._saved.create(request)

    async def ListSavedSearches(  # noqa: N802
        self, request: asset_pb2.ListSavedSearchesRequest, context: Any
    ) -> asset_pb2.ListSavedSearchesResponse:
        """The saved searches of a project."""
        return await self._saved.listed(request)

    async def UpdateSavedSearch(  # noqa: N802
        self, request: asset_pb2.UpdateSavedSearchRequest, context: Any
    ) -> asset_pb2.SavedSearch:
        """Changes title or filter."""
        return await self._saved.update(request.saved_search, request.update_mask)

    async def DeleteSavedSearch(  # noqa: N802
        self, request: asset_pb2.DeleteSavedSearchRequest, context: Any
    ) -> asset_pb2.SavedSearch:
        """Forgets a search."""
        return await self._saved.delete(request.name, request.etag)

    async def ImportAsset(self, request: asset_pb2.ImportAssetRequest, context: Any) -> asset_pb2.Asset:  # noqa: N802
        """Takes a picture from the daemon's own disk."""
        (project,) = names.parse(request.parent, "projects/*", "parent")
        await self._database.read(lambda view: projects.get(view, project, "parent"))
        path = await asyncio.to_thread(allowed_file, request.path, self._roots, "path")
        row = await self._intake.take(
            project,
            path,
            kind=import_kind(request.kind),
            display_name=path.name,
            origin=str(path),
            licence=names.text(request.licence, "licence", 200),
            tags=check_tags(request.tags),
        )
        return store.pack(row, self._files)

    async def UploadAsset(  # noqa: N802
        self, request_iterator: AsyncIterator[asset_pb2.UploadAssetRequest], context: Any
    ) -> asset_pb2.Asset:
        """Takes a picture that the client sends."""
        head: asset_pb2.UploadHead | None = None
        project, received = "", 0
        scratch = self._scratch / f"upload-{new_id()}"
        file: IO[bytes] | None = None
        try:
            async for part in request_iterator:
                if part.HasField("head"):
                    if head is not None:
                        raise FieldInvalid("The head goes first and once.", field="head")
                    head = part.head
                    (project,) = names.parse(head.parent, "projects/*", "head.parent")
                    await self._database.read(partial(projects.get, slug=project, field="head.parent"))
                    file = await asyncio.to_thread(scratch.open, "wb")
                    continue
                if file is None:
                    raise FieldInvalid("The first message must carry the head.", field="head")
                received += len(part.chunk)
                if received > UPLOAD_LIMIT:
                    raise LimitExceeded(f"An upload may have {UPLOAD_LIMIT >> 20} MiB at most.", field="chunk")
                with mapped_disk_errors():
                    await asyncio.to_thread(file.write, part.chunk)
            if head is None or file is None:
                raise FieldInvalid("The upload holds no head.", field="head")
            with mapped_disk_errors():
                file.close()
            display_name = Path(names.text(head.display_name, "head.display_name", 200)).name or "upload"
            # The last chunk is there: what is stored is also registered, even when the client leaves now.
            taking = asyncio.ensure_future(
                self._intake.take(
                    project,
                    scratch,
                    kind=import_kind(head.kind),
                    display_name=display_name,
                    origin=f"{SENT}{display_name}",
                    licence=names.text(head.licence, "head.licence", 200),
                    tags=check_tags(head.tags),
                    consume=True,
                    field="chunk",
                )
            )
            calls.joined(taking)
            try:
                row = await asyncio.shield(taking)
            except asyncio.CancelledError:
                await asyncio.wait([taking])
                raise
            return store.pack(row, self._files)
        except BullpenError:
            await _hear_out(request_iterator)
            raise
        finally:
            if file is not None:
                with contextlib.suppress(OSError):
                    file.close()
            scratch.unlink(missing_ok=True)

    async def ReadContent(  # noqa: N802
        self, request: asset_pb2.ReadContentRequest, context: Any
    ) -> AsyncIterator[asset_pb2.ReadContentResponse]:
        """Streams the content, or the thumbnail, from an offset on."""
        row = await self._get(request.name)
        path, mime = self._files.content(row["project"], row["sha256"], row["mime_type"]), row["mime_type"]
        if request.variant == asset_pb2.ReadContentRequest.VARIANT_THUMBNAIL:
            path, mime = self._files.thumbnail(row["project"], row["sha256"]), "image/webp"
        names.choice(asset_pb2.ReadContentRequest.Variant.DESCRIPTOR, request.variant, "variant")
        if request.offset < 0:
            raise FieldInvalid("`offset` is negative.", field="offset")
        try:
            file = await asyncio.to_thread(path.open, "rb")
        except OSError as error:
            raise ContentLost(f"The file of {request.name} cannot be read: {error.strerror}.", path=path) from error
        with file:
            total = path.stat().st_size
            file.seek(min(request.offset, total))
            first = True
            while chunk := await asyncio.to_thread(file.read, CHUNK):
                yield asset_pb2.ReadContentResponse(
                    chunk=chunk, total_bytes=total if first else 0, mime_type=mime if first else ""
                )
                first = False

    async def _get(self, name: str) -> Row:
        project, slug = names.parse(name, "projects/*/assets/*")

        def read(view: View) -> Row:
            projects.get(view, project)
            return store.get(view, project, slug)

        return await self._database.read(read)
