"""Lists and sums of assets: requests become searches, and what is found becomes pages."""

from __future__ import annotations

import json
from difflib import get_close_matches

from bullpen_api.v1 import asset_pb2

from bullpend.assets import language, store
from bullpend.assets.files import Files
from bullpend.assets.index import load
from bullpend.assets.search import COUNTED, FACETS, Kept, Search, Wish
from bullpend.db import Database, Row
from bullpend.db.database import View
from bullpend.errors import ExactlyOneOf, FieldInvalid
from bullpend.projects import store as projects
from bullpend.rpc import names, paging


class Finding:
    """Answers ListAssets and SummarizeAssets."""

    def __init__(self, database: Database, files: Files) -> None:
        self._database = database
        self._files = files
        self._kept = Kept()

    async def page(self, request: asset_pb2.ListAssetsRequest) -> asset_pb2.ListAssetsResponse:
        """A page, the newest first."""
        wish = _wish(request)
        scope = json.dumps([wish.project, sorted(wish.kinds), request.filter, wish.in_trash])
        if request.skip < 0:
            raise FieldInvalid("`skip` is negative.", field="skip")
        if sum((bool(request.page_token), request.from_end, request.skip > 0)) > 1:
            raise ExactlyOneOf(
                "A page begins at one place.",
                field="skip" if request.skip else "from_end",
                remedy="Give `page_token`, `skip` or `from_end`.",
                fields="page_token, skip, from_end",
            )
        page = paging.page(request.page_size, request.page_token, scope, (int,))
        before = int(page.after[0]) if page.after else None

        def read(view: View) -> tuple[list[Row], int, int]:
            projects.get(view, wish.project, "parent")
            search = Search(view, self._kept, wish)
            more = 0 if request.from_end else 1
            ids = search.page(page.limit + more, before=before, skip=request.skip, from_end=request.from_end)
            return _rows(view, ids), search.count() if request.count else 0, view.revision()

        rows, total, revision = await self._database.read(read)
        shown, token = page.cut(rows, [(row["id"],) for row in rows])
        assets = [store.pack(row, self._files) for row in shown]
        return asset_pb2.ListAssetsResponse(assets=assets, next_page_token=token, revision=revision, total_size=total)

    async def summary(self, request: asset_pb2.SummarizeAssetsRequest) -> asset_pb2.SummarizeAssetsResponse:
        """How many there are, and the values of their fields."""
        wish = _wish(request)
        for index, field in enumerate(request.fields):
            if field not in COUNTED:
                near = get_close_matches(field, COUNTED, 1)
                raise FieldInvalid(
                    f"`fields` names {field[:40]!r}; nothing is counted by that.",
                    field=f"fields[{index}]",
                    remedy=f"Did you mean {near[0]}?" if near else f"There are {', '.join(COUNTED)}.",
                )

        def read(view: View) -> asset_pb2.SummarizeAssetsResponse:
            projects.get(view, wish.project, "parent")
            search = Search(view, self._kept, wish)
            answer = asset_pb2.SummarizeAssetsResponse(total_size=search.count(), revision=view.revision())
            for field in dict.fromkeys(request.fields or FACETS):
                facet = answer.facets.add(field=field)
                for value, count in search.facet(field):
                    facet.values.add(value=value, count=count)
            return answer

        return await self._database.read(read)


def _wish(request: asset_pb2.ListAssetsRequest | asset_pb2.SummarizeAssetsRequest) -> Wish:
    (project,) = names.parse(request.parent, "projects/*", "parent")
    kinds = tuple(names.choice(asset_pb2.Asset.Kind.DESCRIPTOR, kind, "kinds") for kind in request.kinds)
    return Wish(project, language.parse(request.filter), kinds, request.in_trash)


def _rows(view: View, ids: list[int]) -> list[Row]:
    """Rows of these ids, in their order."""
    sql = "SELECT a.* FROM json_each(?) j CROSS JOIN assets a ON a.id = j.value"
    return [load(row) for row in view.all(sql, json.dumps(ids))]
