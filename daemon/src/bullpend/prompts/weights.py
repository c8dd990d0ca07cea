"""Weights of phrases, `(x:1.2)`: found, and taken out for models that would read the signs as words. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_WEIGHTED = re.compile(r"(?<!\\)\(([^()\\]*(?:\\.[^()\\]*)*):\s*(-?\d{1,2}(?:\.\d{1,3})?)\s*\)")


@dataclass(frozen=True, slots=True)
class Weighted:
    """A phrase with its weight."""

    text: str
    weight: float


def read(text: str) -> tuple[str, list[Weighted]]:
    """The text without the signs of weights, and the phrases that had one, innermost first.

    Weights inside of each other multiply, as programs that know them do.
    """
    found: list[Weighted] = []
    plain = text
    while match := _WEIGHTED.search(plain):
        phrase, weight = match[1].strip(), float(match[2])
        found = [Weighted(one.text, one.weight * weight) if one.text in phrase else one for one in found]
        found.append(Weighted(phrase, weight))
        plain = plain[: match.start()] + match[1] + plain[match.end() :]
    return plain, found
