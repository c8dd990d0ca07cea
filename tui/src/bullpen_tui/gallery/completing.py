"""What can be written next in a search: fields by their beginnings, and values where they are known. Pure.

The daemon alone says what a search means; here are only the words that it is likely to take, so that nobody has to
know them by heart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bullpen_api.v1 import asset_pb2
from textual.content import Content

from bullpen_tui import words

Facets = Sequence[asset_pb2.AssetFacet]

VALUES: Final = {
    "is": ("accepted", "rejected", "rated", "tagged", "noted", "made"),
    "kind": ("candidate", "source", "reference", "post", "export"),
    "rating": (">3", ">=4", "3..5", "5"),
    "date": ("2026", "2026-11", ">=2026-11-20", "2026-11-01..2026-11-20"),
    "width": (">=1024", "512..1024"),
    "height": (">=1024", "512..1024"),
}
"""What fields take whose values are always the same, and forms of those that take numbers or dates."""
FROM_PICTURES: Final = ("stage", "character", "model", "tag", "scene", "run", "licence")
"""Fields whose values are those that pictures have."""
FREE: Final = ("prompt", "name", "note")
FIELDS: Final = ("is", "rating", "stage", "character", "tag", "kind", "date", "model", "scene", "run", *FREE)
"""Fields in the order in which they are offered: those that are asked for most come first."""
SHAPES: Final = frozenset({"rating", "date", "width", "height"})
"""Their values are examples, so they are shown and never written for anybody."""


@dataclass(frozen=True)
class Offer:
    """What fits the word that is being written: it begins at `start`, and `begun` of it is written already."""

    start: int
    begun: str
    field: str
    """Empty where a field is offered."""
    choices: tuple[str, ...]

    @property
    def best(self) -> str:
        """What the word becomes; empty where nothing is begun, or only examples are known."""
        if not self.choices or not (self.begun or self.field) or self.field in SHAPES:
            return ""
        first = self.choices[0]
        return f"{first}:" if not self.field else quoted(first)


def quoted(value: str) -> str:
    """A value as it stands in a search."""
    return f'"{value}"' if any(sign in value for sign in ' ,"()') else value


def offer(text: str, facets: Facets) -> Offer:
    """What can be written at the end of a search."""
    start = _word_start(text)
    while start < len(text) and text[start] in "-!(":
        start += 1
    name, colon, value = text[start:].partition(":")
    if not colon:
        begun = name.casefold()
        found = tuple(one for one in FIELDS if one.startswith(begun) and one != begun) if '"' not in begun else ()
        return Offer(start, begun, "", found)
    field = name.casefold()
    comma = -1 if value.startswith('"') else value.rfind(",")
    begun = value[comma + 1 :].removeprefix('"').casefold()
    known = [*VALUES.get(field, ())]
    if field in FROM_PICTURES:
        known = [one.value for facet in facets if facet.field == field for one in facet.values]
    found = tuple(one for one in known if one.casefold().startswith(begun) and one.casefold() != begun)
    return Offer(start + len(name) + 1 + comma + 1, begun, field, found)


def completed(text: str, facets: Facets) -> str:
    """The search with its last word written to its end; empty where there is nothing to add."""
    found = offer(text, facets)
    return text[: found.start] + found.best if found.best else ""


def _word_start(text: str) -> int:
    """Where the part begins that the end of the text is in: blanks inside of quotation marks part nothing."""
    start, inside = 0, False
    for at, sign in enumerate(text):
        if sign == '"':
            inside = not inside
        elif sign.isspace() and not inside:
            start = at + 1
    return start


def offer_line(text: str, facets: Facets, room: int) -> Content:
    """What can be written next, as much as there is room for, and the keys of the search."""
    found = offer(text, facets)
    keys = [("tab", "completes")] if found.best else []
    keys += [("enter", "keeps it"), ("esc", "shows all")]
    end = Content("  ").join([words.text((key, "bold $accent"), (f" {does}", words.QUIET)) for key, does in keys])
    left = words.text((f"{found.field}:" if found.field else "words, or", words.FAINT))
    for one in found.choices:
        shown = one if found.field else f"{one}:"
        longer = words.text(left, "  ", (shown, words.QUIET))
        if longer.cell_length + end.cell_length + 3 > room:
            break
        left = longer
    if not found.choices:
        left = Content("")
    return words.text(left, " " * max(1, room - left.cell_length - end.cell_length), end)
