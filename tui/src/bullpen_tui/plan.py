"""From a form to a request, and from a plan to words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from bullpen_api.v1 import run_pb2
from textual.content import Content

from bullpen_tui import words
from bullpen_tui.mirror import leaf
from bullpen_tui.paragraphs import hung

_HELD = {run_pb2.BibleUse.PART_STYLE_REFERENCE: "style", run_pb2.BibleUse.PART_IDENTITY_REFERENCE: "identity"}
LABEL = 11
"""Cells of a fact's label."""
WIDE = 1000
"""Cells of a pane in which nothing is folded."""
RETRY_BUDGET = 3
"""Pictures that a run may make again by itself where nothing else is said."""


class FormError(Exception):
    """A field cannot be what it says; the words tell the person which and why."""


@dataclass(frozen=True)
class Form:
    """What a person wrote, as it was written."""

    stage: str = ""
    scenes: tuple[str, ...] = ()
    all_scenes: bool = True
    folder: str = ""
    variables: str = ""
    candidates: str = ""
    seed: str = ""
    steps: str = ""
    guidance: str = ""
    strength: str = ""
    model: str = ""
    style_guide: str = ""
    instruction: str = ""
    by_hand: bool = False
    strategy: str = ""
    retry_on: str = ""
    retry_budget: str = ""


def spec_of(form: Form) -> run_pb2.RunSpec:
    """The request for a form. A folder goes before scenes; an empty field leaves the choice to the stage.

    Raises FormError for a number that is none and for nothing to run on. Limits are the daemon's to say.
    """
    if not form.stage:
        raise FormError("Choose a stage.")
    spec = run_pb2.RunSpec(stage=form.stage)
    if form.folder:
        spec.input_folder = form.folder
    elif form.scenes:
        spec.scenes.SetInParent()
        if not form.all_scenes:
            spec.scenes.scenes.extend(form.scenes)
    else:
        raise FormError("Take at least one scene, or name an input folder.")
    spec.variables.update(variables_of(form.variables))
    if form.candidates:
        spec.candidates = _whole("candidates", form.candidates)
    if form.seed:
        spec.seed = _whole("seed", form.seed)
    if form.steps:
        spec.sampling.steps = _whole("steps", form.steps)
    if form.guidance:
        spec.sampling.guidance_scale = _number("guidance", form.guidance)
    if form.strength:
        spec.sampling.strength = _number("strength", form.strength)
    spec.model = form.model
    spec.style_guide = form.style_guide
    spec.strategy = form.strategy
    if form.retry_on:
        spec.auto_retry.findings.extend(findings_of(form.retry_on))
        spec.auto_retry.budget = _whole("at most", form.retry_budget) if form.retry_budget else RETRY_BUDGET
    spec.instruction = form.instruction
    if form.by_hand:
        spec.acceptance = run_pb2.RunSpec.ACCEPTANCE_MANUAL
    return spec


def form_of(run: run_pb2.Run, job: run_pb2.Job, candidate: str) -> Form:
    """The form that makes the picture of a candidate again: its stage, scene, seed, words and sampling."""
    found = next((one for one in job.candidates if one.name == candidate), None)
    spec, sampling = run.spec, run.sampling
    return Form(
        stage=spec.stage,
        scenes=(job.scene,) if job.scene else (),
        all_scenes=False,
        folder="" if job.scene else spec.input_folder,
        variables=variables_text(spec.variables),
        candidates="1",
        seed=str(found.seed if found is not None else run.seed),
        steps=str(sampling.steps) if sampling.steps else "",
        guidance=f"{sampling.guidance_scale:g}" if sampling.HasField("guidance_scale") else "",
        strength=f"{sampling.strength:g}" if sampling.HasField("strength") else "",
        model=run.model,
        style_guide=spec.style_guide,
        strategy=spec.strategy,
        instruction=spec.instruction or (job.prompt if not job.scene else ""),
    )


def _number(name: str, text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise FormError(f"{name}: “{text}” is no number.") from None


def variables_of(text: str) -> dict[str, str]:
    """Values by name from `style=noir, time=night`. Raises FormError for a part that is not of this form."""
    found: dict[str, str] = {}
    for part in text.split(","):
        name, equals, value = (one.strip() for one in part.partition("="))
        if not (name or equals):
            continue
        if not (name.isidentifier() and value):
            raise FormError(f"set: “{part.strip()}” is not of the form name=value, as in style=noir, time=night.")
        if name in found:
            raise FormError(f"set: “{name}” is given twice.")
        found[name] = value
    return found


def variables_text(variables: Mapping[str, str]) -> str:
    """Values by name as they are written into the form."""
    return ", ".join(f"{name}={value}" for name, value in sorted(variables.items()))


def findings_of(text: str) -> list[run_pb2.Finding.Kind.ValueType]:
    """Kinds of findings from `structure, identity`. Raises FormError for a word that is none, with the nearest one."""
    known = {name.removeprefix("KIND_").lower(): number for name, number in run_pb2.Finding.Kind.items() if number}
    found: list[run_pb2.Finding.Kind.ValueType] = []
    for word in (part.strip().casefold().replace(" ", "_") for part in text.split(",")):
        if not word:
            continue
        if word not in known:
            near = get_close_matches(word, known, 1)
            hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}."
            raise FormError(f"retry on: nothing is called “{word}”. {hint}")
        found.append(known[word])
    return list(dict.fromkeys(found))


def _whole(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 10:
        raise FormError(f"{name}: “{text}” is no whole number.")
    number = int(text)
    if name != "seed" and not 1 <= number < 2**31:
        raise FormError(f"{name}: give 1 or more.")
    return number


def _fact(label: str, *value: str | tuple[str, str] | Content) -> Content:
    return words.text((f"{label:<{LABEL}}", words.QUIET), *value)


def plan_lines(
    plan: run_pb2.Plan, stages: run_pb2.ListStagesResponse | None, scene: str, room: int = WIDE
) -> list[Content]:
    """A plan in a dozen lines of `room` cells, with the prompt of one scene and what acts on it."""
    rows = head_lines(plan, stages, room)
    job = next((one for one in plan.jobs if one.scene == scene), plan.jobs[0] if plan.jobs else None)
    if job is not None:
        where = leaf(job.scene) if job.scene else job.source_path
        rows += [Content(""), words.text((f"prompt for {where}", words.QUIET)), Content(job.prompt)]
        if job.negative_prompt:
            rows.append(words.text(("not: ", words.FAINT), (job.negative_prompt, words.QUIET)))
        rows += use_lines(job.uses)
    return rows


def head_lines(plan: run_pb2.Plan, stages: run_pb2.ListStagesResponse | None, room: int = WIDE) -> list[Content]:
    """What a whole plan takes and costs, and what a person should know before."""
    return [
        # On a small terminal what is further down is out of sight: what it takes, then what to know before, then how.
        *hung([_pictures(plan), *_takes(plan)], LABEL, room),
        *hung(finding_lines(plan), 2, room),
        *hung(_facts(plan, stages), LABEL, room),
    ]


def _pictures(plan: run_pb2.Plan) -> Content:
    each = max((len(job.seeds) for job in plan.jobs), default=0)
    of = f"   {words.plural(len(plan.jobs), 'job')} × {words.plural(each, 'candidate')}"
    return _fact("pictures", (str(plan.candidates), words.STRONG), (of, words.QUIET))


def _takes(plan: run_pb2.Plan) -> list[Content]:
    """Time, money and memory."""
    rows = []
    if plan.HasField("estimated_duration"):
        guess = plan.estimate_basis == run_pb2.Plan.ESTIMATE_BASIS_GUESS
        about = f"about {words.clock(words.seconds_of(plan.estimated_duration))}"
        rows.append(
            _fact(
                "time", (about, words.STRONG), ("   a guess, from another size or model" if guess else "", words.FAINT)
            )
        )
    else:
        rows.append(_fact("time", ("not measured on this machine yet", words.QUIET)))
    rows.append(_fact("cost", *cost_words(plan)))
    if plan.estimated_memory_bytes:
        rows.append(_fact("memory", f"about {words.size(plan.estimated_memory_bytes)} of the device"))
    return rows


def _facts(plan: run_pb2.Plan, stages: run_pb2.ListStagesResponse | None) -> list[Content]:
    rows: list[Content] = []
    if stages is not None and stages.safe_batch_limit and len(plan.jobs) > stages.safe_batch_limit // 2:
        rows.append(_fact("", (f"one run takes at most {stages.safe_batch_limit} jobs", words.FAINT)))
    for model in plan.models:
        state = ("in memory", words.GOOD) if model.resident else (f"loads {words.size(model.size_bytes)}", words.QUIET)
        rows.append(_fact("model", (leaf(model.model), words.STRONG), "   ", state))
    if plan.strategy.strategy:
        rows.append(_fact("way", plan.strategy.strategy.replace("_", " "), (f"   {plan.strategy.reason}", words.FAINT)))
    rows.append(_fact("device", leaf(plan.device) or words.DASH, (f"   {plan.device_reason}", words.FAINT)))
    sampling = plan.sampling
    size = f"   {sampling.width}×{sampling.height}" if sampling.width else ""
    rows.append(_fact("sampling", f"{sampling.steps} steps   guidance {sampling.guidance_scale:g}{size}"))
    if plan.HasField("suggested_size"):
        better = plan.suggested_size
        rows.append(_fact("better size", f"{better.width}×{better.height}", (f"   {better.reason}", words.FAINT)))
    rows.append(_fact("seed", str(plan.seed)))
    if (again := plan.spec.auto_retry).findings:
        kinds = ", ".join(words.finding_name(kind) for kind in again.findings)
        rows.append(
            _fact(
                "again", f"where {kinds} is found", (f"   {words.plural(again.budget, 'picture')} at most", words.FAINT)
            )
        )
    return rows


def finding_lines(plan: run_pb2.Plan) -> list[Content]:
    """What a person should know before: warnings first."""
    warning = run_pb2.PolicyFinding.SEVERITY_WARNING
    return [
        words.text(("! ", words.WARN) if one.severity == warning else ("· ", words.ACCENT), one.message)
        for one in sorted(plan.findings, key=lambda one: one.severity != warning)
    ]


def use_lines(uses: Iterable[run_pb2.BibleUse]) -> list[Content]:
    """What of the bible acts on a picture: LoRAs, and how many pictures it is held against, by where they come from."""
    rows: list[Content] = []
    held: dict[tuple[str, str], int] = {}
    for use in uses:
        if use.part == run_pb2.BibleUse.PART_LORA:
            rows.append(
                words.text(
                    ("LoRA ", words.FAINT), f"{leaf(use.item)} × {use.value}", (f"   {leaf(use.source)}", words.FAINT)
                )
            )
        elif use.part in _HELD:
            key = (_HELD[use.part], leaf(use.source))
            held[key] = held.get(key, 0) + 1
    for (what, source), count in held.items():
        rows.append(
            words.text((f"{what} ", words.FAINT), words.plural(count, "reference"), (f"   {source}", words.FAINT))
        )
    return rows


def costs(plan: run_pb2.Plan) -> bool:
    """Whether a plan costs money, so that a person must agree to the sum."""
    return bool(plan.estimated_cost.micros or plan.estimated_cost_usd)


def cost_words(plan: run_pb2.Plan) -> list[str | tuple[str, str]]:
    """What a plan costs, and how that comes about."""
    if not costs(plan):
        return ["none"]
    sum_ = words.money(plan.estimated_cost) if plan.HasField("estimated_cost") else f"${plan.estimated_cost_usd:.2f}"
    return [(f"about {sum_}", words.STRONG), (f"   {plan.price}" if plan.price else "", words.QUIET)]


def spend_question(plan: run_pb2.Plan, now: float) -> str:
    """What a person agrees to: the sum, what for, and until when it can be agreed to."""
    sum_ = words.money(plan.estimated_cost) if plan.HasField("estimated_cost") else f"${plan.estimated_cost_usd:.2f}"
    question = f"This run costs about {sum_}: {words.plural(plan.candidates, 'picture')}"
    question += f" at {plan.price}." if plan.price else "."
    left = words.moment(plan.confirm_until) - now
    if plan.HasField("confirm_until") and left > 0:
        question += f" The plan can be agreed to for {words.clock(left)}, and once."
    return question


def whole_plan(plan: run_pb2.Plan, stages: run_pb2.ListStagesResponse) -> list[Content]:
    """Every job of a plan with its prompt and seeds."""
    rows = head_lines(plan, stages)
    for number, job in enumerate(plan.jobs, 1):
        where = leaf(job.scene) if job.scene else job.source_path
        rows += [
            Content(""),
            words.text((f"{number:02} ", words.FAINT), (where, words.STRONG)),
            Content(job.prompt),
            words.text(("seeds " + "  ".join(str(seed) for seed in job.seeds), words.FAINT)),
        ]
    rows += [Content(""), words.text((f"digest {plan.digest}", words.FAINT))]
    return rows
