"""Keeping one resource of the bible, of whatever kind: create, read, list, change, put into the trash and take out.

Every change is one transaction with its event. Reads give rows; `wire.py` packs them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bullpen_api.v1 import event_pb2
from google.protobuf.field_mask_pb2 import FieldMask

from bullpend.bible import places, rules, store, templates, wire
from bullpend.bible.checks import Checks
from bullpend.bible.model import SCENES, Character, Kind, M, Message, PromptTemplate
from bullpend.db import Database, Row, Tx
from bullpend.db.database import Value, View
from bullpend.errors import BullpenError, StageUnknown, StateConflict
from bullpend.models.model import LORA, Model
from bullpend.models.rules import require
from bullpend.projects import store as projects
from bullpend.rpc import masks, names, paging
from bullpend.rpc.wire import etag, once
from bullpend.runs import lineage
from bullpend.runs.cast import OF_CHARACTERS

# What is wrong with the LoRAs that a request names, by their names.
Problems = Mapping[str, BullpenError]


@dataclass(frozen=True)
class Listed:
    """A page of rows, the token of the next page, the revision of the view, and accepted pictures by scene."""

    rows: Sequence[Row]
    token: str
    revision: int
    accepted: Mapping[str, list[Row]]


def message_of(view: View, kind: Kind[M], row: Row) -> M:
    """A row in its wire form; a scene with its accepted pictures."""
    if kind.table == SCENES.table:
        accepted = store.accepted(view, row["project"], row["slug"]).get(row["slug"], [])
        return wire.pack_scene(row, accepted)  # type: ignore[return-value]  # the table says which message it is
    return wire.pack(kind, row)


def emit(tx: Tx, kind: Kind[M], row: Row, what: str) -> None:
    """Says what happened to a resource, with the resource as it is now."""
    message = message_of(tx, kind, row)
    event = event_pb2.Event(**{kind.singular: message})  # type: ignore[arg-type]  # the field is named after the kind
    tx.emit(row["project"], message.name, f"{kind.singular}.{what}", event.SerializeToString())
    # With another source, what was made from the old one is out of date.
    if kind.table == SCENES.table and what == "updated" and lineage.refresh(tx, message.name):
        event = event_pb2.Event(**{kind.singular: message_of(tx, kind, row)})  # type: ignore[arg-type]  # as above
        tx.emit(row["project"], message.name, f"{kind.singular}.accepted", event.SerializeToString())


class Shelf:
    """Keeps resources. `stages` gives the variables that each stage of a project's manifest declares."""

    def __init__(
        self,
        database: Database,
        style_roots: Sequence[Path],
        find_model: Callable[[str], Model],
        stages: Callable[[str], Mapping[str, Collection[str]]],
    ) -> None:
        self.database = database
        self.stages = stages
        self._style_roots = style_roots
        self._find_model = find_model

    async def create(self, kind: Kind[M], request: Any) -> M:
        """Creates a resource, once for a request_id."""
        (project,) = names.parse(request.parent, "projects/*", "parent")
        slug = names.slug(getattr(request, f"{kind.singular}_id"), f"{kind.singular}_id")
        given: M = getattr(request, kind.singular)
        problems = await self.lora_problems(given)

        def write(tx: Tx) -> M:
            def work() -> str:
                projects.get(tx, project, "parent")
                row: Row = {
                    "project": project,
                    "slug": slug,
                    **self.checked(tx, kind, project, slug, given, kind.message(), problems),
                    "create_time": tx.now,
                    "update_time": tx.now,
                    "delete_time": None,
                    "revision": tx.next_revision(),
                }
                self._make_room(tx, kind, row, 0)
                store.create(tx, kind, row)
                emit(tx, kind, row, "created")
                return slug

            return message_of(tx, kind, store.get(tx, kind, project, once(tx, request.request_id, request, work)))

        return await self.database.write(write)

    async def get(self, kind: Kind[M], name: str) -> M:
        """One resource, also from the trash."""
        project, slug = names.parse(name, f"projects/*/{kind.collection}/*")

        def read(view: View) -> M:
            projects.get(view, project)
            return message_of(view, kind, store.get(view, kind, project, slug))

        return await self.database.read(read)

    async def listed(self, kind: Kind[Any], request: Any, where: str = "", *values: Value) -> Listed:
        """A page of resources; `where` is a condition of our own for the list's filter, with its `values`."""
        (project,) = names.parse(request.parent, "projects/*", "parent")
        scope = "/".join((project, kind.table, *(["trash"] if request.show_deleted else []), *map(str, values)))
        page = paging.page(request.page_size, request.page_token, scope, (int, int))

        def read(view: View) -> tuple[list[Row], int, Mapping[str, list[Row]]]:
            projects.get(view, project, "parent")
            after = (int(page.after[0]), int(page.after[1])) if page.after else (-(2**31), 0)
            rows = store.page(
                view,
                kind,
                project,
                after,
                page.limit + 1,
                deleted=request.show_deleted,
                where=where,
                values=values,
            )
            accepted = store.accepted(view, project) if kind is SCENES else {}
            return rows, view.revision(), accepted

        rows, revision, accepted = await self.database.read(read)
        shown, token = page.cut(rows, [(row.get("ordinal", 0), row["id"]) for row in rows])
        return Listed(shown, token, revision, accepted)

    async def update(self, kind: Kind[M], given: M, mask: FieldMask) -> M:
        """Changes the masked fields; what changes nothing is no event."""
        at = kind.singular
        project, slug = names.parse(given.name, f"projects/*/{kind.collection}/*", f"{at}.name")
        problems = await self.lora_problems(given)

        def write(tx: Tx) -> M:
            projects.get(tx, project, f"{at}.name")
            row = store.get(tx, kind, project, slug, f"{at}.name")
            masks.check_etag(given.etag, etag(slug, row["revision"]), given.name, f"{at}.etag")
            if row["delete_time"] is not None:
                raise StateConflict(
                    f"{given.name} is in the trash, where nothing is changed.",
                    field=f"{at}.name",
                    remedy="Take it out of the trash first.",
                    resource=given.name,
                )
            before = wire.said(kind, row)
            merged = masks.merge(before, given, mask, kind.writable)
            values = self.checked(tx, kind, project, slug, merged, before, problems)
            if any(row[name] != value for name, value in values.items()):
                self._make_room(tx, kind, {**row, **values}, row.get("ordinal", 0))
                stamps = {"update_time": tx.now, "revision": tx.next_revision()}
                row = store.change(tx, kind, row, {**values, **stamps})
                emit(tx, kind, row, "updated")
            return message_of(tx, kind, row)

        return await self.database.write(write)

    async def delete(self, kind: Kind[M], name: str, given_etag: str) -> M:
        """Puts a resource into the trash."""
        return await self._move(kind, name, given_etag, into_trash=True)

    async def undelete(self, kind: Kind[M], name: str, given_etag: str) -> M:
        """Takes a resource out of the trash."""
        return await self._move(kind, name, given_etag, into_trash=False)

    async def _move(self, kind: Kind[M], name: str, given_etag: str, *, into_trash: bool) -> M:
        project, slug = names.parse(name, f"projects/*/{kind.collection}/*")

        def write(tx: Tx) -> M:
            projects.get(tx, project)
            row = store.get(tx, kind, project, slug)
            if (row["delete_time"] is not None) != into_trash:
                masks.check_etag(given_etag, etag(slug, row["revision"]), name, "etag")
                stamps = {"delete_time": tx.now if into_trash else None, "revision": tx.next_revision()}
                row = store.change(tx, kind, row, stamps)
                emit(tx, kind, row, "deleted" if into_trash else "undeleted")
            return message_of(tx, kind, row)

        return await self.database.write(write)

    def _make_room(self, tx: Tx, kind: store.AnyKind, row: Row, before: int) -> None:
        """Moves other scenes along where this one is put into the place of one."""
        if kind is SCENES and row["ordinal"] != before:
            told = partial(emit, tx, SCENES, what="updated")
            places.make_room(tx, row["project"], row["slug"], before, row["ordinal"], told)

    def checked(self, tx: View, kind: Kind[M], project: str, slug: str, given: M, before: M, problems: Problems) -> Row:
        """The columns of a resource as it is said, when nothing is wrong with it; `before` is empty for a new one."""
        message = kind.message()
        message.CopyFrom(given)
        message.title = message.title or slug.replace("_", " ").title()
        rules.check(kind, message)
        if isinstance(message, PromptTemplate):
            templates.check(message, self.variables_of(project, message.stage, "prompt_template.stage"))
        Checks(tx, project, self._style_roots).check(kind, slug, message, before)
        if isinstance(message, Character) and isinstance(before, Character):
            known = {use.model for use in before.loras}
            for index, use in enumerate(message.loras):
                if use.model not in known and (problem := problems.get(use.model)) is not None:
                    problem.field = f"character.loras[{index}].model"
                    raise problem
        columns = wire.columns(kind, message)
        if kind is SCENES:
            columns["ordinal"] = columns["ordinal"] or store.next_ordinal(tx, project)
        return columns

    def variables_of(self, project: str, stage: str, field: str) -> Collection[str]:
        """Variables that need no declaration: those that a scene's characters fill, and those that a stage declares.

        Raises StageUnknown.
        """
        if not stage:
            return OF_CHARACTERS
        stages = self.stages(project)
        known = stages.get(stage.removeprefix("stages/")) if stage.startswith("stages/") else None
        if known is None:
            there = ", ".join(f"stages/{name}" for name in stages)
            raise StageUnknown(
                f"There is no stage {stage[:100]}.", field=field, remedy=f"The stages are: {there}.", stage=stage[:100]
            )
        return (*known, *OF_CHARACTERS)

    async def lora_problems(self, message: Message) -> Problems:
        """Looks at the LoRAs that a character names, which may read the disk. More than are kept are not looked at."""
        found: dict[str, BullpenError] = {}
        if isinstance(message, Character):
            for use in message.loras[:8]:
                try:
                    require(await asyncio.to_thread(self._find_model, use.model), LORA)
                except BullpenError as error:
                    found[use.model] = error
        return found
