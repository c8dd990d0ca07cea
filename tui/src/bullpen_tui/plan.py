"""From a form to a request, and from a plan to words. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from bullpen_api.v1 import run_pb2
from textual.content import Content

from bullpen_tui import words
from bullpen_tui.mirror import leaf


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
        variables=", ".join(f"{name}={value}" for name, value in sorted(spec.variables.items())),
        candidates="1",
        seed=str(found.seed if found is not None else run.seed),
        steps=str(sampling.steps) if sampling.steps else "",
        guidance=f"{sampling.guidance_scale:g}" if sampling.HasField("guidance_scale") else "",
        strength=f"{sampling.strength:g}" if sampling.HasField("strength") else "",
        model=run.model,
        style_guide=spec.style_guide,
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


def _whole(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 10:
        raise FormError(f"{name}: “{text}” is no whole number.")
    number = int(text)
    if name != "seed" and not 1 <= number < 2**31:
        raise FormError(f"{name}: give 1 or more.")
    return number


def _fact(label: str, *value: str | tuple[str, str] | Content) -> Content:
    return words.text((f"{label:<11}", words.QUIET), *value)


def plan_lines(plan: run_pb2.Plan, stages: run_pb2.ListStagesResponse | None, scene: str) -> list[Content]:
    """A plan in a dozen lines, with the prompt of one scene."""
    each = max((len(job.seeds) for job in plan.jobs), default=0)
    rows = [
        _fact(
            "pictures",
            (str(plan.candidates), words.STRONG),
            (f"   {words.plural(len(plan.jobs), 'job')} × {words.plural(each, 'candidate')}", words.QUIET),
        )
    ]
    if stages is not None and stages.safe_batch_limit and len(plan.jobs) > stages.safe_batch_limit // 2:
        rows.append(_fact("", (f"one run takes at most {stages.safe_batch_limit} jobs", words.FAINT)))
    for model in plan.models:
        state = ("in memory", words.GOOD) if model.resident else (f"loads {words.size(model.size_bytes)}", words.QUIET)
        rows.append(_fact("model", (leaf(model.model), words.STRONG), "   ", state))
    rows.append(_fact("device", leaf(plan.device) or words.DASH, (f"   {plan.device_reason}", words.FAINT)))
    if plan.HasField("estimated_duration"):
        rows.append(_fact("time", (f"about {words.clock(words.seconds_of(plan.estimated_duration))}", words.STRONG)))
    else:
        rows.append(_fact("time", ("not measured on this machine yet", words.QUIET)))
    rows.append(_fact("cost", *cost_words(plan)))
    sampling = plan.sampling
    size = f"   {sampling.width}×{sampling.height}" if sampling.width else ""
    rows.append(_fact("sampling", f"{sampling.steps} steps   guidance {sampling.guidance_scale:g}{size}"))
    rows.append(_fact("seed", str(plan.seed)))
    if plan.findings:
        rows.append(Content(""))
    for finding in plan.findings:
        warns = finding.severity == run_pb2.PolicyFinding.SEVERITY_WARNING
        rows.append(words.text(("! ", words.WARN) if warns else ("· ", words.ACCENT), finding.message))
    job = next((one for one in plan.jobs if one.scene == scene), plan.jobs[0] if plan.jobs else None)
    if job is not None:
        where = leaf(job.scene) if job.scene else job.source_path
        rows += [Content(""), words.text((f"prompt for {where}", words.QUIET)), Content(job.prompt)]
        if job.negative_prompt:
            rows.append(words.text(("not: ", words.FAINT), (job.negative_prompt, words.QUIET)))
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
    rows = plan_lines(plan, stages, "")[: 6 + len(plan.models) + len(plan.findings)]
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
