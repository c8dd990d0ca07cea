"""What a person should know before a run starts, and that does not stop it. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bullpend.costs import rules as money
from bullpend.quality.kinds import KINDS
from bullpend.runs.manifest import Stage
from bullpend.runs.model import Acceptance, RunRequest, Sampling
from bullpend.runs.plan import FindingSeverity, PlanWorld, PolicyFinding, StyleGuideFacts
from bullpend.runs.sizes import buckets
from bullpend.runs.sources import Picture
from bullpend.runs.wording import Wording

_SHOWN = 6


def of_plan(
    request: RunRequest,
    stage: Stage,
    world: PlanWorld,
    guide: StyleGuideFacts | None,
    pictures: Sequence[Picture],
    sampling: Sampling,
    words: Wording,
    left_out: Sequence[str] = (),
    candidates: int = 0,
) -> Iterator[PolicyFinding]:
    """The findings of a plan, in a fixed order. `candidates` is the number of all pictures that would be made."""
    yield from _style_guide(request, world, guide)
    yield from _variables(request, words)
    yield from _template(request, stage, world, words)
    yield from _left_out(left_out)
    yield from _replaced(request, pictures)
    if request.auto_retry is not None:
        kinds = _names([KINDS[kind].title.lower() for kind in request.auto_retry.findings])
        count = min(request.auto_retry.budget, len(pictures) * request.auto_retry.per_picture)
        yield _info("AUTO_RETRY", f"Up to {_count(count, 'picture')} {_is(count)} made again by itself on: {kinds}.")
    yield from _sizes(pictures, sampling, world)
    if world.skipped:
        yield _warning(
            "FILES_SKIPPED",
            f"{_count(len(world.skipped), 'file')} of the folder {_is(len(world.skipped))} not taken: "
            f"{_names(world.skipped)}. PNG, JPEG and WebP files inside the folder are.",
        )
    if world.quote is not None:
        for warns, code, message in money.words(world.quote, candidates, world.budget):
            yield _warning(code, message) if warns else _info(code, message)
        if world.model.engine == "remote":
            yield _info("LEAVES_MACHINE", "The instruction and the pixels of the pictures are sent to the provider.")
            yield _info("NO_SEEDS", "A provider takes no seed: the same run again makes other pictures, for money.")
    elif world.model.name not in world.resident_models:
        size = world.model.size_bytes / 1e6
        yield _info("MODEL_LOAD", f"The model {world.model.name} ({size:.0f} MB) is loaded first.")


def _style_guide(request: RunRequest, world: PlanWorld, guide: StyleGuideFacts | None) -> Iterator[PolicyFinding]:
    if guide is not None:
        if not request.style_guide:
            yield _info(
                "STYLE_GUIDE_CHOSEN", f"The style guide “{guide.title or guide.name}” is used; it is the only one."
            )
    elif world.style_guides:
        names = _names([item.name.rsplit("/", 1)[-1] for item in world.style_guides])
        yield _warning(
            "STYLE_GUIDE_UNCLEAR", f"There are several style guides ({names}) and none is chosen; none is used."
        )
    else:
        yield _warning("STYLE_GUIDE_MISSING", "The project has no style guide, so nothing holds its look together.")


def _variables(request: RunRequest, words: Wording) -> Iterator[PolicyFinding]:
    used = words.names
    unused = [name for name in sorted(request.variables) if name not in used]
    if unused:
        yield _warning(
            "VARIABLES_UNUSED",
            f"{_names(unused)} {_is(len(unused))} given, and the instruction does not use "
            f"{'it' if len(unused) == 1 else 'them'}; it uses {_names(used) or 'none'}.",
        )
    if request.instruction:
        yield _info("INSTRUCTION_REPLACED", "The request's own instruction is used in place of the stage's.")


def _template(request: RunRequest, stage: Stage, world: PlanWorld, words: Wording) -> Iterator[PolicyFinding]:
    if request.prompt_template or request.instruction:
        return
    if words.template is not None:
        title = words.template.title or words.template.name
        yield _info("TEMPLATE_CHOSEN", f"The prompt template “{title}” is used; it is the only one for this stage.")
        return
    own = f"stages/{request.stage.removeprefix('stages/')}"
    fitting = [template.name.rsplit("/", 1)[-1] for template in world.templates if template.stage == own]
    if fitting:
        yield _warning(
            "TEMPLATE_UNCLEAR",
            f"There are several prompt templates for {stage.title.lower()} ({_names(fitting)}) and none is chosen; the "
            "stage's own words are used.",
        )


def _left_out(left_out: Sequence[str]) -> Iterator[PolicyFinding]:
    for what in dict.fromkeys(left_out):
        yield _warning("LORA_LEFT_OUT", f"A character's LoRA is left out. {what}.")


def _replaced(request: RunRequest, pictures: Sequence[Picture]) -> Iterator[PolicyFinding]:
    replaced = [picture.key for picture in replaced_of(request, pictures)]
    if replaced:
        yield _warning(
            "ACCEPTED_REPLACED",
            f"{_count(len(replaced), 'scene')} ({_names(replaced)}) already "
            f"{'has' if len(replaced) == 1 else 'have'} an accepted picture of this stage; the best new candidate "
            "takes its place. The old one is kept.",
        )
    outdated = [picture.key for picture in replaced_of(request, pictures) if picture.outdates]
    if outdated:
        stages = _names(list(dict.fromkeys(name for picture in pictures for name in picture.outdates)))
        yield _warning(
            "LATER_STAGES_STALE",
            f"{_count(len(outdated), 'scene')} ({_names(outdated)}): pictures of later stages ({stages}) were made "
            "from the present one. They stay, and are marked as out of date.",
        )
    stale = [picture.key for picture in pictures if picture.stale]
    if stale:
        why = next(picture.stale for picture in pictures if picture.stale)
        yield _warning(
            "SOURCE_STALE",
            f"{_count(len(stale), 'picture')} to start from ({_names(stale)}) {_is(len(stale))} out of date. {why}",
        )


def replaced_of(request: RunRequest, pictures: Sequence[Picture]) -> list[Picture]:
    """Pictures whose scene will get another accepted one by itself."""
    return [picture for picture in pictures if picture.replaces and request.acceptance is Acceptance.BEST]


def _sizes(pictures: Sequence[Picture], sampling: Sampling, world: PlanWorld) -> Iterator[PolicyFinding]:
    sizes = {(picture.width, picture.height) for picture in pictures}
    if len(sizes) > 1:
        smallest, largest = min(sizes, key=_area), max(sizes, key=_area)
        yield _info(
            "SIZES_MIXED",
            f"The pictures have {len(sizes)} sizes, from {smallest[0]}×{smallest[1]} to {largest[0]}×{largest[1]}.",
        )
    wanted = (sampling.width, sampling.height)
    other = [picture.key for picture in pictures if picture.width * wanted[1] != picture.height * wanted[0]]
    if other:
        yield _info(
            "SHAPE_FITTED",
            f"{_count(len(other), 'picture')} {'has' if len(other) == 1 else 'have'} another shape than "
            f"{wanted[0]}×{wanted[1]} and {_is(len(other))} fitted without distortion: {_names(other)}.",
        )
    if wanted not in buckets(world.model):
        yield _warning(
            "SIZE_UNUSUAL",
            f"The model was made for {world.model.default_width}×{world.model.default_height} pixels; "
            f"{wanted[0]}×{wanted[1]} may come out worse.",
        )


def _area(size: tuple[int, int]) -> tuple[int, tuple[int, int]]:
    return size[0] * size[1], size


def _names(items: Sequence[str]) -> str:
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(items[:_SHOWN]) + more


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _info(code: str, message: str) -> PolicyFinding:
    return PolicyFinding(FindingSeverity.INFO, code, message)


def _warning(code: str, message: str) -> PolicyFinding:
    return PolicyFinding(FindingSeverity.WARNING, code, message)
