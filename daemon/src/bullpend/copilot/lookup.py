"""What the built-in copilot looks up, and how it says it: each reading is a call of the contract."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

from bullpen_api.v1 import cost_pb2, quality_pb2, run_pb2

from bullpend.copilot import listing
from bullpend.copilot.engines import Piece, Turn, Words
from bullpend.copilot.pieces import failed, ident, state_of, table
from bullpend.copilot.world import RunWords, World
from bullpend.errors import BullpenError

_RUNS = "bullpen.v1.RunService"
_STATES = {"FAILED": "failed", "HELD": "is held", "CANCELED": "was canceled"}


async def look(turn: Turn, world: World, what: str, about: dict[str, Any]) -> AsyncIterator[Piece]:
    """The pieces that answer a question; a refused call is said in its own words."""
    readers = {
        "status": _status,
        "why": _why,
        "cost": _cost,
        "quality": _quality,
        "plan": _plan,
        "list": listing.listed,
        "scene": listing.scene,
        "character": listing.character,
        "candidates": listing.candidates,
        "run": _run,
        "metrics": _metrics,
        "left": listing.left,
    }
    try:
        async for piece in readers[what](turn, world, about):
            yield piece
    except BullpenError as error:
        yield failed(error)


async def _status(turn: Turn, world: World, about: dict[str, Any]) -> AsyncIterator[Piece]:
    names = [about["run"]] if about.get("run") else [run.name for run in world.active[:5]]
    if not names:
        last = f" The last run, {world.runs[0].slug}, is {world.runs[0].state.lower()}." if world.runs else ""
        yield Words(f"Nothing is waiting or being made.{last}")
        return
    lines = []
    for name in names:
        run: Any = await turn.read(f"{_RUNS}/GetRun", {"name": name})
        figures = run.figures
        left = f", about {run.figures.time_left.seconds} s left" if figures.HasField("time_left") else ""
        lines.append(
            f"- **{ident(name)}** ({run.spec.stage}) is {state_of(run)}: {figures.jobs_done} of "
            f"{figures.jobs} pictures, "
            f"{figures.candidates_done} of {figures.candidates} candidates{left}"
        )
    yield Words("\n".join(lines))


async def _why(turn: Turn, world: World, about: dict[str, Any]) -> AsyncIterator[Piece]:
    """Errors of jobs, and hard findings of pictures that were made."""
    wanted = set(about.get("scenes", ()))
    lines: list[str] = []
    for run in _meant(world, about):
        for job in run.jobs:
            if wanted and job.scene not in wanted:
                continue
            found: Any = await turn.read(f"{_RUNS}/GetJob", {"name": job.name})
            if job.state in _STATES:
                why = found.error.message or "no reason was kept"
                remedy = f" {found.error.remedy}" if found.error.remedy else ""
                reason = f" ({found.error.reason})" if found.error.reason else ""
                lines.append(
                    f"- **{job.scene or found.source_path}** {_STATES[job.state]} in {run.slug}{reason}: {why}{remedy}"
                )
            elif wanted:
                lines += _findings(job.scene, run.slug, found)
        if lines:
            break
    if not lines:
        where = ", ".join(sorted(wanted)) if wanted else "this project"
        yield Words(f"Nothing of {where} failed in the runs that I can see.")
        return
    yield Words("\n".join(lines))


def _meant(world: World, about: dict[str, Any]) -> list[RunWords]:
    if about.get("run"):
        return [run for run in world.runs if run.name == about["run"]]
    runs = [run for run in world.runs if about.get("stage") in (None, "", run.stage)]
    return runs if about.get("scenes") else [run for run in runs if run.again] or runs[:1]


def _findings(scene: str, run: str, job: run_pb2.Job) -> list[str]:
    lines = []
    for candidate in job.candidates:
        for finding in candidate.quality.findings:
            if finding.severity == run_pb2.Finding.SEVERITY_HARD:
                lines.append(f"- **{scene}** {ident(candidate.name)} in {run}: {finding.message}")
    if not lines and job.state == run_pb2.Job.STATE_SUCCEEDED:
        lines.append(f"- **{scene}** succeeded in {run}, and none of its candidates has a hard finding.")
    return lines


async def _cost(turn: Turn, world: World, about: dict[str, Any]) -> AsyncIterator[Piece]:
    asked = {"groupBy": ["COST_DIMENSION_STAGE"]}
    if about.get("run"):
        asked["run"] = about["run"]
    found: Any = await turn.read("bullpen.v1.CostService/SummarizeCosts", asked)
    total: cost_pb2.CostTotal = found.total
    what = ident(about["run"]) if about.get("run") else "This project"
    money = ", ".join(
        f"{one.charged_micros / 1e6:.2f} {one.currency_code}" for one in total.money if one.charged_micros
    )
    yield Words(f"{what} has cost {money or 'no money'}, and {total.device_seconds:.1f} s of this machine's devices.")
    if len(found.totals) > 1:
        rows = [(one.stage or "other", f"{one.device_seconds:.1f} s", one.events) for one in found.totals]
        yield table("Costs by stage", ("stage", "device time", "lines"), rows)


async def _quality(turn: Turn, world: World, about: dict[str, Any]) -> AsyncIterator[Piece]:
    runs = [run for run in world.runs if not about.get("run") or run.name == about["run"]]
    if not runs:
        yield Words("Nothing was made in this project yet.")
        return
    name = about.get("run") or runs[0].name
    found: Any = await turn.read("bullpen.v1.QualityService/GetQualitySummary", {"name": name})
    if not found.candidates:
        yield Words(f"No candidate of {ident(name)} is finished yet.")
        return
    yield Words(
        f"**{ident(name)}**: {found.candidates} candidates finished, {found.passed} passed "
        f"({found.passed / found.candidates:.0%}), {found.clean} without any finding."
    )
    if found.findings:
        kinds: Any = await turn.read("bullpen.v1.QualityService/ListFindingKinds", {})
        titles = {kind.kind: kind.title for kind in kinds.kinds}
        tallies: Iterable[quality_pb2.FindingTally] = found.findings
        yield table(
            "Findings", ("finding", "hard", "soft"), [(titles.get(t.kind, "?"), t.hard, t.soft) for t in tallies]
        )


async def _plan(turn: Turn, world: World, about: dict[str, Any]) -> AsyncIterator[Piece]:
    plan: Any = await turn.read(f"{_RUNS}/PlanRun", {"spec": about["spec"]})
    each = plan.candidates // len(plan.jobs) if plan.jobs else 0
    cost = (
        f"{plan.estimated_cost.micros / 1e6:.2f} {plan.estimated_cost.currency_code}"
        if plan.HasField("estimated_cost")
        else "no money"
    )
    takes = (
        f"about {plan.estimated_duration.seconds} s"
        if plan.HasField("estimated_duration")
        else "an unknown time (nothing like it was measured here yet)"
    )
    yield Words(
        f"**{plan.spec.stage}** over {len(plan.jobs)} pictures with {each} candidates each: {plan.candidates} "
        f"pictures on "
        f"{plan.device or 'no device'}, {takes}, {cost}. Nothing was started."
    )
    if plan.findings:
        yield Words("\n\n" + "\n".join(f"- {finding.message}" for finding in plan.findings))


async def _run(turn: Turn, world: World, about: dict[str, Any]) -> AsyncIterator[Piece]:
    async for piece in _status(turn, world, about):
        yield piece
    async for piece in listing.candidates(turn, world, about):
        yield piece


async def _metrics(turn: Turn, world: World, about: dict[str, Any]) -> AsyncIterator[Piece]:
    found: Any = await turn.read("bullpen.v1.SystemService/GetMetrics", {})
    devices: Any = await turn.read("bullpen.v1.DeviceService/ListDevices", {})
    resident: Any = await turn.read("bullpen.v1.ModelService/ListResidents", {})
    yield Words(
        f"Processor {found.cpu_utilization:.0%}, memory {found.memory_used_bytes >> 20} of "
        f"{found.memory_total_bytes >> 20} "
        f"MiB, {found.queued_jobs} jobs waiting, {found.running_jobs} being made."
    )
    rows = [(ident(one.name), one.kind, state_of(one), f"{one.memory_used_bytes >> 20} MiB") for one in devices.devices]
    if rows:
        yield table("Devices", ("device", "kind", "state", "memory"), rows)
    if resident.residents:
        in_memory = [
            (ident(one.model), one.device, f"{one.size_bytes >> 20} MiB", one.reason) for one in resident.residents
        ]
        yield table("Models in memory", ("model", "device", "size", "why"), in_memory)
