"""Drafts: from a message to what a form shows and back, and what to do when somebody else was faster. Pure.

A draft is a copy of the message that a person works on. `base` is what the form began with: the difference between
both is what is saved, so that two people who change different fields never take anything from each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bullpen_api.v1 import bible_pb2

from bullpen_tui.bible.kinds import Entry, Field, Kind
from bullpen_tui.plan import FormError
from bullpen_tui.snapshot import leaf

PURPOSES = {
    bible_pb2.ReferenceSet.PURPOSE_STYLE: "style",
    bible_pb2.ReferenceSet.PURPOSE_CHARACTER: "character",
    bible_pb2.ReferenceSet.PURPOSE_PLACE: "place",
}

_ENUMS = ("purpose", "provider")
"""Choices whose values are numbers."""
PROVIDERS = {
    bible_pb2.ProviderAccount.PROVIDER_OPENAI: "OpenAI",
    bible_pb2.ProviderAccount.PROVIDER_OPENAI_COMPATIBLE: "OpenAI's protocol elsewhere",
    bible_pb2.ProviderAccount.PROVIDER_PHOTOROOM: "Photoroom",
    bible_pb2.ProviderAccount.PROVIDER_REMOVE_BG: "remove.bg",
    bible_pb2.ProviderAccount.PROVIDER_COMFYUI: "ComfyUI",
}


def copy_of(entry: Entry) -> Entry:
    """Another message with the same content."""
    made = type(entry)()
    made.CopyFrom(entry)  # type: ignore[arg-type]
    return made


def take(to: Entry, source: Entry, name: str) -> None:
    """Gives one field of a message the value that another has."""
    to.ClearField(name)  # type: ignore[arg-type]
    value = getattr(source, name)
    field = type(to).DESCRIPTOR.fields_by_name[name]
    if not field.is_repeated:
        setattr(to, name, value)
    elif field.message_type is not None and field.message_type.GetOptions().map_entry:
        getattr(to, name).update(value)
    else:
        getattr(to, name).extend(value)


def changed(base: Entry, mine: Entry, names: tuple[str, ...]) -> list[str]:
    """Those of the fields that have another value than before."""
    return [name for name in names if getattr(base, name) != getattr(mine, name)]


# --- text fields ------------------------------------------------------------------------------------------------------


def text_of(entry: Entry, field: Field) -> str:
    """What a text field shows."""
    value = getattr(entry, field.name)
    if field.way == "pairs":
        return "\n".join(f"{name}={held}" for name, held in sorted(value.items()))
    if field.way == "whole":
        return str(value) if value else ""
    return str(value)


def put_text(entry: Entry, field: Field, text: str) -> None:
    """Writes what a text field says. Raises FormError with the field's label for what it cannot be."""
    text = text.strip()
    if field.way == "pairs":
        values = getattr(entry, field.name)
        values.clear()
        values.update(pairs_of(text, field.label))
    elif field.way == "whole":
        if text and not (text.isascii() and text.isdigit() and len(text) <= 9):
            raise FormError(f"{field.label}: “{text}” is no whole number.")
        setattr(entry, field.name, int(text or 0))
    elif field.name in _ENUMS:
        setattr(entry, field.name, int(text or 0))
    else:
        setattr(entry, field.name, text)


def pairs_of(text: str, label: str) -> dict[str, str]:
    """Values by name from lines `name=value`. Raises FormError for a line of another form or a name given twice."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        if not (name and equals):
            raise FormError(f"{label}: “{line.strip()}” is not of the form name=value.")
        if name in found:
            raise FormError(f"{label}: “{name}” is given twice.")
        found[name] = value
    return found


# --- what somebody else did -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Clash:
    """A field that somebody else changed meanwhile, or that both changed; `both` says that it cannot be told whose."""

    field: Field
    before: str
    mine: str
    theirs: str
    both: bool


def clashes(base: Entry, mine: Entry, theirs: Entry, kind: Kind) -> list[Clash]:
    """The fields that differ between two drafts of one base, those that both changed first."""
    found: list[Clash] = []
    for field in kind.fields:
        own, other = changed(base, mine, field.names), changed(base, theirs, field.names)
        if (own or other) and changed(mine, theirs, field.names):
            both = bool(own and other)
            found.append(Clash(field, said(base, field), said(mine, field), said(theirs, field), both))
    return sorted(found, key=lambda one: not one.both)


def united(base: Entry, mine: Entry, theirs: Entry, kind: Kind, keep_theirs: frozenset[str]) -> Entry:
    """Both drafts in one: what only one of them changed is taken from it; what both changed is mine, but for the
    fields whose names are given.
    """
    whole = copy_of(theirs)
    for field in kind.fields:
        if field.name in keep_theirs:
            continue
        for name in field.names:
            if changed(base, mine, (name,)):
                take(whole, mine, name)
    return whole


def said(entry: Entry, field: Field) -> str:
    """A field in one line, for people who compare."""
    value: Any = getattr(entry, field.name)
    match field.way:
        case "pairs":
            return "  ".join(f"{name}={held}" for name, held in sorted(value.items()))
        case "picture" | "pictures":
            names = [value] if isinstance(value, str) else list(value)
            return ", ".join(leaf(name)[:12] for name in names if name)
        case "items":
            return ", ".join(item.caption or leaf(item.asset)[:12] for item in value)
        case "looks":
            return ", ".join(f"{look.title or look.look_id}: {look.description}" for look in value)
        case "loras":
            return ", ".join(leaf(use.model) + (f" × {use.scale:g}" if use.HasField("scale") else "") for use in value)
        case "cast" if isinstance(entry, bible_pb2.Scene):
            worn = entry.looks
            return ", ".join(leaf(one) + (f" ({worn[leaf(one)]})" if leaf(one) in worn else "") for one in value)
        case "blanks":
            return ", ".join(blank.variable for blank in value)
        case "choice" if field.name in _ENUMS:
            return (PURPOSES if field.name == "purpose" else PROVIDERS).get(value, "")
        case "choice":
            return leaf(str(value))
        case "whole":
            return str(value or "")
        case _:
            return " ".join(str(value).split())
