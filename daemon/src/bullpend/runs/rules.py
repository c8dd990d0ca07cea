"""Decisions of the runs room: what a request becomes. Pure functions, no I/O, no clock.

A plan is made in this order, and the first thing that is wrong ends it:

1. the stage exists;
2. exactly one of scenes and input folder is given;
3. the model may be used, its LoRAs fit it, and a device is there;
4. candidates, seed and sampling are within their bounds;
5. there are pictures, not more than the safe batch limit, each with what the stage starts from (`sources.py`);
6. every variable of the instruction has a value (`prompts.py`), and the bible's part in each picture is settled
   (`cast.py`);
7. one of the stage's strategies can be done with this model and these pictures (`strategies.py`);
8. seeds, digest and estimates follow from all of the above, and findings tell what a person should know.

The same request in the same world gives the same plan, to the byte.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, TypeVar

from bullpend.errors import DeviceUnavailable, ExactlyOneOf, FieldInvalid, LimitExceeded, StageUnknown
from bullpend.models.model import Model
from bullpend.models.rules import require
from bullpend.runs import cast, estimates, findings, loras, prompts, sizes, sources, strategies
from bullpend.runs.estimates import Timing
from bullpend.runs.manifest import SCALE, SIZE, SIZE_STEP, STEPS, STRENGTH, Manifest, Stage, StageDefaults
from bullpend.runs.model import RunRequest, Sampling, SamplingRequest, Strategy
from bullpend.runs.plan import DeviceFacts, PlanDraft, PlannedJob, PlannedModel, PlannedStrategy, PlanWorld

SEED_LIMIT = 2**32
PRIORITY = (-1000, 1000)

T = TypeVar("T")


def stage_id(text: str) -> str:
    """The id of a stage that is given as `style` or `stages/style`."""
    return text.removeprefix("stages/")


def stage_of(manifest: Manifest, stage: str) -> Stage:
    """The stage by its id or name (`style` or `stages/style`). Raises StageUnknown."""
    found = manifest.stages.get(stage_id(stage))
    if found is None:
        known = ", ".join(manifest.stages)
        what = f"There is no stage {stage!r}" if stage else "No stage is given"
        raise StageUnknown(f"{what}; the stages are: {known}.", field="stage", remedy=f"Choose one of: {known}.")
    return found


def wanted_model(request: RunRequest, manifest: Manifest) -> str:
    """Name or path of the model that the request needs. Raises StageUnknown."""
    return request.model or stage_of(manifest, request.stage).default_model


def wanted_strategies(request: RunRequest, manifest: Manifest) -> tuple[Strategy, ...]:
    """The strategies that come into question, the preferred one first. Raises StageUnknown or FieldInvalid."""
    return strategies.wanted(request, stage_of(manifest, request.stage))


def check_request(request: RunRequest, manifest: Manifest) -> Stage:
    """What can be refused before any disk or database is read: steps 1, 2 and 4 of the plan, but for the sampling."""
    stage = stage_of(manifest, request.stage)
    if (request.scenes is None) == (not request.input_folder):
        both = "Both scenes and an input folder are" if request.input_folder else "Neither scenes nor a folder is"
        raise ExactlyOneOf(
            f"{both} given, and a run needs exactly one of them.",
            field="input_folder" if request.input_folder else "scenes",
            remedy="Give scenes of the project, or the folder that holds the pictures.",
            fields="scenes,input_folder",
        )
    if request.candidates < 0:
        raise FieldInvalid(
            f"{request.candidates} candidates cannot be made.",
            field="candidates",
            remedy=f"Give 1 to {manifest.candidate_cap}, or 0 for the stage's {stage.default_candidates}.",
        )
    if request.candidates > manifest.candidate_cap:
        raise LimitExceeded(
            f"{request.candidates} candidates are asked for, and a picture may have at most {manifest.candidate_cap}.",
            field="candidates",
            remedy=f"Give 1 to {manifest.candidate_cap}, or raise candidate_cap in settings/manifest.json.",
            limit=manifest.candidate_cap,
        )
    if request.seed is not None and not 0 <= request.seed < SEED_LIMIT:
        raise FieldInvalid(
            f"The seed {request.seed} is out of its bounds.", field="seed", remedy=f"Give 0 to {SEED_LIMIT - 1}."
        )
    if not PRIORITY[0] <= request.priority <= PRIORITY[1]:
        raise FieldInvalid(
            f"The priority {request.priority} is out of its bounds.",
            field="priority",
            remedy=f"Give {PRIORITY[0]} to {PRIORITY[1]}.",
        )
    loras.check(request.loras)
    strategies.wanted(request, stage)
    strategies.check(request)
    return stage


def plan(request: RunRequest, world: PlanWorld) -> PlanDraft:
    """What the run would do.

    Raises StageUnknown, ExactlyOneOf, LimitExceeded, StageNotReady, FieldInvalid, ResourceNotFound, ModelCorrupt,
    ModelUnsafe, ModelUnsupported, LoraUnsupportedEngine, DeviceUnavailable, ReferenceSetEmpty,
    TemplateVariableUnknown.
    """
    stage = check_request(request, world.manifest)
    model = require(world.model)
    if request.auto_retry is not None and world.quote is not None:
        raise FieldInvalid(
            f"{model.name} costs money for each picture, so none is made again by itself.",
            field="auto_retry",
            remedy="Leave the automatic retry out; retry by hand what is worth it.",
        )
    used = loras.resolve(request.loras, world.loras, model)
    device = first_device(world.devices)
    sampling = sampling_for(request.sampling, stage.defaults, model)
    pictures = sources.pictures(request, stage, world)
    guide = prompts.style_guide(request, world.style_guides)
    words = prompts.wording(request, stage, world.templates)
    drawn = cast.drawn(stage.variables, words.names)
    texts = prompts.write(request, stage, guide, pictures, words, drawn=drawn, lines=world.wildcards)
    worn = [cast.wear(used, picture.cast if drawn else (), world.cast_loras, model) for picture in pictures]
    held = [cast.held_against(guide.references if guide else (), picture.cast) for picture in pictures]
    chosen = strategies.choose(
        request,
        stage,
        model,
        world,
        pictures,
        guide,
        [text.known for text in texts],
    )
    if world.quote is not None:
        steering = max((len(inputs.references) for inputs in chosen.inputs), default=0)
        world = replace(world, quote=world.quote.steered(steering))
    count = request.candidates or stage.default_candidates
    content: dict[str, Any] = {
        "project": request.project,
        "stage": stage_id(request.stage),
        "model": {"name": model.name, "digest": model.digest},
        "sampling": asdict(sampling),
        "method": chosen.method.to_dict(),
        "candidates": count,
        "pictures": [
            {"key": picture.key, "sha256": picture.sha256, "prompt": text.prompt, "negative_prompt": text.negative}
            for picture, text in zip(pictures, texts, strict=True)
        ],
    }
    if request.auto_retry is not None:
        content["auto_retry"] = request.to_dict()["auto_retry"]
    if used:
        content["loras"] = [lora.to_dict() for lora in used]
    for entry, item in zip(content["pictures"], worn, strict=True):
        if item.loras != used:
            entry["loras"] = [lora.to_dict() for lora in item.loras]
    for entry, inputs in zip(content["pictures"], chosen.inputs, strict=True):
        entry.update(inputs.to_dict())
    seed = int.from_bytes(_hash(content)[:4], "big") if request.seed is None else request.seed
    jobs = tuple(
        PlannedJob(
            key=picture.key,
            prompt=text.prompt,
            negative_prompt=text.negative,
            seeds=tuple(candidate_seed(seed, picture.key, index) for index in range(1, count + 1)),
            source_sha256=picture.sha256,
            scene=picture.scene,
            source_asset=picture.asset,
            source_path=picture.path,
            source_file=picture.file,
            loras=item.loras,
            uses=(*text.uses, *cast.of_loras(item), *seen),
            inputs=inputs,
        )
        for picture, text, item, seen, inputs in zip(pictures, texts, worn, held, chosen.inputs, strict=True)
    )
    own = {lora.name for item in worn for lora in item.loras} - {lora.name for lora in used}
    of_cast = [found for found in world.cast_loras.values() if isinstance(found, Model) and found.name in own]
    compared = sorted({use.value for seen in held for use in seen})
    resident = model.name in world.resident_models
    estimate = estimates.duration(
        _timings(world),
        model,
        sampling,
        chosen.method,
        count * len(jobs),
        0.0 if resident else world.load_seconds or 0.0,
    )
    cost = world.quote.each.times(count * len(jobs)) if world.quote else None
    return PlanDraft(
        digest=_hash(
            {
                **content,
                "seed": seed,
                "device": device.kind,
                "cost_usd": 0.0,
                **({"cost": [cost.currency, cost.micros]} if cost else {}),
                **({"references": compared} if compared else {}),
            }
        ).hex(),
        request=request,
        stage=stage_id(request.stage),
        model=model,
        jobs=jobs,
        candidates=count * len(jobs),
        sampling=sampling,
        seed=seed,
        models=(
            PlannedModel(model.name, model.size_bytes, resident, "model"),
            *(PlannedModel(lora.name, lora.size_bytes, False, "lora") for lora in (*world.loras, *of_cast)),
            *(PlannedModel(item.name, item.size_bytes, False, item.family) for item in chosen.companions),
        ),
        device=device.name,
        device_reason=device.reason,
        findings=tuple(
            findings.of_plan(
                request,
                stage,
                world,
                guide,
                pictures,
                sampling,
                words,
                [out for item in worn for out in item.left_out],
                count * len(jobs),
            )
        ),
        estimated_seconds=estimate.seconds if estimate else None,
        basis=estimate.basis if estimate else None,
        memory_bytes=0
        if model.engine == "remote"
        else estimates.memory((model, *world.loras, *of_cast, *chosen.companions), world.footprints, sampling),
        suggestion=sizes.suggest(
            model, [(picture.width, picture.height) for picture in pictures], (sampling.width, sampling.height)
        ),
        quote=world.quote,
        loras=used,
        method=chosen.method,
        strategy=PlannedStrategy(chosen.method.strategy.value, chosen.reason, chosen.passed_over),
    )


def candidate_seed(run_seed: int, key: str, index: int) -> int:
    """Seed of the candidate `index` (counted from 1) of the picture `key`, 0–4294967295."""
    return int.from_bytes(hashlib.sha256(f"{run_seed}:{key}:{index}".encode()).digest()[:4], "big")


def check_change(
    guidance_scale: float | None, image_guidance_scale: float | None, steps: int | None, strength: float | None
) -> None:
    """Raises FieldInvalid when a change of a running job is out of bounds."""
    for field, value, bounds in (
        ("guidance_scale", guidance_scale, SCALE),
        ("image_guidance_scale", image_guidance_scale, SCALE),
        ("steps", steps, STEPS),
        ("strength", strength, STRENGTH),
    ):
        _bounded(field, value, bounds)


def check_tuning(guidance_scale: float | None, image_guidance_scale: float | None) -> None:
    """Raises FieldInvalid when a change of a running job is empty or out of bounds."""
    if guidance_scale is None and image_guidance_scale is None:
        raise FieldInvalid(
            "Nothing is to be changed.",
            field="guidance_scale",
            remedy="Give guidance_scale, image_guidance_scale or both.",
        )
    check_change(guidance_scale, image_guidance_scale, None, None)


def first_device(devices: Sequence[DeviceFacts]) -> DeviceFacts:
    """The device that takes the work where it may choose. Raises DeviceUnavailable."""
    if not devices:
        raise DeviceUnavailable(
            "No device can take the run.", remedy="Set devices.use to auto, and see `bullpen doctor`."
        )
    return devices[0]


def sampling_for(asked: SamplingRequest, defaults: StageDefaults, model: Model) -> Sampling:
    """What was asked for, completed by the stage's values and then the model's. Raises FieldInvalid."""
    for field, value, bounds in (
        ("steps", asked.steps, STEPS),
        ("guidance_scale", asked.guidance_scale, SCALE),
        ("image_guidance_scale", asked.image_guidance_scale, SCALE),
        ("width", asked.width, SIZE),
        ("height", asked.height, SIZE),
    ):
        _bounded(f"sampling.{field}", value, bounds)
    for field, side in (("width", asked.width), ("height", asked.height)):
        if side is not None and side % SIZE_STEP:
            raise FieldInvalid(
                f"A {field} of {side} pixels is not a multiple of {SIZE_STEP}.",
                field=f"sampling.{field}",
                remedy=f"Give {side // SIZE_STEP * SIZE_STEP}, or leave it out for the model's own size.",
            )
    return Sampling(
        steps=_first(asked.steps, defaults.steps, model.default_steps),
        guidance_scale=float(_first(asked.guidance_scale, defaults.guidance_scale, model.default_guidance_scale)),
        image_guidance_scale=float(
            _first(asked.image_guidance_scale, defaults.image_guidance_scale, model.default_image_guidance_scale)
        ),
        width=_first(asked.width, model.default_width),
        height=_first(asked.height, model.default_height),
    )


def _first(*values: T | None) -> T:
    return next(value for value in values if value is not None)


def _bounded(field: str, value: float | None, bounds: tuple[float, float]) -> None:
    # Written so that a value that is no number fails too.
    if value is not None and not bounds[0] <= value <= bounds[1]:
        raise FieldInvalid(
            f"{field} is {value:g}, which is out of its bounds.",
            field=field,
            remedy=f"Give {bounds[0]:g} to {bounds[1]:g}, or leave it out.",
        )


def _timings(world: PlanWorld) -> tuple[Timing, ...]:
    """What was measured, with what was measured before sizes were told apart."""
    if world.seconds_per_step is None:
        return world.timings
    return (*world.timings, Timing(world.model.name, "", 0, world.seconds_per_step))


def _hash(content: Mapping[str, Any]) -> bytes:
    """SHA-256 over canonical JSON (sorted keys, no blanks)."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).digest()
