"""One line of the log as a value: read from the JSON that was written, and asked whether a filter passes it. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

LEVELS = ("debug", "info", "warning", "error")
MOST_CHARACTERS = 4000
"""Longer values are cut: an entry is to be read, and the file has it whole."""
_OWN = ("number", "timestamp", "level", "component", "event", "exception")
_NOT_SHOWN = "…"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `time` is in seconds since 1970, `level` one of LEVELS; `subject` names the resource it is about."""

    number: int
    time: float
    level: str
    component: str
    event: str
    fields: Mapping[str, str]
    subject: str
    traceback: str


@dataclass(frozen=True, slots=True)
class Filter:
    """What a reader wants: a least level, components or all, and a resource with what lies below it, or all."""

    level: str = LEVELS[0]
    components: frozenset[str] = frozenset()
    parent: str = ""

    def passes(self, entry: Entry) -> bool:
        """Whether the reader is to see this entry."""
        if LEVELS.index(entry.level) < LEVELS.index(self.level):
            return False
        if self.components and entry.component not in self.components:
            return False
        return not self.parent or any(_below(value, self.parent) for value in entry.fields.values())


def _below(name: str, parent: str) -> bool:
    return name == parent or name.startswith(parent + "/")


def read(line: str) -> Entry | None:
    """The entry of a line of the file; nothing for a line that is none of ours, such as one that was cut in half."""
    try:
        whole = json.loads(line)
        number, stamp = whole["number"], datetime.fromisoformat(whole["timestamp"]).timestamp()
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    if type(number) is not int:
        return None
    level = whole.get("level")
    fields = {str(name): _text(value) for name, value in whole.items() if name not in _OWN}
    return Entry(
        number,
        stamp,
        level if level in LEVELS else "error" if level == "critical" else "info",
        _text(whole.get("component", "")),
        _text(whole.get("event", "")),
        fields,
        _subject(fields),
        _traceback(whole.get("exception")),
    )


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + _NOT_SHOWN


def _subject(fields: Mapping[str, str]) -> str:
    """The name that goes deepest, of those that are names of resources."""
    names = [value for value in fields.values() if value.startswith("projects/") and " " not in value]
    return max(names, key=lambda name: name.count("/"), default="")


def _traceback(exceptions: Any) -> str:
    """`file:line function` for each call, then what was raised; for a chain of faults the last one's comes last."""
    if not isinstance(exceptions, list):
        return ""
    rows: list[str] = []
    for fault in reversed(exceptions):
        frames = fault.get("frames", ()) if isinstance(fault, dict) else ()
        rows += [f"{one.get('filename')}:{one.get('lineno')} {one.get('name')}" for one in frames]
        rows.append(f"{fault.get('exc_type')}: {fault.get('exc_value')}")
    return _text("\n".join(rows))
