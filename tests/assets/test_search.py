"""Searches over a filled store, held against the same question asked of every row."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from bullpend.assets import bits, index, search
from bullpend.assets.facts import day_of, leaf
from bullpend.assets.files import Files
from bullpend.assets.index import load
from bullpend.assets.language import parse, tokens
from bullpend.assets.search import Kept, Search, Wish
from bullpend.assets.store import change
from bullpend.clock import ManualClock
from bullpend.db import Database, Row, Tx

from tests.support import gallery

BLOCK = 256
"""Blocks are smaller here, so that a small store has several."""
COUNT = 2 * BLOCK + 190
Fits = Callable[[Row], bool]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Two sealed blocks, and a part of one."""
    patch = pytest.MonkeyPatch()
    patch.setattr(bits, "BLOCK", BLOCK)
    patch.setattr(bits, "_BYTES", BLOCK // 8)
    database = Database.open(tmp_path_factory.mktemp("gallery") / "b.sqlite3", ManualClock(), lambda _: None)

    def write(tx: Tx) -> None:
        gallery.add_project(tx)
        gallery.fill(tx, COUNT)

    asyncio.run(database.write(write))
    yield database
    database.close()
    patch.undo()


@lru_cache
def every() -> list[Row]:
    """The rows of the store, the newest first."""
    return list(gallery.rows(COUNT))[::-1]


async def found(store: Database, text: str, kept: Kept | None = None, **page: Any) -> tuple[list[int], int]:
    """Ids of a page and the count, each by a search of its own, so that neither helps the other."""

    def read(view: Any) -> tuple[list[int], int]:
        wish = Wish(gallery.PROJECT, parse(text))
        ids = Search(view, kept or Kept(), wish).page(page.pop("limit", COUNT), **page)
        return ids, Search(view, kept or Kept(), wish).count()

    return await store.read(read)


def has(row: Row, *words: str) -> bool:
    texts = (row["prompt"], row["display_name"].replace("_", " "), row["note"], *row["tags"])
    shown = (row["scene"], row["stage"], *row["characters"])
    have = {
        one.casefold() for text in (*texts, *(leaf(one).replace("_", " ") for one in shown)) for one in tokens(text)
    }
    return all(word in have for word in words)


def wet(row: Row) -> bool:
    return has(row, "rain") or has(row, "fog")


def dark(row: Row) -> bool:
    return has(row, "night") or has(row, "dusk")


def cast(row: Row) -> list[str]:
    return [leaf(one) for one in row["characters"]]


def tags(row: Row) -> list[str]:
    return [one.casefold() for one in row["tags"]]


CASES: list[tuple[str, Fits]] = [
    ("", lambda row: True),
    ("rain", lambda row: has(row, "rain")),
    ("RAIN pier", lambda row: has(row, "rain", "pier")),
    ("rain -fog -night", lambda row: has(row, "rain") and not has(row, "fog") and not has(row, "night")),
    ("-rain", lambda row: not has(row, "rain")),
    ('"clear sky at"', lambda row: "clear sky at" in row["prompt"]),
    ('"sky clear"', lambda row: False),
    ("driz*", lambda row: has(row, "drizzle")),
    ("mara", lambda row: has(row, "mara")),
    ("prompt:mara", lambda row: False),
    ("note:mara", lambda row: has({**row, "characters": []}, "mara") and bool(row["note"])),
    ("stage:weather", lambda row: row["stage"] == "weather"),
    ("stage:weather,time -model:starter", lambda r: r["stage"] in ("weather", "time") and "starter" not in r["model"]),
    ("character:mara character:otto", lambda row: {"mara", "otto"} <= set(cast(row))),
    ("character:keeper", lambda row: "the_keeper" in cast(row)),
    ("tag:keep", lambda row: "keep" in tags(row)),
    ("tag:kee", lambda row: False),
    ('tag:"wet street",draft', lambda row: bool({"wet street", "draft"} & set(tags(row)))),
    ("rating:>3", lambda row: row["rating"] > 3),
    ("-rating:0 rating:..2", lambda row: 0 < row["rating"] <= 2),
    ("date:2026-11", lambda row: day_of(row["create_time"]).startswith("2026-11")),
    ("date:>=2026-11-20", lambda row: day_of(row["create_time"]) >= "2026-11-20"),
    ("width:<1000", lambda row: row["width"] < 1000),
    ("kind:post is:rated", lambda row: row["kind"] == "POSTPROCESS" and row["rating"] > 0),
    ("is:noted", lambda row: bool(row["note"])),
    ("is:accepted", lambda row: row["verdict"] == "ACCEPTED"),
    ("kind:candidate -is:accepted", lambda row: row["kind"] == "CANDIDATE" and row["verdict"] != "ACCEPTED"),
    ("is:accepted,rejected rain", lambda row: bool(row["verdict"]) and has(row, "rain")),
    ("run:r-00004", lambda row: "r-00004" in row["run"]),
    ("scene:pier", lambda row: leaf(row["scene"]).startswith("pier")),
    (
        "rain character:mara stage:weather rating:>3 model:starter date:2026 -draft",
        lambda row: (
            has(row, "rain")
            and "mara" in cast(row)
            and row["stage"] == "weather"
            and row["rating"] > 3
            and "starter" in row["model"]
            and not has(row, "draft")
        ),
    ),
    ("rain OR fog", lambda row: has(row, "rain") or has(row, "fog")),
    (
        "pier rain OR fog -(night OR dusk)",
        lambda r: has(r, "pier") and wet(r) and not (has(r, "night") or has(r, "dusk")),
    ),
    ("-(rain OR fog)", lambda row: not wet(row)),
    ("rain OR rating:5", lambda row: has(row, "rain") or row["rating"] == 5),
    (
        "(rain stage:weather) OR (fog -stage:weather) is:accepted",
        lambda row: has(row, "rain" if row["stage"] == "weather" else "fog") and row["verdict"] == "ACCEPTED",
    ),
    ("NOT (rain rating:>0)", lambda row: not (has(row, "rain") and row["rating"] > 0)),
    ('character:"the keeper"', lambda row: "the_keeper" in cast(row)),
    ("stage:nowhere", lambda row: False),
    ("rain stage:nowhere", lambda row: False),
]


@pytest.mark.parametrize(("text", "fits"), CASES, ids=[text for text, _ in CASES])
async def test_a_search_finds_what_fits_and_nothing_else(
    store: Database, text: str, fits: Fits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest first, without the trash; page, position, end and count agree with one another."""
    wanted = [row["id"] for row in every() if row["delete_time"] is None and fits(row)]
    assert await found(store, text) == (wanted, len(wanted))
    with monkeypatch.context() as patched:
        # Every asset with the facts is asked for the words; or none is, and each fact is one of few blocks.
        patched.setattr(search, "PROBED_AT_MOST", COUNT)
        assert await found(store, text) == (wanted, len(wanted))
        patched.setattr(search, "PROBED_AT_MOST", 0)
        patched.setattr(search, "FEW_BLOCKS", 0)
        assert await found(store, text) == (wanted, len(wanted))
    if not wanted:
        return
    middle = len(wanted) // 2
    assert (await found(store, text, limit=7))[0] == wanted[:7]
    assert (await found(store, text, limit=7, before=wanted[middle]))[0] == wanted[middle + 1 : middle + 8]
    assert (await found(store, text, limit=7, skip=middle))[0] == wanted[middle : middle + 7]
    assert (await found(store, text, limit=7, from_end=True))[0] == wanted[-7:]


async def test_common_words_that_never_meet_a_fact_are_not_read_for_ever(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the newest finds of a word do not fill the page, the word becomes a set; the answer is the same."""
    monkeypatch.setattr(search, "READ_AT_MOST", 250)
    monkeypatch.setattr(search, "PROBED_AT_MOST", 0)
    wanted = [row["id"] for row in every() if row["rating"] == 5 and row["delete_time"] is None]
    kept = Kept()
    assert (await found(store, "harbour rating:5", kept, limit=50))[0] == wanted[:50]
    assert len(kept._sets) == 1


async def test_kept_sets_of_words_are_few_and_know_what_came_later(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A set that was kept is brought up to date with newer assets and with words that people changed."""
    monkeypatch.setattr(search, "PROBED_AT_MOST", 0)
    kept, files = Kept(), Files(Path("/nowhere"))
    before = (await found(store, "dawn", kept, skip=1))[1]
    newer = COUNT + 1

    def write(tx: Tx) -> None:
        gallery.fill(tx, 40, seed=9, first=newer)

    await store.write(write)
    try:
        more = [row for row in gallery.rows(40, 9, newer) if has(row, "dawn") and row["delete_time"] is None]
        assert (await found(store, "dawn", kept, skip=1))[1] == before + len(more)
        row = load(await store.read(lambda view: view.one("SELECT * FROM assets WHERE id = 3") or {}))
        await store.write(lambda tx: change(tx, files, row, {"tags": ["zeppelin"], "delete_time": None}, "updated"))
        assert await found(store, "zeppelin tag:zeppelin", kept) == ([3], 1)
        back = {"tags": row["tags"], "delete_time": row["delete_time"]}
        changed = load(await store.read(lambda view: view.one("SELECT * FROM assets WHERE id = 3") or {}))
        await store.write(lambda tx: change(tx, files, changed, back, "updated"))
        assert await found(store, "zeppelin", kept) == ([], 0)
        for number in range(search.SETS_KEPT + 5):
            await found(store, f"word{number}", kept, skip=1)
        assert len(kept._sets) == search.SETS_KEPT
    finally:
        await store.write(lambda tx: _forget(tx, newer))


def _forget(tx: Tx, first: int) -> None:
    tx.run("DELETE FROM assets WHERE id >= ?", first)
    tx.run("DELETE FROM asset_words WHERE rowid >= ?", first)
    tx.run("UPDATE asset_index SET edits = edits + 1")


async def test_facets_count_what_the_search_finds(store: Database) -> None:
    """Each value of a field with the number of finds that have it, the most frequent first."""
    shown = [row for row in every() if row["delete_time"] is None and has(row, "rain")]
    counted = {name: sum(name in cast(row) for row in shown) for name in gallery.CAST}

    def read(view: Any) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
        made = Search(view, Kept(), Wish(gallery.PROJECT, parse("rain")))
        return made.facet("character"), made.facet("scene")

    characters, scenes = await store.read(read)
    assert dict(characters) == counted
    assert [count for _, count in characters] == sorted(counted.values(), reverse=True)
    assert len(scenes) == search.VALUES_TOLD


async def test_changes_of_old_and_new_assets_turn_single_bits(store: Database) -> None:
    """After any changes, in sealed blocks and in the one that grows, sets and rows say the same."""
    files, dice = Files(Path("/nowhere")), random.Random(5)
    chosen = [dice.randrange(1, COUNT + 1) for _ in range(30)]
    before: dict[int, Row] = {}

    def write(tx: Tx) -> None:
        for number in chosen:
            row = load(tx.one("SELECT * FROM assets WHERE id = ?", number) or {})
            before.setdefault(number, row)
            values = {"rating": dice.randrange(6), "tags": dice.sample(gallery.TAGS, 2), "note": dice.choice(["", "x"])}
            change(tx, files, row, values, "updated")

    def check(view: Any) -> None:
        made = Search(view, Kept(), Wish(gallery.PROJECT))
        for fact in view.all("SELECT id, field, value FROM asset_facts WHERE field IN ('rating', 'tag', 'is', 'all')"):
            sql = "SELECT id FROM assets WHERE instr(facts, ?)"
            having = bits.of_ids(row["id"] for row in view.all(sql, f" {fact['id']} "))
            assert made._set([fact["id"]]) == having, fact

    def restore(tx: Tx) -> None:
        for number, old in before.items():
            row = load(tx.one("SELECT * FROM assets WHERE id = ?", number) or {})
            change(tx, files, row, {key: old[key] for key in ("rating", "tags", "note")}, "updated")

    await store.write(write)
    await store.read(check)
    await store.write(restore)
    await store.read(check)


async def test_a_search_reads_blocks_and_not_assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a page takes of the database hardly grows with the assets: a few steps for each block and fact."""
    monkeypatch.setattr(bits, "BLOCK", 64)
    monkeypatch.setattr(bits, "_BYTES", 8)
    most, steps = {}, [0]

    def counted() -> bool:
        steps[0] += 1
        return False

    for count in (5 * 64, 35 * 64):
        database = Database.open(tmp_path / f"{count}.sqlite3", ManualClock(), lambda _: None)
        await database.write(gallery.add_project)
        await database.write(lambda tx: gallery.fill(tx, count))  # noqa: B023 -- awaited at once

        def page(view: Any) -> int:
            view._connection.set_progress_handler(counted, 10)
            steps[0] = 0
            made = Search(view, Kept(), Wish(gallery.PROJECT, parse("stage:weather rating:>3 -model:starter")))
            made.page(20)
            made.page(20, from_end=True)
            made.page(20, skip=3)
            view._connection.set_progress_handler(None)
            return 10 * steps[0]

        most[count] = await database.read(page)
        database.close()
    small, large = most.values()
    assert (large - small) / (30 * 64) < 4, "reading each asset takes more than ten steps"


async def test_a_store_of_an_earlier_version_is_indexed_once(tmp_path: Path) -> None:
    """What has no facts yet is indexed in the order of its making, and found as if it had always been."""
    database = Database.open(tmp_path / "b.sqlite3", ManualClock(), lambda _: None)

    def write(tx: Tx) -> None:
        gallery.add_project(tx)
        gallery.fill(tx, bits.BLOCK + 50)
        for table in ("asset_blocks", "asset_facts", "asset_words", "asset_children"):
            tx.run(f"DELETE FROM {table}")
        tx.run("UPDATE assets SET facts = '', kind = 'SOURCE'")
        tx.run("UPDATE asset_index SET sealed = 0")

    await database.write(write)
    await index.catch_up(database)
    alive = [row for row in gallery.rows(bits.BLOCK + 50) if row["delete_time"] is None]
    assert (await found(database, ""))[1] == len(alive)
    assert (await found(database, "kind:source rating:5"))[1] == sum(row["rating"] == 5 for row in alive)
    database.close()
