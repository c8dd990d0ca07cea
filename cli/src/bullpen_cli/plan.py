"""Showing what a run would do, before anything is spent."""

from __future__ import annotations

from bullpen_api.v1 import run_pb2
from bullpen_client import names

from bullpen_cli import output

_SHOWN = 12
# Signs of a value that are shown.
_VALUE = 60
# Cells before the value of a line of the plan.
_INDENT = 12


def sampling_words(sampling: run_pb2.SamplingParameters) -> str:
    """The parameters that are set, in one line."""
    words = []
    if sampling.HasField("steps"):
        words.append(output.count(sampling.steps, "step"))
    if sampling.HasField("guidance_scale"):
        words.append(f"guidance {sampling.guidance_scale:g}")
    if sampling.HasField("image_guidance_scale"):
        words.append(f"image guidance {sampling.image_guidance_scale:g}")
    for name in ("strength", "control_scale", "reference_scale"):
        if sampling.HasField(name):
            words.append(f"{name.replace('_', ' ')} {getattr(sampling, name):g}")
    if sampling.HasField("width") and sampling.HasField("height"):
        words.append(f"{sampling.width}×{sampling.height}")
    return ", ".join(words)


_PARTS = {
    run_pb2.BibleUse.PART_INSTRUCTION: "words",
    run_pb2.BibleUse.PART_NEGATIVE_PROMPT: "not to be seen",
    run_pb2.BibleUse.PART_VARIABLE: "value",
    run_pb2.BibleUse.PART_LORA: "LoRA",
    run_pb2.BibleUse.PART_STYLE_REFERENCE: "held against",
    run_pb2.BibleUse.PART_IDENTITY_REFERENCE: "held against",
}
_BASIS = {
    run_pb2.Plan.ESTIMATE_BASIS_MEASURED: "measured",
    run_pb2.Plan.ESTIMATE_BASIS_GUESS: "guess",
}
_REFERENCES = (run_pb2.BibleUse.PART_STYLE_REFERENCE, run_pb2.BibleUse.PART_IDENTITY_REFERENCE)


def cost_words(plan: run_pb2.Plan) -> str:
    """What a plan costs, and until when it can be confirmed."""
    if not plan.HasField("estimated_cost"):
        return "nothing but time of this machine"
    words = f"about {output.money(plan.estimated_cost.micros, plan.estimated_cost.currency_code)}"
    if plan.HasField("confirm_until"):
        words += f"; can be confirmed until {output.moment(plan.confirm_until)}"
    return words


def bible_lines(plan: run_pb2.Plan) -> list[str]:
    """What was taken from the bible, and from where, over all pictures; not what the request and the stage say."""
    found: dict[str, tuple[str, set[str]]] = {}
    for job in plan.jobs:
        for use in job.uses:
            if not use.source.startswith("projects/"):
                continue
            source = "/".join(use.source.split("/")[2:])
            if use.part in _REFERENCES:
                _, pictures = found.setdefault(source, (_PARTS[use.part], set()))
                pictures.add(use.item)
            else:
                what = f"{use.item} " if use.item else ""
                value = use.value if len(use.value) <= _VALUE else f"{use.value[:_VALUE]}…"
                found.setdefault(f"{_PARTS[use.part]} {what}“{value}” from {source}", ("", set()))
    lines = [
        f"{words} {output.count(len(pictures), 'picture')} of {text}" if words else text
        for text, (words, pictures) in found.items()
    ]
    shown = [f"bible       {line}" for line in lines[:_SHOWN]]
    return [*shown, f"            … and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else shown


def show(plan: run_pb2.Plan) -> None:
    """Writes a plan on stdout: jobs, models, figures, findings."""
    output.table(
        ("scene", "source", "instruction", "seeds"),
        (
            (
                names.ident(job.scene) or "–",
                job.source_path or names.ident(job.source_asset)[:12],
                job.prompt,
                " ".join(str(seed) for seed in job.seeds),
            )
            for job in plan.jobs[:_SHOWN]
        ),
        empty="The plan has no jobs.",
    )
    if len(plan.jobs) > _SHOWN:
        output.say(f"… and {len(plan.jobs) - _SHOWN} more", style="dim")
    drawn = next((job for job in plan.jobs if job.expanded_prompts), None)
    if drawn is not None:
        where = names.ident(drawn.scene) or drawn.source_path
        for number, text in enumerate(drawn.expanded_prompts, 1):
            output.say(f"{f'{where} c-{number}':<11} {text}", wrap=_INDENT, style="dim")
    output.say(f"stage       {plan.spec.stage}", wrap=_INDENT)
    pictures, candidates = output.count(len(plan.jobs), "picture"), output.count(plan.candidates, "candidate")
    output.say(f"makes       {pictures}, {candidates}; {sampling_words(plan.sampling)}", wrap=_INDENT)
    scales = {use.model: use.scale if use.HasField("scale") else 1.0 for job in plan.jobs for use in job.loras}
    for number, model in enumerate(plan.models):
        warm = "in memory" if model.resident else "to be loaded"
        words = "at the provider" if ":" in model.model else f"{output.size(model.size_bytes)}, {warm}"
        # After the model come its LoRAs: those of the request in its order, then those of characters.
        use = plan.spec.loras[number - 1] if 0 < number <= len(plan.spec.loras) else None
        if use is not None:
            scale = use.scale if use.HasField("scale") else 1.0
            output.say(f"lora        {model.model} at {scale:g} ({words})", wrap=_INDENT)
        elif number and model.model in scales:
            output.say(f"lora        {model.model} at {scales[model.model]:g} ({words})", wrap=_INDENT)
        else:
            purpose = model.purpose if number else "model"
            output.say(f"{purpose or 'model':<11} {model.model} ({words})", wrap=_INDENT)
    if plan.strategy.strategy:
        output.say(f"strategy    {plan.strategy.strategy}. {plan.strategy.reason}", wrap=_INDENT)
    for line in bible_lines(plan):
        output.say(line, wrap=_INDENT)
    if plan.device:
        output.say(
            f"device      {plan.device}" + (f" ({plan.device_reason})" if plan.device_reason else ""), wrap=_INDENT
        )
    duration = output.span(plan.estimated_duration) if plan.HasField("estimated_duration") else "not measured yet"
    basis = _BASIS.get(plan.estimate_basis, "")
    output.say(f"takes       {duration}{f' ({basis})' if basis else ''}", wrap=_INDENT)
    if plan.estimated_memory_bytes:
        output.say(f"memory      about {output.size(plan.estimated_memory_bytes)} of the device", wrap=_INDENT)
    if plan.HasField("suggested_size"):
        size = plan.suggested_size
        fits = f"{size.width}×{size.height} would fit better (--size auto)"
        output.say(f"size        {fits}. {size.reason}", wrap=_INDENT)
    output.say(f"costs       {cost_words(plan)}", wrap=_INDENT)
    output.say(f"seed        {plan.seed}", wrap=_INDENT)
    for finding in plan.findings:
        warning = finding.severity == run_pb2.PolicyFinding.SEVERITY_WARNING
        output.say(f"{'⚑' if warning else '·'} {finding.message}", style="yellow" if warning else None, wrap=2)
