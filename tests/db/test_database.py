"""Writes: whole functions in a group commit, durable when they return, none taking another along; and reads."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import apsw
import pytest
from bullpend.db import Row, Tx
from bullpend.db.database import READERS, View
from bullpend.errors import DatabaseUnavailable, DiskFull, ShuttingDown, StateConflict

from tests.db.conftest import Desk

COUNT = "SELECT count(*) FROM projects"


def project(slug: str) -> Row:
    """A project's row."""
    zeros: dict[str, Any] = {"create_time": 0.0, "update_time": 0.0, "revision": 0}
    return {"slug": slug, "title": "", "story": "", "storage": "LOCAL", **zeros}


def add(tx: Tx, slug: str) -> int:
    """Adds a project and says so."""
    tx.insert("projects", project(slug))
    return tx.emit(slug, f"projects/{slug}", f"made.{slug}", b"")


async def test_write_is_seen_by_the_next_read(desk: Desk) -> None:
    """When a write has returned, every read that begins later sees it."""
    for number in range(50):
        await desk.database.write(lambda tx, n=number: add(tx, f"p{n}"))  # type: ignore[misc]  # a default binds the loop
        seen = await asyncio.gather(*(desk.database.read(lambda view: view.value(COUNT)) for _ in range(3)))
        assert seen == [number + 1] * 3


async def test_events_are_delivered_before_the_write_returns(desk: Desk) -> None:
    """Whoever awaited a write finds its event delivered, with the revision that the write returned."""
    revision = await desk.database.write(lambda tx: add(tx, "a"))
    assert [(event.revision, event.kind) for group in desk.delivered for event in group] == [(revision, "made.a")]


async def test_failing_write_takes_no_other_along(desk: Desk) -> None:
    """Of many writes in one group those that raise leave nothing, no event either; the others are all there."""

    def work(tx: Tx, number: int) -> int:
        revision = add(tx, f"p{number}")
        if number % 3 == 0:
            raise StateConflict("no")
        return revision

    held = threading.Event()
    first = asyncio.ensure_future(desk.database.write(lambda tx: held.wait(30)))
    writes = [asyncio.ensure_future(desk.database.write(lambda tx, n=n: work(tx, n))) for n in range(30)]  # type: ignore[misc]  # a default binds the loop
    await asyncio.sleep(0)
    held.set()
    answers = await asyncio.gather(*writes, return_exceptions=True)
    assert await first
    for number, answer in enumerate(answers):
        assert isinstance(answer, StateConflict) == (number % 3 == 0)
    kept = [f"p{number}" for number in range(30) if number % 3]
    rows = await desk.database.read(lambda view: view.all("SELECT slug FROM projects ORDER BY id"))
    assert [row["slug"] for row in rows] == kept
    assert desk.events == [f"made.{slug}" for slug in kept]
    assert len(desk.delivered) == 1, "they shared one commit"


async def test_revisions_have_no_gap_where_a_write_failed(desk: Desk) -> None:
    """What was rolled back gives its revision back; and `next_revision` tells the truth."""

    def fail(tx: Tx) -> None:
        add(tx, "lost")
        raise StateConflict("no")

    async def succeed(slug: str) -> None:
        def work(tx: Tx) -> tuple[int, int]:
            return tx.next_revision(), add(tx, slug)

        expected, given = await desk.database.write(work)
        assert expected == given

    await succeed("a")
    with pytest.raises(StateConflict):
        await desk.database.write(fail)
    await succeed("b")
    revisions = [event.revision for group in desk.delivered for event in group]
    assert revisions == [1, 2]


async def test_broken_statement_is_told_to_its_writer_only(desk: Desk) -> None:
    """An SQL mistake or a broken rule of the schema reaches the one who made it; the database goes on."""
    with pytest.raises(apsw.SQLError):
        await desk.database.write(lambda tx: tx.run("INSERT INTO nothing VALUES (1)"))
    await desk.database.write(lambda tx: add(tx, "a"))
    with pytest.raises(apsw.ConstraintError):
        await desk.database.write(lambda tx: add(tx, "a"))
    assert desk.events == ["made.a"]


async def test_read_is_one_moment(desk: Desk) -> None:
    """Two statements of one read see the same state, whatever is committed between them."""
    await desk.database.write(lambda tx: add(tx, "a"))
    between, go_on = threading.Event(), threading.Event()

    def read(view: View) -> tuple[int, int]:
        first = view.value(COUNT)
        between.set()
        assert go_on.wait(30)
        return first, view.value(COUNT)

    reading = asyncio.ensure_future(desk.database.read(read))
    await asyncio.to_thread(between.wait, 30)
    await desk.database.write(lambda tx: add(tx, "b"))
    go_on.set()
    assert await reading == (1, 1)
    assert await desk.database.read(lambda view: view.value(COUNT)) == 2


async def test_readers_cannot_write(desk: Desk) -> None:
    """A read that tries to write is refused and changes nothing."""
    with pytest.raises(DatabaseUnavailable):
        await desk.database.read(lambda view: view.all("DELETE FROM projects"))


async def test_write_whose_asker_left_is_made(desk: Desk) -> None:
    """A write that was queued is made, and its events are delivered, though nobody waits for it any more."""
    held = threading.Event()
    first = asyncio.ensure_future(desk.database.write(lambda tx: held.wait(30)))
    left = asyncio.ensure_future(desk.database.write(lambda tx: add(tx, "a")))
    await asyncio.sleep(0)
    left.cancel()
    held.set()
    await first
    await desk.database.write(lambda tx: add(tx, "b"))
    assert desk.events == ["made.a", "made.b"]


async def test_full_disk_is_said_and_leaves_nothing(desk: Desk) -> None:
    """Without room a write is DISK_FULL and is not there, nor is its event; with room again it is made."""

    def limit(tx: Tx, pages: int) -> None:
        tx.run(f"PRAGMA max_page_count = {pages}")

    def fill(tx: Tx) -> None:
        add(tx, "big")
        tx.run("UPDATE projects SET story = ? WHERE slug = 'big'", "x" * 4_000_000)

    pages = await desk.database.read(lambda view: view.value("PRAGMA page_count"))
    await desk.database.write(lambda tx: limit(tx, pages + 4))
    with pytest.raises(DiskFull) as refused:
        await desk.database.write(fill)
    assert refused.value.remedy
    assert await desk.database.read(lambda view: view.value(COUNT)) == 0
    assert desk.events == []
    await desk.database.write(lambda tx: limit(tx, 1 << 30))
    await desk.database.write(fill)
    assert desk.events == ["made.big"]


@pytest.mark.parametrize("how", ["deleted", "replaced"])
async def test_deleted_database_refuses_writes(desk: Desk, how: str) -> None:
    """When the file was deleted or replaced under the daemon, writes are refused instead of going nowhere."""
    await desk.database.write(lambda tx: add(tx, "a"))
    desk.path.unlink()
    if how == "replaced":
        desk.path.write_bytes(b"something else")
    assert not desk.database.file_in_place()
    for _ in range(2):
        with pytest.raises(DatabaseUnavailable):
            await desk.database.write(lambda tx: add(tx, "b"))
    assert desk.events == ["made.a"]


async def test_close_finishes_what_is_queued(desk: Desk) -> None:
    """Writes that were asked for before the close are made; later ones are refused."""
    writes = [asyncio.ensure_future(desk.database.write(lambda tx, n=n: add(tx, f"p{n}"))) for n in range(10)]  # type: ignore[misc]  # a default binds the loop
    await asyncio.sleep(0)
    await asyncio.to_thread(desk.database.close)
    await asyncio.gather(*writes)
    assert len(desk.events) == 10
    for work in (desk.database.write(lambda tx: 1), desk.database.read(lambda view: 1)):
        with pytest.raises(ShuttingDown):
            await work
    desk.open()
    assert await desk.database.read(lambda view: view.value(COUNT)) == 10


async def test_close_leaves_one_file(desk: Desk) -> None:
    """After an orderly close everything is in the one file; nothing waits in a write-ahead log beside it."""
    await desk.database.write(lambda tx: add(tx, "a"))
    await asyncio.gather(*(desk.database.read(lambda view: view.value(COUNT)) for _ in range(8)))
    await asyncio.to_thread(desk.database.close)
    assert list(desk.path.parent.iterdir()) == [desk.path]


async def test_commits_are_synced(desk: Desk) -> None:
    """The writer syncs each commit to the disk and keeps a write-ahead log."""
    assert await desk.database.write(lambda tx: (tx.value("PRAGMA synchronous"), tx.value("PRAGMA journal_mode"))) == (
        2,
        "wal",
    )
    assert await desk.database.write(lambda tx: tx.value("PRAGMA foreign_keys")) == 1


async def test_a_check_after_searches_is_not_deceived_by_them(desk: Desk) -> None:
    """A reader that has searched, and pictures that came since: the file is sound, and is said to be.

    A check on that reader's connection calls it damaged (SQLite 3.54).
    """
    words = "INSERT INTO asset_words (rowid, prompt, name, about, note) VALUES (?, 'a pier at night', 'x', '', '')"
    search = "SELECT count(*) FROM asset_words WHERE asset_words MATCH 'night'"

    async def add_words(first: int) -> None:
        for number in range(first, first + 40):
            await desk.database.write(lambda tx, n=number: tx.run(words, n))  # type: ignore[misc]  # a default binds the loop

    await add_words(1)
    together = threading.Barrier(READERS, timeout=30)

    def searched(view: View) -> int:
        together.wait()
        return int(view.value(search))

    assert await asyncio.gather(*(desk.database.read(searched) for _ in range(READERS))) == [40] * READERS
    await add_words(41)
    for deep in (False, True):
        assert await desk.database.damage(deep=deep) is None
