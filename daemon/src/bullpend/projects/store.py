"""SQL of projects, and the figures that a dashboard shows of them."""

from __future__ import annotations

import json

from bullpend.costs import summary
from bullpend.db import Row, Tx
from bullpend.db.database import View
from bullpend.errors import AlreadyExists, ProjectNotFound


def get(view: View, slug: str, field: str = "name") -> Row:
    """A project's row. Raises ProjectNotFound naming `field`."""
    row = view.one("SELECT * FROM projects WHERE slug = ?", slug)
    if row is None:
        raise ProjectNotFound(f"There is no project {slug}.", field=field, project=slug)
    return _load(row)


def _load(row: Row) -> Row:
    return {**row, "s3": json.loads(row["s3"])}


def page(view: View, after: str, limit: int) -> list[Row]:
    """Projects by slug."""
    sql = "SELECT * FROM projects WHERE slug > ? ORDER BY slug LIMIT ?"
    return [_load(row) for row in view.all(sql, after, limit)]


def create(tx: Tx, slug: str, said: Row) -> Row:
    """Inserts a project; `said` has title, story, storage and s3. Raises AlreadyExists."""
    if tx.value("SELECT 1 FROM projects WHERE slug = ?", slug):
        raise AlreadyExists(f"A project {slug} exists already.", field="project_id", remedy="Choose another slug.")
    row: Row = {
        "slug": slug,
        **said,
        "create_time": tx.now,
        "update_time": tx.now,
        "revision": tx.next_revision(),
    }
    tx.insert("projects", {**row, "s3": json.dumps(row["s3"])})
    return row


def change(tx: Tx, row: Row, said: Row) -> Row:
    """Writes title, story, storage and s3 of a project, and gives the whole row as it is then."""
    values = {**said, "update_time": tx.now, "revision": tx.next_revision()}
    sets = ", ".join(f"{name} = ?" for name in values)
    texts = {**values, "s3": json.dumps(values["s3"])}
    tx.run(f"UPDATE projects SET {sets} WHERE slug = ?", *texts.values(), row["slug"])
    return {**row, **values}


def figures(view: View, slug: str) -> Row:
    """Counts and sums over a project, and accepted pictures by stage."""
    row = view.one(
        """SELECT
             count(*) AS runs,
             coalesce(sum(state IN ('QUEUED', 'RUNNING')), 0) AS active_runs,
             coalesce(sum(candidates_done), 0) AS candidates,
             coalesce(sum(qa_measured), 0) AS qa_measured,
             coalesce(sum(qa_passed), 0) AS qa_passed,
             coalesce(sum(device_seconds), 0.0) AS device_seconds,
             max(create_time) AS last_run_time,
             (SELECT count(*) FROM assets WHERE project = ?1) AS assets,
             (SELECT count(*) FROM scenes WHERE project = ?1 AND delete_time IS NULL) AS scenes,
             (SELECT count(*) FROM characters WHERE project = ?1 AND delete_time IS NULL) AS characters
           FROM runs WHERE project = ?1""",
        slug,
    )
    assert row is not None
    stages = view.all(
        "SELECT a.stage, count(*) AS accepted FROM accepted a "
        "JOIN scenes s ON s.project = a.project AND s.slug = a.scene "
        "WHERE a.project = ? AND s.delete_time IS NULL GROUP BY a.stage",
        slug,
    )
    row["stages"] = {stage["stage"]: stage["accepted"] for stage in stages}
    sums = summary.totals(view, summary.Filter(project=slug), (), None, 1)
    row["money"] = sums[0]["money"] if sums else []
    return row
