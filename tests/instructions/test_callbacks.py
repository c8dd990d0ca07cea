"""C3: what an agent sends by itself is taken once, in time, and only with the right token and signature."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from bullpend.db import Row
from bullpend.errors import BullpenError, SettingInvalid
from bullpend.instructions.agent import listener, payload
from bullpend.instructions.agent.callbacks import Callbacks
from bullpend.instructions.agent.listener import listening

from tests.instructions.agents import FakeAgent, Post, agent_serving, callback, post_to
from tests.instructions.rooms import POLICY, Room, furnished, working
from tests.instructions.test_agent import confirmed, ended, hire


class Scene:
    """A room, an agent that has accepted an instruction, and the door for its answer."""

    def __init__(self, room: Room, agent: FakeAgent, row: Row) -> None:
        self.room, self.agent, self.row = room, agent, row
        assert room.delivery is not None
        self.door = Callbacks(room.database, room.delivery, room.clock)

    @property
    def post(self) -> Post:
        return self.agent.posts[0]

    def said(self, **more: Any) -> tuple[bytes, str, str, str]:
        return callback(self.post, self.room.clock.at, **more)

    async def refused(self, parts: tuple[bytes, str, str, str]) -> str:
        with pytest.raises(BullpenError) as refused:
            await self.door.receive(*parts)
        return refused.value.reason


@asynccontextmanager
async def waiting(path: Path, **more: Any) -> AsyncIterator[Scene]:
    """An instruction that an agent has and has not answered."""
    async with furnished(path) as room, agent_serving() as agent:
        hire(room, agent, poll_seconds=3600.0, **more)
        async with working(room.worker()):
            row = await confirmed(room)
            await room.until(row["slug"], lambda now: now["dispatch"] != b"" and bool(agent.posts))
            yield Scene(room, agent, row)


async def test_a_callback_ends_the_instruction_once(tmp_path: Path) -> None:
    """The first answer counts: the same one again, and another with the same token, are replays."""
    async with waiting(tmp_path) as scene:
        said = scene.said()
        assert await scene.door.receive(*said) == "projects/p/instructions/i-0001"
        done = await ended(scene.room, scene.row)
        assert (done["state"], done["result"]) == ("DONE", "Drawn.")
        assert await scene.refused(said) == "CALLBACK_REPLAYED"
        assert await scene.refused(scene.said(status="failed")) == "CALLBACK_REPLAYED"
        assert (await scene.room.row(scene.row["slug"]))["revision"] == done["revision"]


async def test_two_callbacks_at_once_are_one(tmp_path: Path) -> None:
    """Ten copies that arrive together: one is taken, nine are replays."""
    async with waiting(tmp_path) as scene:
        said = scene.said()
        ends = await asyncio.gather(*(scene.door.receive(*said) for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(end, str) for end in ends) == 1
    assert {end.reason for end in ends if isinstance(end, BullpenError)} == {"CALLBACK_REPLAYED"}


FORGERIES: dict[str, Callable[[Scene], tuple[bytes, str, str, str]]] = {
    "another key": lambda scene: callback(scene.post, scene.room.clock.at, key="a-guessed-key"),
    "another body": lambda scene: (scene.said(result="Send money.")[0], *scene.said()[1:]),
    "another time": lambda scene: (*scene.said()[:2], str(scene.room.clock.at + 1), scene.said()[3]),
    "signed long ago": lambda scene: callback(scene.post, scene.room.clock.at - 301),
    "signed for later": lambda scene: callback(scene.post, scene.room.clock.at + 301),
    "no number for a time": lambda scene: _signed(scene, "nan"),
    "no signature": lambda scene: (*scene.said()[:3], ""),
    "signature of another alphabet": lambda scene: (*scene.said()[:3], "é" * 64),
    "no token": lambda scene: (scene.said()[0], "", *scene.said()[2:]),
    "unknown token": lambda scene: (scene.said()[0], "0" * 64, *scene.said()[2:]),
    "endless token": lambda scene: (scene.said()[0], "0" * 10_000_000, *scene.said()[2:]),
    "another instruction": lambda scene: scene.said(instruction_id="projects/p/instructions/i-0002"),
    "another project": lambda scene: scene.said(instruction_id="projects/q/instructions/i-0001"),
}


def _signed(scene: Scene, timestamp: str) -> tuple[bytes, str, str, str]:
    body, token, _, _ = scene.said()
    return body, token, timestamp, payload.signature("the-key-that-both-sides-know", token, timestamp, body)


async def test_forgeries_change_nothing(tmp_path: Path) -> None:
    """Each is refused, and none uses the token up: the true answer is still taken afterwards."""
    async with waiting(tmp_path) as scene:
        for what, forge in FORGERIES.items():
            assert await scene.refused(forge(scene)) == "CALLBACK_REFUSED", what
        assert (await scene.room.row(scene.row["slug"]))["state"] == "RUNNING"
        await scene.door.receive(*scene.said())
        assert (await ended(scene.room, scene.row))["state"] == "DONE"


@pytest.mark.parametrize("said", [{"status": "running"}, {"status": "confirmed"}, {"status": None}])
async def test_words_that_are_no_answer_leave_the_token_good(tmp_path: Path, said: dict[str, Any]) -> None:
    """A callback says how it ended; anything else is refused by its field."""
    async with waiting(tmp_path) as scene:
        assert await scene.refused(scene.said(**said)) == "FIELD_INVALID"
        await scene.door.receive(*scene.said(status="failed", error={"message": "No pens."}))
        failed = await ended(scene.room, scene.row)
    assert json.loads(failed["error"])["message"].endswith("says: No pens.")


async def test_too_late_is_too_late(tmp_path: Path) -> None:
    """After the time for it, and after a person ended it, no answer is taken; the end stays what it was."""
    async with waiting(tmp_path, answer_seconds=100.0) as scene:
        scene.room.clock.at += 101
        assert await scene.refused(scene.said()) == "CALLBACK_EXPIRED"
        failed = await ended(scene.room, scene.row)
        assert json.loads(failed["error"])["reason"] == "AGENT_OUTCOME_UNKNOWN"
        assert await scene.refused(scene.said()) == "CALLBACK_EXPIRED"
    (tmp_path / "again").mkdir()
    async with waiting(tmp_path / "again") as scene:
        await scene.room.desk.cancel("p", scene.row["slug"])
        await ended(scene.room, scene.row)
        assert await scene.refused(scene.said()) == "CALLBACK_EXPIRED"


async def test_an_answer_while_no_worker_lives_is_kept(tmp_path: Path) -> None:
    """It comes between a crash and the next start: the next worker finds it and sends nothing."""
    async with furnished(tmp_path) as room, agent_serving() as agent:
        hire(room, agent, poll_seconds=3600.0)
        row = await confirmed(room)
        async with working(room.worker()):
            await room.until(row["slug"], lambda now: bool(agent.posts))
        scene = Scene(room, agent, row)
        await scene.door.receive(*scene.said())
        await room.pass_time(POLICY.lock_seconds)
        async with working(room.worker()):
            done = await ended(room, row)
    assert (done["state"], len(agent.posts)) == ("DONE", 1)


async def test_the_listener_takes_callbacks_over_http(tmp_path: Path) -> None:
    """The same door over loopback HTTP: taken, replayed, forged, each by its status."""
    async with waiting(tmp_path) as scene, listening(scene.door, 0) as port:
        body, token, timestamp, signature = scene.said()
        headers = {
            "Bullpen-Token": token,
            "Bullpen-Timestamp": timestamp,
            "Bullpen-Signature": signature,
            "Content-Length": str(len(body)),
        }
        assert (await post_to(port, body, {**headers, "Bullpen-Signature": "0" * 64})).startswith("HTTP/1.1 403 ")
        taken = await post_to(port, body, headers)
        assert taken.startswith("HTTP/1.1 200 ")
        assert "projects/p/instructions/i-0001" in taken
        again = await post_to(port, body, headers)
        assert again.startswith("HTTP/1.1 409 ")
        assert "CALLBACK_REPLAYED" in again


@pytest.mark.parametrize(
    ("first", "headers", "status"),
    [
        ("GET /v1/callbacks HTTP/1.1", {}, 405),
        ("POST / HTTP/1.1", {}, 404),
        ("POST /v1/callbacks/../x HTTP/1.1", {}, 404),
        ("nonsense", {}, 400),
        ("POST /v1/callbacks HTTP/1.1", {}, 411),
        ("POST /v1/callbacks HTTP/1.1", {"content-length": "-1"}, 411),
        ("POST /v1/callbacks HTTP/1.1", {"content-length": "10000000"}, 413),
        ("POST /v1/callbacks HTTP/1.1", {"content-length": "0", "Content-Length": "1"}, 400),
        ("POST /v1/callbacks HTTP/1.1", {"x": "y" * 20_000}, 431),
        ("POST /v1/callbacks HTTP/1.1", {"content-length": "0"}, 403),
    ],
)
async def test_the_listener_refuses_the_rest(tmp_path: Path, first: str, headers: dict[str, str], status: int) -> None:
    """One path, one method, bounded sizes, no second length; what is no callback learns a status and no more."""
    async with waiting(tmp_path) as scene, listening(scene.door, 0) as port:
        assert (await post_to(port, b"", headers, first)).startswith(f"HTTP/1.1 {status} ")


async def test_the_listener_waits_for_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that says nothing is hung up on, one too many is turned away, and a taken port is a typed error."""
    monkeypatch.setattr(listener, "SECONDS", 0.05)
    async with waiting(tmp_path) as scene, listening(scene.door, 0) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(60):
            assert await reader.read() == b""
        writer.close()
        monkeypatch.setattr(listener, "SECONDS", 10.0)
        monkeypatch.setattr(listener, "MOST_AT_ONCE", 0)
        assert (await post_to(port, b"", {})).startswith("HTTP/1.1 503 ")
        with pytest.raises(SettingInvalid):
            async with listening(scene.door, port):
                pass
