"""What was accepted, and in whose place: as a fact that is searched, kept up to date, and made of older databases."""

from __future__ import annotations

import json
from pathlib import Path

import apsw
import pytest
from bullpen_api.v1 import asset_pb2 as pb
from bullpen_api.v1 import run_pb2
from bullpend.assets import bits, verdicts
from bullpend.assets.language import parse
from bullpend.assets.search import Kept, Search, Wish
from bullpend.clock import ManualClock
from bullpend.db import Database, migrate
from bullpend.db.database import View

from tests.support.studio import Studio

SCHEMA_BEFORE = 24
"""The last schema without verdicts."""
ACCEPTED, REJECTED = pb.Asset.VERDICT_ACCEPTED, pb.Asset.VERDICT_REJECTED


async def found(studio: Studio, project: str, text: str) -> dict[str, int]:
    """Names with verdicts that a search finds."""
    request = pb.ListAssetsRequest(parent=project, filter=text)
    return {one.name: one.verdict for one in (await studio.session.assets.ListAssets(request)).assets}


@pytest.mark.e2e
async def test_what_is_accepted_is_found_and_changes_with_the_choice(studio: Studio) -> None:
    """The best of a run, then another one by hand, then the one of a later run: each search follows at once."""
    project = await studio.universe(scenes=1)
    run = await studio.run(project, candidates=2)
    made = await studio.candidates(run)
    taken = next(one for one in made if one.accepted)
    other = next(one for one in made if not one.accepted)
    assert await found(studio, project, "is:accepted") == {taken.asset: ACCEPTED}
    assert await found(studio, project, "is:rejected") == {other.asset: REJECTED}
    assert set(await found(studio, project, "kind:candidate -is:accepted")) == {other.asset}
    before = await studio.session.assets.GetAsset(pb.GetAssetRequest(name=other.asset))
    await studio.session.runs.AcceptCandidate(run_pb2.AcceptCandidateRequest(name=other.name))
    assert await found(studio, project, "is:accepted") == {other.asset: ACCEPTED}
    assert await found(studio, project, "is:rejected") == {taken.asset: REJECTED}
    after = await studio.session.assets.GetAsset(pb.GetAssetRequest(name=other.asset))
    assert (after.revision, after.etag) == (before.revision, before.etag), "who edits the picture meets no conflict"
    later = await studio.run(project, candidates=1, seed=99)
    (newest,) = await studio.candidates(later)
    assert await found(studio, project, "is:accepted") == {newest.asset: ACCEPTED}
    assert set(await found(studio, project, "is:rejected")) == {taken.asset, other.asset}
    source = await found(studio, project, "kind:source")
    assert set(source.values()) == {pb.Asset.VERDICT_UNSPECIFIED}


@pytest.mark.parametrize(
    "sql", [verdicts._BESIDE, verdicts._VERDICTS, verdicts._ACCEPTED], ids=["beside", "verdicts", "accepted"]
)
def test_no_candidate_is_looked_at_that_is_not_asked_for(sql: str) -> None:
    """However many candidates there are, those that matter are found by an index."""
    connection = apsw.Connection(":memory:")
    migrate.apply(connection, Path("unused"))
    values = [None] * max(sql.count("?"), 1) if "?1" not in sql else [None] * 5
    steps = [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    looks = [step for step in steps if {"c", "candidates", "a"} & set(step.split()[1:2])]
    assert looks, steps
    assert all(step.startswith("SEARCH") for step in looks), steps


async def test_older_databases_know_what_was_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows, facts and sets of a database from before are completed, in sealed blocks and in the newest one."""
    monkeypatch.setattr(bits, "BLOCK", 8)
    monkeypatch.setattr(bits, "_BYTES", 1)
    path = tmp_path / "b.sqlite3"
    scripts = migrate.scripts()
    with monkeypatch.context() as patched:
        patched.setattr(migrate, "scripts", lambda: [one for one in scripts if one[0] <= SCHEMA_BEFORE])
        Database.open(path, ManualClock(), lambda _: None).close()
    write_old(path, count=20, sealed=16)
    database = Database.open(path, ManualClock(), lambda _: None)
    await verdicts.catch_up(database)
    await verdicts.catch_up(database)

    def ids(view: View) -> dict[str, list[int]]:
        asked = ("is:accepted", "is:rejected", "-is:accepted -is:rejected")
        return {text: sorted(Search(view, Kept(), Wish("p", parse(text))).page(100)) for text in asked}

    assert await database.read(ids) == {
        "is:accepted": [1, 5, 9, 13, 17],
        # Beside an accepted one in its job, or of a scene and stage that has another picture.
        "is:rejected": [2, 3, 4, 6, 7, 8, 10, 11, 12, 14, 18],
        "-is:accepted -is:rejected": [15, 16, 19, 20],
    }
    database.close()


def write_old(path: Path, count: int, sealed: int) -> None:
    """Assets 1 to `count` of jobs of two, every fourth accepted; scenes have pictures up to the sixth job."""
    connection = apsw.Connection(str(path))
    insert(connection, "projects", slug="p")
    insert(connection, "runs", id=1, project="p", slug="r", stage="style")
    insert(connection, "asset_facts", id=1, project="p", field="all", value="")
    for number in range(1, count + 1):
        job = (number + 1) // 2
        scene = f"projects/p/scenes/s{(job + 1) // 2}" if job <= 6 else ""
        if number % 2:
            insert(connection, "jobs", id=job, run_id=1, name=f"projects/p/runs/r/jobs/{job}", scene=scene)
        asset = f"projects/p/assets/a{number}"
        insert(connection, "assets", id=number, project="p", slug=f"a{number}", sha256=f"{number}", facts=" 1 ")
        name, accepted = f"projects/p/runs/r/jobs/{job}/candidates/c{number}", int(number % 4 == 1)
        insert(connection, "candidates", job_id=job, run_id=1, name=name, asset=asset, accepted=accepted)
        if accepted and scene:
            insert(connection, "accepted", project="p", scene=scene.rsplit("/", 1)[-1], stage="style", asset=asset)
    for block in range(sealed // 8):
        held = sum(1 << place for place in range(8) if 1 <= block * 8 + place <= count)
        insert(connection, "asset_blocks", fact=1, block=block, first=0, bits=held.to_bytes(1, "little"))
    list(connection.execute("UPDATE asset_index SET sealed = ?", (sealed,)))
    connection.close()


def insert(connection: apsw.Connection, table: str, **values: object) -> None:
    """A row; columns that must have a value and are not given have an empty one."""
    empty = {"INTEGER": 0, "REAL": 0.0, "TEXT": "", "BLOB": b""}
    for _, name, kind, needed, default, key in connection.execute(f"PRAGMA table_info({table})"):
        if needed and default is None and not (key and name == "id"):
            values.setdefault(str(name), empty[str(kind)])
    marks = ", ".join("?" * len(values))
    sql = f"INSERT INTO {table} ({', '.join(json.dumps(one) for one in values)}) VALUES ({marks})"
    list(connection.execute(sql, tuple(values.values())))
