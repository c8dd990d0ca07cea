"""SQL of recipes that pictures brought with them; those of candidates lie with the candidates."""

from __future__ import annotations

import json
from typing import Any

from bullpend.db import Tx
from bullpend.db.database import View
from bullpend.recipes.model import Told, from_dict


def put(tx: Tx, project: str, slug: str, told: Told) -> None:
    """Keeps an asset's recipe; the same asset has one, and content never changes, so that it is always the same."""
    content = json.dumps(told.to_dict(), sort_keys=True, ensure_ascii=False)
    if tx.value("SELECT content FROM recipes WHERE project = ? AND slug = ?", project, slug) == content:
        return
    tx.run("DELETE FROM recipes WHERE project = ? AND slug = ?", project, slug)
    row = {"project": project, "slug": slug, "program": told.program.value, "content": content}
    tx.insert("recipes", {**row, "prompt": told.prompt, "model": told.model_title, "create_time": tx.now})


def get(view: View, project: str, slug: str) -> Told | None:
    """The recipe that an asset brought with it."""
    content = view.value("SELECT content FROM recipes WHERE project = ? AND slug = ?", project, slug)
    return None if content is None else from_dict(json.loads(content))


def of_candidate(view: View, asset: str) -> dict[str, Any] | None:
    """The recipe of the candidate that an asset is, in Bullpen's own form; None for other assets."""
    sql = "SELECT recipe FROM candidates WHERE asset = ? AND asset != '' AND recipe != '' ORDER BY id LIMIT 1"
    text = view.value(sql, asset)
    return None if text is None else dict(json.loads(text))
