"""The part of the port about pictures and about what models do: lab, post-process, bringing out, residency."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from bullpen_api.v1 import lab_pb2, model_pb2, postprocess_pb2, storage_pb2


class LabPort(Protocol):
    """Every call may raise `BullpenError`."""

    def generate(self, request: lab_pb2.GenerateRequest) -> AsyncIterator[lab_pb2.GenerateResponse]:
        """Makes pictures from a text, without a project."""
        ...

    def process_picture(
        self, head: postprocess_pb2.ProcessPictureHead
    ) -> AsyncIterator[postprocess_pb2.ProcessPictureResponse]:
        """Takes one picture on the daemon's machine through the chain, without a project."""
        ...

    def process_assets(
        self, project: str, assets: Sequence[str], run: str, confirm_spend: bool
    ) -> AsyncIterator[postprocess_pb2.ProcessAssetsResponse]:
        """Takes assets, or the accepted pictures of a run, through the steps that the settings switch on. Raises
        SpendNotConfirmed where one of them costs money that was not agreed to.
        """
        ...

    def sync_storage(self, project: str, folder: str, bucket: bool) -> AsyncIterator[storage_pb2.SyncStorageResponse]:
        """Brings a project's pictures to a folder of the daemon's machine, or to the project's bucket."""
        ...

    async def load(self, model: str) -> model_pb2.LoadModelResponse:
        """Brings a model into memory."""
        ...

    async def pin(self, model: str, pinned: bool) -> model_pb2.ModelKeeping:
        """Keeps a model in memory, or lets it go again."""
        ...
