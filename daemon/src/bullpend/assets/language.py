"""The language of searches: `rain character:mara stage:weather rating:>3 date:2026-11 -draft "wet street"`.

Pure. A text becomes terms, all of which must fit; a slip is a SearchInvalid that points at its column. `grammar` takes
the text apart, here is what its parts ask for. docs/search.md describes the language for people.
"""

from __future__ import annotations

import calendar
import datetime
import re
import unicodedata
from difflib import get_close_matches
from typing import NoReturn

from bullpend.assets.grammar import Group, Part, Piece, pieces, wrong
from bullpend.assets.terms import EXACT, FIELDS, IN_WORDS, KINDS, NUMBERS, TRAITS, Either, Fact, Span, Term, Words

__all__ = ["FIELDS", "MOST_CHARACTERS", "Either", "Fact", "Span", "Term", "Words", "parse", "tokens"]

MOST_CHARACTERS = 1000

_SIGNS = (">=", "<=", ">", "<")
_TOKEN = re.compile(r"[^\W_]+")
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
_LARGEST = 2**31 - 1


def tokens(text: str) -> tuple[str, ...]:
    """The words of a text, as the index takes them apart: runs of letters and digits."""
    return tuple(_TOKEN.findall(unicodedata.normalize("NFC", text)))


def parse(text: str) -> tuple[Term, ...]:
    """What a search asks for; empty for one that asks for nothing. Raises SearchInvalid."""
    if len(text) > MOST_CHARACTERS:
        raise wrong(
            f"A search has at most {MOST_CHARACTERS} characters; this one has {len(text)}.",
            MOST_CHARACTERS + 1,
            len(text) - MOST_CHARACTERS,
        )
    return _terms(pieces(text))


def _terms(found: tuple[Piece, ...]) -> tuple[Term, ...]:
    terms: list[Term] = []
    for one in found:
        if isinstance(one, Part):
            terms.append(_term(one))
        elif len(one.choices) == 1 and not one.excluded:
            terms += _terms(one.choices[0])  # brackets around what must fit anyway
        else:
            terms.append(_either(one))
    return tuple(terms)


def _either(group: Group) -> Either:
    return Either(tuple(_terms(choice) for choice in group.choices), group.excluded)


# --- what a part asks for --------------------------------------------------------------------------------------------


def _term(part: Part) -> Term:
    if not part.field or part.field in IN_WORDS:
        if len(part.values) > 1:
            column = part.values[1][0]
            raise wrong(f"{part.field}: takes words, one after the other; no commas.", column - 1, 1)
        return _words(part, *part.values[0])
    if part.field in NUMBERS or part.field == "date":
        if len(part.values) > 1:
            raise wrong(f"{part.field}: takes one value, or a span such as {_EXAMPLE[part.field]}.", *_at(part, 1))
        return _span(part, *part.values[0][:2])
    values = tuple(_fact(part, column, value) for column, value, _ in part.values)
    return Fact(part.field, values, part.field in EXACT, part.excluded)


_EXAMPLE = {"rating": "3..5", "width": "512..1024", "height": "512..1024", "date": "2026-11-01..2026-11-20"}


def _at(part: Part, index: int) -> tuple[int, int]:
    column, value, _ = part.values[index]
    return column, len(value)


def _words(part: Part, column: int, value: str, quoted: bool) -> Words:
    prefix = value.endswith("*") and not quoted
    found = tokens(value)
    if not found:
        if part.field and not value:
            raise wrong(f"After {part.field}: comes what to look for.", column, 1)
        raise wrong("There is no letter or digit to look for here.", column, len(value))
    return Words(found, part.field, prefix, part.excluded)


def _fact(part: Part, column: int, value: str) -> str:
    value = value.strip().casefold()
    if not value:
        raise wrong(f"After {part.field}: comes what to look for.", column, 1)
    if value.startswith(_SIGNS):
        raise wrong(f"{part.field}: has no order; leave “{value[0]}” out.", column, 1)
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
    raise wrong(f"{field}: is one of {', '.join(known)}.{hint}", column, len(value))


def _span(part: Part, column: int, value: str) -> Span:
    read = _day if part.field == "date" else _number
    if not value:
        raise wrong(f"After {part.field}: comes what to look for.", column, 1)
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
        raise wrong(f"{part.field}: wants an end of the span, as in {_EXAMPLE[part.field]}.", column, 2)
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
        raise wrong(f"{field}: takes a number, as in {field}:>3 or {field}:{_EXAMPLE[field]}.", column, len(value))
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
        raise wrong(
            f"{field}: takes a year, month or day, as in date:2026-11 or date:>=2026-11-20.", column, len(value)
        ) from None
