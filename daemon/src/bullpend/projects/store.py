"""SQL of projects, and the figures that a dashboard shows of them."""

from __future__ import annotations

import json

from bullpend.costs import summary
from bullpend.db import Row, Tx
from bullpend.db.database import View
from bullpend.errors import AlreadyExists, ProjectNotFound
from bullpend.projects.trash import ACTIVE, remedy_of


def get(view: View, slug: str, field: str = "name") -> Row:
    """The row of a project that is not in the trash. Raises ProjectNotFound naming `field`."""
    row = whole(view, slug, field)
    if row["delete_time"] is not None:
        raise ProjectNotFound(f"The project {slug} is in the trash.", field=field, remedy=remedy_of(slug), project=slug)
    return row


def whole(view: View, slug: str, field: str = "name") -> Row:
    """A project's row, also from the trash. Raises ProjectNotFound naming `field`."""
    row = view.one("SELECT * FROM projects WHERE slug = ?", slug)
    if row is None:
        raise ProjectNotFound(f"There is no project {slug}.", field=field, project=slug)
    return _load(row)


def _load(row: Row) -> Row:
    return {**row, "s3": json.loads(row["s3"])}


def page(view: View, after: str, limit: int, *, deleted: bool = False) -> list[Row]:
    """Projects by slug; `deleted` takes the trash in."""
    only = "" if deleted else "AND delete_time IS NULL "
    sql = f"SELECT * FROM projects WHERE slug > ? {only}ORDER BY slug LIMIT ?"
    return [_load(row) for row in view.all(sql, after, limit)]


def unfinished(view: View, slug: str) -> list[str]:
    """Ids of the project's runs that have not ended, oldest first."""
    sql = f"SELECT slug FROM runs WHERE project = ? AND state IN {ACTIVE} ORDER BY id"
    return [str(row["slug"]) for row in view.all(sql, slug)]


def open_jobs(view: View, slug: str) -> list[str]:
    """Names of the project's unfinished jobs."""
    sql = (
        f"SELECT j.name FROM runs r JOIN jobs j ON j.run_id = r.id "
        f"WHERE r.project = ? AND r.state IN {ACTIVE} AND j.state IN {ACTIVE} ORDER BY j.id"
    )
    return [str(row["name"]) for row in view.all(sql, slug)]


def create(tx: Tx, slug: str, said: Row) -> Row:
    """Inserts a project; `said` has title, story, storage and s3. Raises AlreadyExists."""
    known = tx.one("SELECT delete_time FROM projects WHERE slug = ?", slug)
    if known is not None and known["delete_time"] is not None:
        remedy = f"{remedy_of(slug)} Or choose another slug."
        raise AlreadyExists(f"A project {slug} is in the trash.", field="project_id", remedy=remedy)
    if known is not None:
        raise AlreadyExists(f"A project {slug} exists already.", field="project_id", remedy="Choose another slug.")
    row: Row = {
        "slug": slug,
        **said,
        "create_time": tx.now,
        "update_time": tx.now,
        "delete_time": None,
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


def move(tx: Tx, row: Row, *, into_trash: bool) -> Row:
    """Puts a project into the trash or takes it out, and gives the whole row as it is then."""
    values: Row = {"delete_time": tx.now if into_trash else None, "revision": tx.next_revision()}
    tx.run("UPDATE projects SET delete_time = ?, revision = ? WHERE slug = ?", *values.values(), row["slug"])
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
