# ruff: noqa: D102 - the port documents every call
"""The calls of `LabPort` over the client library."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from bullpen_api.v1 import lab_pb2, model_pb2, postprocess_pb2, storage_pb2
from bullpen_client.connect import Session


class LabCalls:
    """`LabPort` over a session."""

    _session: Session

    async def generate(self, request: lab_pb2.GenerateRequest) -> AsyncIterator[lab_pb2.GenerateResponse]:
        async for message in self._session.lab.Generate(request):
            yield message

    async def process_picture(
        self, head: postprocess_pb2.ProcessPictureHead
    ) -> AsyncIterator[postprocess_pb2.ProcessPictureResponse]:
        async def parts() -> AsyncIterator[postprocess_pb2.ProcessPictureRequest]:
            yield postprocess_pb2.ProcessPictureRequest(head=head)

        async for message in self._session.lab.ProcessPicture(parts()):
            yield message

    async def process_assets(
        self, project: str, assets: Sequence[str], run: str, confirm_spend: bool
    ) -> AsyncIterator[postprocess_pb2.ProcessAssetsResponse]:
        request = postprocess_pb2.ProcessAssetsRequest(
            parent=project, assets=assets, run=run, confirm_spend=confirm_spend
        )
        async for message in self._session.postprocess.ProcessAssets(request):
            yield message

    async def sync_storage(
        self, project: str, folder: str, bucket: bool
    ) -> AsyncIterator[storage_pb2.SyncStorageResponse]:
        request = storage_pb2.SyncStorageRequest(parent=project, folder=folder, bucket=bucket)
        async for message in self._session.storage.SyncStorage(request):
            yield message

    async def load(self, model: str) -> model_pb2.LoadModelResponse:
        return await self._session.models.LoadModel(model_pb2.LoadModelRequest(name=model))

    async def pin(self, model: str, pinned: bool) -> model_pb2.ModelKeeping:
        if pinned:
            return await self._session.models.PinModel(model_pb2.PinModelRequest(name=model))
        return await self._session.models.UnpinModel(model_pb2.UnpinModelRequest(name=model))
