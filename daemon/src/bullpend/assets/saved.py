"""Saved searches: a search of a project under a name."""

from __future__ import annotations

from bullpen_api.v1 import asset_pb2, event_pb2
from google.protobuf.field_mask_pb2 import FieldMask

from bullpend.assets import language
from bullpend.db import Database, Row, Tx
from bullpend.db.database import View
from bullpend.errors import AlreadyExists, FieldInvalid, LimitExceeded, ResourceNotFound, SearchInvalid
from bullpend.projects import store as projects
from bullpend.rpc import masks, names, paging
from bullpend.rpc.wire import etag, once, timestamp

NAME = "projects/*/searches/*"
MOST = 500
WRITABLE = ("title", "filter")


class SavedSearches:
    """Keeps the saved searches of all projects."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, request: asset_pb2.CreateSavedSearchRequest) -> asset_pb2.SavedSearch:
        """Keeps a search, once for a request_id."""
        (project,) = names.parse(request.parent, "projects/*", "parent")
        slug = names.slug(request.saved_search_id, "saved_search_id")
        given = request.saved_search

        def write(tx: Tx) -> asset_pb2.SavedSearch:
            def work() -> str:
                projects.get(tx, project, "parent")
                if _find(tx, project, slug) is not None:
                    name = f"projects/{project}/searches/{slug}"
                    raise AlreadyExists(f"{name} exists.", field="saved_search_id", resource=name)
                if tx.value("SELECT count(*) FROM saved_searches WHERE project = ?", project) >= MOST:
                    raise LimitExceeded(f"A project keeps {MOST} searches at most.", field="parent", limit=MOST)
                row: Row = {
                    "project": project,
                    "slug": slug,
                    **_checked(given, slug),
                    "create_time": tx.now,
                    "update_time": tx.now,
                    "revision": tx.next_revision(),
                }
                tx.insert("saved_searches", row)
                _emit(tx, row, "created")
                return slug

            return pack(_get(tx, project, once(tx, request.request_id, request, work)))

        return await self._database.write(write)

    async def listed(self, request: asset_pb2.ListSavedSearchesRequest) -> asset_pb2.ListSavedSearchesResponse:
        """Those of a project, in the order of their creation."""
        (project,) = names.parse(request.parent, "projects/*", "parent")
        page = paging.page(request.page_size, request.page_token, f"{project}/searches", (int,))

        def read(view: View) -> tuple[list[Row], int]:
            projects.get(view, project, "parent")
            sql = "SELECT * FROM saved_searches WHERE project = ? AND id > ? ORDER BY id LIMIT ?"
            after = int(page.after[0]) if page.after else 0
            return view.all(sql, project, after, page.limit + 1), view.revision()

        rows, revision = await self._database.read(read)
        shown, token = page.cut(rows, [(row["id"],) for row in rows])
        return asset_pb2.ListSavedSearchesResponse(
            saved_searches=[pack(row) for row in shown], next_page_token=token, revision=revision
        )

    async def update(self, given: asset_pb2.SavedSearch, mask: FieldMask) -> asset_pb2.SavedSearch:
        """Changes the masked fields; what changes nothing is no event."""
        project, slug = names.parse(given.name, NAME, "saved_search.name")

        def write(tx: Tx) -> asset_pb2.SavedSearch:
            projects.get(tx, project, "saved_search.name")
            row = _get(tx, project, slug, "saved_search.name")
            masks.check_etag(given.etag, etag(slug, row["revision"]), given.name, "saved_search.etag")
            values = _checked(masks.merge(pack(row), given, mask, WRITABLE), slug)
            if any(row[key] != value for key, value in values.items()):
                row |= {**values, "update_time": tx.now, "revision": tx.next_revision()}
                sql = "UPDATE saved_searches SET title = ?, filter = ?, update_time = ?, revision = ? WHERE id = ?"
                tx.run(sql, row["title"], row["filter"], row["update_time"], row["revision"], row["id"])
                _emit(tx, row, "updated")
            return pack(row)

        return await self._database.write(write)

    async def delete(self, name: str, given_etag: str) -> asset_pb2.SavedSearch:
        """Forgets a search; gives it as it was."""
        project, slug = names.parse(name, NAME)

        def write(tx: Tx) -> asset_pb2.SavedSearch:
            projects.get(tx, project)
            row = _get(tx, project, slug)
            masks.check_etag(given_etag, etag(slug, row["revision"]), name, "etag")
            tx.run("DELETE FROM saved_searches WHERE id = ?", row["id"])
            row["revision"] = tx.next_revision()
            _emit(tx, row, "deleted")
            return pack(row)

        return await self._database.write(write)


def _checked(given: asset_pb2.SavedSearch, slug: str) -> Row:
    """The columns of a saved search, when nothing is wrong with it."""
    try:
        if not language.parse(given.filter):
            raise FieldInvalid("`saved_search.filter` is empty.", field="saved_search.filter", remedy="Give a search.")
    except SearchInvalid as slip:
        slip.field = "saved_search.filter"
        raise
    title = names.text(given.title, "saved_search.title", 200)
    return {"title": title or slug.replace("_", " ").capitalize(), "filter": given.filter}


def _find(view: View, project: str, slug: str) -> Row | None:
    return view.one("SELECT * FROM saved_searches WHERE project = ? AND slug = ?", project, slug)


def _get(view: View, project: str, slug: str, field: str = "name") -> Row:
    row = _find(view, project, slug)
    if row is None:
        name = f"projects/{project}/searches/{slug}"
        raise ResourceNotFound(f"There is no {name}.", field=field, resource=name)
    return row


def _emit(tx: Tx, row: Row, what: str) -> None:
    message = pack(row)
    payload = event_pb2.Event(saved_search=message).SerializeToString()
    tx.emit(row["project"], message.name, f"saved_search.{what}", payload)


def pack(row: Row) -> asset_pb2.SavedSearch:
    """The wire form of a saved search."""
    return asset_pb2.SavedSearch(
        name=f"projects/{row['project']}/searches/{row['slug']}",
        title=row["title"],
        filter=row["filter"],
        create_time=timestamp(row["create_time"]),
        update_time=timestamp(row["update_time"]),
        etag=etag(row["slug"], row["revision"]),
        revision=row["revision"],
    )
