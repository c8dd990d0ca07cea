"""What is said of runs, jobs, candidates and scenes: the event of a change, with the row as it is then.

Each row's revision becomes that of its event, in the transaction that changes it.
"""

from __future__ import annotations

from typing import Any

from bullpen_api.v1 import event_pb2

from bullpend.bible.service import scene_message
from bullpend.db import Row, Tx
from bullpend.runs import store
from bullpend.runs.wire import pack_candidate, pack_job, pack_run


def emit_run(tx: Tx, run_id: int, kind: str) -> None:
    """Says that a run changed; the row's revision becomes that of the event."""
    row = tx.one(f"UPDATE runs SET revision = ? WHERE id = ? RETURNING {store.RUN}", tx.next_revision(), run_id)
    assert row is not None
    say_run(tx, row, kind)


def say_run(tx: Tx, row: Row, kind: str) -> None:
    """Says that a run changed, whose row has the revision of the next event."""
    payload = event_pb2.Event(run=pack_run(row, store.step_seconds(tx, row["model"], "")))
    tx.emit(row["project"], store.run_name(row), kind, payload.SerializeToString())


def emit_job(tx: Tx, project: str, job_id: int, kind: str) -> Row:
    """Says that a job changed; returns its row with its candidates."""
    row = tx.one("UPDATE jobs SET revision = ? WHERE id = ? RETURNING *", tx.next_revision(), job_id)
    assert row is not None
    return say_job(tx, project, row, kind)


def say_job(tx: Tx, project: str, row: Row, kind: str) -> Row:
    """Says that a job changed, whose row has the revision of the next event; returns it with its candidates."""
    row = store.with_candidates(tx, row)
    tx.emit(project, row["name"], kind, event_pb2.Event(job=pack_job(row)).SerializeToString())
    return row


def change_candidate(tx: Tx, project: str, name: str, kind: str, **values: Any) -> Row:
    """Changes columns of a candidate and says so; returns its row."""
    sets = "".join(f"{column} = ?, " for column in values)
    sql = f"UPDATE candidates SET {sets}revision = ? WHERE name = ? RETURNING *"
    row = tx.one(sql, *values.values(), tx.next_revision(), name)
    assert row is not None
    tx.emit(project, name, kind, event_pb2.Event(candidate=pack_candidate(row)).SerializeToString())
    return row


def emit_scene(tx: Tx, project: str, scene: str) -> None:
    """Says that a scene has other accepted pictures."""
    message = scene_message(tx, project, scene)
    tx.emit(project, message.name, "scene.accepted", event_pb2.Event(scene=message).SerializeToString())
