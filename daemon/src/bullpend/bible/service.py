"""BibleService: unpack, call, pack. The three kinds share one way of being created, read and listed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from bullpen_api.v1 import bible_pb2, bible_pb2_grpc, event_pb2

from bullpend.assets import store as assets
from bullpend.bible import store
from bullpend.bible.store import CHARACTERS, SCENES, STYLE_GUIDES, Kind
from bullpend.db import Database, Row, Tx
from bullpend.db.database import View
from bullpend.errors import FieldInvalid, PathNotAllowed
from bullpend.projects import store as projects
from bullpend.rpc import names, paging
from bullpend.rpc.wire import etag, once, timestamp

# Room for scenes after the last one within the 32 bits of the wire.
MAX_ORDINAL = 1_000_000_000
M = TypeVar("M", bible_pb2.StyleGuide, bible_pb2.Character, bible_pb2.Scene)


def _common(kind: Kind, row: Row) -> dict[str, Any]:
    return {
        "name": f"projects/{row['project']}/{kind[1]}/{row['slug']}",
        "title": row["title"],
        "description": row["description"],
        "create_time": timestamp(row["create_time"]),
        "etag": etag(row["slug"], row["revision"]),
        "revision": row["revision"],
    }


def pack_style_guide(row: Row) -> bible_pb2.StyleGuide:
    """The wire form of a style guide."""
    return bible_pb2.StyleGuide(variables=row["variables"], anchors=row["anchors"], **_common(STYLE_GUIDES, row))


def pack_character(row: Row) -> bible_pb2.Character:
    """The wire form of a character."""
    return bible_pb2.Character(references=row["references"], **_common(CHARACTERS, row))


def pack_scene(row: Row, accepted: list[Row]) -> bible_pb2.Scene:
    """The wire form of a scene with its accepted pictures."""
    scene = bible_pb2.Scene(
        source_asset=row["source_asset"],
        variables=row["variables"],
        characters=row["characters"],
        ordinal=row["ordinal"],
        **_common(SCENES, row),
    )
    for picture in accepted:
        scene.accepted.add(
            stage=picture["stage"],
            candidate=picture["candidate"],
            asset=picture["asset"],
            reason=picture["reason"],
        )
    return scene


def scene_message(view: View, project: str, slug: str) -> bible_pb2.Scene:
    """One scene as it is now."""
    row = store.get(view, SCENES, project, slug)
    return pack_scene(row, store.accepted(view, project, slug).get(slug, []))


def _check_anchors(view: View, project: str, given: list[str], roots: Sequence[Path]) -> list[str]:
    """Style anchors: assets that were sent by the client, or came from one of the allowed style roots."""
    for name in _check_assets(view, project, given, "style_guide.anchors"):
        origin = assets.by_name(view, name)["origin"]
        if origin.startswith("/") and not any(Path(origin).is_relative_to(root.resolve()) for root in roots):
            allowed = ", ".join(str(root) for root in roots)
            raise PathNotAllowed(
                f"{name} came from {origin}, outside the allowed style folders.",
                field="style_guide.anchors",
                remedy=f"Import it from one of {allowed}, or add its folder to paths.style_roots in daemon.toml.",
                path=origin,
                roots=allowed,
            )
    return given


def _check_assets(view: View, project: str, given: list[str], field: str) -> list[str]:
    for name in given:
        owner, slug = names.parse(name, "projects/*/assets/*", field)
        assets.get(view, project if owner == project else "", slug, field)
    return given


def _ordinal(given: int) -> int:
    if not 0 <= given <= MAX_ORDINAL:
        raise FieldInvalid(
            f"`scene.ordinal` is {given}; places are counted from 1 to {MAX_ORDINAL}.",
            field="scene.ordinal",
            remedy="Give the scene's place in the story, or 0 to put it last.",
        )
    return given


class BibleService(bible_pb2_grpc.BibleServiceServicer):
    """Keeps style guides, characters and scenes."""

    def __init__(self, database: Database, style_roots: Sequence[Path]) -> None:
        self._database = database
        self._style_roots = style_roots

    async def CreateStyleGuide(  # noqa: N802 -- gRPC's names from here on
        self, request: bible_pb2.CreateStyleGuideRequest, context: Any
    ) -> bible_pb2.StyleGuide:
        """Creates a style guide."""
        slug, given = names.slug(request.style_guide_id, "style_guide_id"), request.style_guide

        def fields(tx: Tx, project: str) -> Row:
            return {
                "variables": names.variables(given.variables, "style_guide.variables"),
                "anchors": _check_anchors(tx, project, list(given.anchors), self._style_roots),
            }

        row = await self._create(STYLE_GUIDES, request, slug, given, fields, lambda tx, r: pack_style_guide(r))
        return pack_style_guide(row)

    async def CreateCharacter(self, request: bible_pb2.CreateCharacterRequest, context: Any) -> bible_pb2.Character:  # noqa: N802
        """Creates a character."""
        slug, given = names.slug(request.character_id, "character_id"), request.character

        def fields(tx: Tx, project: str) -> Row:
            return {"references": _check_assets(tx, project, list(given.references), "character.references")}

        row = await self._create(CHARACTERS, request, slug, given, fields, lambda tx, r: pack_character(r))
        return pack_character(row)

    async def CreateScene(self, request: bible_pb2.CreateSceneRequest, context: Any) -> bible_pb2.Scene:  # noqa: N802
        """Creates a scene; without an ordinal it goes last."""
        slug, given = names.slug(request.scene_id, "scene_id"), request.scene

        def fields(tx: Tx, project: str) -> Row:
            for name in given.characters:
                owner, character = names.parse(name, "projects/*/characters/*", "scene.characters")
                store.get(tx, CHARACTERS, project if owner == project else "", character, "scene.characters")
            _check_assets(tx, project, [given.source_asset] if given.source_asset else [], "scene.source_asset")
            return {
                "source_asset": given.source_asset,
                "variables": names.variables(given.variables, "scene.variables"),
                "characters": list(given.characters),
                "ordinal": _ordinal(given.ordinal) or store.next_ordinal(tx, project),
            }

        row = await self._create(SCENES, request, slug, given, fields, lambda tx, r: pack_scene(r, []))
        project = row["project"]
        return await self._database.read(lambda view: scene_message(view, project, slug))

    async def GetStyleGuide(self, request: bible_pb2.GetStyleGuideRequest, context: Any) -> bible_pb2.StyleGuide:  # noqa: N802
        """One style guide."""
        return pack_style_guide(await self._get(STYLE_GUIDES, request.name))

    async def GetCharacter(self, request: bible_pb2.GetCharacterRequest, context: Any) -> bible_pb2.Character:  # noqa: N802
        """One character."""
        return pack_character(await self._get(CHARACTERS, request.name))

    async def GetScene(self, request: bible_pb2.GetSceneRequest, context: Any) -> bible_pb2.Scene:  # noqa: N802
        """One scene."""
        project, slug = names.parse(request.name, "projects/*/scenes/*")

        def read(view: View) -> bible_pb2.Scene:
            projects.get(view, project)
            return scene_message(view, project, slug)

        return await self._database.read(read)

    async def ListStyleGuides(  # noqa: N802
        self, request: bible_pb2.ListStyleGuidesRequest, context: Any
    ) -> bible_pb2.ListStyleGuidesResponse:
        """Style guides in the order of their creation."""
        rows, token, revision, _ = await self._list(STYLE_GUIDES, request)
        items = [pack_style_guide(row) for row in rows]
        return bible_pb2.ListStyleGuidesResponse(style_guides=items, next_page_token=token, revision=revision)

    async def ListCharacters(  # noqa: N802
        self, request: bible_pb2.ListCharactersRequest, context: Any
    ) -> bible_pb2.ListCharactersResponse:
        """Characters in the order of their creation."""
        rows, token, revision, _ = await self._list(CHARACTERS, request)
        items = [pack_character(row) for row in rows]
        return bible_pb2.ListCharactersResponse(characters=items, next_page_token=token, revision=revision)

    async def ListScenes(self, request: bible_pb2.ListScenesRequest, context: Any) -> bible_pb2.ListScenesResponse:  # noqa: N802
        """Scenes in story order."""
        rows, token, revision, accepted = await self._list(SCENES, request)
        items = [pack_scene(row, accepted.get(row["slug"], [])) for row in rows]
        return bible_pb2.ListScenesResponse(scenes=items, next_page_token=token, revision=revision)

    async def _create(
        self,
        kind: Kind,
        request: Any,
        slug: str,
        given: M,
        fields: Callable[[Tx, str], Row],
        pack: Callable[[Tx, Row], M],
    ) -> Row:
        (project,) = names.parse(request.parent, "projects/*", "parent")
        table = kind[0]
        singular = table[:-1]
        common: Row = {
            "project": project,
            "slug": slug,
            "title": names.text(given.title, f"{singular}.title", 200) or slug.replace("_", " ").title(),
            "description": names.text(given.description, f"{singular}.description", 20_000),
        }

        def write(tx: Tx) -> Row:
            def work() -> str:
                projects.get(tx, project, "parent")
                row = {**common, **fields(tx, project), "create_time": tx.now, "revision": tx.next_revision()}
                store.create(tx, kind, row)
                message = pack(tx, row)
                event = event_pb2.Event(**{singular: message})  # type: ignore[arg-type]  # the field is named after the table
                tx.emit(project, message.name, f"{singular}.created", event.SerializeToString())
                return slug

            return store.get(tx, kind, project, once(tx, request.request_id, request, work))

        return await self._database.write(write)

    async def _get(self, kind: Kind, name: str) -> Row:
        project, slug = names.parse(name, f"projects/*/{kind[1]}/*")

        def read(view: View) -> Row:
            projects.get(view, project)
            return store.get(view, kind, project, slug)

        return await self._database.read(read)

    async def _list(self, kind: Kind, request: Any) -> tuple[list[Row], str, int, dict[str, list[Row]]]:
        (project,) = names.parse(request.parent, "projects/*", "parent")
        page = paging.page(request.page_size, request.page_token, f"{project}/{kind[0]}", (int, int))

        def read(view: View) -> tuple[list[Row], int, dict[str, list[Row]]]:
            projects.get(view, project, "parent")
            after = (int(page.after[0]), int(page.after[1])) if page.after else (-(2**31), 0)
            rows = store.page(view, kind, project, after, page.limit + 1)
            accepted = store.accepted(view, project) if kind is SCENES else {}
            return rows, view.revision(), accepted

        rows, revision, accepted = await self._database.read(read)
        shown, token = page.cut(rows, [(row.get("ordinal", 0), row["id"]) for row in rows])
        return list(shown), token, revision, accepted
