"""A small world for plans: one project with three scenes, one style guide, one model, one device."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from bullpend.home import settings_folder
from bullpend.models.model import INSTRUCTION_EDIT, Model, ModelState
from bullpend.runs.manifest import load
from bullpend.runs.model import RunRequest
from bullpend.runs.plan import DeviceFacts, FolderPicture, PictureFacts, PlanWorld, SceneFacts, StyleGuideFacts

MANIFEST = load(settings_folder({}) / "manifest.json")
MODEL = Model(
    name="models/starter-edit",
    title="Starter",
    state=ModelState.READY,
    family="instruct-pix2pix",
    licence="Apache-2.0",
    path="/models/starter-edit",
    size_bytes=20_000_000,
    capabilities=(INSTRUCTION_EDIT,),
    default_width=128,
    default_height=128,
    default_steps=6,
    default_guidance_scale=1.0,
    default_image_guidance_scale=1.0,
    digest="d" * 64,
)
GUIDE = StyleGuideFacts("projects/harbor/styleGuides/house", "House style", {"style": "ink"})
CPU = DeviceFacts("devices/cpu", "cpu", "Processor", "No accelerator was found.")


def picture(what: str, width: int = 128, height: int = 128) -> PictureFacts:
    sha256 = hashlib.sha256(what.encode()).hexdigest()
    return PictureFacts(f"projects/harbor/assets/{sha256[:16]}", sha256, width, height)


def scene(name: str, ordinal: int, **more: Any) -> SceneFacts:
    values: dict[str, Any] = {
        "source": picture(name),
        "variables": {"time": "night", "weather": "rain", "place": "left"},
        "characters": (f"a woman at the {name}",),
    }
    return SceneFacts(f"projects/harbor/scenes/{name}", name.title(), ordinal, **{**values, **more})


SCENES = (scene("pier", 2), scene("market", 1), scene("alley", 3))
WORLD = PlanWorld(
    manifest=MANIFEST,
    model=MODEL,
    scenes=SCENES,
    style_guides=(GUIDE,),
    devices=(CPU,),
    resident_models=frozenset({MODEL.name}),
)
ALL_SCENES = RunRequest("harbor", "style", scenes=())


def folder_world(*names: str, **more: Any) -> PlanWorld:
    pictures = tuple(
        FolderPicture(name, f"/in/{name}", hashlib.sha256(name.encode()).hexdigest(), 128, 128) for name in names
    )
    return replace(WORLD, pictures=pictures, **more)
