"""Reads the descent of pictures for people: from a scene, a run, a job, a candidate or an asset to whole scenes."""

from __future__ import annotations

import json

from bullpen_api.v1 import lineage_pb2

from bullpend.assets import store as assets
from bullpend.bible import store as bible
from bullpend.bible.model import SCENES
from bullpend.db import Row
from bullpend.db.database import View
from bullpend.runs import store
from bullpend.runs.descent import SCENE
from bullpend.runs.descent_wire import pack_stale

MOST = 10_000
# How far an asset is followed to the pictures that it was made from.
DEPTH = 16
_NODES = """SELECT c.name, c.asset, c.accepted, c.accept_reason, c.stale, j.name AS job, j.scene, j.source_asset,
                   j.starts_from, j.branch, r.stage, r.project, r.slug
            FROM candidates c JOIN jobs j ON j.id = c.job_id JOIN runs r ON r.id = j.run_id
            WHERE c.state = 'SUCCEEDED' AND """


def nodes(view: View, name: str) -> list[lineage_pb2.LineageNode]:
    """The descent of everything that a name touches. Raises ResourceNotFound."""
    _, project, kind, *rest = name.split("/")
    if kind == "scenes":
        bible.get(view, SCENES, project, rest[0])
        return _whole(view, [name], set())
    asked = _of_asset(view, project, name) if kind == "assets" else _of_run(view, project, name, rest)
    scenes = list(dict.fromkeys(row["scene"] for row in asked if row["scene"]))
    alone = [_node(row, True) for row in asked if not row["scene"]]
    return (_whole(view, scenes, {row["name"] for row in asked}) + alone)[:MOST]


def _whole(view: View, scenes: list[str], asked: set[str]) -> list[lineage_pb2.LineageNode]:
    rows = [
        row
        for scene in scenes
        for row in view.all(_NODES + "j.scene = ? AND j.scene != '' ORDER BY c.id LIMIT ?", scene, MOST)
    ]
    return [_node(row, row["name"] in asked) for row in rows]


def _of_run(view: View, project: str, name: str, rest: list[str]) -> list[Row]:
    run = store.get(view, project, rest[0])
    if len(rest) > 1:
        store.job(view, "/".join(name.split("/")[:6]))
    if len(rest) > 3:
        store.candidate(view, name)
    rows = view.all(_NODES + "c.run_id = ? ORDER BY c.id LIMIT ?", run["id"], MOST)
    return [row for row in rows if name in (row["name"], row["job"], store.run_name(run))]


def _of_asset(view: View, project: str, name: str) -> list[Row]:
    """Candidates that an asset is, or was made of, or that were made from it."""
    assets.by_name(view, name)
    return _candidates_of(view, project, name)


def _candidates_of(view: View, project: str, name: str) -> list[Row]:
    seen, turn = {name}, [name]
    for _ in range(DEPTH):
        marks = ", ".join("?" * len(turn))
        found = view.all(
            _NODES + f"r.project = ? AND c.asset IN ({marks}) AND c.asset != '' ORDER BY c.id LIMIT ?",
            project,
            *turn,
            MOST,
        )
        if found:
            return found
        parents = {
            str(parent)
            for row in view.all(
                f"SELECT derived_from FROM assets WHERE project = ? AND slug IN ({marks})",
                project,
                *(one.rsplit("/", 1)[-1] for one in turn),
            )
            for parent in json.loads(row["derived_from"])
        }
        turn = sorted(parents - seen)
        seen |= parents
        if not turn:
            break
    return view.all(_NODES + "r.project = ? AND j.source_asset = ? ORDER BY c.id LIMIT ?", project, name, MOST)


def _node(row: Row, asked: bool) -> lineage_pb2.LineageNode:
    return lineage_pb2.LineageNode(
        candidate=row["name"],
        asset=row["asset"],
        scene=row["scene"],
        stage=row["stage"],
        run=store.run_name(row),
        source_asset=row["source_asset"],
        source_candidate="" if row["starts_from"] == SCENE else row["starts_from"],
        branch=row["branch"],
        accepted=bool(row["accepted"]),
        accept_reason=row["accept_reason"],
        stale=pack_stale(row["stale"]),
        asked=asked,
    )
