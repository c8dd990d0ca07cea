# ruff: noqa: N802 - methods are named as the contract names them
"""The fake daemon's assets, and single pictures without a project."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from bullpen_api.v1 import (
    asset_pb2,
    asset_pb2_grpc,
    lab_pb2,
    lab_pb2_grpc,
    postprocess_pb2,
)

from tests.support.fake_daemon import Refusal

if TYPE_CHECKING:
    pass
from tests.support.fake_services.base import Service, refuse, unserved


class Assets(Service, asset_pb2_grpc.AssetServiceServicer):
    SummarizeAssets = UpdateAsset = DeleteAsset = UndeleteAsset = PurgeAsset = GetAssetLineage = unserved
    CreateSavedSearch = ListSavedSearches = UpdateSavedSearch = DeleteSavedSearch = unserved

    def _store(self, parent: str, content: bytes, name: str, kind: Any) -> asset_pb2.Asset:
        digest = hashlib.sha256(content).hexdigest()
        asset = asset_pb2.Asset(
            name=f"{parent}/assets/{digest}",
            kind=kind,
            sha256=digest,
            mime_type="image/png",
            size_bytes=len(content),
            display_name=name,
            path=f"/store/{digest}.png",
        )
        self.daemon.assets[asset.name] = asset
        self.daemon.contents[asset.name] = content
        return asset

    async def GetAsset(self, request: Any, context: Any) -> asset_pb2.Asset:
        return await self.the(context, self.daemon.assets, "asset", request.name)  # type: ignore[no-any-return]

    async def ListAssets(self, request: Any, context: Any) -> asset_pb2.ListAssetsResponse:
        kinds = set(request.kinds)
        listed = [asset for asset in self.daemon.assets.values() if not kinds or asset.kind in kinds]
        return asset_pb2.ListAssetsResponse(assets=listed, revision=self.daemon.revision)

    async def ImportAsset(self, request: Any, context: Any) -> asset_pb2.Asset:
        path = Path(request.path)
        if "allowed" not in path.parts:
            outside = Refusal("PATH_NOT_ALLOWED", grpc.StatusCode.PERMISSION_DENIED, "Outside the roots.", "path")
            await refuse(context, outside)
        return self._store(request.parent, path.read_bytes(), path.name, request.kind)

    async def UploadAsset(self, request_iterator: Any, context: Any) -> asset_pb2.Asset:
        head, content = asset_pb2.UploadHead(), b""
        async for part in request_iterator:
            if part.HasField("head"):
                head = part.head
            content += part.chunk
        return self._store(head.parent, content, head.display_name, head.kind)

    async def ReadContent(self, request: Any, context: Any) -> AsyncIterator[asset_pb2.ReadContentResponse]:
        await self.the(context, self.daemon.assets, "asset", request.name)
        content = self.daemon.contents[request.name]
        for start in range(0, len(content), 4):
            yield asset_pb2.ReadContentResponse(chunk=content[start : start + 4], total_bytes=len(content))


class Lab(Service, lab_pb2_grpc.LabServiceServicer):
    async def Generate(self, request: Any, context: Any) -> AsyncIterator[lab_pb2.GenerateResponse]:
        """Pictures of a few bytes: the seed in words, in two parts. A prompt of `damaged` gives another hash."""
        seeds = [request.seed + number for number in range(request.count or 1)]
        started = lab_pb2.GenerateStarted(model=request.model or "models/starter-text", seeds=seeds)
        started.sampling.CopyFrom(request.sampling)
        yield lab_pb2.GenerateResponse(started=started)
        for number, seed in enumerate(seeds, 1):
            yield lab_pb2.GenerateResponse(progress=lab_pb2.GenerateProgress(picture=number, step=1, steps=2))
            content = f"picture {seed}".encode()
            sha256 = hashlib.sha256(b"" if request.prompt == "damaged" else content).hexdigest()
            head = lab_pb2.GeneratedPicture(picture=number, seed=seed, size_bytes=len(content), sha256=sha256)
            yield lab_pb2.GenerateResponse(picture=head)
            yield lab_pb2.GenerateResponse(chunk=content[:3])
            yield lab_pb2.GenerateResponse(chunk=content[3:])

    async def ProcessPicture(
        self, request_iterator: Any, context: Any
    ) -> AsyncIterator[postprocess_pb2.ProcessPictureResponse]:
        """The picture as it was sent. A profile of `damaged` gives another hash."""
        parts = [part async for part in request_iterator]
        wish = parts[0].head.post_process
        started = postprocess_pb2.ProcessPictureStarted(post_process=wish)
        yield postprocess_pb2.ProcessPictureResponse(started=started)
        content = b"".join(part.chunk for part in parts)
        sha256 = hashlib.sha256(b"" if wish.color.profile == "damaged" else content).hexdigest()
        picture = postprocess_pb2.ProcessedPicture(width=1, height=1, size_bytes=len(content), sha256=sha256)
        yield postprocess_pb2.ProcessPictureResponse(picture=picture)
        yield postprocess_pb2.ProcessPictureResponse(chunk=content)

    async def ListColorProfiles(self, request: Any, context: Any) -> postprocess_pb2.ListColorProfilesResponse:
        return postprocess_pb2.ListColorProfilesResponse(profiles=[postprocess_pb2.ColorProfile(name="neutral")])
