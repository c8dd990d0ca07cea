"""The language of searches: `rain character:mara stage:weather rating:>3 date:2026-11 -draft "wet street"`.

Pure. A text becomes terms, all of which must fit; a slip is a SearchInvalid that points at its column. Columns count
characters from 1. docs/search.md describes the language for people.
"""

from __future__ import annotations

import calendar
import datetime
import re
import unicodedata
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, NoReturn

from bullpend.errors import SearchInvalid

MOST_CHARACTERS = 1000
MOST_TERMS = 50

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

_SIGNS = (">=", "<=", ">", "<")
_TOKEN = re.compile(r"[^\W_]+")
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
_LARGEST = 2**31 - 1


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


Term = Words | Fact | Span


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of the text between blanks: where it begins, what stands before its colon, and its values."""

    column: int
    length: int
    excluded: bool
    field: str
    values: tuple[tuple[int, str, bool], ...]
    """Column, text, and whether it was in quotation marks."""


def tokens(text: str) -> tuple[str, ...]:
    """The words of a text, as the index takes them apart: runs of letters and digits."""
    return tuple(_TOKEN.findall(unicodedata.normalize("NFC", text)))


def parse(text: str) -> tuple[Term, ...]:
    """What a search asks for; empty for one that asks for nothing. Raises SearchInvalid."""
    if len(text) > MOST_CHARACTERS:
        raise _wrong(
            f"A search has at most {MOST_CHARACTERS} characters; this one has {len(text)}.",
            MOST_CHARACTERS + 1,
            len(text) - MOST_CHARACTERS,
        )
    parts = _parts(text)
    if len(parts) > MOST_TERMS:
        part = parts[MOST_TERMS]
        raise _wrong(f"A search has at most {MOST_TERMS} parts.", part.column, part.length)
    return tuple(_term(part) for part in parts)


def _wrong(message: str, column: int, length: int, remedy: str = "") -> SearchInvalid:
    return SearchInvalid(message, field="filter", remedy=remedy, column=column, length=max(1, length))


# --- taking the text apart -------------------------------------------------------------------------------------------


def _parts(text: str) -> list[_Part]:
    for at, sign in enumerate(text):
        if not sign.isprintable() and not sign.isspace():
            raise _wrong("A search has letters, digits and signs that can be seen; this character cannot.", at + 1, 1)
    found: list[_Part] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        part, at = _part(text, at)
        found.append(part)
    return found


def _part(text: str, start: int) -> tuple[_Part, int]:
    at = start
    excluded = text[at] in "-!"
    at += excluded
    if at >= len(text) or text[at].isspace():
        raise _wrong(f"After “{text[start]}” comes what is to be left out.", start + 1, 1)
    field = ""
    if named := re.compile(r"([^\s\":,]+):").match(text, at):
        field, at = named[1].casefold(), named.end()
        if field not in FIELDS:
            _unknown(field, named.start() + 1, len(named[1]))
    values: list[tuple[int, str, bool]] = []
    while True:
        value, quoted, end = _value(text, at, bool(field))
        values.append((at + 1, value, quoted))
        at = end
        if not (field and at < len(text) and text[at] == ","):
            break
        at += 1
    if at < len(text) and not text[at].isspace():
        raise _wrong("After a closing quotation mark comes a blank.", at + 1, 1)
    return _Part(start + 1, at - start, excluded, field, tuple(values)), at


def _value(text: str, start: int, in_field: bool) -> tuple[str, bool, int]:
    """One value from `start` on: its text, whether it was in quotation marks, and where it ends."""
    if start < len(text) and text[start] == '"':
        end = text.find('"', start + 1)
        if end < 0:
            raise _wrong("The quotation marks that open here are not closed.", start + 1, len(text) - start)
        return text[start + 1 : end], True, end + 1
    end = start
    while end < len(text) and not text[end].isspace() and not (in_field and text[end] == ","):
        end += 1
    return text[start:end], False, end


def _unknown(field: str, column: int, length: int) -> NoReturn:
    near = get_close_matches(field, FIELDS, 1)
    hint = f"Did you mean {near[0]}:?" if near else f"There are {', '.join(FIELDS)}."
    raise _wrong(
        f"There is no “{field[:40]}:”. {hint}",
        column,
        length,
        remedy=f"Write {near[0]}: there." if near else "Words with a colon inside go into quotation marks.",
    )


# --- what a part asks for --------------------------------------------------------------------------------------------


def _term(part: _Part) -> Term:
    if not part.field or part.field in IN_WORDS:
        if len(part.values) > 1:
            column = part.values[1][0]
            raise _wrong(f"{part.field}: takes words, one after the other; no commas.", column - 1, 1)
        return _words(part, *part.values[0])
    if part.field in NUMBERS or part.field == "date":
        if len(part.values) > 1:
            raise _wrong(f"{part.field}: takes one value, or a span such as {_EXAMPLE[part.field]}.", *_at(part, 1))
        return _span(part, *part.values[0][:2])
    values = tuple(_fact(part, column, value) for column, value, _ in part.values)
    return Fact(part.field, values, part.field in EXACT, part.excluded)


_EXAMPLE = {"rating": "3..5", "width": "512..1024", "height": "512..1024", "date": "2026-11-01..2026-11-20"}


def _at(part: _Part, index: int) -> tuple[int, int]:
    column, value, _ = part.values[index]
    return column, len(value)


def _words(part: _Part, column: int, value: str, quoted: bool) -> Words:
    prefix = value.endswith("*") and not quoted
    found = tokens(value)
    if not found:
        if part.field and not value:
            raise _wrong(f"After {part.field}: comes what to look for.", column, 1)
        raise _wrong("There is no letter or digit to look for here.", column, len(value))
    return Words(found, part.field, prefix, part.excluded)


def _fact(part: _Part, column: int, value: str) -> str:
    value = value.strip().casefold()
    if not value:
        raise _wrong(f"After {part.field}: comes what to look for.", column, 1)
    if value.startswith(_SIGNS):
        raise _wrong(f"{part.field}: has no order; leave “{value[0]}” out.", column, 1)
    if part.field == "kind":
        if value not in KINDS:
            _none_of(part.field, value, column, ("source", "reference", "candidate", "post", "export"))
        return KINDS[value]
    if part.field == "is" and value not in TRAITS:
        _none_of(part.field, value, column, TRAITS)
    return value


def _none_of(field: str, value: str, column: int, known: tuple[str, ...]) -> NoReturn:
    near = get_close_matches(value, known, 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise _wrong(f"{field}: is one of {', '.join(known)}.{hint}", column, len(value))


def _span(part: _Part, column: int, value: str) -> Span:
    read = _day if part.field == "date" else _number
    if not value:
        raise _wrong(f"After {part.field}: comes what to look for.", column, 1)
    if (sign := next((one for one in _SIGNS if value.startswith(one)), "")) != "":
        first, last = read(part.field, column + len(sign), value.removeprefix(sign))
        below, above = _before(first), _after(last)
        lowest, highest = {">": (above, None), ">=": (first, None), "<": (None, below), "<=": (None, last)}[sign]
        return Span(part.field, lowest, highest, part.excluded)
    begin, dots, end = value.partition("..")
    lowest = read(part.field, column, begin)[0] if begin or not dots else None
    highest = read(part.field, column + len(begin) + 2, end)[1] if end else None
    if not dots:
        highest = read(part.field, column, begin)[1]
    if dots and lowest is None and highest is None:
        raise _wrong(f"{part.field}: wants an end of the span, as in {_EXAMPLE[part.field]}.", column, 2)
    return Span(part.field, lowest, highest, part.excluded)


def _before(value: int | str) -> int | str:
    return value - 1 if isinstance(value, int) else _shifted(value, -1)


def _after(value: int | str) -> int | str:
    return value + 1 if isinstance(value, int) else _shifted(value, 1)


def _shifted(day: str, days: int) -> str:
    try:
        return (datetime.date.fromisoformat(day) + datetime.timedelta(days=days)).isoformat()
    except OverflowError:
        return day


def _number(field: str, column: int, value: str) -> tuple[int, int]:
    if not (value.isascii() and value.isdigit()) or int(value[:20]) > _LARGEST:
        raise _wrong(f"{field}: takes a number, as in {field}:>3 or {field}:{_EXAMPLE[field]}.", column, len(value))
    return int(value), int(value)


def _day(field: str, column: int, value: str) -> tuple[str, str]:
    """First and last day of what is named."""
    match = _DATE.fullmatch(value) if value.isascii() else None
    try:
        if match is None:
            raise ValueError
        year, month, day = int(match[1]), int(match[2] or 1), int(match[3] or 1)
        first = datetime.date(year, month, day)
        if match[3]:
            return first.isoformat(), first.isoformat()
        end = month if match[2] else 12
        return first.isoformat(), datetime.date(year, end, calendar.monthrange(year, end)[1]).isoformat()
    except ValueError:
        raise _wrong(
            f"{field}: takes a year, month or day, as in date:2026-11 or date:>=2026-11-20.", column, len(value)
        ) from None
