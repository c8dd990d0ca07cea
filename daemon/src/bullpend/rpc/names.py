"""Resource names (AIP-122): parsing with errors that name the field, and building."""

from __future__ import annotations

import re
from collections.abc import Mapping

from google.protobuf.descriptor import EnumDescriptor

from bullpend.errors import FieldInvalid

SLUG = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_STEERING = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_VARIABLE = re.compile(r"[a-z][a-z0-9_]{0,62}")


def parse(name: str, pattern: str, field: str = "name") -> tuple[str, ...]:
    """Takes `name` apart by a pattern such as `projects/*/runs/*`; returns what stands for the stars.

    Raises FieldInvalid for anything else; a part can hold no slash and no `..`.
    """
    given, wanted = name.split("/"), pattern.split("/")
    parts = []
    ok = len(given) == len(wanted)
    if ok:
        for part, want in zip(given, wanted, strict=True):
            if want == "*":
                ok = ok and bool(_PART.fullmatch(part))
                parts.append(part)
            else:
                ok = ok and part == want
    if not ok:
        shape = pattern.replace("*", "…")
        what = f"is {name[:100]!r}" if name else "is empty"
        raise FieldInvalid(f"`{field}` {what}, but must look like {shape}.", field=field, remedy=f"Give {shape}.")
    return tuple(parts)


def slug(value: str, field: str) -> str:
    """Checks a new resource's id: 1–63 of `a-z 0-9 _ -`, beginning with a letter. Raises FieldInvalid."""
    if not SLUG.fullmatch(value):
        raise FieldInvalid(
            f"`{field}` is {value!r}, but must be 1–63 of a-z 0-9 _ - and begin with a letter.",
            field=field,
            remedy="Choose a short lower-case id, such as harbor_lights.",
        )
    return value


def choice(enum: EnumDescriptor, value: int, field: str) -> str:
    """The name of an enum's value without its prefix. Raises FieldInvalid for one that this version does not know."""
    names = enum.values_by_number
    if value not in names:
        raise FieldInvalid(f"`{field}` is {value}, which this version does not know.", field=field)
    return str(names[value].name).removeprefix(str(names[0].name).removesuffix("UNSPECIFIED"))


def text(value: str, field: str, most: int, required: bool = False) -> str:
    """Checks a text: its length in characters, and that it holds no control characters besides tabs and ends of lines,
    which would steer the terminal of whoever reads it. Raises FieldInvalid.
    """
    if required and not value.strip():
        raise FieldInvalid(f"`{field}` is empty.", field=field, remedy=f"Give a value for {field}.")
    if len(value) > most:
        raise FieldInvalid(f"`{field}` has {len(value)} characters; at most {most} are kept.", field=field)
    if (steering := _STEERING.search(value)) is not None:
        raise FieldInvalid(
            f"`{field}` holds the control character U+{ord(steering[0]):04X} at place {steering.start() + 1}.",
            field=field,
            remedy="Take it out; tabs and ends of lines may stay.",
        )
    return value


def variables(values: Mapping[str, str], field: str) -> dict[str, str]:
    """Checks template variables: at most 64, names of `a-z 0-9 _`, values up to 2000 characters."""
    if len(values) > 64:
        raise FieldInvalid(f"`{field}` has {len(values)} entries; at most 64 are kept.", field=field)
    for key, value in values.items():
        if not _VARIABLE.fullmatch(key):
            raise FieldInvalid(f"`{field}` has a name {key!r}; names are of a-z 0-9 _.", field=f"{field}.{key}")
        text(value, f"{field}.{key}", 2000)
    return dict(values)
