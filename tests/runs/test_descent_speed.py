"""The descent of pictures is looked up by indexes, however many runs there are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bullpend.clock import ManualClock
from bullpend.db import Database
from bullpend.runs import descent, pedigree

SCENE = "projects/p/scenes/s"
ASSET = "projects/p/assets/a"


class Explained:
    """A view that notes every table that a query reads from end to end."""

    def __init__(self, view: Any) -> None:
        self._view = view
        self.scans: list[str] = []

    def _explain(self, sql: str, args: tuple[Any, ...]) -> None:
        for row in self._view.all(f"EXPLAIN QUERY PLAN {sql}", *args):
            if str(row["detail"]).startswith("SCAN"):
                self.scans.append(f"{row['detail']}: {sql}")

    def value(self, sql: str, *args: Any) -> Any:
        self._explain(sql, args)
        return self._view.value(sql, *args)

    def one(self, sql: str, *args: Any) -> Any:
        self._explain(sql, args)
        return self._view.one(sql, *args)

    def all(self, sql: str, *args: Any) -> Any:
        self._explain(sql, args)
        return self._view.all(sql, *args)


LOOKUPS: dict[str, Callable[[Any], object]] = {
    "origin": lambda view: descent.origin(view, SCENE, ASSET),
    "branch": lambda view: descent.branch(view, SCENE, "style", "scene", 1),
    "nodes": lambda view: descent.nodes_of(view, SCENE),
    "scene": lambda view: pedigree._whole(view, [SCENE], set()),
    "asset": lambda view: pedigree._candidates_of(view, "p", ASSET),
}


@pytest.mark.parametrize("name", LOOKUPS)
async def test_nothing_is_read_from_end_to_end(name: str, tmp_path: Path) -> None:
    """Each query of a descent finds its rows by an index, so that accepting a picture stays as quick as it was."""
    database = Database.open(tmp_path / "b.sqlite3", ManualClock(), lambda events: None)

    def look(view: Any) -> list[str]:
        explained = Explained(view)
        LOOKUPS[name](explained)
        return explained.scans

    try:
        assert await database.read(look) == []
    finally:
        database.close()
