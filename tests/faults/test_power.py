"""R06: the power fails, or the disk does not answer. What was promised is there afterwards; and the harness sees a
missing fsync.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bullpen_worker.ops import store as files
from bullpend.clock import SystemClock
from bullpend.db import Database, Tx
from bullpend.dispatch.archive import write_durably
from bullpend.errors import DatabaseUnavailable

from tests.support.power import Disk, FilePower, database_disk

pytestmark = pytest.mark.faults

WRITES = 12


def opened(path: Path) -> Database:
    """The daemon's own way to open a database."""
    return Database.open(path, SystemClock(), lambda events: None)


def insert(tx: Tx, number: int) -> None:
    """A project, and the event that tells of it."""
    row = {"slug": f"p{number}", "title": "x" * 600, "story": "", "storage": "", "create_time": 0.0, "update_time": 0.0}
    tx.insert("projects", {**row, "revision": tx.next_revision()})
    tx.emit(f"p{number}", f"projects/p{number}", "project.created", b"")


async def fill(database: Database, count: int = WRITES) -> list[int]:
    """Writes one after the other; returns those that were promised to be durable."""
    promised = []
    for number in range(count):
        try:
            await database.write(lambda tx: insert(tx, number))  # noqa: B023 -- awaited at once
        except DatabaseUnavailable:
            continue
        promised.append(number)
    return promised


async def found(path: Path) -> list[int]:
    """What a daemon of the next day finds; the file is sound."""
    database = opened(path)
    try:
        assert await database.read(lambda view: view.value("PRAGMA integrity_check")) == "ok"
        rows = await database.read(lambda view: view.all("SELECT slug FROM projects ORDER BY id"))
        events = await database.read(lambda view: view.value("SELECT count(*) FROM journal"))
    finally:
        database.close()
    assert events == len(rows), "a change and its event are one"
    return [int(row["slug"][1:]) for row in rows]


async def after_a_cut(path: Path, disk: Disk, writes: int) -> list[int]:
    """Writes, cuts the power in the middle of the daemon's life, and says what was promised."""
    database = opened(path)
    promised = await fill(database, writes)
    disk_then = dict(disk.synced)
    database.close()
    disk.synced = disk_then
    disk.cut()
    return promised


@pytest.mark.parametrize("writes", [1, 4, WRITES])
async def test_r06_power_cut_loses_nothing_that_was_promised(tmp_path: Path, writes: int) -> None:
    """Everything that `write` returned for is there when the power comes back, and the file is sound."""
    path = tmp_path / "bullpen.sqlite3"
    with database_disk() as disk:
        promised = await after_a_cut(path, disk, writes)
    assert len(promised) == writes
    assert await found(path) == promised


async def test_a_sync_that_is_left_out_is_seen(tmp_path: Path) -> None:
    """The harness can tell: with a write-ahead log that only says it is synced, promised writes are lost."""
    path = tmp_path / "bullpen.sqlite3"
    with database_disk(forget="-wal") as disk:
        promised = await after_a_cut(path, disk, WRITES)
    assert len(promised) == WRITES
    assert await found(path) != promised


async def test_r06_disk_that_does_not_answer_refuses_and_recovers(tmp_path: Path) -> None:
    """An input/output error at any write or sync of a commit refuses that write, in words; the ones before and after it
    are whole, and the file is sound.
    """
    reached = 0
    for fail_at in range(1, 40, 3):
        path = tmp_path / f"{fail_at}" / "bullpen.sqlite3"
        path.parent.mkdir()
        with database_disk() as disk:
            database = opened(path)
            disk.operations, disk.fail_at = 0, fail_at
            promised = await fill(database)
            reached += disk.operations >= fail_at
            database.close()
        assert set(promised) <= set(await found(path)), "what was promised is there"
        assert len(promised) >= WRITES - 1, "one error costs one write at most"
    assert reached > 5


def whole(assets: Path) -> list[str]:
    """Names of the assets that are complete: content as its name says, and a sidecar that is JSON."""
    complete = []
    for path in assets.rglob("*.png"):
        try:
            sidecar = json.loads(path.with_suffix(".json").read_text())
        except (OSError, ValueError):
            continue
        if files.digest(path.read_bytes()) == path.stem and sidecar["kind"] == "SOURCE":
            complete.append(path.stem)
    return complete


def keep(assets: Path, data: bytes) -> str:
    """Stores content with its sidecar as a worker does; returns its name."""
    name = files.digest(data)
    with files.drafts(files.temporary_folder(assets)) as made:
        content, beside = files.Draft(assets / files.TEMPORARY, ".png"), files.Draft(assets / files.TEMPORARY, ".json")
        made += [content, beside]
        content.write(data)
        beside.write(files.encode_sidecar({"kind": "SOURCE"}))
        files.publish(assets, name, ".png", content, beside)
    return name


def store_and_cut(root: Path, monkeypatch: pytest.MonkeyPatch, skip: int) -> tuple[int, list[str], str]:
    """Stores one picture in a new project and cuts the power; returns (syncs, what is whole, what was promised)."""
    assets = root / "p" / "assets"
    assets.parent.mkdir(parents=True)
    with monkeypatch.context() as patch:
        power = FilePower(root, patch, skip)
        name = keep(assets, b"a picture" * 100)
    power.cut()
    return power.syncs, whole(assets) if assets.is_dir() else [], name


def test_r06_power_cut_keeps_stored_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that the store reported is whole after the cut; with any single fsync left out it is not."""
    syncs, complete, name = store_and_cut(tmp_path / "all", monkeypatch, 0)
    assert complete == [name]
    assert syncs >= 5, "content, sidecar, their folder, and the new folders above it"
    for skip in range(1, syncs + 1):
        _, complete, _ = store_and_cut(tmp_path / str(skip), monkeypatch, skip)
        assert complete == [], f"sync {skip} of {syncs} is not needed, or the harness does not see that it is missing"


def test_r06_power_cut_keeps_written_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run's log is there as a whole, or as it was before; with any single fsync left out it is not."""
    for skip in range(4):
        folder = tmp_path / str(skip)
        folder.mkdir()
        path = folder / "run.json"
        with monkeypatch.context() as patch:
            power = FilePower(folder, patch, skip)
            write_durably(path, b"{}")
        power.cut()
        sound = path.is_file() and path.read_bytes() == b"{}"
        assert sound == (skip == 0 or skip > power.syncs), skip
