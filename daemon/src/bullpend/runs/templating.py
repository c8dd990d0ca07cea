"""Templates of words: variables in braces, and choices where a text has any (`bullpend/prompts/frozen.py`).

A text without choices keeps Python's own rules: a brace is written twice. In one with choices a backslash keeps a sign.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from functools import lru_cache

from bullpend.errors import FieldInvalid
from bullpend.prompts import frozen

# A plan fills the same few templates for each of its pictures.
_REMEMBERED = 256


@lru_cache(_REMEMBERED)
def has_choices(template: str) -> bool:
    """Whether the template has choices or wildcards, which each candidate's seed expands."""
    try:
        _plain_variables(template)
    except ValueError:
        plain = False
    else:
        plain = "__" not in template
    try:
        return not plain and frozen.has_choices(template)
    except FieldInvalid:
        return False


def template_variables(template: str) -> tuple[str, ...]:
    """Names in braces, in order, each once. Raises ValueError for what is neither a plain `{name}` nor a choice."""
    return frozen.variables(template) if has_choices(template) else _plain_variables(template)


def fill(template: str, values: Mapping[str, str]) -> str:
    """The template with its variables replaced; choices stay. Raises KeyError for one that has no value.

    Beside choices a variable without a value stays as it is: a line of a wildcard may name any.
    """
    if has_choices(template):
        return frozen.fill(template, values)
    return "".join([literal + (values[name] if name is not None else "") for literal, name in _pieces(template)])


@lru_cache(_REMEMBERED)
def _pieces(template: str) -> tuple[tuple[str, str | None], ...]:
    """What stands before each variable, with the variable; the last one may be none."""
    return tuple((literal, name) for literal, name, _, _ in string.Formatter().parse(template))


@lru_cache(_REMEMBERED)
def _plain_variables(template: str) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for _, name, spec, conversion in string.Formatter().parse(template):
        if name is None:
            continue
        if not name.isidentifier() or spec or conversion:
            raise ValueError(f"{{{name}}} is not a plain variable")
        names[name] = None
    return tuple(names)
