"""The part of the fake daemon about the gallery: it finds what has the words of a search in its name or tags."""

from __future__ import annotations

from collections.abc import Sequence

from bullpen_api.v1 import asset_pb2
from bullpen_client.errors import SearchInvalid
from google.protobuf import timestamp_pb2

from tests.tui import story


class FakeGallery:
    """Implements `GalleryPort`. `slip` is given for a search that has its first words."""

    revision: int
    _assets: list[asset_pb2.Asset]

    def begin_gallery(self) -> None:
        self.slip: tuple[str, SearchInvalid] | None = None
        self.searches: list[asset_pb2.SavedSearch] = []
        self.largest = 0
        """How many more assets there are than those of the story, made when they are asked for."""

    def _note(self, name: str, *details: object) -> None:
        raise NotImplementedError

    def _found(self, project: str, search: str, in_trash: bool) -> list[asset_pb2.Asset]:
        if self.slip is not None and self.slip[0] in search:
            raise self.slip[1]
        found = [
            one
            for one in self._assets
            if one.name.startswith(project + "/") and one.HasField("delete_time") == in_trash
        ]
        found.sort(key=lambda one: -one.create_time.seconds)
        for word in search.split():
            key, _, value = word.rpartition(":")
            value = value.strip('"')
            if key == "kind":
                found = [one for one in found if asset_pb2.Asset.Kind.Name(one.kind) == f"KIND_{value.upper()}"]
            elif key == "tag":
                found = [one for one in found if value in one.tags]
            elif key == "is":
                names = asset_pb2.Asset.Verdict.keys()
                found = [one for one in found if names[one.verdict] == f"VERDICT_{value.upper()}"]
            else:
                found = [one for one in found if value in one.display_name]
        return found

    async def find_assets(
        self, project: str, search: str, in_trash: bool, skip: int, most: int
    ) -> asset_pb2.ListAssetsResponse:
        self._note("find_assets", project, search, in_trash, skip)
        found = self._found(project, search, in_trash)
        page = found[skip : skip + most]
        if self.largest and not search:
            page = [story.numbered(number) for number in range(skip, min(skip + most, self.largest))]
        more = skip + len(page) < max(len(found), self.largest if not search else 0)
        return asset_pb2.ListAssetsResponse(assets=page, next_page_token="more" if more else "", revision=self.revision)

    async def sum_assets(self, project: str, search: str, in_trash: bool) -> asset_pb2.SummarizeAssetsResponse:
        self._note("sum_assets", project, search, in_trash)
        found = self._found(project, search, in_trash)
        kinds: dict[str, int] = {}
        for one in found:
            name = asset_pb2.Asset.Kind.Name(one.kind).removeprefix("KIND_").lower()
            kinds[name] = kinds.get(name, 0) + 1
        values = [asset_pb2.AssetFacetValue(value=name, count=count) for name, count in kinds.items()]
        total = self.largest if self.largest and not search else len(found)
        accepted = sum(one.verdict == asset_pb2.Asset.VERDICT_ACCEPTED for one in found)
        facets = [
            asset_pb2.AssetFacet(field="is", values=[asset_pb2.AssetFacetValue(value="accepted", count=accepted)])
        ]
        facets = [*(facets if accepted else ()), asset_pb2.AssetFacet(field="kind", values=values)]
        return asset_pb2.SummarizeAssetsResponse(total_size=total, facets=facets, revision=self.revision)

    async def asset(self, name: str) -> asset_pb2.Asset:
        self._note("asset", name)
        return next(one for one in self._assets if one.name == name)

    async def update_asset(self, asset: asset_pb2.Asset, paths: Sequence[str]) -> asset_pb2.Asset:
        self._note("update_asset", asset.name, tuple(paths))
        return self._changed(asset.name, {path: getattr(asset, path) for path in paths})

    def _changed(self, name: str, values: dict[str, object]) -> asset_pb2.Asset:
        self.revision += 1
        one = next(one for one in self._assets if one.name == name)
        for path, value in values.items():
            if path == "tags":
                del one.tags[:]
                one.tags.extend(value)  # type: ignore[arg-type]
            else:
                setattr(one, path, value)
        one.revision = self.revision
        copy = asset_pb2.Asset()
        copy.CopyFrom(one)
        return copy

    def move(self, name: str, in_trash: bool) -> None:
        """Puts a picture into the trash, or takes it out."""
        one = next(one for one in self._assets if one.name == name)
        self.revision += 1
        one.revision = self.revision
        if in_trash:
            one.delete_time.CopyFrom(timestamp_pb2.Timestamp(seconds=int(story.NOW)))
        else:
            one.ClearField("delete_time")

    async def purge_asset(self, name: str) -> asset_pb2.Asset:
        self._note("purge_asset", name)
        return self._changed(name, {})

    async def asset_tree(self, name: str) -> asset_pb2.AssetLineage:
        self._note("asset_tree", name)
        known = {one.name: one for one in self._assets}
        chain = [known[name]]
        while chain[0].derived_from:
            chain.insert(0, known[chain[0].derived_from[0]])
        nodes = [
            asset_pb2.AssetLineageNode(
                asset=one, depth=depth, parent=chain[depth - 1].name if depth else "", asked=one.name == name
            )
            for depth, one in enumerate(chain)
        ]
        return asset_pb2.AssetLineage(nodes=nodes, revision=self.revision)

    async def saved_searches(self, project: str) -> asset_pb2.ListSavedSearchesResponse:
        self._note("saved_searches", project)
        return asset_pb2.ListSavedSearchesResponse(saved_searches=self.searches, revision=self.revision)

    async def save_search(
        self, project: str, slug: str, title: str, search: str, request_id: str
    ) -> asset_pb2.SavedSearch:
        self._note("save_search", project, slug, title, search)
        self.searches.append(asset_pb2.SavedSearch(name=f"{project}/searches/{slug}", title=title, filter=search))
        return self.searches[-1]

    async def forget_search(self, name: str) -> asset_pb2.SavedSearch:
        self._note("forget_search", name)
        gone = next(one for one in self.searches if one.name == name)
        self.searches.remove(gone)
        return gone
