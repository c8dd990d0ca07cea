"""Dynamic prompts: a small language of choices, expanded from a seed. Pure; the same words on every machine.

    {a|b}            one of them
    {2$$a|b|c}       two different ones, in their order, joined by `, `
    {1-2$$ and $$a|b|c}   one or two, joined by ` and `
    {3::a|b}         `a` three times as often as `b`
    __name__         a line of the wildcard of that name, which may hold choices itself and have a weight
    \\{ \\| \\_         the sign itself

A brace without `|` and without `$$` is none of this: `{style}` is a variable of a template and stays as it is.
A draw depends on the seed and on its place in the text alone (SHA-256), so that a later choice is not changed by an
earlier one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from bullpend.errors import FieldInvalid, LimitExceeded

MOST_CHARACTERS = 20_000
MOST_DEPTH = 12
MOST_DRAWS = 2000
# Where counting ends: what a double holds exactly.
MANY = 2**53

WILDCARD = re.compile(r"__(?P<name>[a-zA-Z0-9][a-zA-Z0-9/-]*(?:_[a-zA-Z0-9/-]+)*)__")
# Braces that are no choice, with nothing in them that could be one: a variable, whatever its name looks like.
VARIABLE = re.compile(r"\{(?:(?!\$\$)[^{}|\\])*\}")
_COUNT = re.compile(r"\s*(\d{1,3})(?:-(\d{1,3}))?\s*")
_WEIGHT = re.compile(r"\s*(\d{1,4}(?:\.\d{1,3})?)::")

# Lines of a wildcard by its name. Raises ResourceNotFound.
Lines = Callable[[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a choice, with how often it is taken against the others."""

    text: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice in a text: where it stands, what can be taken, and how many of it."""

    start: int
    end: int
    options: tuple[Option, ...]
    least: int = 1
    most: int = 1
    joiner: str = ", "


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a choice became."""

    written: str
    became: str


@dataclass
class Expansion:
    """A text without choices, and what each of them became, in their order."""

    text: str
    choices: list[Drawn] = field(default_factory=list)


def expand(text: str, seed: int, lines: Lines) -> Expansion:
    """Expands a text. Raises FieldInvalid where it is malformed, LimitExceeded where it grows too large."""
    return _Expander(seed, lines).expand(text)


def choices(text: str) -> Iterator[Choice]:
    """The choices of a text one after the other, wildcards unread. Raises FieldInvalid where it is malformed."""
    position = 0
    while (choice := _next(text, position, lambda name: ())) is not None:
        yield choice
        position = choice.end


def combinations(text: str, lines: Lines, depth: int = 0) -> int:
    """How many different draws there are; 0 where that is beyond counting, or where a wildcard holds itself."""
    if depth > MOST_DEPTH:
        return 0
    total = 1
    position = 0
    while (choice := _next(text, position, lines)) is not None:
        inside = [combinations(option.text, lines, depth + 1) for option in choice.options]
        if 0 in inside:
            return 0
        ways = 0
        for count in range(choice.least, choice.most + 1):
            ways += _elementary(inside, count)
        total *= max(ways, 1)
        if total > MANY:
            return 0
        position = choice.end
    return total


def _elementary(inside: Sequence[int], count: int) -> int:
    """Ways to take `count` different options, each with its own ways: an elementary symmetric polynomial."""
    sums = [1] + [0] * count
    for ways in inside:
        for size in range(count, 0, -1):
            sums[size] += sums[size - 1] * ways
    return sums[count]


class _Expander:
    def __init__(self, seed: int, lines: Lines) -> None:
        self._seed = seed
        self._lines = lines
        self._draws = 0

    def expand(self, text: str) -> Expansion:
        made = Expansion("")
        made.text = unescape(self._expand(text, "", 0, made.choices))
        return made

    def _expand(self, text: str, path: str, depth: int, choices: list[Drawn]) -> str:
        if depth > MOST_DEPTH:
            raise LimitExceeded(
                f"Choices hold each other more than {MOST_DEPTH} deep; perhaps a wildcard holds itself.", field="text"
            )
        parts: list[str] = []
        position = number = size = 0
        while (choice := _next(text, position, self._lines)) is not None:
            parts.append(text[position : choice.start])
            at = f"{path}/{number}"
            taken = [self._expand(text_, f"{at}.{i}", depth + 1, []) for i, text_ in self._take(choice, at)]
            became = choice.joiner.join(taken)
            choices.append(Drawn(text[choice.start : choice.end], unescape(became)))
            parts.append(became)
            size += len(became)
            if size > MOST_CHARACTERS:
                raise LimitExceeded(f"The text grows beyond {MOST_CHARACTERS} characters.", field="text")
            position, number = choice.end, number + 1
        return "".join(parts) + text[position:]

    def _take(self, choice: Choice, at: str) -> list[tuple[int, str]]:
        """The options that are drawn, in the order of the text, with their places."""
        span = choice.most - choice.least + 1
        count = choice.least + self._draw(f"{at}#", span) if span > 1 else choice.least
        left = list(range(len(choice.options)))
        taken = []
        for turn in range(min(count, len(left))):
            weights = [round(choice.options[index].weight * 1000) for index in left]
            if not sum(weights):
                break
            point = self._draw(f"{at}@{turn}", sum(weights))
            for place, weight in enumerate(weights):
                if point < weight:
                    taken.append(left.pop(place))
                    break
                point -= weight
        return [(index, choice.options[index].text) for index in sorted(taken)]

    def _draw(self, at: str, below: int) -> int:
        self._draws += 1
        if self._draws > MOST_DRAWS:
            raise LimitExceeded(f"The text has more than {MOST_DRAWS} choices.", field="text")
        digest = hashlib.sha256(f"{self._seed}:{at}".encode()).digest()
        return int.from_bytes(digest[:16], "big") % below


def unescape(text: str) -> str:
    """The text with its escaped signs as they are."""
    return re.sub(r"\\([{}|_$\\])", r"\1", text)


def _next(text: str, position: int, lines: Lines) -> Choice | None:
    """The next choice after a position. Raises FieldInvalid for a brace that does not fit."""
    while position < len(text):
        sign = text[position]
        if sign == "\\":
            position += 2
            continue
        if sign == "{" and (variable := VARIABLE.match(text, position)):
            position = variable.end()
            continue
        if sign == "{":
            end = _close(text, position)
            choice = _braces(text, position, end)
            if choice is not None:
                return choice
            position += 1
            continue
        if sign == "}" and _unopened(text, position):
            raise FieldInvalid(f"The brace at character {position + 1} closes nothing.", field="text")
        if sign == "_" and (found := WILDCARD.match(text, position)):
            options = tuple(_option(line) for line in lines(found[1]))
            return Choice(position, found.end(), options)
        position += 1
    return None


def _unopened(text: str, position: int) -> bool:
    depth = 0
    index = 0
    while index < position:
        if text[index] == "\\":
            index += 2
            continue
        depth += (text[index] == "{") - (text[index] == "}")
        index += 1
    return depth <= 0


def _close(text: str, start: int) -> int:
    """Where the brace that opens at `start` ends, after its closing sign."""
    depth = 0
    index = start
    while index < len(text):
        if text[index] == "\\":
            index += 2
            continue
        depth += (text[index] == "{") - (text[index] == "}")
        index += 1
        if depth == 0:
            return index
    raise FieldInvalid(
        f"The brace at character {start + 1} is not closed.",
        field="text",
        remedy="Close it, or write \\{ for the sign.",
    )


def _braces(text: str, start: int, end: int) -> Choice | None:
    """A choice in braces; None for a variable of a template."""
    inside = text[start + 1 : end - 1]
    head = _split(inside, "$$")
    options = _split(head[-1], "|")
    if len(head) == 1 and len(options) == 1:
        return None
    least = most = 1
    joiner = ", "
    if len(head) > 3:
        raise FieldInvalid(f"The choice at character {start + 1} has too many $$.", field="text")
    if len(head) > 1:
        found = _COUNT.fullmatch(head[0])
        if found is None:
            raise FieldInvalid(f"`{head[0][:40]}` before $$ at character {start + 1} is no count.", field="text")
        least, most = int(found[1]), int(found[2] or found[1])
        joiner = unescape(head[1]) if len(head) == 3 else joiner
    if not 0 <= least <= most or least > len(options):
        raise FieldInvalid(
            f"The choice at character {start + 1} wants {head[0].strip()} of {len(options)} options.", field="text"
        )
    return Choice(start, end, tuple(_option(option) for option in options), least, min(most, len(options)), joiner)


def _option(text: str) -> Option:
    found = _WEIGHT.match(text)
    return Option(text[found.end() :].strip(), float(found[1])) if found else Option(text.strip())


def _split(text: str, sign: str) -> list[str]:
    """Splits at a sign that stands outside of inner braces."""
    parts, depth, start, index = [], 0, 0, 0
    while index < len(text):
        if text[index] == "\\":
            index += 2
            continue
        depth += (text[index] == "{") - (text[index] == "}")
        if depth == 0 and text.startswith(sign, index):
            parts.append(text[start:index])
            index += len(sign)
            start = index
            continue
        index += 1
    return [*parts, text[start:]]
