"""How a template becomes the words for one picture. Pure functions.

The words are the request's own instruction, else those of the prompt template that it names, else those of the only
template that the project has for this stage, else the stage's. Values come from, weakest first: the template's
defaults; the style guide; the characters of the scene; the scene; the request. A value is put in as it is: braces in it
mean nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bullpend.errors import FieldInvalid, ResourceNotFound, TemplateVariableUnknown
from bullpend.prompts.dynamic import Lines
from bullpend.prompts.frozen import no_wildcards
from bullpend.runs import choices
from bullpend.runs.cast import NEGATIVE, OF_CHARACTERS, Part, Use, without_items
from bullpend.runs.manifest import Stage, check_template, fill, template_variables
from bullpend.runs.model import RunRequest
from bullpend.runs.plan import StyleGuideFacts, TemplateFacts
from bullpend.runs.sources import Picture
from bullpend.runs.wording import Wording

# Longer than any text encoder reads; a bound against accidents.
MAX_INSTRUCTION = 4000
# Values by variable, each with where it was taken from.
Layer = dict[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Words:
    """Prompt and negative prompt of one picture, what they were made of, and every value that there is for it."""

    prompt: str
    negative: str
    uses: tuple[Use, ...] = field(default=(), compare=False)
    known: Mapping[str, str] = field(default_factory=dict, compare=False)


def style_guide(request: RunRequest, guides: Sequence[StyleGuideFacts]) -> StyleGuideFacts | None:
    """The style guide that is asked for, or the only one. Raises ResourceNotFound or ReferenceSetEmpty."""
    if not request.style_guide:
        return _sound(guides[0]) if len(guides) == 1 else None
    for guide in guides:
        if guide.name == request.style_guide:
            return _sound(guide)
    known = ", ".join(guide.name for guide in guides) or "none"
    raise ResourceNotFound(
        f"There is no style guide {request.style_guide}.",
        field="style_guide",
        remedy=f"The style guides of the project are: {known}.",
        resource=request.style_guide,
    )


def _sound(guide: StyleGuideFacts) -> StyleGuideFacts:
    if guide.empty_set:
        raise without_items(guide.empty_set, guide.name, "style_guide.reference_set")
    return guide


def wording(request: RunRequest, stage: Stage, templates: Sequence[TemplateFacts]) -> Wording:
    """The words in force. Raises FieldInvalid, ResourceNotFound or TemplateVariableUnknown."""
    own = f"stages/{request.stage.removeprefix('stages/')}"
    if request.instruction:
        if request.prompt_template:
            raise FieldInvalid(
                "Both an instruction and a prompt template are given.",
                field="prompt_template",
                remedy="Give one of them.",
            )
        if len(request.instruction) > MAX_INSTRUCTION:
            raise FieldInvalid(
                f"The instruction has {len(request.instruction)} characters.",
                field="instruction",
                remedy=f"Give at most {MAX_INSTRUCTION} characters.",
            )
        names = (*check_template(request.instruction, stage, "instruction"), *template_variables(stage.negative_prompt))
        return Wording(request.instruction, stage.negative_prompt, "", own, _once(names))
    template = _template(request, own, templates)
    if template is None:
        names = (*template_variables(stage.instruction), *template_variables(stage.negative_prompt))
        return Wording(stage.instruction, stage.negative_prompt, own, own, _once(names))
    negative, source = (
        (template.negative_text, template.name) if template.negative_text else (stage.negative_prompt, own)
    )
    written = (*template_variables(template.text), *template_variables(template.negative_text))
    known = {*template.declared, *stage.variables, *OF_CHARACTERS}
    for name in written:
        if name not in known:
            there = ", ".join(sorted(known))
            raise TemplateVariableUnknown(
                f"{template.name} uses {{{name}}}, which neither it nor the stage declares; there are: {there}.",
                field=f"prompt_template.variables.{name}",
                variable=name,
                known=there,
            )
    return Wording(
        template.text, negative, template.name, source, _once((*written, *template_variables(negative))), template
    )


def _template(request: RunRequest, own: str, templates: Sequence[TemplateFacts]) -> TemplateFacts | None:
    """The prompt template that is asked for, or the only one that was written for this stage."""
    if not request.prompt_template:
        fitting = [template for template in templates if template.stage == own]
        return fitting[0] if len(fitting) == 1 else None
    for template in templates:
        if template.name == request.prompt_template:
            if template.stage not in ("", own):
                raise FieldInvalid(
                    f"{template.name} was written for {template.stage}, and this run is of {own}.",
                    field="prompt_template",
                    remedy="Name a template for this stage, or for any.",
                )
            return template
    known = ", ".join(template.name for template in templates) or "none"
    raise ResourceNotFound(
        f"There is no prompt template {request.prompt_template}.",
        field="prompt_template",
        remedy=f"The prompt templates of the project are: {known}.",
        resource=request.prompt_template,
    )


def _once(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def write(
    request: RunRequest,
    stage: Stage,
    guide: StyleGuideFacts | None,
    pictures: Sequence[Picture],
    words: Wording,
    *,
    drawn: bool = False,
    lines: Lines = no_wildcards,
) -> tuple[Words, ...]:
    """The words of each picture, in order; where characters are `drawn`, what must not be seen of them is among the
    negative ones. Wildcards are written out by `lines`; choices stay.

    Raises FieldInvalid naming the first variable without a value, ResourceNotFound or LimitExceeded for a wildcard.
    """
    # Values of all pictures, below those of each and above them.
    below: Layer = {} if words.template is None else _of(words.template.defaults, words.template.name)
    below |= {} if guide is None else _of(guide.variables, guide.name)
    above = _of(request.variables, "")
    layers = [{**below, **_of_picture(picture), **above} for picture in pictures]
    for name in words.names:
        missing = [
            picture.key
            for picture, layer in zip(pictures, layers, strict=True)
            if not layer.get(name, ("", ""))[0].strip()
        ]
        if missing:
            raise _missing(name, stage, words, missing, of_scenes=request.scenes is not None)
    whole = choices.frozen(words, lines)
    shared = [Use(Part.INSTRUCTION, "", words.instruction, words.source)]
    if words.negative:
        shared.append(Use(Part.NEGATIVE_PROMPT, "", words.negative, words.negative_source))
    marks = choices.marks(words)
    return tuple(
        _words(words, whole, layer, picture, shared, marks, drawn=drawn)
        for picture, layer in zip(pictures, layers, strict=True)
    )


def _of(values: Mapping[str, str], source: str) -> Layer:
    return {name: (value, source) for name, value in values.items()}


def _of_picture(picture: Picture) -> Layer:
    return {name: (value, picture.of_cast.get(name, picture.scene)) for name, value in picture.variables.items()}


def _words(
    words: Wording,
    whole: Wording,
    layer: Layer,
    picture: Picture,
    shared: Sequence[Use],
    marks: Sequence[Use],
    *,
    drawn: bool,
) -> Words:
    """`whole` are the words with their wildcards written out; `shared` and `marks` are of all pictures."""
    known = {name: value for name, (value, _) in layer.items()}
    negative = fill(whole.negative, known)
    uses = [*shared, *(Use(Part.VARIABLE, name, *layer[name]) for name in words.names)]
    if drawn and NEGATIVE not in words.names:
        unseen = [member for member in picture.cast if member.negative]
        uses += [Use(Part.NEGATIVE_PROMPT, "", member.negative, member.name) for member in unseen]
        negative = choices.joined(negative, [member.negative for member in unseen], words)
    return Words(fill(whole.instruction, known), negative, (*uses, *marks), known)


def _missing(name: str, stage: Stage, words: Wording, keys: Sequence[str], *, of_scenes: bool) -> FieldInvalid:
    meaning = _meaning(stage.variables, name)
    what = "scene" if of_scenes else "picture"
    shown = ", ".join(keys[:6]) + (f" and {len(keys) - 6} more" if len(keys) > 6 else "")
    place = "on the scene or the style guide" if of_scenes else "on the style guide"
    whose = f"The template {words.template.name}" if words.template else "The instruction"
    return FieldInvalid(
        f"{whose} uses {{{name}}}, and the {what}{'s' if len(keys) > 1 else ''} {shown} "
        f"{'have' if len(keys) > 1 else 'has'} no value for it.{meaning}",
        field=f"variables.{name}",
        remedy=f"Give the run a value for it ({name}=…; `--set {name}=…` in a shell), or set it {place}.",
        variable=name,
    )


def _meaning(variables: Mapping[str, str], name: str) -> str:
    text = variables.get(name, "")
    return f" {text}" if text else ""
