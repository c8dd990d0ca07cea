"""Setting files in JSON: all are read and checked in one way, and refused by file and field, with what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bullpend.errors import SettingInvalid

Kind = TypeVar("Kind", bound=BaseModel)


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
        raise wrong(where, ".".join(str(part) for part in first["loc"]), first["msg"]) from error


def wrong(where: str | Path, field: str, message: str) -> SettingInvalid:
    """The refusal of a file, by the path of the field at fault."""
    return SettingInvalid(
        f"{where}: {field or 'the whole file'}: {message}.",
        field=field,
        remedy=f"Correct {field or 'the file'} in {where}.",
        file=where,
    )
