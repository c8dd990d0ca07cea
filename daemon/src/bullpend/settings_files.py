"""Setting files in JSON: all are read and checked in one way, and refused by file and field, with what to do."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from bullpend.errors import SettingInvalid

Kind = TypeVar("Kind", bound=BaseModel)
# What pydantic found, by its name for it, in a person's words; `{…}` are entries of its context.
WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is no field here",
    "string_type": "must be a text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be above {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be below {lt}",
    "literal_error": "must be one of {expected}",
    "enum": "must be one of {expected}",
    "string_pattern_mismatch": "must look like {pattern}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
}


def load(path: Path, kind: type[Kind]) -> Kind:
    """The file as `kind`. Raises SettingInvalid."""
    return check(read(path), kind, path)


def read(path: Path) -> Any:
    """The JSON of a file, unchecked. Raises SettingInvalid."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingInvalid(f"{path} cannot be read: {error.strerror}.", field=str(path)) from error
    except (ValueError, RecursionError) as error:
        raise SettingInvalid(f"{path} is not valid JSON: {error}.", field=str(path)) from error


def check(data: Any, kind: type[Kind], where: str | Path) -> Kind:
    """What was read as `kind`; `where` names its file in errors. Raises SettingInvalid with the first fault."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"] if part != "[key]")
        near = nearest(kind, first["loc"]) if first["type"] == "extra_forbidden" else ""
        raise wrong(where, field, in_words(first) + (f"; the nearest is {near}" if near else "")) from error


def in_words(fault: Mapping[str, Any]) -> str:
    """One of `ValidationError.errors()` in words that fit behind the field's path."""
    form = WORDS.get(fault["type"])
    if form is None:
        said = str(fault["msg"]).removeprefix("Value error, ")
        return said[:1].lower() + said[1:]
    words = form.format(**fault.get("ctx", {}))
    return f"{words}, as every name here" if "[key]" in fault["loc"] else words


def nearest(kind: type[BaseModel], place: tuple[str | int, ...]) -> str:
    """The field that a misspelt one at this path is likely to mean; "" where none is like it."""
    at: Any = kind
    for part in place[:-1]:
        known = _fields(at)
        at = _bare(known[str(part)] if str(part) in known else next(reversed(get_args(at)), None))
    return next(iter(difflib.get_close_matches(str(place[-1]), _fields(at), n=1)), "")


def _fields(kind: Any) -> dict[str, Any]:
    """The types of a model's fields by the names that a file has for them; of anything else none."""
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return {}
    return {field.alias or name: field.annotation for name, field in kind.model_fields.items()}


def _bare(kind: Any) -> Any:
    """A type without `| None`."""
    if get_origin(kind) in (Union, UnionType):
        return next(part for part in get_args(kind) if part is not NoneType)
    return kind


def wrong(where: str | Path, field: str, message: str) -> SettingInvalid:
    """The refusal of a file, by the path of the field at fault."""
    return SettingInvalid(
        f"{where}: {field or 'the whole file'}: {message}.",
        field=field,
        remedy=f"Correct {field or 'the file'} in {where}.",
        file=where,
    )
