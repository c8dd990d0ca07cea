"""Which calls change something, and what they are about. Pure."""

from __future__ import annotations

from typing import Any

# First words of methods that only tell.
READS = (
    *("Get", "List", "Watch", "Read", "Plan", "Export", "Render", "Summarize", "Search", "Find", "Check", "Validate"),
    *("Show", "Expand", "Diagnose", "Advise", "Compare"),
)
# First words of methods that emit an event with every change: without one, such as for an update to what is there
# already, nothing was changed.
WITH_EVENTS = ("Create", "Update", "Delete", "Undelete", "Import", "Upload")
# Fields of requests that only look whether something would be done.
TRIALS = ("dry_run", "validate_only")
# Fields that name the one thing that a request is about.
NAMES = ("name", "run", "job", "model")


def only_reads(method: str) -> bool:
    """Whether a method such as `bullpen.v1.RunService/GetRun` changes nothing, by its name."""
    return method.rpartition("/")[2].startswith(READS)


def changed_silently(method: str, request: Any) -> bool:
    """Whether a call that succeeded without an event has changed something all the same, such as a cancel."""
    name = method.rpartition("/")[2]
    return not name.startswith((*READS, *WITH_EVENTS)) and not any(getattr(request, trial, False) for trial in TRIALS)


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
