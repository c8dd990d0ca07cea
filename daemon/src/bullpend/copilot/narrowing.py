"""What the tools of a model may name in one project: its stages, scenes, runs, models and so on, as they are now.

A schema knows types. That `stage` is a stage of the manifest, and `name` of CancelRun a run that still works, is known
here: such a text becomes a choice among what there is, and what must be said is marked as such. A tool for which
there is nothing to choose is left out. Pure functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bullpend.copilot.tools import Tool
from bullpend.copilot.world import World

# The first of a kind that can be named; a person names others by hand.
MOST = 200
# Members that would take what a model cannot know, or that contradict others.
_DROPPED = {
    "propose_CreateRun": ("spec.inputFolder", "spec.promptTemplate", "device", "keepAlive"),
    "propose_ProcessAssets": ("run",),
    "propose_SyncStorage": ("folder",),
    "propose_CreateExport": ("spec.destination", "spec.overwrite"),
}
# By tool: what a member names, and with `!` that it must be given.
_NAMES: Mapping[str, Mapping[str, str]] = {
    "propose_CreateRun": {
        "spec": "!",
        "spec.stage": "stage!",
        "spec.scenes": "!",
        "spec.scenes.scenes": "scene",
        "spec.candidates": "candidates",
        "spec.model": "model",
        "spec.styleGuide": "styleGuides",
        "spec.loras.model": "lora!",
        "spec.sampling.steps": "steps",
    },
    "propose_RetryRun": {"name": "ended run!"},
    "propose_CancelRun": {"name": "active run!"},
    "propose_PauseRun": {"name": "active run!"},
    "propose_ResumeRun": {"name": "paused run!"},
    "propose_PrioritizeRun": {"name": "active run!", "priority": "!"},
    "propose_CancelJob": {"name": "active job!"},
    "propose_TuneJob": {"name": "active job!"},
    "propose_AcceptCandidate": {"name": "candidate!"},
    "propose_ProcessAssets": {"assets": "asset!"},
    "propose_CreateExport": {"spec": "!", "spec.format": "!", "spec.stage": "stage", "spec.scenes": "scene"},
    "propose_GetQualitySummary": {"name": "run!"},
    **{
        f"propose_{verb}{kind}": {path: f"{values}!", **({field: "!"} if verb == "Update" else {})}
        for kind, field, values in (
            ("Scene", "scene", "scene"),
            ("Character", "character", "characters"),
            ("StyleGuide", "styleGuide", "styleGuides"),
            ("ReferenceSet", "referenceSet", "referenceSets"),
            ("PromptTemplate", "promptTemplate", "promptTemplates"),
        )
        for verb, path in (("Update", f"{field}.name"), ("Delete", "name"))
    },
    **{
        f"propose_Create{kind}": {f"{field}Id": "!", field: "!"}
        for kind, field in (
            ("Scene", "scene"),
            ("Character", "character"),
            ("StyleGuide", "styleGuide"),
            ("ReferenceSet", "referenceSet"),
            ("PromptTemplate", "promptTemplate"),
        )
    },
}


def narrow(tools: Mapping[str, Tool], world: World) -> dict[str, Tool]:
    """The tools that can be used in a project now, with what they may name."""
    values = _Values(world)
    made: dict[str, Tool] = {}
    for name, tool in tools.items():
        schema = _narrowed(tool.parameters, _NAMES.get(name, {}), _DROPPED.get(name, ()), values, "")
        if schema is not None:
            made[name] = replace(tool, parameters=schema)
    return made


def _narrowed(
    schema: Mapping[str, Any], names: Mapping[str, str], dropped: Sequence[str], values: _Values, path: str
) -> dict[str, Any] | None:
    """An object's schema; None where something that must be said cannot be."""
    properties: dict[str, Any] = {}
    required: list[str] = []
    for key, value in schema.get("properties", {}).items():
        at = f"{path}{key}"
        kind, must = names.get(at, "").removesuffix("!"), names.get(at, "").endswith("!")
        one = None if at in dropped else _value(value, kind, names, dropped, values, at)
        if one is None and must:
            return None
        if one is not None:
            properties[key] = one
            required += [key] if must else []
    made = {**schema, "properties": properties} if "properties" in schema else dict(schema)
    return {**made, "required": required} if required else made


def _value(
    schema: Mapping[str, Any], kind: str, names: Mapping[str, str], dropped: Sequence[str], values: _Values, at: str
) -> dict[str, Any] | None:
    if schema.get("type") == "array":
        item = _value(schema["items"], kind, names, dropped, values, at)
        return None if item is None else {**schema, "items": item, **({"minItems": 1} if kind else {})}
    if kind:
        found = values.of(kind)
        return {"enum": found} if found else None
    if "properties" in schema:
        return _narrowed(schema, names, dropped, values, f"{at}.")
    return dict(schema)


class _Values:
    """What there is, by the kinds above."""

    def __init__(self, world: World) -> None:
        place = f"projects/{world.project}"
        jobs = [(run, job) for run in world.runs for job in run.jobs]
        self._found: Mapping[str, Callable[[], list[Any]]] = {
            "stage": lambda: [stage.id for stage in world.stages],
            "scene": lambda: [world.scene_name(scene.slug) for scene in world.scenes],
            "characters": lambda: [f"{place}/characters/{slug}" for slug in world.characters],
            "styleGuides": lambda: [f"{place}/styleGuides/{slug}" for slug in world.style_guides],
            "run": lambda: [run.name for run in world.runs],
            "active run": lambda: [run.name for run in world.active],
            "ended run": lambda: [run.name for run in world.runs if not run.active and run.again],
            "paused run": lambda: [run.name for run in world.runs if run.paused],
            "active job": lambda: [job.name for run, job in jobs if run.active],
            "candidate": lambda: [one.name for _, job in jobs for one in job.candidates if one.asset],
            "asset": lambda: [asset for scene in world.scenes for asset in scene.accepted.values()],
            "model": lambda: [name for name, can in world.models.items() if _DRAWS & set(can)],
            "lora": lambda: [name for name, can in world.models.items() if "lora" in can],
            "candidates": lambda: list(range(1, world.candidate_cap + 1)),
            "steps": lambda: list(range(1, 61)),
            # Nothing is known of them here; they are named by hand.
            "referenceSets": list,
            "promptTemplates": list,
        }

    def of(self, kind: str) -> list[Any]:
        """The first of a kind, each once."""
        return list(dict.fromkeys(self._found[kind]()))[:MOST]


_DRAWS = frozenset({"instruction_edit", "text_to_image", "img2img", "inpaint"})
