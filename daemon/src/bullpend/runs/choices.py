"""Choices in the words of a job: which have any, and what a candidate's seed makes of them. Pure functions.

A job keeps its words with their choices, whole in themselves, and a mark among its uses that says so. Only words with
the mark are expanded: what was planned before there were choices, and what only looks like one, stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from bullpend.prompts import frozen as dynamic
from bullpend.prompts.dynamic import Drawn, Lines
from bullpend.runs.cast import Part, Use
from bullpend.runs.templating import has_choices
from bullpend.runs.wording import Wording

PROMPT, NEGATIVE = "prompt", "negative_prompt"


@dataclass(frozen=True, slots=True)
class Expanded:
    """The words of one candidate, and what each choice became: those of the prompt, then those of the negative one."""

    prompt: str
    negative_prompt: str
    choices: tuple[Drawn, ...]

    def to_dict(self) -> list[dict[str, str]]:
        """The choices as JSON, for the recipe."""
        return [{"from": drawn.written, "to": drawn.became} for drawn in self.choices]


def frozen(words: Wording, lines: Lines) -> Wording:
    """The words with their wildcards written out. Raises ResourceNotFound or LimitExceeded."""
    return replace(
        words,
        instruction=dynamic.freeze(words.instruction, lines) if has_choices(words.instruction) else words.instruction,
        negative=dynamic.freeze(words.negative, lines) if has_choices(words.negative) else words.negative,
    )


def marks(words: Wording) -> list[Use]:
    """Which of the words, as they were written, have choices."""
    return [
        Use(Part.CHOICES, item, text, source)
        for item, text, source in (
            (PROMPT, words.instruction, words.source),
            (NEGATIVE, words.negative, words.negative_source),
        )
        if has_choices(text)
    ]


def of(uses: Iterable[Use]) -> tuple[Use, ...]:
    """The marks among what acts on a picture; they belong to its words, wherever it is made again."""
    return tuple(use for use in uses if use.part is Part.CHOICES)


def expand(uses: Iterable[Use], prompt: str, negative_prompt: str, seed: int) -> Expanded | None:
    """The words of the candidate with this seed; None where they are the job's own."""
    marked = {use.item for use in of(uses)}
    if not marked:
        return None
    drawn: list[Drawn] = []

    def made(item: str, text: str) -> str:
        if item not in marked:
            return text
        expansion = dynamic.expand(text, seed)
        drawn.extend(expansion.choices)
        return expansion.text

    return Expanded(made(PROMPT, prompt), made(NEGATIVE, negative_prompt), tuple(drawn))


def joined(negative: str, more: Iterable[str], words: Wording) -> str:
    """Negative words with those of characters; beside choices these are taken as they are, braces and all."""
    guarded = map(dynamic.escape, more) if has_choices(words.negative) else more
    return ", ".join(part for part in (negative, *guarded) if part)


def recipe_part(expanded: Expanded | None, prompt: str) -> dict[str, Any]:
    """What a recipe says of choices: the words as they were planned, and what became of each."""
    return {} if expanded is None else {"choices": expanded.to_dict(), "written_prompt": prompt}
