"""Field masks (AIP-134, AIP-161): which fields of a resource an update changes, and the resource as it would be.

An empty mask means the fields that are set in the request, `*` all that can be changed; an entry of a map of texts is
named by its key, as in `variables.time`. What the mask names and the request leaves out is cleared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from bullpend.errors import EtagMismatch, FieldInvalid

M = TypeVar("M", bound=Message)
FIELD = "update_mask"


def merge(current: M, given: M, mask: FieldMask, writable: Sequence[str]) -> M:
    """A copy of `current` with the masked fields of `given`. Raises FieldInvalid naming the mask's first bad path."""
    paths = _paths(given, mask, writable)
    merged = type(current)()
    merged.CopyFrom(current)
    for path in paths:
        top, dot, key = path.partition(".")
        _check(path, type(given), writable)
        if not dot:
            FieldMask(paths=[top]).MergeMessage(given, merged, True, True)
        elif key in (values := getattr(given, top)):
            getattr(merged, top)[key] = values[key]
        else:
            getattr(merged, top).pop(key, None)
    return merged


def check_etag(given: str, current: str, name: str, field: str) -> None:
    """Raises EtagMismatch where an etag was given that is not the current one."""
    if given and given != current:
        raise EtagMismatch(f"{name} changed since its etag was read.", field=field, resource=name, etag=current)


def _paths(given: Message, mask: FieldMask, writable: Sequence[str]) -> list[str]:
    paths = list(dict.fromkeys(mask.paths))
    if not paths:
        present = {field.name for field, _ in given.ListFields()}
        return [name for name in writable if name in present]
    if "*" not in paths:
        return paths
    if len(paths) > 1:
        raise FieldInvalid("`update_mask` names `*` beside other fields.", field=FIELD, remedy="Give `*` alone.")
    return list(writable)


def _check(path: str, message: type[Message], writable: Sequence[str]) -> None:
    top, dot, key = path.partition(".")
    fields: Mapping[str, Any] = message.DESCRIPTOR.fields_by_name
    can = f"It can name: {', '.join(writable)}."
    if top not in fields:
        what = f"`update_mask` names {path[:100]!r}, which a {message.DESCRIPTOR.name} does not have."
        raise FieldInvalid(what, field=FIELD, remedy=can)
    if top not in writable:
        what = f"`update_mask` names `{top}`, which stays as it is or is set by the daemon."
        raise FieldInvalid(what, field=FIELD, remedy=can)
    if dot and (not key or not _is_map(fields[top])):
        what = f"`update_mask` names {path[:100]!r}, and `{top}` is changed as a whole."
        raise FieldInvalid(what, field=FIELD, remedy=f"Name `{top}`.")


def _is_map(field: Any) -> bool:
    return bool(field.message_type is not None and field.message_type.GetOptions().map_entry)
