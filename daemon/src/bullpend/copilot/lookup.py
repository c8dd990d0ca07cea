"""What the built-in copilot looks up, and how it says it: each reading is a call of the contract."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from typing import Any

from bullpen_api.v1 import copilot_pb2, cost_pb2, instruction_pb2, quality_pb2, run_pb2

from bullpend.copilot.engines import Part, Piece, Turn, Words
from bullpend.copilot.world import RunWords, World
from bullpend.errors import BullpenError

pb = copilot_pb2
_BIBLE = "bullpen.v1.BibleService"
_RUNS = "bullpen.v1.RunService"
_STATES = {"FAILED": "failed", "HELD": "is held", "CANCELED": "was canceled"}


def failed(error: BullpenError) -> Piece:
    """A refusal as a part of the answer."""
    failure = pb.ChatFailure(reason=error.reason, message=error.message, remedy=error.remedy)
    return Part(pb.ChatPart(failure=failure))


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Piece:
    """A table as a part of the answer."""
    made = pb.ChatTable(title=title, columns=columns)
    for row in rows:
        made.rows.add(cells=[str(cell) for cell in row])
    return Part(pb.ChatPart(table=made))


def ident(name: str) -> str:
    """The last part of a resource name."""
    return name.rpartition("/")[2]


def state_of(message: Any) -> str:
    """A state in lower case."""
    return str(type(message).State.Name(message.state)).removeprefix("STATE_").lower()


async def look(turn: Turn, world: World, what: str, about: dict[str, Any]) -> AsyncIterator[Piece]:
    """The pieces that answer a question; a refused call is said in its own words."""
    readers = {
        "status": _status,
        "why": _why,
        "cost": _cost,
        "quality": _quality,
        "plan": _plan,
        "list": _list,
        "scene": _scene,
        "character": _character,
        "candidates": _candidates,
        "run": _run,
        "metrics": _metrics,
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


async def _list(turn: Turn, world: World, about: dict[str, Any]) -> AsyncIterator[Piece]:
    kind = about["kind"]
    if kind == "scenes":
        who = about.get("character", "")
        rows = [
            (scene.ordinal, scene.slug, scene.title, ", ".join(scene.characters), ", ".join(scene.accepted))
            for scene in world.scenes
            if not who or who in scene.characters
        ]
        yield table(f"Scenes{f' with {who}' if who else ''}", ("#", "scene", "title", "characters", "accepted"), rows)
    elif kind == "characters":
        yield table("Characters", ("character", "name"), world.characters.items())
    elif kind == "style_guides":
        yield table("Style guides", ("style guide", "title"), world.style_guides.items())
    elif kind in ("models", "loras"):
        found: Any = await turn.read("bullpen.v1.ModelService/ListModels", {})
        models = [m for m in found.models if (kind == "loras") == ("lora" in m.capabilities)]
        yield table(
            kind.title(),
            ("model", "family", "can do"),
            [(ident(m.name), m.family, ", ".join(m.capabilities)) for m in models],
        )
    elif kind == "stages":
        listed = [(stage.id, stage.title, stage.default_candidates) for stage in world.stages]
        yield table("Stages", ("stage", "title", "candidates"), listed)
    elif kind == "runs":
        async for piece in _runs_list(world, about):
            yield piece
    elif kind == "candidates":
        async for piece in _candidates(turn, world, about):
            yield piece
    else:
        async for piece in _by_call(turn, kind):
            yield piece


async def _runs_list(world: World, about: dict[str, Any]) -> AsyncIterator[Piece]:
    wanted = {"failed": ("FAILED", "PARTIAL"), "active": ("QUEUED", "RUNNING"), "finished": ("SUCCEEDED", "PARTIAL")}
    states = wanted.get(about.get("state", ""), ())
    rows = [
        (run.slug, run.stage, run.state.lower(), len(run.jobs))
        for run in world.runs
        if not states or run.state in states
    ]
    if rows:
        yield table("Runs", ("run", "stage", "state", "pictures"), rows[:20])
    else:
        yield Words("There is no such run.")


async def _by_call(turn: Turn, kind: str) -> AsyncIterator[Piece]:
    """Kinds that are listed as they are: by name and title."""
    if kind in ("story", "projects"):
        project: Any = await turn.read("bullpen.v1.ProjectService/GetProject", {"name": f"projects/{turn.project}"})
        figures = project.figures
        yield Words(
            f"**{project.title}**: {project.story or 'no story yet'}\n\n{figures.scenes} scenes, {figures.runs} runs."
        )
        return
    if kind == "devices":
        async for piece in _metrics(turn, World(turn.project), {}):
            yield piece
        return
    method, field, state = {
        "templates": (f"{_BIBLE}/ListPromptTemplates", "prompt_templates", False),
        "references": (f"{_BIBLE}/ListReferenceSets", "reference_sets", False),
        "assets": ("bullpen.v1.AssetService/ListAssets", "assets", False),
        "instructions": ("bullpen.v1.InstructionService/ListInstructions", "instructions", True),
    }[kind]
    found: Any = await turn.read(method, {"parent": f"projects/{turn.project}", "pageSize": 20})
    items = getattr(found, field)
    if not items:
        yield Words(f"There are no {field.replace('_', ' ')} here yet.")
    elif state:
        rows = [
            (ident(item.name), item.objective, state_of(item))
            for item in items
            if isinstance(item, instruction_pb2.Instruction)
        ]
        yield table("Instructions", ("instruction", "objective", "state"), rows)
    else:
        rows2 = [(ident(item.name), getattr(item, "title", "") or getattr(item, "display_name", "")) for item in items]
        yield table(field.replace("_", " ").capitalize(), ("name", "title"), rows2)


async def _scene(turn: Turn, world: World, about: dict[str, Any]) -> AsyncIterator[Piece]:
    blocks = []
    for slug in about["scenes"][:8]:
        scene: Any = await turn.read(f"{_BIBLE}/GetScene", {"name": world.scene_name(slug)})
        values = ", ".join(f"{key}: {value}" for key, value in sorted(scene.variables.items()))
        done = ", ".join(picture.stage for picture in scene.accepted) or "nothing accepted yet"
        who = ", ".join(ident(name) for name in scene.characters)
        blocks.append(
            f"**{scene.ordinal} {scene.title}** ({slug})\n\n{_plain(scene.description)}\n\n"
            + "\n".join(
                line for line in (f"- with {who}" if who else "", f"- {values}" if values else "", f"- {done}") if line
            )
        )
    yield Words("\n\n".join(blocks))


async def _character(turn: Turn, world: World, about: dict[str, Any]) -> AsyncIterator[Piece]:
    name = f"projects/{world.project}/characters/{about['character']}"
    found: Any = await turn.read(f"{_BIBLE}/GetCharacter", {"name": name})
    scenes = [scene.slug for scene in world.scenes if about["character"] in scene.characters]
    where = f"\n\nIn {', '.join(scenes)}." if scenes else ""
    yield Words(f"**{found.title}**: {_plain(found.description)}{where}")


async def _candidates(turn: Turn, world: World, about: dict[str, Any]) -> AsyncIterator[Piece]:
    rows = []
    for run in world.runs:
        if about.get("run") and run.name != about["run"]:
            continue
        for job in run.jobs:
            if about.get("scenes") and job.scene not in about["scenes"]:
                continue
            for one in job.candidates:
                rows.append((job.scene, run.slug, ident(one.name), one.state.lower(), "★" if one.accepted else ""))
        if rows:
            break
    if rows:
        yield table("Candidates of the newest run", ("scene", "run", "candidate", "state", "accepted"), rows[:60])
    else:
        yield Words("There are no candidates of that yet.")


async def _run(turn: Turn, world: World, about: dict[str, Any]) -> AsyncIterator[Piece]:
    async for piece in _status(turn, world, about):
        yield piece
    async for piece in _candidates(turn, world, about):
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


def _plain(text: str) -> str:
    """Words of the bible as words: no sign of them is taken for markup."""
    return re.sub(r"([\\`*_\[\]#<>|])", r"\\\1", text)
