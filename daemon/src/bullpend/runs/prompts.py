"""How a template becomes the words for one picture. Pure functions.

Values come from, weakest first: the style guide; the first character of the scene, as `character`; the scene; the
request. A value is put in as it is: braces in it mean nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bullpend.errors import FieldInvalid, ResourceNotFound
from bullpend.runs.manifest import Stage, check_template, fill, template_variables
from bullpend.runs.model import RunRequest
from bullpend.runs.plan import StyleGuideFacts
from bullpend.runs.sources import Picture

# Longer than any text encoder reads; a bound against accidents.
MAX_INSTRUCTION = 4000


@dataclass(frozen=True, slots=True)
class Words:
    """Prompt and negative prompt of one picture."""

    prompt: str
    negative: str


def style_guide(request: RunRequest, guides: Sequence[StyleGuideFacts]) -> StyleGuideFacts | None:
    """The style guide that is asked for, or the only one. Raises ResourceNotFound."""
    if not request.style_guide:
        return guides[0] if len(guides) == 1 else None
    for guide in guides:
        if guide.name == request.style_guide:
            return guide
    known = ", ".join(guide.name for guide in guides) or "none"
    raise ResourceNotFound(
        f"There is no style guide {request.style_guide}.",
        field="style_guide",
        remedy=f"The style guides of the project are: {known}.",
        resource=request.style_guide,
    )


def used_variables(request: RunRequest, stage: Stage) -> tuple[str, ...]:
    """Variables of the instruction in force and of the negative prompt. Raises FieldInvalid for a malformed one."""
    instruction = request.instruction or stage.instruction
    if len(instruction) > MAX_INSTRUCTION:
        raise FieldInvalid(
            f"The instruction has {len(instruction)} characters.",
            field="instruction",
            remedy=f"Give at most {MAX_INSTRUCTION} characters.",
        )
    names = check_template(instruction, stage, "instruction")
    return tuple(dict.fromkeys((*names, *template_variables(stage.negative_prompt))))


def write(
    request: RunRequest, stage: Stage, guide: StyleGuideFacts | None, pictures: Sequence[Picture]
) -> tuple[Words, ...]:
    """The words of each picture, in order. Raises FieldInvalid naming the first variable without a value."""
    names = used_variables(request, stage)
    values = [{**(guide.variables if guide else {}), **picture.variables, **request.variables} for picture in pictures]
    for name in names:
        missing = [
            picture.key for picture, known in zip(pictures, values, strict=True) if not known.get(name, "").strip()
        ]
        if missing:
            raise _missing(name, stage, missing, of_scenes=request.scenes is not None)
    instruction = request.instruction or stage.instruction
    return tuple(Words(fill(instruction, known), fill(stage.negative_prompt, known)) for known in values)


def _missing(name: str, stage: Stage, keys: Sequence[str], *, of_scenes: bool) -> FieldInvalid:
    meaning = _meaning(stage.variables, name)
    what = "scene" if of_scenes else "picture"
    shown = ", ".join(keys[:6]) + (f" and {len(keys) - 6} more" if len(keys) > 6 else "")
    place = "on the scene or the style guide" if of_scenes else "on the style guide"
    return FieldInvalid(
        f"The instruction uses {{{name}}}, and the {what}{'s' if len(keys) > 1 else ''} {shown} "
        f"{'have' if len(keys) > 1 else 'has'} no value for it.{meaning}",
        field=f"variables.{name}",
        remedy=f"Give it with `--set {name}=…`, or set it {place}.",
        variable=name,
    )


def _meaning(variables: Mapping[str, str], name: str) -> str:
    text = variables.get(name, "")
    return f" {text}" if text else ""
