"""The wire forms of runs, jobs, candidates and plans, made from rows and drafts; and specs read from the wire."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from bullpen_api.v1 import model_pb2, run_pb2

from bullpend.costs.model import MICROS
from bullpend.costs.wire import pack_money
from bullpend.db import Row
from bullpend.errors import FieldInvalid
from bullpend.quality.model import FindingKind
from bullpend.quality.retry import MOST_BUDGET, MOST_PER_PICTURE, Change, Retry
from bullpend.quality.wire import pack_kind, pack_quality
from bullpend.rpc import names
from bullpend.rpc.wire import duration, etag, timestamp
from bullpend.runs import cast, choices, loras
from bullpend.runs.cast import Use
from bullpend.runs.descent import SCENE
from bullpend.runs.descent_wire import pack_stale
from bullpend.runs.method import Box, Method, method_from_json
from bullpend.runs.model import Acceptance, Lora, LoraUse, RunRequest, Sampling, SamplingRequest
from bullpend.runs.plan import PlanDraft, PlannedJob
from bullpend.runs.store import run_name


def pack_error(text: str) -> run_pb2.JobError | None:
    """The wire form of a stored failure; None where there is none."""
    return run_pb2.JobError(**json.loads(text)) if text else None


def pack_sampling(sampling: Sampling, method: Method | None = None) -> run_pb2.SamplingParameters:
    """The wire form of complete sampling parameters, with those that a strategy has."""
    return run_pb2.SamplingParameters(
        strength=method.strength if method else None,
        control_scale=method.control_scale if method else None,
        reference_scale=method.reference_scale if method else None,
        steps=sampling.steps,
        guidance_scale=sampling.guidance_scale,
        image_guidance_scale=sampling.image_guidance_scale,
        width=sampling.width,
        height=sampling.height,
    )


def sampling_of(row: Row) -> Sampling:
    """A run's sampling parameters."""
    return Sampling(row["steps"], row["guidance_scale"], row["image_guidance_scale"], row["width"], row["height"])


@lru_cache(maxsize=32)
def stored_spec(data: bytes) -> run_pb2.RunSpec:
    """A run's spec as the database keeps it, to be read or copied, not to be changed: each job's end shows it again."""
    return run_pb2.RunSpec.FromString(data)


def pack_run(row: Row, seconds_per_step: float | None = None) -> run_pb2.Run:
    """The wire form of a run's row; with a measured step, also how long it will go on."""
    left = row["candidates"] - row["candidates_done"]
    active = row["state"] in ("QUEUED", "RUNNING")
    measured = row["qa_measured"]
    return run_pb2.Run(
        name=run_name(row),
        state=run_pb2.Run.State.Value(f"STATE_{row['state']}"),
        spec=stored_spec(row["spec"]),
        plan_digest=row["plan_digest"],
        model=row["model"],
        sampling=pack_sampling(sampling_of(row), made := method_from_json(row["method"])),
        strategy=made.strategy.value,
        seed=row["seed"],
        create_time=timestamp(row["create_time"]),
        start_time=timestamp(row["start_time"]),
        end_time=timestamp(row["end_time"]),
        figures=run_pb2.RunFigures(
            jobs=row["jobs"],
            jobs_done=row["jobs_done"],
            jobs_failed=row["jobs_failed"],
            candidates=row["candidates"],
            candidates_done=row["candidates_done"],
            accepted=row["accepted"],
            qa_pass_rate=row["qa_passed"] / measured if measured else None,
            device_seconds=row["device_seconds"],
            time_left=duration(left * row["steps"] * seconds_per_step) if active and seconds_per_step else None,
        ),
        log_path=row["log_path"],
        parent_run=row["parent_run"],
        error=pack_error(row["error"]),
        etag=etag(row["id"], row["revision"]),
        revision=row["revision"],
        paused=active and bool(row["paused"]),
        priority=row["priority"],
    )


def pack_job(row: Row, position: Callable[[str], int] | None = None, recipes: bool = False) -> run_pb2.Job:
    """The wire form of a job's row with its candidates; `position` tells its place in the queue."""
    return run_pb2.Job(
        name=row["name"],
        state=run_pb2.Job.State.Value(f"STATE_{row['state']}"),
        scene=row["scene"],
        source_asset=row["source_asset"],
        source_path=row["source_path"],
        prompt=row["prompt"],
        negative_prompt=row["negative_prompt"],
        attempt=row["attempt"],
        device=row["device"],
        position=position(row["name"]) if position and row["state"] == "QUEUED" else 0,
        candidates=[pack_candidate(candidate, recipes) for candidate in row["candidates"]],
        branch=row["branch"],
        source_candidate="" if row["starts_from"] == SCENE else row["starts_from"],
        parent_job=row["parent_job"],
        retry_reason=row["retry_reason"],
        sampling=run_pb2.SamplingParameters(**json.loads(row["sampling"])) if row["sampling"] else None,
        loras=pack_loras(loras.from_json(row["loras"])),
        uses=pack_uses(cast.from_json(row["uses"])),
        error=pack_error(row["error"]),
        create_time=timestamp(row["create_time"]),
        start_time=timestamp(row["start_time"]),
        end_time=timestamp(row["end_time"]),
        revision=row["revision"],
        paused=row["state"] in ("QUEUED", "RUNNING") and bool(row["paused"]),
    )


def pack_loras(used: Iterable[Lora]) -> list[model_pb2.LoraUse]:
    """The wire form of the LoRAs that act on a picture."""
    return [model_pb2.LoraUse(model=lora.name, scale=lora.scale) for lora in used]


def expanded_prompts(job: PlannedJob) -> list[str]:
    """What the choices in a job's words become for each of its candidates; none where they have none."""
    made = [choices.expand(job.uses, job.prompt, job.negative_prompt, seed) for seed in job.seeds]
    return [one.prompt for one in made if one is not None]


def pack_uses(uses: Iterable[Use]) -> list[run_pb2.BibleUse]:
    """The wire form of what acts on a picture."""
    return [
        run_pb2.BibleUse(
            part=run_pb2.BibleUse.Part.Value(f"PART_{use.part}"),
            item=use.item,
            value=use.value,
            source=use.source,
            subject=use.subject,
        )
        for use in uses
    ]


def pack_boxes(boxes: Iterable[Box]) -> list[run_pb2.Box]:
    """The wire form of boxes."""
    return [run_pb2.Box(left=left, top=top, right=right, bottom=bottom) for left, top, right, bottom in boxes]


def pack_candidate(row: Row, recipe: bool = False) -> run_pb2.Candidate:
    """The wire form of a candidate's row."""
    return run_pb2.Candidate(
        name=row["name"],
        state=run_pb2.Candidate.State.Value(f"STATE_{row['state']}"),
        seed=row["seed"],
        asset=row["asset"],
        quality=pack_quality(row["quality"]) if row["quality"] else None,
        rank=row["rank"],
        rank_reason=row["rank_reason"],
        accepted=bool(row["accepted"]),
        accept_reason=row["accept_reason"],
        accepted_by_hand=bool(row["by_hand"]),
        device_seconds=row["device_seconds"],
        end_time=timestamp(row["end_time"]),
        recipe_json=row["recipe"] if recipe else "",
        stale=pack_stale(row["stale"]),
        revision=row["revision"],
    )


def pack_plan(
    draft: PlanDraft,
    spec: run_pb2.RunSpec,
    until: float | None = None,
    jobs: Sequence[PlannedJob] | None = None,
    next_page_token: str = "",
) -> run_pb2.Plan:
    """The wire form of a plan; `until` is when one that costs money can no longer be confirmed. `jobs` are those of one
    page, None for all.
    """
    cost = draft.cost
    suggested = draft.suggestion
    return run_pb2.Plan(
        digest=draft.digest,
        spec=spec,
        jobs=[
            run_pb2.PlannedJob(
                scene=job.scene,
                source_path=job.source_path,
                source_asset=job.source_asset,
                prompt=job.prompt,
                negative_prompt=job.negative_prompt,
                seeds=job.seeds,
                loras=pack_loras(job.loras),
                uses=pack_uses(job.uses),
                boxes=pack_boxes(job.inputs.boxes),
                compared_asset=job.inputs.compared.asset if job.inputs.compared else "",
                reference_assets=[item.asset for item in job.inputs.references],
                expanded_prompts=expanded_prompts(job),
            )
            for job in (draft.jobs if jobs is None else jobs)
        ],
        job_count=len(draft.jobs),
        next_page_token=next_page_token,
        candidates=draft.candidates,
        models=[
            run_pb2.PlannedModel(model=m.model, size_bytes=m.size_bytes, resident=m.resident, purpose=m.purpose)
            for m in draft.models
        ],
        estimated_duration=duration(draft.estimated_seconds),
        estimate_basis=run_pb2.Plan.EstimateBasis.Value(f"ESTIMATE_BASIS_{draft.basis or 'UNSPECIFIED'}"),
        estimated_memory_bytes=draft.memory_bytes,
        suggested_size=run_pb2.SizeSuggestion(width=suggested.width, height=suggested.height, reason=suggested.reason)
        if suggested
        else None,
        estimated_cost_usd=cost.micros / MICROS if cost and cost.currency == "USD" else 0.0,
        estimated_cost=pack_money(cost),
        price=draft.quote.words if draft.quote else "",
        confirm_until=timestamp(until),
        findings=[
            run_pb2.PolicyFinding(
                severity=run_pb2.PolicyFinding.Severity.Value(f"SEVERITY_{finding.severity.value}"),
                code=finding.code,
                message=finding.message,
            )
            for finding in draft.findings
        ],
        sampling=pack_sampling(draft.sampling, draft.method),
        strategy=run_pb2.PlannedStrategy(
            strategy=draft.strategy.name,
            reason=draft.strategy.reason,
            passed_over=[
                run_pb2.PassedOver(strategy=name, reason=reason) for name, reason in draft.strategy.passed_over
            ],
        ),
        seed=draft.seed,
        device=draft.device,
        device_reason=draft.device_reason,
    )


def read_spec(project: str, spec: run_pb2.RunSpec) -> RunRequest:
    """What a spec asks for. Raises FieldInvalid for names that are malformed or of another project."""
    scenes: tuple[str, ...] | None = None
    if spec.HasField("scenes"):
        scenes = tuple(_scene(project, name) for name in spec.scenes.scenes)
    names.choice(run_pb2.RunSpec.Acceptance.DESCRIPTOR, spec.acceptance, "acceptance")
    acceptance = Acceptance.MANUAL if spec.acceptance == run_pb2.RunSpec.ACCEPTANCE_MANUAL else Acceptance.BEST
    sampling = read_sampling(spec.sampling)
    return RunRequest(
        project=project,
        stage=spec.stage.removeprefix("stages/"),
        scenes=scenes,
        input_folder=spec.input_folder,
        candidates=spec.candidates,
        model=spec.model,
        sampling=sampling,
        seed=spec.seed if spec.HasField("seed") else None,
        style_guide=spec.style_guide,
        variables=names.variables(spec.variables, "variables"),
        instruction=names.text(spec.instruction, "instruction", 4000),
        acceptance=acceptance,
        priority=spec.priority,
        loras=read_loras(spec.loras),
        prompt_template=names.text(spec.prompt_template, "prompt_template", 200),
        strategy=names.text(spec.strategy, "strategy", 100),
        boxes=tuple((box.left, box.top, box.right, box.bottom) for box in spec.boxes),
        auto_retry=read_retry(spec.auto_retry) if spec.HasField("auto_retry") else None,
    )


def read_retry(asked: run_pb2.AutomaticRetry) -> Retry:
    """An automatic retry as asked for. Raises FieldInvalid."""
    at = "auto_retry"
    if not asked.findings:
        raise FieldInvalid(
            "No finding is named to retry on.", field=f"{at}.findings", remedy="Name at least one, such as STRUCTURE."
        )
    kinds = tuple(
        dict.fromkeys(read_kind(kind, f"{at}.findings[{index}]") for index, kind in enumerate(asked.findings))
    )
    for field, value, least, most in (
        ("budget", asked.budget, 1, MOST_BUDGET),
        ("most_per_picture", asked.most_per_picture, 0, MOST_PER_PICTURE),
    ):
        if not least <= value <= most:
            raise FieldInvalid(f"`{at}.{field}` is {value}.", field=f"{at}.{field}", remedy=f"Give {least} to {most}.")
    return Retry(kinds, asked.budget, asked.most_per_picture or 1, read_change(asked.change, f"{at}.change"))


def read_kind(kind: int, field: str) -> FindingKind:
    """A kind of finding. Raises FieldInvalid for none and for an unknown one."""
    name = names.choice(run_pb2.Finding.Kind.DESCRIPTOR, kind, field)
    if name == "UNSPECIFIED":
        raise FieldInvalid(f"`{field}` names no finding.", field=field, remedy="See `bullpen runs qa` for the kinds.")
    return FindingKind(name)


def read_change(change: int, field: str) -> Change:
    """What a retry changes. Raises FieldInvalid for an unknown value."""
    name = names.choice(run_pb2.AutomaticRetry.Change.DESCRIPTOR, change, field)
    return Change.SEED if name == "UNSPECIFIED" else Change(name)


def pack_retry(retry: Retry) -> run_pb2.AutomaticRetry:
    """The reverse of `read_retry`."""
    return run_pb2.AutomaticRetry(
        findings=[pack_kind(kind) for kind in retry.findings],
        budget=retry.budget,
        most_per_picture=retry.per_picture,
        change=run_pb2.AutomaticRetry.Change.Value(f"CHANGE_{retry.change}"),
    )


def read_sampling(asked: run_pb2.SamplingParameters) -> SamplingRequest:
    """Sampling as asked for; what is unset is None."""
    return SamplingRequest(
        **{field: getattr(asked, field) for field in SamplingRequest.__slots__ if asked.HasField(field)}  # type: ignore[arg-type]  # the field names are the same
    )


def read_loras(uses: Iterable[model_pb2.LoraUse]) -> tuple[LoraUse, ...]:
    """LoRAs as asked for; an unset scale is 1."""
    return tuple(LoraUse(use.model, use.scale if use.HasField("scale") else 1.0) for use in uses)


def _scene(project: str, name: str) -> str:
    owner, _ = names.parse(name, "projects/*/scenes/*", "scenes")
    if owner != project:
        raise FieldInvalid(f"{name} belongs to another project.", field="scenes", remedy="Name scenes of the project.")
    return name


def write_spec(request: RunRequest) -> run_pb2.RunSpec:
    """The reverse of `read_spec`."""
    sampling = {
        field: getattr(request.sampling, field)
        for field in SamplingRequest.__slots__
        if getattr(request.sampling, field) is not None
    }
    scenes = None if request.scenes is None else run_pb2.SceneSelection(scenes=request.scenes)
    return run_pb2.RunSpec(
        stage=request.stage,
        scenes=scenes,
        input_folder=request.input_folder,
        candidates=request.candidates,
        model=request.model,
        sampling=run_pb2.SamplingParameters(**sampling),
        seed=request.seed,
        style_guide=request.style_guide,
        variables=request.variables,
        instruction=request.instruction,
        acceptance=run_pb2.RunSpec.Acceptance.Value(f"ACCEPTANCE_{request.acceptance.value}"),
        priority=request.priority,
        loras=[model_pb2.LoraUse(model=use.model, scale=use.scale) for use in request.loras],
        prompt_template=request.prompt_template,
        strategy=request.strategy,
        boxes=pack_boxes(request.boxes),
        auto_retry=pack_retry(request.auto_retry) if request.auto_retry else None,
    )
