"""On whose behalf something is written: a call's own task and those that join it, and nobody else."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from bullpen_api.v1 import bible_pb2, event_pb2, run_pb2, vault_pb2
from bullpend.audit import calls, rules, store
from bullpend.clock import ManualClock
from bullpend.db import Database, Row, Tx
from bullpend.errors import StateConflict

METHOD = "bullpen.v1.BibleService/UpdateScene"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database.open(tmp_path / "b.sqlite3", ManualClock(), lambda events: None, calls.witness)
    yield made
    made.close()


def packed(text: str) -> bytes:
    """An event's payload."""
    return event_pb2.Event(scene=bible_pb2.Scene(title=text)).SerializeToString()


async def change(database: Database, text: str, subject: str = "projects/p/scenes/s") -> None:
    """A change with its event."""
    await database.write(lambda tx: tx.emit("p", subject, "scene.updated", packed(text)))


async def entries(database: Database, **chosen: str) -> list[Row]:
    """All entries, newest first."""
    return await database.read(lambda view: store.page(view, store.Filter(**chosen), None, 100))  # type: ignore[arg-type]  # texts only


async def test_a_change_is_put_down_with_what_was_and_is(database: Database) -> None:
    """The digests are those of the journal's payloads before and after, so that the chain can be followed."""
    await change(database, "zero")  # by the daemon itself
    with calls.entered(METHOD, "user:eva", "bullpen"):
        await change(database, "one")
        await change(database, "two")
        await change(database, "new", "projects/p/scenes/t")
    await change(database, "three")
    found = await entries(database)
    digests = {text: hashlib.sha256(packed(text)).hexdigest() for text in ("zero", "one", "two", "new")}
    assert [(row["before_digest"], row["after_digest"]) for row in found] == [
        ("", digests["new"]),
        (digests["one"], digests["two"]),
        (digests["zero"], digests["one"]),
    ]
    assert {(row["actor"], row["client"], row["method"], row["kind"], row["project"]) for row in found} == {
        ("user:eva", "bullpen", METHOD, "scene.updated", "p")
    }
    assert [row["revision"] for row in found] == [4, 3, 2]


async def test_what_is_taken_back_leaves_no_entry(database: Database) -> None:
    """A change that fails in its transaction takes its entry along."""

    def failing(tx: Tx) -> None:
        tx.emit("p", "projects/p/scenes/s", "scene.updated", packed("x"))
        raise StateConflict("No.")

    with calls.entered(METHOD, "user:eva"), pytest.raises(StateConflict):
        await database.write(failing)
    assert await entries(database) == []


async def test_only_tasks_that_join_are_of_the_call(database: Database) -> None:
    """A task that is started in the course of a call acts by itself, unless the call lets it join."""
    with calls.entered(METHOD, "user:eva"):
        await asyncio.create_task(change(database, "scheduler"))
        assert await entries(database) == []
        await calls.joined(asyncio.create_task(change(database, "intake")))
    assert len(await entries(database)) == 1


async def test_calls_nest_and_end(database: Database) -> None:
    """Within a call another may be made on somebody else's behalf; after both nobody is named."""
    with calls.entered(METHOD, "user:eva"):
        with calls.entered("bullpen.v1.RunService/CreateRun", "daemon", "instructions"):
            await change(database, "inner")
        await change(database, "outer")
    await change(database, "nobody")
    assert [row["actor"] for row in await entries(database)] == ["user:eva", "daemon"]


@pytest.mark.parametrize("method", [METHOD, "UpdateScene"])
async def test_entries_are_found_by_method(database: Database, method: str) -> None:
    """A method is named whole or by its last part; a part of a name is not enough."""
    with calls.entered(METHOD, "user:eva"):
        await change(database, "x")
    assert len(await entries(database, method=method)) == 1
    assert await entries(database, method="Scene") == []


@pytest.mark.parametrize(
    ("request_", "subject"),
    [
        (run_pb2.CancelRunRequest(name="projects/p/runs/r"), "projects/p/runs/r"),
        (bible_pb2.UpdateSceneRequest(scene=bible_pb2.Scene(name="projects/p/scenes/s")), "projects/p/scenes/s"),
        (bible_pb2.CreateSceneRequest(parent="projects/p"), "projects/p"),
        (vault_pb2.RotateVaultKeyRequest(), ""),
        (iter(()), ""),
    ],
)
def test_a_request_says_what_it_is_about(request_: object, subject: str) -> None:
    """The subject of a call without an event is what its request names."""
    assert rules.subject_of(request_) == subject


def test_a_digest_does_not_depend_on_the_order_of_maps() -> None:
    """The same resource has the same digest, however its maps happened to be packed."""
    entries = [bible_pb2.Scene(variables={key: "x"}).SerializeToString() for key in "abcdefgh"]
    packed = {bytes([0x32, len(b"".join(order)), *b"".join(order)]) for order in (entries, entries[::-1])}
    assert len(packed) == 2
    assert len({store.digest(payload) for payload in packed}) == 1
