"""The bible as one JSON document: its form, its schema, reading and writing it. Pure functions.

    {"schema_version": 1, "project": {"title": "…", "story": "…"},
     "characters": [{"id": "mara", "description": "…", "looks": [{"look_id": "coat"}]}], "scenes": [ … ], …}

Each section is a list of one kind; an item has its `id` and the fields that a person sets, named as in the contract.
What refers to something else of the project holds its id; enums are lower-case words. Form and schema both follow the
contract's descriptors, so a field that is added there is read, written and described here at once.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from bullpend.bible.model import (
    CHARACTERS,
    PROMPT_TEMPLATES,
    PROVIDER_ACCOUNTS,
    REFERENCE_SETS,
    SCENES,
    STYLE_GUIDES,
    Kind,
)
from bullpend.db import Row
from bullpend.errors import FieldInvalid, LimitExceeded
from bullpend.rpc.names import SLUG

VERSION = 1
MOST_BYTES = 4_000_000
# Sections in the order in which they are read: what is referred to goes before what refers to it.
SECTIONS: dict[str, Kind[Any]] = {
    kind.table: kind for kind in (PROVIDER_ACCOUNTS, REFERENCE_SETS, STYLE_GUIDES, CHARACTERS, PROMPT_TEMPLATES, SCENES)
}
PROJECT = ("title", "story")
# Collections of what a field refers to, by message and field.
REFERENCES = {
    ("StyleGuide", "anchors"): "assets",
    ("StyleGuide", "reference_set"): "referenceSets",
    ("Character", "references"): "assets",
    ("Character", "reference_set"): "referenceSets",
    ("Look", "references"): "assets",
    ("Scene", "source_asset"): "assets",
    ("Scene", "characters"): "characters",
    ("ReferenceItem", "asset"): "assets",
}
_FENCE = re.compile(r"^```[A-Za-z]*\r?\n(.*?)^```", re.DOTALL | re.MULTILINE)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True)
class Item:
    """One item of a section: its id, its path in the document, and its fields in proto JSON with full names."""

    slug: str
    path: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Document:
    """What a document says: fields of the project, and the items of each section that it has."""

    project: Mapping[str, str]
    sections: Mapping[str, Sequence[Item]]


def read(text: str, project: str) -> Document:
    """Reads a document. Raises FieldInvalid or LimitExceeded naming the path of the first thing that is wrong."""
    if len(text.encode()) > MOST_BYTES:
        raise LimitExceeded("The document is larger than 4 MB.", field="document", limit=MOST_BYTES)
    text = _bare(text)
    if not text:
        raise _wrong("document", "is empty")
    try:
        data = json.loads(text, object_pairs_hook=_pairs, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise _wrong("document", f"is not JSON: {error}") from error
    _object(data, "document", ("schema_version", "project", *SECTIONS))
    if data.get("schema_version") != VERSION or isinstance(data["schema_version"], bool):
        raise _wrong("document.schema_version", f"must be {VERSION}")
    said = _object(data.get("project", {}), "document.project", PROJECT)
    words = {key: _scalar(value, str, "a text", f"document.project.{key}") for key, value in said.items()}
    sections = {}
    for section, kind in SECTIONS.items():
        if section in data:
            sections[section] = _section(kind, _list(data[section], f"document.{section}"), section, project)
    return Document(words, sections)


def _bare(text: str) -> str:
    """The document without what language models and editors put around it: a fence with words before and after it, and
    the mark of the order of bytes.
    """
    text = text.removeprefix("\ufeff").strip()
    fenced = [] if text.startswith("{") else _FENCE.findall(text)
    return fenced[0].strip() if len(fenced) == 1 else text


def _section(kind: Kind[Any], values: list[Any], section: str, project: str) -> list[Item]:
    items: list[Item] = []
    seen: set[str] = set()
    fields = kind.message.DESCRIPTOR.fields_by_name
    for index, value in enumerate(values):
        at = f"document.{section}[{index}]"
        _object(value, at, ("id", *kind.fields))
        slug = value.get("id")
        if not isinstance(slug, str) or not SLUG.fullmatch(slug):
            raise _wrong(f"{at}.id", "must be 1–63 of a-z 0-9 _ - and begin with a letter")
        if slug in seen:
            raise _wrong(f"{at}.id", f"repeats {slug!r}")
        seen.add(slug)
        said = {
            name: _value(fields[name], given, f"{at}.{name}", project) for name, given in value.items() if name != "id"
        }
        items.append(Item(slug, at, said))
    return items


def _value(field: FieldDescriptor, value: Any, at: str, project: str) -> Any:
    if _is_map(field):
        entries = _object(value, at, None)
        return {key: _scalar(entry, str, "a text", f"{at}.{key[:100]}") for key, entry in entries.items()}
    if field.is_repeated:
        return [_one(field, item, f"{at}[{index}]", project) for index, item in enumerate(_list(value, at))]
    return _one(field, value, at, project)


def _one(field: FieldDescriptor, value: Any, at: str, project: str) -> Any:
    if field.message_type is not None:
        known = field.message_type.fields_by_name
        nested = _object(value, at, tuple(known))
        return {name: _value(known[name], given, f"{at}.{name}", project) for name, given in nested.items()}
    if field.enum_type is not None:
        word = _scalar(value, str, "a text", at)
        words = _words(field)
        if word not in words:
            raise _wrong(at, f"is {word[:100]!r}, but must be one of {', '.join(words)}")
        return words[word]
    if field.type == FieldDescriptor.TYPE_STRING:
        return _text(field, _scalar(value, str, "a text", at), at, project)
    if field.type == FieldDescriptor.TYPE_DOUBLE:
        return _number(_scalar(value, (int, float), "a number", at), at)
    number = _scalar(value, int, "a whole number", at)
    if not -(2**31) <= number < 2**31:
        raise _wrong(at, "is too large")
    return number


def _text(field: FieldDescriptor, value: str, at: str, project: str) -> str:
    collection = _collection(field)
    if collection is None or not value:
        return value
    if not _ID.fullmatch(value):
        raise _wrong(at, f"is {value[:100]!r}, which is no id")
    return f"projects/{project}/{collection}/{value}"


def write(project: Mapping[str, Any], rows: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
    """The document of a project's row and the rows of each section."""
    return {
        "schema_version": VERSION,
        "project": {name: project[name] for name in PROJECT},
        **{section: [item(SECTIONS[section], row) for row in listed] for section, listed in rows.items()},
    }


def item(kind: Kind[Any], row: Row) -> dict[str, Any]:
    """One row as an item; fields without a value are left out."""
    fields = kind.message.DESCRIPTOR.fields_by_name
    said = {name: shown(fields[name], row[name]) for name in kind.fields if row[name] not in ("", [], {}, 0)}
    return {"id": row["slug"], **said}


def shown(field: FieldDescriptor, value: Any) -> Any:
    """A column's value in the form that it has in the document."""
    if _is_map(field):
        return value
    if isinstance(value, list):
        return [shown(field, one) for one in value]
    if isinstance(value, dict) and field.message_type is not None:
        return {name: shown(field.message_type.fields_by_name[name], one) for name, one in value.items()}
    if field.enum_type is not None:
        return value.lower()
    return value.rsplit("/", 1)[-1] if _collection(field) is not None else value


def schema() -> dict[str, Any]:
    """JSON Schema of the document."""
    sections = {}
    for section, kind in SECTIONS.items():
        one = _schema_of(kind.message.DESCRIPTOR, kind.fields)
        one["properties"] = {"id": {"type": "string", "pattern": f"^{SLUG.pattern}$"}, **one["properties"]}
        sections[section] = {"type": "array", "items": {**one, "required": ["id"]}}
    words = {name: {"type": "string"} for name in PROJECT}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "additionalProperties": False,
        "required": ["schema_version"],
        "properties": {
            "schema_version": {"const": VERSION},
            "project": {"type": "object", "additionalProperties": False, "properties": words},
            **sections,
        },
    }


def _schema_of(message: Descriptor, names: Sequence[str]) -> dict[str, Any]:
    fields = {name: _schema_field(message.fields_by_name[name]) for name in names}
    return {"type": "object", "additionalProperties": False, "properties": fields}


def _schema_field(field: FieldDescriptor) -> dict[str, Any]:
    if _is_map(field):
        return {"type": "object", "additionalProperties": {"type": "string"}}
    one: dict[str, Any]
    if field.message_type is not None:
        one = _schema_of(field.message_type, list(field.message_type.fields_by_name))
    elif field.enum_type is not None:
        one = {"enum": list(_words(field))}
    else:
        kinds = {FieldDescriptor.TYPE_STRING: "string", FieldDescriptor.TYPE_DOUBLE: "number"}
        one = {"type": kinds.get(field.type, "integer")}
    return {"type": "array", "items": one} if field.is_repeated else one


def _words(field: FieldDescriptor) -> dict[str, str]:
    """The words for an enum's values, without the unspecified one, and their names in the contract."""
    assert field.enum_type is not None
    values = [str(value.name) for value in field.enum_type.values]
    prefix = values[0].removesuffix("UNSPECIFIED")
    return {name.removeprefix(prefix).lower(): name for name in values[1:]}


def _collection(field: FieldDescriptor) -> str | None:
    """The collection of what a field refers to, if it refers to something."""
    return REFERENCES.get((field.containing_type.name if field.containing_type is not None else "", field.name))


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def _object(value: Any, at: str, known: Sequence[str] | None) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(at, "must be an object")
    for key in value:
        if known is not None and key not in known:
            raise _wrong(f"{at}.{key[:100]}", f"is no field here; there are: {', '.join(known)}")
    return value


def _list(value: Any, at: str) -> list[Any]:
    if not isinstance(value, list):
        raise _wrong(at, "must be a list")
    return value


def _scalar(value: Any, kind: type | tuple[type, ...], called: str, at: str) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _wrong(at, f"must be {called}")
    if isinstance(value, str) and not value.isascii() and value.encode("utf-8", "replace").decode() != value:
        raise _wrong(at, "holds half of a sign, which no text can")
    return value


def _number(value: int | float, at: str) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _wrong(at, "is too large")
    return number


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("an object has the same name twice")
    return found


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _wrong(at: str, what: str) -> FieldInvalid:
    return FieldInvalid(f"`{at}` {what}.", field=at, remedy="Correct it in the document, and import it again.")
