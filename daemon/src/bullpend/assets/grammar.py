"""Takes a search apart: parts between blanks, groups in brackets, and the words between them. Pure.

    search  = { "NOT" | "-" | "!" } operand { ["AND" | "OR" | "|"] … }
    operand = part | "(" search ")"
    part    = [field ":"] value { "," value }

OR stands between two operands and joins only these: `rain OR fog stage:time` is rain or fog, and the stage. What a part
asks for is `language`'s to say. Columns count characters from 1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, NoReturn

from bullpend.assets.terms import FIELDS
from bullpend.errors import SearchInvalid

MOST_TERMS: Final = 50
DEEPEST: Final = 8
"""Brackets inside of each other."""

_BETWEEN = re.compile(r"(OR|AND|NOT|\|)(?=[\s()]|$)")
_FIELD = re.compile(r"([^\s\":,()]+):")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the text between blanks: where it begins, what stands before its colon, and its values."""

    column: int
    length: int
    excluded: bool
    field: str
    values: tuple[tuple[int, str, bool], ...]
    """Column, text, and whether it was in quotation marks."""


@dataclass(frozen=True, slots=True)
class Group:
    """Choices of which one fits; of each of them all parts."""

    choices: tuple[tuple[Part | Group, ...], ...]
    excluded: bool = False


Piece = Part | Group


def wrong(message: str, column: int, length: int, remedy: str = "") -> SearchInvalid:
    """A slip that begins at a column and is so long."""
    return SearchInvalid(message, field="filter", remedy=remedy, column=column, length=max(1, length))


def pieces(text: str) -> tuple[Piece, ...]:
    """The parts and groups of a search, all of which must fit. Raises SearchInvalid."""
    for at, sign in enumerate(text):
        if not sign.isprintable() and not sign.isspace():
            raise wrong("A search has letters, digits and signs that can be seen; this character cannot.", at + 1, 1)
    return _Reader(text).sequence(())


class _Reader:
    """Reads a text from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._parts = 0

    def sequence(self, opened: Sequence[int]) -> tuple[Piece, ...]:
        """Pieces up to the end, or to the bracket that closes the last one of `opened`."""
        found: list[Piece] = []
        joining: tuple[int, int] | None = None  # an OR that waits for what comes after it
        while self._skip():
            start = self._at
            if self._text[start] == ")":
                break
            if (word := _BETWEEN.match(self._text, start)) and word[1] != "NOT":
                if not found or joining:
                    raise _between(word[1], start)
                self._at = word.end()
                joining = (start, len(word[1])) if word[1] != "AND" else None
                if word[1] == "AND" and not self._more():
                    raise _between(word[1], start)
                continue
            piece = self._operand(opened)
            if joining:
                piece = _either(found.pop(), piece)
                joining = None
            found.append(piece)
        if joining:
            raise wrong("OR stands between two parts; here comes nothing after it.", joining[0] + 1, joining[1])
        if self._at < len(self._text) and not opened:
            raise wrong("No bracket is open that could be closed here.", self._at + 1, 1, _QUOTE)
        if self._at >= len(self._text) and opened:
            raise wrong(
                "The bracket that opens here is not closed.", opened[-1] + 1, 1, "Write ) behind its last part."
            )
        return tuple(found)

    def _skip(self) -> bool:
        """Goes over blanks; false at the end."""
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1
        return self._at < len(self._text)

    def _more(self) -> bool:
        """Whether something to look for comes next."""
        return self._skip() and self._text[self._at] != ")" and not _BETWEEN.match(self._text, self._at)

    def _operand(self, opened: Sequence[int]) -> Piece:
        text, start, excluded = self._text, self._at, False
        while True:
            if (word := _BETWEEN.match(text, self._at)) and word[1] == "NOT":
                said, self._at = word[1], word.end()
                ready = self._more() or (self._at < len(text) and text.startswith("NOT", self._at))
            elif text[self._at] in "-!" and not (excluded and self._at > start and text[self._at - 1] in "-!"):
                said, self._at = text[self._at], self._at + 1
                ready = self._at < len(text) and not text[self._at].isspace() and text[self._at] != ")"
            else:
                break
            if not ready:
                raise wrong(f"After “{said}” comes what is to be left out.", self._at - len(said) + 1, len(said))
            excluded = not excluded
        if text[self._at] == "(":
            return self._group(opened, excluded)
        self._parts += 1
        if self._parts > MOST_TERMS:
            raise wrong(f"A search has at most {MOST_TERMS} parts.", start + 1, _end_of_word(text, start) - start)
        return self._part(start, excluded, bool(opened))

    def _group(self, opened: Sequence[int], excluded: bool) -> Piece:
        start = self._at
        if len(opened) >= DEEPEST:
            raise wrong(f"Brackets go {DEEPEST} deep at most.", start + 1, 1)
        self._at += 1
        inside = self.sequence((*opened, start))
        self._at += 1
        if not inside:
            raise wrong("There is nothing between these brackets.", start + 1, self._at - start)
        if self._at < len(self._text) and not (self._text[self._at].isspace() or self._text[self._at] == ")"):
            raise wrong("After a closing bracket comes a blank.", self._at + 1, 1, _QUOTE)
        return Group((inside,), excluded)

    def _part(self, start: int, excluded: bool, in_group: bool) -> Part:
        field = ""
        if named := _FIELD.match(self._text, self._at):
            field, self._at = named[1].casefold(), named.end()
            if field not in FIELDS:
                _unknown(field, named.start() + 1, len(named[1]))
        values: list[tuple[int, str, bool]] = []
        while True:
            column = self._at + 1
            value, quoted = self._value(bool(field), in_group)
            values.append((column, value, quoted))
            if not (field and self._at < len(self._text) and self._text[self._at] == ","):
                break
            self._at += 1
        after = self._text[self._at : self._at + 1]
        if after and not after.isspace() and not (in_group and after == ")"):
            if after == ")":
                raise wrong("No bracket is open that could be closed here.", self._at + 1, 1, _QUOTE)
            raise wrong("After a closing quotation mark comes a blank.", self._at + 1, 1)
        return Part(start + 1, self._at - start, excluded, field, tuple(values))

    def _value(self, in_field: bool, in_group: bool) -> tuple[str, bool]:
        """One value: its text, and whether it was in quotation marks. Brackets that it opens itself belong to it."""
        text, start = self._text, self._at
        if text.startswith('"', start):
            end = text.find('"', start + 1)
            if end < 0:
                raise wrong("The quotation marks that open here are not closed.", start + 1, len(text) - start)
            self._at = end + 1
            return text[start + 1 : end], True
        depth = 0
        while self._at < len(text) and not text[self._at].isspace() and not (in_field and text[self._at] == ","):
            depth += (text[self._at] == "(") - (text[self._at] == ")")
            if depth < 0:
                break
            self._at += 1
        return text[start : self._at], False


_QUOTE = "Brackets that are looked for go into quotation marks."


def _between(word: str, at: int) -> SearchInvalid:
    return wrong(
        f"{word} stands between two parts.", at + 1, len(word), f"To look for the word, write “{word.lower()}”."
    )


def _end_of_word(text: str, start: int) -> int:
    end = start
    while end < len(text) and not text[end].isspace():
        end += 1
    return end


def _either(left: Piece, right: Piece) -> Group:
    """One of both; `a OR b OR c` is one group of three."""

    def choices(piece: Piece) -> tuple[tuple[Piece, ...], ...]:
        return piece.choices if isinstance(piece, Group) and not piece.excluded else ((piece,),)

    return Group((*choices(left), *choices(right)))


def _unknown(field: str, column: int, length: int) -> NoReturn:
    near = get_close_matches(field, FIELDS, 1)
    hint = f"Did you mean {near[0]}:?" if near else f"There are {', '.join(FIELDS)}."
    raise wrong(
        f"There is no “{field[:40]}:”. {hint}",
        column,
        length,
        remedy=f"Write {near[0]}: there." if near else "Words with a colon inside go into quotation marks.",
    )
