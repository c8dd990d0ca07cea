"""Templates: words with plain `{variables}`; doubled braces stand for themselves. Pure functions."""

from __future__ import annotations

import string
from collections.abc import Mapping


def template_variables(template: str) -> tuple[str, ...]:
    """Names in braces, in order, each once. Raises ValueError for anything but plain `{name}` and doubled braces."""
    names: dict[str, None] = {}
    for _, name, spec, conversion in string.Formatter().parse(template):
        if name is None:
            continue
        if not name.isidentifier() or spec or conversion:
            raise ValueError(f"{{{name}}} is not a plain variable")
        names[name] = None
    return tuple(names)


def fill(template: str, values: Mapping[str, str]) -> str:
    """The template with its variables replaced. Raises KeyError for one that has no value."""
    return "".join(
        literal + (values[name] if name is not None else "")
        for literal, name, _, _ in string.Formatter().parse(template)
    )
