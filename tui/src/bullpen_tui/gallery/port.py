"""The part of the port about the gallery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bullpen_api.v1 import asset_pb2

FACETS = ("is", "character", "stage", "model", "tag", "kind")
"""Fields whose values are counted."""


class GalleryPort(Protocol):
    """Every call may raise `BullpenError`."""

    async def find_assets(
        self, project: str, search: str, in_trash: bool, skip: int, most: int
    ) -> asset_pb2.ListAssetsResponse:
        """Pictures that a search finds, the newest first, after `skip` of them."""
        ...

    async def sum_assets(self, project: str, search: str, in_trash: bool) -> asset_pb2.SummarizeAssetsResponse:
        """How many there are, and which of the facts `FACETS` they have."""
        ...

    async def asset(self, name: str) -> asset_pb2.Asset:
        """One picture by its name."""
        ...

    async def update_asset(self, asset: asset_pb2.Asset, paths: Sequence[str]) -> asset_pb2.Asset:
        """Changes the fields that `paths` name, if the etag is empty or still the current one."""
        ...

    async def purge_asset(self, name: str) -> asset_pb2.Asset:
        """Removes the files of a picture in the trash."""
        ...

    async def asset_tree(self, name: str) -> asset_pb2.AssetLineage:
        """What a picture was made from and what was made of it."""
        ...

    async def saved_searches(self, project: str) -> asset_pb2.ListSavedSearchesResponse:
        """The saved searches of a project."""
        ...

    async def save_search(
        self, project: str, slug: str, title: str, search: str, request_id: str
    ) -> asset_pb2.SavedSearch:
        """Keeps a search."""
        ...

    async def forget_search(self, name: str) -> asset_pb2.SavedSearch:
        """Forgets a saved search; gives it as it was."""
        ...
