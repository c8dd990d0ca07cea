"""Keeps what `descent.py` decides: which pictures of a scene are out of date, in the transaction that changes it."""

from __future__ import annotations

from bullpen_api.v1 import event_pb2

from bullpend.db import Tx
from bullpend.runs import descent
from bullpend.runs.wire import pack_candidate


def refresh(tx: Tx, scene: str) -> int:
    """Decides anew which pictures of a scene are stale, and says so of each that changed; returns how many did.

    `scene` is a resource name; without one nothing is done.
    """
    if not scene:
        return 0
    _, project, _, slug = scene.split("/")
    nodes = descent.nodes_of(tx, scene)
    rows = tx.all("SELECT stage, candidate, asset FROM accepted WHERE project = ? AND scene = ?", project, slug)
    accepted = {row["stage"]: (row["candidate"], row["asset"]) for row in rows}
    own = tx.value("SELECT source_asset FROM scenes WHERE project = ? AND slug = ?", project, slug)
    changed = 0
    for name, stale in descent.staleness(nodes, accepted, str(own or "")).items():
        text = descent.to_json(stale)
        if text == nodes[name].stale:
            continue
        changed += 1
        sql = "UPDATE candidates SET stale = ?, revision = ? WHERE name = ? RETURNING *"
        row = tx.one(sql, text, tx.next_revision(), name)
        assert row is not None
        payload = event_pb2.Event(candidate=pack_candidate(row)).SerializeToString()
        tx.emit(project, name, "candidate.stale" if text else "candidate.current", payload)
    return changed
