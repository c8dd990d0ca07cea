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
        try:
            spec.sampling.guidance_scale = float(form.guidance.replace(",", "."))
        except ValueError:
            raise FormError(f"guidance: “{form.guidance}” is no number.") from None
    return spec


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


def plan_lines(plan: run_pb2.Plan, stages: run_pb2.ListStagesResponse, scene: str) -> list[Content]:
    """A plan in a dozen lines, with the prompt of one scene."""
    each = max((len(job.seeds) for job in plan.jobs), default=0)
    rows = [
        _fact(
            "pictures",
            (str(plan.candidates), words.STRONG),
            (f"   {words.plural(len(plan.jobs), 'job')} × {words.plural(each, 'candidate')}", words.QUIET),
        )
    ]
    if stages.safe_batch_limit and len(plan.jobs) > stages.safe_batch_limit // 2:
        rows.append(_fact("", (f"one run takes at most {stages.safe_batch_limit} jobs", words.FAINT)))
    for model in plan.models:
        state = ("in memory", words.GOOD) if model.resident else (f"loads {words.size(model.size_bytes)}", words.QUIET)
        rows.append(_fact("model", (leaf(model.model), words.STRONG), "   ", state))
    rows.append(_fact("device", leaf(plan.device) or words.DASH, (f"   {plan.device_reason}", words.FAINT)))
    if plan.HasField("estimated_duration"):
        rows.append(_fact("time", (f"about {words.clock(words.seconds_of(plan.estimated_duration))}", words.STRONG)))
    else:
        rows.append(_fact("time", ("not measured on this machine yet", words.QUIET)))
    cost = f"${plan.estimated_cost_usd:.2f}" if plan.estimated_cost_usd else "none"
    rows.append(_fact("cost", cost))
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
