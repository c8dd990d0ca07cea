"""The index that answers searches: facts as sets of bits in blocks, words in FTS5.

Every fact, such as `stage:weather`, is the set of assets that have it. Assets of the newest block, which still grows,
are not in the sets yet: their facts stand in their own rows, so that a new asset costs its row and its words. When a
block is full it is sealed, all its facts at once. Changes of older assets turn single bits.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import structlog

from bullpend.assets import bits
from bullpend.assets.details import details_of
from bullpend.assets.facts import Fact, facts_of, words_of
from bullpend.db import Database, Row, Tx

log = structlog.get_logger("assets")
JSON = ("tags", "derived_from", "characters")
BATCH = 2 * bits.BLOCK


def load(row: Row) -> Row:
    """A row of `assets` with its JSON columns read."""
    return {key: json.loads(value) if key in JSON else value for key, value in row.items()}


def written(ids: Iterable[int]) -> str:
    """Ids of facts as a row keeps them."""
    return f" {' '.join(map(str, sorted(ids)))} "


def add(tx: Tx, row_id: int, row: Mapping[str, Any]) -> None:
    """Puts an asset into the index whose row is there and has `facts` already (see `fact_ids`)."""
    _write_words(tx, row_id, row)
    for parent in dict.fromkeys(row["derived_from"]):
        sql = "INSERT OR IGNORE INTO asset_children VALUES (?, ?, ?)"
        tx.run(sql, row["project"], parent.rsplit("/", 1)[-1], row_id)
    sealed = _sealed(tx)
    if row_id < sealed:  # the id of one that was taken away
        _turn(tx, row_id, map(int, row["facts"].split()))
    elif row_id >= sealed + bits.BLOCK:
        seal(tx, row_id // bits.BLOCK)


def change(tx: Tx, row: Row, *, words: bool) -> str:
    """Brings the facts of an asset up to date after a change, and with `words` its words; gives its `facts` anew."""
    before, after = set(map(int, row["facts"].split())), set(fact_ids(tx, row["project"], facts_of(row)))
    facts = written(after)
    tx.run("UPDATE assets SET facts = ? WHERE id = ?", facts, row["id"])
    if row["id"] < _sealed(tx):
        _turn(tx, row["id"], before ^ after)
    if words:
        tx.run("DELETE FROM asset_words WHERE rowid = ?", row["id"])
        _write_words(tx, row["id"], row)
        tx.run("UPDATE asset_index SET edits = edits + 1")
    return facts


def swap(tx: Tx, row: Row, gone: Iterable[Fact], come: Iterable[Fact]) -> str:
    """Takes facts from an asset and gives it others, in the sets; gives its `facts` anew for its row.

    `row` has id, project and facts of the asset.
    """
    before = set(map(int, row["facts"].split()))
    after = (before - set(fact_ids(tx, row["project"], gone))) | set(fact_ids(tx, row["project"], come))
    if row["id"] < _sealed(tx):
        _turn(tx, row["id"], before ^ after)
    return written(after)


def fact_ids(tx: Tx, project: str, facts: Iterable[Fact]) -> list[int]:
    """Ids of facts, which are made where they are new."""
    found = []
    for field, value in facts:
        sql = "SELECT id FROM asset_facts WHERE project = ? AND field = ? AND value = ?"
        known = tx.value(sql, project, field, value)
        if known is None:
            known = tx.insert("asset_facts", {"project": project, "field": field, "value": value})
        found.append(int(known))
    return found


def seal(tx: Tx, until: int) -> None:
    """Writes all blocks before the one with this number into sets."""
    for number in range(_sealed(tx) // bits.BLOCK, until):
        base = number * bits.BLOCK
        having: dict[int, int] = {}
        sql = "SELECT id, facts FROM assets WHERE id >= ? AND id < ?"
        for row in tx.all(sql, base, base + bits.BLOCK):
            bit = 1 << (row["id"] - base)
            for fact in row["facts"].split():
                having[int(fact)] = having.get(int(fact), 0) | bit
        for fact, found in having.items():
            tx.run("INSERT OR REPLACE INTO asset_blocks VALUES (?, ?, ?, ?)", fact, number, *bits.trim(found))
    tx.run("UPDATE asset_index SET sealed = ?", until * bits.BLOCK)


async def catch_up(database: Database) -> None:
    """Indexes what an earlier version of the daemon registered: once, before anything is served."""

    def batch(tx: Tx) -> int:
        rows = tx.all("SELECT * FROM assets WHERE facts = '' ORDER BY id LIMIT ?", BATCH)
        for raw in rows:
            row = load(raw)
            row |= details_of(tx, row, None)
            row["facts"] = written(fact_ids(tx, row["project"], facts_of(row)))
            columns = ("candidate", "run", "stage", "model", "scene", "characters", "prompt", "seed", "facts")
            values = [json.dumps(row[one]) if one in JSON else row[one] for one in columns]
            tx.run(f"UPDATE assets SET {', '.join(f'{one} = ?' for one in columns)} WHERE id = ?", *values, row["id"])
            add(tx, row["id"], row)
        return len(rows)

    while done := await database.write(batch):
        log.info("assets.indexed", assets=done)


def _sealed(tx: Tx) -> int:
    return int(tx.value("SELECT sealed FROM asset_index"))


def _write_words(tx: Tx, row_id: int, row: Mapping[str, Any]) -> None:
    sql = "INSERT INTO asset_words (rowid, prompt, name, about, note) VALUES (?, ?, ?, ?, ?)"
    tx.run(sql, row_id, *words_of(row))


def _turn(tx: Tx, row_id: int, facts: Iterable[int]) -> None:
    """Turns an asset's bit in the sets of these facts."""
    number, place = divmod(row_id, bits.BLOCK)
    for fact in facts:
        found = tx.one("SELECT first, bits FROM asset_blocks WHERE fact = ? AND block = ?", fact, number)
        block = bits.unpack(found["first"], found["bits"]) if found is not None else 0
        block ^= 1 << place
        tx.run("INSERT OR REPLACE INTO asset_blocks VALUES (?, ?, ?, ?)", fact, number, *bits.trim(block))
