"""Prompt templates: which variables their words may use, and what they say once they are filled. Pure functions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bullpend.bible.model import PromptTemplate
from bullpend.bible.rules import TEXT, WORDS, few, once
from bullpend.errors import FieldInvalid, TemplateVariableUnknown
from bullpend.rpc import names
from bullpend.runs.manifest import fill, template_variables

MOST = 64
_AT = "prompt_template"


@dataclass(frozen=True, slots=True)
class Filled:
    """A template's words with every blank filled, and the value that each variable had."""

    text: str
    negative_text: str
    values: Mapping[str, str]


def check(template: PromptTemplate, of_stage: Collection[str]) -> None:
    """Whether the template's words use declared variables only; `of_stage` are those that its stage declares.

    Raises FieldInvalid, LimitExceeded or TemplateVariableUnknown, naming the field.
    """
    names.text(template.text, f"{_AT}.text", WORDS, required=True)
    names.text(template.negative_text, f"{_AT}.negative_text", WORDS)
    few(template.variables, MOST, f"{_AT}.variables")
    for index, variable in enumerate(template.variables):
        at = f"{_AT}.variables[{index}]"
        names.variables({variable.variable: variable.default_value}, f"{at}.variable")
        names.text(variable.description, f"{at}.description", TEXT)
    once([variable.variable for variable in template.variables], f"{_AT}.variables[{{}}].variable")
    known = {variable.variable for variable in template.variables} | set(of_stage)
    for field in ("text", "negative_text"):
        for name in used(getattr(template, field), f"{_AT}.{field}"):
            if name not in known:
                raise unknown(name, known, f"{_AT}.{field}", f"The words use {{{name}}}, which")


def used(text: str, field: str) -> tuple[str, ...]:
    """Variables of some words, in order, each once. Raises FieldInvalid for braces that are no variable."""
    try:
        return template_variables(text)
    except ValueError as error:
        raise FieldInvalid(
            f"`{field}` is malformed: {error}.",
            field=field,
            remedy="Write variables as {name}, and double braces that are meant as braces.",
        ) from error


def unknown(name: str, known: Collection[str], field: str, what: str) -> TemplateVariableUnknown:
    """The error for a variable that is not declared; `what` begins its sentence."""
    there = ", ".join(sorted(known)) or "none"
    return TemplateVariableUnknown(
        f"{what} is not declared; there are: {there}.", field=field, variable=name, known=there
    )


def render(
    template: PromptTemplate, given: Mapping[str, str], around: Mapping[str, str], of_stage: Collection[str]
) -> Filled:
    """The template's words. A value comes from `given`, else from what is `around` (scene, style guide), else from
    the variable's default.

    Raises TemplateVariableUnknown for a given value that nothing declares, and FieldInvalid naming the first
    variable without a value.
    """
    declared = {variable.variable: variable for variable in template.variables}
    known = {*declared, *of_stage}
    for name in given:
        if name not in known:
            raise unknown(name, known, f"values.{name[:100]}", f"A value is given for {name[:100]!r}, which")
    defaults = {name: item.default_value for name, item in declared.items() if item.HasField("default_value")}
    values = {**defaults, **{name: value for name, value in around.items() if value.strip()}, **given}
    wanted = dict.fromkeys((*template_variables(template.text), *template_variables(template.negative_text)))
    for name in wanted:
        if name not in values:
            meaning = declared[name].description if name in declared else ""
            raise FieldInvalid(
                f"There is no value for {{{name}}}. {meaning}".strip(),
                field=f"values.{name}",
                remedy=f"Give a value for {name}, or a scene or style guide that has one.",
                variable=name,
            )
    return Filled(fill(template.text, values), fill(template.negative_text, values), {n: values[n] for n in wanted})
