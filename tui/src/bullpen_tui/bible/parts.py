"""Parts of an entry that are lists: looks, LoRAs, pictures, cast, variables. How each is shown and asked for. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bullpen_api.v1 import bible_pb2, model_pb2
from textual.content import Content

from bullpen_tui import words
from bullpen_tui.bible.kinds import Entry, Field
from bullpen_tui.plan import FormError
from bullpen_tui.snapshot import Snapshot, leaf

SLUG = re.compile(r"[a-z][a-z0-9_-]{0,62}")
VARIABLE = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True)
class Asked:
    """One line of a small form: its name, its label, what may be written, and what is there."""

    name: str
    label: str
    hint: str
    value: str = ""


def listed(entry: Entry, field: Field) -> list[Any]:
    """The parts of a field in their order."""
    value = getattr(entry, field.name)
    return [value] if isinstance(value, str) and value else [] if isinstance(value, str) else list(value)


def put_listed(entry: Entry, field: Field, parts: list[Any]) -> None:
    """Gives a field these parts."""
    kept = [_copy(part) for part in parts]
    entry.ClearField(field.name)  # type: ignore[arg-type]
    if field.way == "picture":
        setattr(entry, field.name, kept[-1] if kept else "")
    else:
        getattr(entry, field.name).extend(kept)
    if field.way == "cast" and isinstance(entry, bible_pb2.Scene):
        present = {leaf(name) for name in kept}
        for gone in [one for one in entry.looks if one not in present]:
            del entry.looks[gone]


def _copy(part: Any) -> Any:
    if isinstance(part, str):
        return part
    made = type(part)()
    made.CopyFrom(part)
    return made


def part_words(entry: Entry, field: Field, part: Any, snapshot: Snapshot) -> Content:
    """One part as a row."""
    match field.way:
        case "looks":
            pictures = f"   {words.plural(len(part.references), 'picture')}" if part.references else ""
            about = (f"   {part.description}", words.QUIET)
            return words.text(part.title or part.look_id, (pictures, words.FAINT), about)
        case "loras":
            return words.text(leaf(part.model), (f"   × {part.scale if part.HasField('scale') else 1:g}", words.QUIET))
        case "items":
            weight = f"   × {part.weight:g}" if part.HasField("weight") else ""
            name = picture_words(part.asset, snapshot)
            shows = f"   {part.caption}" if part.caption else ""
            return words.text(name, (shows, words.QUIET), (weight, words.FAINT))
        case "cast":
            known = snapshot.characters.get(part)
            worn = entry.looks.get(leaf(part), "") if isinstance(entry, bible_pb2.Scene) else ""
            look = (
                next((one.title or one.look_id for one in known.looks if one.look_id == worn), worn) if known else worn
            )
            wears = f"   wears {look}" if look else ""
            return words.text((known.title if known is not None else "") or leaf(part), (wears, words.QUIET))
        case "blanks":
            usual = f" = {part.default_value}" if part.HasField("default_value") else "   must be given"
            return words.text("{" + part.variable + "}", (usual, words.QUIET), (f"   {part.description}", words.FAINT))
        case _:
            return picture_words(part, snapshot)


def picture_words(asset: str, snapshot: Snapshot) -> Content:
    """A picture by the name that its file had."""
    known = snapshot.assets.get(asset)
    return Content(known.display_name if known is not None and known.display_name else leaf(asset)[:16])


def asset_of(part: Any) -> str:
    """The asset of a part; empty for one that has none."""
    if isinstance(part, str):
        return part if "/assets/" in part else ""
    if isinstance(part, bible_pb2.ReferenceItem):
        return part.asset
    if isinstance(part, bible_pb2.Look):
        return part.references[0] if part.references else ""
    return ""


# --- small forms ------------------------------------------------------------------------------------------------------


def asked(part: Any) -> list[Asked]:
    """What can be written of a part; nothing for one that is only taken or left."""
    if isinstance(part, bible_pb2.Look):
        return [
            Asked("title", "title", "Yellow coat", part.title),
            Asked("look_id", "name", "a–z, 0–9, _ and -, beginning with a letter", part.look_id),
            Asked("description", "words", "what a prompt gets: in a yellow rain coat", part.description),
        ]
    if isinstance(part, bible_pb2.ReferenceItem):
        weight = f"{part.weight:g}" if part.HasField("weight") else ""
        return [
            Asked("caption", "shows", "profile from the left", part.caption),
            Asked("weight", "counts", "beside the others: above 0, at most 10; 1 is usual", weight),
        ]
    if isinstance(part, model_pb2.LoraUse):
        return [Asked("scale", "scale", "−2 to 2; 1 is usual", f"{part.scale:g}" if part.HasField("scale") else "")]
    if isinstance(part, bible_pb2.TemplateVariable):
        return [
            Asked("variable", "name", "a–z, 0–9 and _, beginning with a letter", part.variable),
            Asked("default_value", "usually", "its value where none is given", part.default_value),
            Asked("description", "means", "in plain words", part.description),
        ]
    return []


def write(part: Any, values: Mapping[str, str]) -> None:
    """Writes a small form into its part. Raises FormError naming the field."""
    if isinstance(part, bible_pb2.Look):
        if not SLUG.fullmatch(values["look_id"]):
            raise FormError("name: a–z first, then a–z, 0–9, _ or -, at most 63 in all.")
        part.look_id, part.title, part.description = values["look_id"], values["title"], values["description"]
    elif isinstance(part, bible_pb2.ReferenceItem):
        part.caption = values["caption"]
        _number(part, "weight", "counts", values["weight"])
    elif isinstance(part, model_pb2.LoraUse):
        _number(part, "scale", "scale", values["scale"])
    elif isinstance(part, bible_pb2.TemplateVariable):
        if not VARIABLE.fullmatch(values["variable"]):
            raise FormError("name: a–z first, then a–z, 0–9 or _, at most 63 in all.")
        part.variable, part.description = values["variable"], values["description"]
        part.ClearField("default_value")
        if values["default_value"]:
            part.default_value = values["default_value"]


def _number(part: Any, name: str, label: str, text: str) -> None:
    part.ClearField(name)
    if text:
        try:
            setattr(part, name, float(text.replace(",", ".").replace("−", "-")))
        except ValueError:
            raise FormError(f"{label}: “{text}” is no number.") from None


def new_part(field: Field) -> Any:
    """An empty part of a field whose parts are written; nothing for one whose parts are chosen."""
    return {"looks": bible_pb2.Look, "blanks": bible_pb2.TemplateVariable}.get(field.way, lambda: None)()
