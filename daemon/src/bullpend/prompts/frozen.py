"""Dynamic prompts inside runs: words with choices, whole in themselves, expanded for each candidate by its seed.

A template's text becomes a job's words in two steps. First its wildcards are written out, so that a file that changes
later changes nothing that was planned; then the values of its variables are put in with their signs escaped, since
braces in a value mean nothing. What is left is expanded by each candidate's seed, at the very last moment, and always
to the same words: in the run, in its retries, and in a replay of its log on another machine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from bullpend.errors import LimitExceeded, ResourceNotFound
from bullpend.prompts import dynamic
from bullpend.prompts.dynamic import Expansion, Lines

# Of a job's words, wildcards written out.
MOST_CHARACTERS = 32_000
_VARIABLE = re.compile(r"\{([^\W\d]\w*)\}")
# A wildcard by its name. Without one: a sign that is kept, or a variable, whose name may look like a wildcard.
_WORDS = re.compile(rf"\\.|{dynamic.VARIABLE.pattern}|{dynamic.WILDCARD.pattern}", re.DOTALL)
_SIGNS = re.compile(r"[{}|_$\\]")


def has_choices(text: str) -> bool:
    """Whether a text has a choice or a wildcard. Raises FieldInvalid for one that is malformed."""
    return any(True for _ in dynamic.choices(text))


def variables(text: str) -> tuple[str, ...]:
    """Names in braces of a text with choices, in order, each once."""
    return tuple(dict.fromkeys(found[1] for found in _unescaped(text)))


def fill(text: str, values: Mapping[str, str]) -> str:
    """A text with choices, its variables replaced by values that are taken as they are; one without a value stays."""
    parts, position = [], 0
    for found in _unescaped(text):
        parts += [text[position : found.start()], escape(values[found[1]]) if found[1] in values else found[0]]
        position = found.end()
    return "".join((*parts, text[position:]))


def escape(text: str) -> str:
    """A text in which nothing is a choice."""
    return _SIGNS.sub(r"\\\g<0>", text)


def freeze(text: str, lines: Lines, depth: int = 0) -> str:
    """The text with its wildcards written out as choices. Raises ResourceNotFound or LimitExceeded."""
    if depth > dynamic.MOST_DEPTH:
        raise LimitExceeded("A wildcard of the prompt holds itself.", field="instruction")
    parts, position, size = [], 0, 0
    for found in _WORDS.finditer(text):
        if found["name"] is None:
            continue
        options = [freeze(_guarded(line), lines, depth + 1) for line in lines(found["name"])]
        # `1$$` keeps a single line a choice, so that every other choice keeps its place, and its draw.
        written = f"{{1$${'|'.join(options)}}}"
        parts += [text[position : found.start()], written]
        position, size = found.end(), size + len(written)
        if size > MOST_CHARACTERS:
            raise LimitExceeded(
                f"With its wildcards written out the prompt has more than {MOST_CHARACTERS} characters.",
                field="instruction",
                remedy="Use shorter wildcards in a run.",
            )
    return "".join((*parts, text[position:]))


@lru_cache(512)
def expand(text: str, seed: int) -> Expansion:
    """What a candidate's seed makes of words that are whole in themselves."""
    return dynamic.expand(text, seed, no_wildcards)


def no_wildcards(name: str) -> list[str]:
    """Where there are none."""
    raise ResourceNotFound(f"There is no wildcard {name[:60]}.", field="instruction")


def _guarded(line: str) -> str:
    """A wildcard's line as an option: what would part it from itself is escaped."""
    depth, made = 0, []
    index = 0
    while index < len(line):
        sign = line[index]
        if sign == "\\":
            made.append(line[index : index + 2])
            index += 2
            continue
        depth += (sign == "{") - (sign == "}")
        made.append(f"\\{sign}" if depth == 0 and sign in "|$" else sign)
        index += 1
    return "".join(made)


def _unescaped(text: str) -> list[re.Match[str]]:
    return [found for found in _VARIABLE.finditer(text) if not _escaped(text, found.start())]


def _escaped(text: str, position: int) -> bool:
    """Whether an odd number of backslashes stands before a sign."""
    before = len(text[:position]) - len(text[:position].rstrip("\\"))
    return before % 2 == 1
