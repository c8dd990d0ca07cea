"""Rows and messages of the bible, turned into each other by what the fields are."""

from __future__ import annotations

from typing import Any

from bullpen_api.v1 import bible_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import MessageToDict, ParseDict

from bullpend.bible.model import SCENES, Kind, M, Message
from bullpend.db import Row
from bullpend.rpc.names import choice
from bullpend.rpc.wire import etag, timestamp
from bullpend.runs.descent_wire import pack_stale


def columns(kind: Kind[M], message: M) -> Row:
    """What a person set of a message, as the columns of its row. Raises FieldInvalid for an unknown enum value."""
    found = kind.message.DESCRIPTOR.fields_by_name
    return {name: _column(kind.singular, message, found[name]) for name in kind.fields}


def _column(singular: str, message: Message, field: FieldDescriptor) -> Any:
    value = getattr(message, field.name)
    if field.enum_type is not None:
        return choice(field.enum_type, value, f"{singular}.{field.name}")
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return dict(value)
    if field.message_type is not None:
        return [MessageToDict(item, preserving_proto_field_name=True) for item in value]
    return list(value) if field.is_repeated else value


def said(kind: Kind[M], row: Row) -> M:
    """What a person set, as a message; nothing that the daemon sets."""
    return _read(kind, row, kind.message())


def pack(kind: Kind[M], row: Row) -> M:
    """The wire form of a row; of a scene, without its accepted pictures."""
    message = kind.message(
        name=kind.name(row["project"], row["slug"]),
        create_time=timestamp(row["create_time"]),
        update_time=timestamp(row["update_time"]),
        delete_time=timestamp(row["delete_time"]),
        etag=etag(row["slug"], row["revision"]),
        revision=row["revision"],
    )
    return _read(kind, row, message)


def _read(kind: Kind[M], row: Row, message: M) -> M:
    fields = kind.message.DESCRIPTOR.fields_by_name
    values = {}
    for name in kind.fields:
        value, enum = row[name], fields[name].enum_type
        if enum is not None:
            values[name] = str(enum.values[0].name).removesuffix("UNSPECIFIED") + value
        elif isinstance(value, str | int):
            setattr(message, name, value)
        elif value:
            values[name] = value
    read: M = ParseDict(values, message, ignore_unknown_fields=True) if values else message
    return read


def pack_scene(row: Row, accepted: list[Row]) -> bible_pb2.Scene:
    """The wire form of a scene with its accepted pictures."""
    scene = pack(SCENES, row)
    for picture in accepted:
        scene.accepted.add(
            stage=picture["stage"],
            candidate=picture["candidate"],
            asset=picture["asset"],
            reason=picture["reason"],
            stale=pack_stale(picture["stale"]),
            branch=picture["branch"],
        )
    return scene
