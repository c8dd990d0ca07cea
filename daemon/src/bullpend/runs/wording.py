"""The words in force for a run, before they are filled."""

from __future__ import annotations

from dataclasses import dataclass

from bullpend.runs.plan import TemplateFacts


@dataclass(frozen=True, slots=True)
class Wording:
    """The words in force, before they are filled, and where they were taken from: a template, a stage, or (empty) the
    request. `template` is the prompt template that they are of, if any.
    """

    instruction: str
    negative: str
    source: str
    negative_source: str
    names: tuple[str, ...]
    template: TemplateFacts | None = None
