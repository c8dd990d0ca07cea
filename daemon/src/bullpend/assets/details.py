"""How an asset was made: read where it is registered, and kept with it, so that a search needs nothing else.

A run's picture has it from its candidate, what post-process made from the picture before, and a picture that is
registered anew from the recipe in its sidecar.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from bullpend.db import Row
from bullpend.db.database import View

NOTHING: Final[Row] = {
    "candidate": "",
    "run": "",
    "stage": "",
    "model": "",
    "scene": "",
    "characters": [],
    "prompt": "",
    "seed": 0,
}
_MADE_HERE = ("POSTPROCESS", "EXPORT")


def details_of(view: View, row: Mapping[str, Any], recipe: Mapping[str, Any] | None) -> Row:
    """The columns of `NOTHING` for an asset. `recipe` is what its sidecar or its file tells, if anything."""
    if row["kind"] == "CANDIDATE" and (found := _of_candidate(view, row["origin"])) is not None:
        return found
    if row["kind"] in _MADE_HERE and row["derived_from"]:
        project, slug = row["project"], row["derived_from"][0].rsplit("/", 1)[-1]
        columns = ", ".join(NOTHING)
        parent = view.one(f"SELECT {columns} FROM assets WHERE project = ? AND slug = ?", project, slug)
        if parent is not None:
            return {**parent, "characters": json.loads(parent["characters"])}
    return of_recipe(view, recipe) if recipe else dict(NOTHING)


def of_recipe(view: View, recipe: Mapping[str, Any]) -> Row:
    """The same from a recipe as a picture's file has it; what is not as it should be is left out."""

    def text(value: object) -> str:
        return value if isinstance(value, str) else ""

    model, source, seed = recipe.get("model"), recipe.get("source"), recipe.get("seed")
    scene = text(source.get("scene")) if isinstance(source, dict) else ""
    return {
        "candidate": text(recipe.get("candidate")),
        "run": text(recipe.get("run")),
        "stage": text(recipe.get("stage")).removeprefix("stages/"),
        "model": text(model.get("name")) if isinstance(model, dict) else text(model),
        "scene": scene,
        "characters": _cast(view, scene),
        "prompt": text(recipe.get("prompt"))[:20_000],
        "seed": seed if isinstance(seed, int) and -(2**63) <= seed < 2**63 else 0,
    }


def told(recipe: Any) -> dict[str, Any] | None:
    """The recipe that another program wrote into a picture's file (`recipes.model.Told`), as `of_recipe` takes it."""
    if recipe is None:
        return None
    return {"prompt": recipe.prompt, "model": recipe.model_title, "seed": recipe.seed}


def _of_candidate(view: View, name: str) -> Row | None:
    if "/candidates/" not in name:
        return None
    row = view.one(
        "SELECT r.stage, r.model, j.scene, j.prompt, c.seed FROM candidates c "
        "JOIN jobs j ON j.id = c.job_id JOIN runs r ON r.id = c.run_id WHERE c.name = ?",
        name,
    )
    if row is None:
        return None
    return {**row, "candidate": name, "run": name.split("/jobs/")[0], "characters": _cast(view, row["scene"])}


def _cast(view: View, scene: str) -> list[str]:
    """The characters of a scene by their names."""
    parts = scene.split("/")
    if len(parts) != 4:
        return []
    found = view.value("SELECT characters FROM scenes WHERE project = ? AND slug = ?", parts[1], parts[3])
    return [str(one) for one in json.loads(found)] if found else []
