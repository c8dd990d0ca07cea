"""A whole bible out and in: exporting it with a prompt for a language model, importing what comes back.

An import is one transaction. A dry run is the same transaction, taken back at its end: what it shows is what would
happen, including every refusal.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import string
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bullpen_api.v1 import bootstrap_pb2 as pb
from bullpen_api.v1 import project_pb2
from google.protobuf.json_format import ParseDict

from bullpend.bible import document, store, wire
from bullpend.bible.document import SECTIONS, Document, Item
from bullpend.bible.model import CHARACTERS, Character, Kind
from bullpend.bible.shelf import Problems, Shelf, emit
from bullpend.db import Row, Tx
from bullpend.db.database import View
from bullpend.errors import BullpenError, FieldInvalid, PlanStale, SettingInvalid
from bullpend.projects import rules as project_rules
from bullpend.projects import service as project_service
from bullpend.projects import store as projects
from bullpend.rpc import names

FILE_NAME = "bootstrap-prompt.md"
ALL = 1_000_000
BEGINNING = (-(2**31), 0)
# Kept by a replacing import that does not name them.
KEPT = ("secret_names", "ordinal")
Change = pb.BootstrapChange


class _Shown(Exception):
    """Ends a dry run's transaction, with what it showed."""

    def __init__(self, response: pb.ImportBootstrapResponse) -> None:
        super().__init__("dry run")
        self.response = response


class Bootstrap:
    """Exports and imports. `prompt_file` holds the words of the prompt, with $title, $story, $schema and $document."""

    def __init__(self, shelf: Shelf, prompt_file: Path) -> None:
        self._shelf = shelf
        self._prompt_file = prompt_file

    async def export(self, name: str) -> pb.ExportBootstrapResponse:
        """The bible of a project as a document, its schema, and a prompt that has both."""
        (slug,) = names.parse(name, "projects/*")

        def read(view: View) -> tuple[Row, dict[str, Any], int]:
            project = projects.get(view, slug)
            rows = {section: store.page(view, kind, slug, BEGINNING, ALL) for section, kind in SECTIONS.items()}
            return project, document.write(project, rows), view.revision()

        project, said, revision = await self._shelf.database.read(read)
        texts = {
            "schema": json.dumps(document.schema(), indent=1),
            "document": json.dumps(said, indent=1, ensure_ascii=False),
        }
        words = await asyncio.to_thread(self._words)
        try:
            prompt = string.Template(words).substitute(title=project["title"], story=project["story"], **texts)
        except (KeyError, ValueError) as error:
            raise self._wrong(f"names {error}, which is none of title, story, schema, document") from error
        return pb.ExportBootstrapResponse(
            prompt=prompt, schema_json=texts["schema"], document_json=texts["document"], revision=revision
        )

    async def bring_in(self, request: pb.ImportBootstrapRequest) -> pb.ImportBootstrapResponse:
        """Makes the bible what the document says, or shows what that would change."""
        (project,) = names.parse(request.parent, "projects/*", "parent")
        mode = names.choice(pb.ImportBootstrapRequest.Mode.DESCRIPTOR, request.mode, "mode")
        said = await asyncio.to_thread(document.read, request.document_json, project)
        problems = await self._lora_problems(said)

        def write(tx: Tx) -> pb.ImportBootstrapResponse:
            before = tx.revision()
            response = _Import(tx, self._shelf, project, mode == "REPLACE", problems).run(said)
            if request.plan_digest and request.plan_digest != response.digest:
                raise PlanStale("The import would change other things than those that were shown.", field="plan_digest")
            if request.dry_run:
                response.revision = before
                raise _Shown(response)
            response.applied, response.revision = True, tx.revision()
            return response

        try:
            return await self._shelf.database.write(write)
        except _Shown as shown:
            return shown.response

    async def _lora_problems(self, said: Document) -> Problems:
        problems: dict[str, BullpenError] = {}
        for item in said.sections.get(CHARACTERS.table, ()):
            message = ParseDict({"loras": item.fields.get("loras", [])}, Character())
            problems |= await self._shelf.lora_problems(message)
        return problems

    def _words(self) -> str:
        try:
            return self._prompt_file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise self._wrong(f"cannot be read: {error}") from error

    def _wrong(self, what: str) -> SettingInvalid:
        return SettingInvalid(f"{self._prompt_file} {what}.", field=str(self._prompt_file))


class _Import:
    """One import in its transaction: applies the document, and notes what that changed."""

    def __init__(self, tx: Tx, shelf: Shelf, project: str, replace: bool, problems: Problems) -> None:
        self._tx = tx
        self._shelf = shelf
        self._project = project
        self._replace = replace
        self._problems = problems
        self._changes: list[Change] = []
        self._unchanged = 0

    def run(self, said: Document) -> pb.ImportBootstrapResponse:
        self._of_project(projects.get(self._tx, self._project, "parent"), said.project)
        for section, items in said.sections.items():
            self._section(SECTIONS[section], items)
        counts = [sum(change.action == action for change in self._changes) for action in (1, 2, 3, 4)]
        digest = hashlib.sha256(b"".join(change.SerializeToString(deterministic=True) for change in self._changes))
        return pb.ImportBootstrapResponse(
            changes=self._changes,
            created=counts[0],
            updated=counts[1],
            deleted=counts[2],
            restored=counts[3],
            unchanged=self._unchanged,
            digest=digest.hexdigest(),
        )

    def _of_project(self, row: Row, said: Mapping[str, str]) -> None:
        message = project_service.pack(row)
        for name, value in said.items():
            setattr(message, name, value)
        with _at("document.project", "project"):
            values = project_rules.checked(self._project, message)
        if any(row[name] != value for name, value in values.items()):
            fields = project_pb2.Project.DESCRIPTOR.fields_by_name
            self._note(Change.ACTION_UPDATE, message.name, values, _differences(fields, document.PROJECT, row, values))
            project_service.emit(self._tx, projects.change(self._tx, row, values), "updated")

    def _section(self, kind: Kind[Any], items: Any) -> None:
        known = {row["slug"]: row for row in store.page(self._tx, kind, self._project, BEGINNING, ALL, deleted=True)}
        for item in items:
            self._item(kind, item, known.get(item.slug))
        given = {item.slug for item in items}
        for slug, row in known.items():
            if self._replace and slug not in given and row["delete_time"] is None:
                self._note(Change.ACTION_DELETE, kind.name(self._project, slug), row, [])
                stamps = {"delete_time": self._tx.now, "revision": self._tx.next_revision()}
                emit(self._tx, kind, store.change(self._tx, kind, row, stamps), "deleted")

    def _item(self, kind: Kind[Any], item: Item, row: Row | None) -> None:
        tx, name = self._tx, kind.name(self._project, item.slug)
        before = wire.said(kind, row) if row is not None else kind.message()
        merged = _merged(kind, item, before, self._replace, known=row is not None)
        with _at(item.path, kind.singular):
            values = self._shelf.checked(tx, kind, self._project, item.slug, merged, before, self._problems)
        if row is None:
            made: Row = {
                "project": self._project,
                "slug": item.slug,
                **values,
                "create_time": tx.now,
                "update_time": tx.now,
                "delete_time": None,
                "revision": tx.next_revision(),
            }
            self._note(Change.ACTION_CREATE, name, values, _of_kind(kind, wire.columns(kind, before), values))
            store.create(tx, kind, made)
            emit(tx, kind, made, "created")
            return
        changed = any(row[field] != value for field, value in values.items())
        trashed = row["delete_time"] is not None
        if not changed and not trashed:
            self._unchanged += 1
            return
        action = Change.ACTION_RESTORE if trashed else Change.ACTION_UPDATE
        self._note(action, name, values, _of_kind(kind, row, values))
        stamps: Row = {"delete_time": None, "revision": tx.next_revision()}
        if changed:
            stamps["update_time"] = tx.now
        emit(tx, kind, store.change(tx, kind, row, {**values, **stamps}), "undeleted" if trashed else "updated")

    def _note(self, action: Change.Action.ValueType, name: str, values: Row, found: list[Any]) -> None:
        self._changes.append(Change(action=action, name=name, title=values["title"], differences=found))


def _merged(kind: Kind[Any], item: Item, before: Any, replace: bool, *, known: bool) -> Any:
    """The resource as the document wants it. Raises FieldInvalid for a fixed field that would change."""
    given = ParseDict(dict(item.fields), kind.message())
    if replace:
        merged = kind.message()
        kept = [name for name in (*KEPT, *kind.fixed) if name in kind.fields and name not in item.fields]
        _copy(before, merged, kept)
    else:
        merged = kind.message()
        merged.CopyFrom(before)
    _copy(given, merged, list(item.fields))
    for name in kind.fixed:
        if known and getattr(merged, name) != getattr(before, name):
            raise FieldInvalid(
                f"`{item.path}.{name}` stays as it was created.",
                field=f"{item.path}.{name}",
                remedy="Leave it as it is, or give the item another id.",
            )
    return merged


def _copy(source: Any, target: Any, fields: list[str]) -> None:
    for name in fields:
        target.ClearField(name)
    only = type(source)()
    only.CopyFrom(source)
    for field, _ in source.ListFields():
        if field.name not in fields:
            only.ClearField(field.name)
    target.MergeFrom(only)


def _of_kind(kind: Kind[Any], before: Row, after: Row) -> list[pb.BootstrapDifference]:
    return _differences(kind.message.DESCRIPTOR.fields_by_name, kind.fields, before, after)


def _differences(fields: Any, wanted: tuple[str, ...], before: Row, after: Row) -> list[pb.BootstrapDifference]:
    """The fields that differ, as the document has them."""
    return [
        pb.BootstrapDifference(
            field=name,
            before_json=json.dumps(document.shown(fields[name], before[name]), ensure_ascii=False),
            after_json=json.dumps(document.shown(fields[name], after[name]), ensure_ascii=False),
        )
        for name in wanted
        if before[name] != after[name]
    ]


@contextmanager
def _at(path: str, singular: str) -> Iterator[None]:
    """Errors inside name their field by its path in the document."""
    try:
        yield
    except BullpenError as error:
        if error.field.startswith(singular):
            error.field = path + error.field.removeprefix(singular)
            error.message = error.message.replace(f"`{singular}.", f"`{path}.")
        raise
