"""What there is, listed or described: scenes, characters, models, runs, candidates and the rest of a project."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from bullpen_api.v1 import export_pb2, instruction_pb2

from bullpend.copilot.engines import Piece, Turn, Words
from bullpend.copilot.pieces import ident, plain, state_of, table
from bullpend.copilot.world import World

_BIBLE = "bullpen.v1.BibleService"


async def listed(turn: Turn, world: World, about: dict[str, Any]) -> AsyncIterator[Piece]:
    """A kind of thing, all of it."""
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
        async for piece in candidates(turn, world, about):
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
    if kind == "exports":
        async for piece in _exports(turn):
            yield piece
        return
    if kind == "devices":
        devices: Any = await turn.read("bullpen.v1.DeviceService/ListDevices", {})
        yield table(
            "Devices", ("device", "kind", "state"), [(ident(d.name), d.kind, state_of(d)) for d in devices.devices]
        )
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


async def _exports(turn: Turn) -> AsyncIterator[Piece]:
    """The newest exports: what they are, how far, and where they lie."""
    request = {"parent": f"projects/{turn.project}", "pageSize": 20}
    found: Any = await turn.read("bullpen.v1.ExportService/ListExports", request)
    rows = [(ident(one.name), _format(one.spec), state_of(one), one.path) for one in found.exports]
    if rows:
        yield table("Exports", ("export", "format", "state", "file"), rows)
    else:
        yield Words("Nothing was exported yet. `export everything as CBZ` would be a beginning.")


def _format(spec: export_pb2.ExportSpec) -> str:
    name = export_pb2.ExportSpec.Format.Name(spec.format).removeprefix("FORMAT_")
    return name.lower().replace("_", " ")


async def scene(turn: Turn, world: World, about: dict[str, Any]) -> AsyncIterator[Piece]:
    """Scenes as the bible describes them."""
    blocks = []
    for slug in about["scenes"][:8]:
        scene: Any = await turn.read(f"{_BIBLE}/GetScene", {"name": world.scene_name(slug)})
        values = ", ".join(f"{key}: {value}" for key, value in sorted(scene.variables.items()))
        done = ", ".join(picture.stage for picture in scene.accepted) or "nothing accepted yet"
        who = ", ".join(ident(name) for name in scene.characters)
        blocks.append(
            f"**{scene.ordinal} {scene.title}** ({slug})\n\n{plain(scene.description)}\n\n"
            + "\n".join(
                line for line in (f"- with {who}" if who else "", f"- {values}" if values else "", f"- {done}") if line
            )
        )
    yield Words("\n\n".join(blocks))


async def character(turn: Turn, world: World, about: dict[str, Any]) -> AsyncIterator[Piece]:
    """A character, and where it is."""
    name = f"projects/{world.project}/characters/{about['character']}"
    found: Any = await turn.read(f"{_BIBLE}/GetCharacter", {"name": name})
    scenes = [scene.slug for scene in world.scenes if about["character"] in scene.characters]
    where = f"\n\nIn {', '.join(scenes)}." if scenes else ""
    yield Words(f"**{found.title}**: {plain(found.description)}{where}")


async def candidates(turn: Turn, world: World, about: dict[str, Any]) -> AsyncIterator[Piece]:
    """Candidates of the newest run that made any."""
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


async def left(turn: Turn, world: World, about: dict[str, Any]) -> AsyncIterator[Piece]:
    """Scenes without an accepted picture, by stage, and what is being made of them."""
    if not world.scenes:
        yield Words("The project has no scenes yet.")
        return
    rows = []
    for stage in world.stages:
        if about.get("stage") and stage.id != about["stage"]:
            continue
        missing = [scene.slug for scene in world.scenes if stage.id not in scene.accepted]
        made = {job.scene for run in world.active if run.stage == stage.id for job in run.jobs}
        if missing:
            named = ", ".join(f"{slug} ●" if slug in made else slug for slug in missing[:12])
            more = f" and {len(missing) - 12} more" if len(missing) > 12 else ""
            rows.append((stage.id, f"{len(missing)} of {len(world.scenes)}", named + more))
    if not rows:
        which = about.get("stage") or "every stage"
        yield Words(f"Nothing: every scene has an accepted picture of {which}.")
        return
    yield table("Scenes without an accepted picture (● is being made)", ("stage", "scenes", "which"), rows)
