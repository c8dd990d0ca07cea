"""What a search can ask for: its fields, and its terms as values. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

EXACT: Final = ("kind", "tag", "is")
"""Fields whose values are taken whole."""
NAMED: Final = ("stage", "model", "character", "scene", "run", "licence")
"""Fields whose values may be given in part."""
NUMBERS: Final = ("rating", "width", "height")
IN_WORDS: Final = ("name", "prompt", "note")
"""Fields that are searched for words."""
FIELDS: Final = (*EXACT, *NAMED, *NUMBERS, "date", *IN_WORDS)
KINDS: Final = {
    "source": "source",
    "reference": "reference",
    "candidate": "candidate",
    "post": "postprocess",
    "postprocess": "postprocess",
    "export": "export",
}
TRAITS: Final = ("accepted", "rejected", "rated", "tagged", "noted", "made")


@dataclass(frozen=True, slots=True)
class Words:
    """Words that follow each other. `place` is empty or one of `IN_WORDS`; with `prefix` the last may go on."""

    tokens: tuple[str, ...]
    place: str = ""
    prefix: bool = False
    excluded: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """A field has one of these values; with `whole` they are not looked for inside others."""

    field: str
    values: tuple[str, ...]
    whole: bool
    excluded: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """A number, or a date as text, from `lowest` to `highest`, both included; None is open."""

    field: str
    lowest: int | str | None
    highest: int | str | None
    excluded: bool = False


@dataclass(frozen=True, slots=True)
class Either:
    """One of these choices fits: of each of them, all terms."""

    choices: tuple[tuple[Term, ...], ...]
    excluded: bool = False


Term = Words | Fact | Span | Either
