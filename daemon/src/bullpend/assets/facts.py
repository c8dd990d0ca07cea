"""What is known of an asset that a search can ask for: its facts, and its words. Pure.

`row` is a row of `assets` with its JSON columns read.
"""

from __future__ import annotations

import datetime
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

KEPT_LENGTH: Final = 100
"""Characters of a value that are kept to be searched."""

Fact = tuple[str, str]
"""Field and value."""
ALL: Final[Fact] = ("all", "")
"""What every asset of a project has."""
TRASH: Final[Fact] = ("trash", "")
PURGED: Final[Fact] = ("purged", "")


def leaf(name: str) -> str:
    """Last part of a resource name."""
    return name.rsplit("/", 1)[-1]


def folded(value: str) -> str:
    """A value as it is compared."""
    return unicodedata.normalize("NFC", value).strip().casefold()[:KEPT_LENGTH]


def day_of(seconds: float) -> str:
    """The day of a time, UTC: `2026-11-20`."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).date().isoformat()


def facts_of(row: Mapping[str, Any]) -> list[Fact]:
    """Everything that can be asked for by its field, each once."""
    found = [
        ALL,
        ("kind", row["kind"].casefold()),
        ("rating", str(row["rating"])),
        ("width", str(row["width"])),
        ("height", str(row["height"])),
        ("date", day_of(row["create_time"])),
    ]
    for field in ("stage", "model", "scene", "run", "licence"):
        if value := folded(leaf(row[field]) if field != "licence" else row[field]):
            found.append((field, value))
    found += [("character", folded(leaf(one))) for one in row["characters"]]
    found += [("tag", folded(one)) for one in row["tags"]]
    if row["tags"]:
        found.append(("is", "tagged"))
    if row["rating"]:
        found.append(("is", "rated"))
    if row["note"]:
        found.append(("is", "noted"))
    if row["candidate"] or row["kind"] == "POSTPROCESS":
        found.append(("is", "made"))
    if row["verdict"]:
        found.append(("is", row["verdict"].casefold()))
    if row["delete_time"] is not None:
        found.append(TRASH)
    if row["purge_time"] is not None:
        found.append(PURGED)
    return list(dict.fromkeys(fact for fact in found if fact in (ALL, TRASH, PURGED) or fact[1]))


def words_of(row: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Texts that are searched for words: prompt, name, what it shows and its tags, note."""
    shown = (row["scene"], row["stage"], *row["characters"])
    about = " ".join((*(leaf(one).replace("_", " ") for one in shown if one), *row["tags"]))
    texts = (row["prompt"], row["display_name"].replace("_", " "), about, row["note"])
    return tuple(unicodedata.normalize("NFC", text) for text in texts)  # type: ignore[return-value]  # four of four
