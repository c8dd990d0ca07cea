"""Which candidate is the picture of its scene and stage: taken by rank or by hand, and released for another."""

from __future__ import annotations

from bullpend.assets import verdicts
from bullpend.db import Row, Tx
from bullpend.errors import StateConflict
from bullpend.runs import lineage, saying, store


def accept_by_hand(tx: Tx, name: str, reason: str) -> tuple[Row, int | None]:
    """Makes a finished candidate the picture of its scene and stage; returns its row, and the run's id if it has ended.

    Raises StateConflict when the candidate is not finished.
    """
    row = store.candidate(tx, name)
    if row["state"] != "SUCCEEDED":
        raise StateConflict(
            f"{name} is {row['state'].lower()}; only a finished candidate can be accepted.",
            field="name",
            remedy="Wait until it is finished, or accept another one.",
            state=row["state"],
        )
    if not row["asset"]:
        raise StateConflict(
            f"The picture of {name} is not here; its run was made of a log.",
            field="name",
            remedy="Import the picture and ingest the log again, or accept another one.",
            state=row["state"],
        )
    job = store.job(tx, name.rsplit("/candidates/", 1)[0])
    run = store.by_id(tx, job["run_id"])
    accept(tx, run, job, name, reason or "Taken by hand.", True)
    saying.emit_run(tx, run["id"], "run.reviewed")
    return store.candidate(tx, name), None if run["end_time"] is None else int(run["id"])


def _count_accepted(tx: Tx, run_id: int, by: int) -> None:
    """Moves a run's figure: to count its candidates anew for each would take longer with every job."""
    tx.run("UPDATE runs SET accepted = accepted + ? WHERE id = ?", by, run_id)


def accept(tx: Tx, run: Row, job: Row, name: str, reason: str, by_hand: bool) -> None:
    """Makes a finished candidate of the job the picture of its scene and stage; what was that before is released."""
    scene = job["scene"].rsplit("/", 1)[-1]
    before = tx.all(
        "WITH RECURSIVE before (id, parent) AS (SELECT id, parent_job FROM jobs WHERE id = ?1 UNION "
        "SELECT j.id, j.parent_job FROM jobs j JOIN before b ON j.name = b.parent AND j.run_id = ?6) "
        "SELECT name, run_id FROM candidates WHERE job_id IN (SELECT id FROM before) AND accepted = 1 AND name != ?2 "
        "UNION "
        "SELECT c.name, c.run_id FROM accepted a JOIN candidates c ON c.name = a.candidate "
        "WHERE a.project = ?3 AND a.scene = ?4 AND a.stage = ?5 AND c.accepted = 1 AND c.name != ?2",
        job["id"],
        name,
        run["project"],
        scene,
        run["stage"],
        run["id"],
    )
    for other in before:
        nothing = {"accepted": 0, "accept_reason": "", "by_hand": 0}
        saying.change_candidate(tx, run["project"], other["name"], "candidate.released", **nothing)
        _count_accepted(tx, other["run_id"], -1)
        if other["run_id"] != run["id"]:
            saying.emit_run(tx, other["run_id"], "run.reviewed")
    if not any(row["accepted"] for row in job["candidates"] if row["name"] == name):
        _count_accepted(tx, run["id"], 1)
    taken = {"accepted": 1, "accept_reason": reason, "by_hand": int(by_hand)}
    row = saying.change_candidate(tx, run["project"], name, "candidate.accepted", **taken)
    if scene:
        _take_place(
            tx,
            run,
            scene,
            row,
            "UPDATE SET candidate = excluded.candidate, asset = excluded.asset, "
            "reason = excluded.reason, by_hand = excluded.by_hand, time = excluded.time",
        )
    verdicts.judge(tx, run, job)


def accept_for_scene(tx: Tx, run: Row, scene: str, candidate: Row) -> None:
    """Makes an accepted candidate the picture of its scene and stage where there is none."""
    _take_place(tx, run, scene.rsplit("/", 1)[-1], candidate, "NOTHING")


def _take_place(tx: Tx, run: Row, scene: str, candidate: Row, otherwise: str) -> None:
    changed = tx.run(
        f"INSERT INTO accepted VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO {otherwise}",
        run["project"],
        scene,
        run["stage"],
        candidate["name"],
        candidate["asset"],
        candidate["accept_reason"],
        candidate["by_hand"],
        tx.now,
    )
    if changed:
        lineage.refresh(tx, f"projects/{run['project']}/scenes/{scene}")
        saying.emit_scene(tx, run["project"], scene)
