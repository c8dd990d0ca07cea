# ruff: noqa: D102 - the port documents every call
"""The calls of `GalleryPort` over the client library."""

from __future__ import annotations

from collections.abc import Sequence

from bullpen_api.v1 import asset_pb2
from bullpen_client.connect import Session
from google.protobuf import field_mask_pb2

from bullpen_tui.gallery.port import FACETS


class GalleryCalls:
    """`GalleryPort` over a session."""

    _session: Session

    async def find_assets(
        self, project: str, search: str, in_trash: bool, skip: int, most: int
    ) -> asset_pb2.ListAssetsResponse:
        request = asset_pb2.ListAssetsRequest(
            parent=project, filter=search, in_trash=in_trash, skip=skip, page_size=most
        )
        return await self._session.assets.ListAssets(request)

    async def sum_assets(self, project: str, search: str, in_trash: bool) -> asset_pb2.SummarizeAssetsResponse:
        request = asset_pb2.SummarizeAssetsRequest(parent=project, filter=search, in_trash=in_trash, fields=FACETS)
        return await self._session.assets.SummarizeAssets(request)

    async def asset(self, name: str) -> asset_pb2.Asset:
        return await self._session.assets.GetAsset(asset_pb2.GetAssetRequest(name=name))

    async def update_asset(self, asset: asset_pb2.Asset, paths: Sequence[str]) -> asset_pb2.Asset:
        mask = field_mask_pb2.FieldMask(paths=paths)
        return await self._session.assets.UpdateAsset(asset_pb2.UpdateAssetRequest(asset=asset, update_mask=mask))

    async def purge_asset(self, name: str) -> asset_pb2.Asset:
        return await self._session.assets.PurgeAsset(asset_pb2.PurgeAssetRequest(name=name))

    async def trash_asset(self, name: str) -> None:
        await self._session.assets.DeleteAsset(asset_pb2.DeleteAssetRequest(name=name))

    async def restore_asset(self, name: str) -> None:
        await self._session.assets.UndeleteAsset(asset_pb2.UndeleteAssetRequest(name=name))

    async def asset_tree(self, name: str) -> asset_pb2.AssetLineage:
        return await self._session.assets.GetAssetLineage(asset_pb2.GetAssetLineageRequest(name=name))

    async def saved_searches(self, project: str) -> asset_pb2.ListSavedSearchesResponse:
        request = asset_pb2.ListSavedSearchesRequest(parent=project, page_size=500)
        return await self._session.assets.ListSavedSearches(request)

    async def save_search(
        self, project: str, slug: str, title: str, search: str, request_id: str
    ) -> asset_pb2.SavedSearch:
        saved = asset_pb2.SavedSearch(title=title, filter=search)
        request = asset_pb2.CreateSavedSearchRequest(
            parent=project, saved_search_id=slug, saved_search=saved, request_id=request_id
        )
        return await self._session.assets.CreateSavedSearch(request)

    async def forget_search(self, name: str) -> asset_pb2.SavedSearch:
        return await self._session.assets.DeleteSavedSearch(asset_pb2.DeleteSavedSearchRequest(name=name))
