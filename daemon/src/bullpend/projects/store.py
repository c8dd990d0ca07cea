"""SQL of projects, and the figures that a dashboard shows of them."""

from __future__ import annotations

from bullpend.db import Row, Tx
from bullpend.db.database import View
from bullpend.errors import AlreadyExists, ProjectNotFound


def get(view: View, slug: str, field: str = "name") -> Row:
    """A project's row. Raises ProjectNotFound naming `field`."""
    row = view.one("SELECT * FROM projects WHERE slug = ?", slug)
    if row is None:
        raise ProjectNotFound(f"There is no project {slug}.", field=field, project=slug)
    return row


def page(view: View, after: str, limit: int) -> list[Row]:
    """Projects by slug."""
    return view.all("SELECT * FROM projects WHERE slug > ? ORDER BY slug LIMIT ?", after, limit)


def create(tx: Tx, slug: str, title: str, story: str) -> Row:
    """Inserts a project. Raises AlreadyExists."""
    if tx.value("SELECT 1 FROM projects WHERE slug = ?", slug):
        raise AlreadyExists(f"A project {slug} exists already.", field="project_id", remedy="Choose another slug.")
    row: Row = {
        "slug": slug,
        "title": title or slug.replace("_", " ").title(),
        "story": story,
        "storage": "LOCAL",
        "create_time": tx.now,
        "update_time": tx.now,
        "revision": tx.next_revision(),
    }
    tx.insert("projects", row)
    return row


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
             (SELECT count(*) FROM scenes WHERE project = ?1) AS scenes,
             (SELECT count(*) FROM characters WHERE project = ?1) AS characters
           FROM runs WHERE project = ?1""",
        slug,
    )
    assert row is not None
    stages = view.all("SELECT stage, count(*) AS accepted FROM accepted WHERE project = ? GROUP BY stage", slug)
    row["stages"] = {stage["stage"]: stage["accepted"] for stage in stages}
    return row
