"""Which calls change something, and what they are about. Pure."""

from __future__ import annotations

from typing import Any

# First words of methods that only tell. Everything else is put down.
READS = ("Get", "List", "Watch", "Read", "Plan", "Export", "Render", "Summarize", "Search", "Find", "Check", "Validate")

# Fields that name the one thing that a request is about.
NAMES = ("name", "run", "job", "model")


def only_reads(method: str) -> bool:
    """Whether a method such as `bullpen.v1.RunService/GetRun` changes nothing, by its name."""
    return method.rpartition("/")[2].startswith(READS)


def subject_of(request: Any) -> str:
    """What a request is about: its name, that of the resource in it, or its parent; empty where it names nothing."""
    fields = [field for field in getattr(getattr(request, "DESCRIPTOR", None), "fields", ()) if not field.is_repeated]
    named = [
        getattr(request, field.name) for field in fields if field.name in NAMES and field.type == field.TYPE_STRING
    ]
    inside = [
        getattr(getattr(request, field.name), "name", "")
        for field in fields
        if field.type == field.TYPE_MESSAGE and request.HasField(field.name)
    ]
    return next((str(name) for name in (*named, *inside, getattr(request, "parent", "")) if name), "")
