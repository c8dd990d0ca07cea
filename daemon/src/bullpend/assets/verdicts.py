"""Which pictures were accepted, and in whose place another one was: a fact of the asset, so that it can be searched.

What is accepted is decided in `runs/accepting.py`, which calls `judge` in the same transaction. A verdict is not what
people say of an asset: it changes neither its revision nor its sidecar, and the event that tells it is the candidate's.
"""

from __future__ import annotations

import json
from typing import Final

from bullpend.assets import bits, index
from bullpend.db import Database, Row, Tx
from bullpend.db.database import View

ACCEPTED: Final = "ACCEPTED"
"""The picture of its job now, and where it has a scene, of its scene and stage."""
REJECTED: Final = "REJECTED"
"""Another picture was taken in its place."""

# Pictures of the job and of those that it makes again, and of all jobs of its scene and stage.
_BESIDE = """
WITH RECURSIVE before (id, parent) AS (
  SELECT id, parent_job FROM jobs WHERE id = ?1
  UNION SELECT j.id, j.parent_job FROM jobs j JOIN before b ON j.name = b.parent AND j.run_id = ?2
), beside (id) AS (
  SELECT id FROM before
  UNION SELECT j.id FROM jobs j JOIN runs r ON r.id = j.run_id
    WHERE j.scene = ?3 AND j.scene != '' AND r.stage = ?4 AND r.project = ?5
)
SELECT DISTINCT c.asset FROM beside b CROSS JOIN candidates c ON c.job_id = b.id WHERE c.asset != ''
"""
# With CROSS, what is looked up is looked up one by one, however much there is. The index of candidates by asset holds
# those that have one: only a statement that says so is given it.
_VERDICTS = """
SELECT a.id, a.project, a.facts, a.verdict, EXISTS (
  SELECT 1 FROM candidates c
  WHERE c.asset = 'projects/' || a.project || '/assets/' || a.slug AND c.asset != '' AND c.accepted = 1
) AS accepted
FROM json_each(?) j CROSS JOIN assets a ON a.project = ? AND a.slug = j.value
"""

_ACCEPTED = "SELECT 1 FROM candidates WHERE asset = ? AND asset != '' AND accepted = 1"


def known(view: View, asset: str) -> str:
    """The verdict of a picture that is registered anew: its candidate may be here from before, and accepted."""
    accepted = view.value(_ACCEPTED, asset)
    return ACCEPTED if accepted else ""


def judge(tx: Tx, run: Row, job: Row) -> None:
    """Brings the verdicts of all pictures up to date that a picture just accepted in `job` may have changed."""
    sql = (_BESIDE, job["id"], run["id"], job["scene"], run["stage"], run["project"])
    slugs = [str(row["asset"]).rsplit("/", 1)[-1] for row in tx.all(*sql)]
    for row in tx.all(_VERDICTS, json.dumps(slugs), run["project"]):
        verdict = ACCEPTED if row["accepted"] else REJECTED
        if row["verdict"] == verdict:
            continue
        before = [("is", row["verdict"].casefold())] if row["verdict"] else []
        facts = index.swap(tx, row, before, [("is", verdict.casefold())])
        tx.run("UPDATE assets SET verdict = ?, facts = ? WHERE id = ?", verdict, facts, row["id"])


async def catch_up(database: Database) -> None:
    """Puts what an earlier version of the daemon accepted into the sets: once, before anything is served.

    The rows have their verdicts and facts from the migration.
    """

    def work(tx: Tx) -> None:
        if tx.value("SELECT judged FROM asset_index"):
            return
        sealed = int(tx.value("SELECT sealed FROM asset_index"))
        sql = "SELECT id, project, value FROM asset_facts WHERE field = 'is' AND value IN (?, ?)"
        for fact in tx.all(sql, ACCEPTED.casefold(), REJECTED.casefold()):
            sql = "SELECT json_group_array(id) FROM assets WHERE project = ? AND verdict = ? AND id < ?"
            ids = json.loads(tx.value(sql, fact["project"], fact["value"].upper(), sealed))
            whole = bits.of_ids(ids)
            for number, first, stored in bits.blocks(whole):
                tx.run("INSERT OR REPLACE INTO asset_blocks VALUES (?, ?, ?, ?)", fact["id"], number, first, stored)
        tx.run("UPDATE asset_index SET judged = 1")

    await database.write(work)
