"""C3: handing an instruction over to an external agent: time-outs, duplicates, refusals, crashes, and what is sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bullpend.db import Row
from bullpend.errors import AddressNotAllowed, AgentNotConfigured, BullpenError, FieldInvalid, InstructionStale
from bullpend.instructions import wire
from bullpend.instructions.agent import store as dispatches
from bullpend.instructions.agent.model import Agent
from bullpend.instructions.model import PROCESS
from bullpend.instructions.proposal import Proposal

from tests.instructions.agents import KEY, FakeAgent, agent_serving
from tests.instructions.rooms import POLICY, Room, furnished, working

QUICK = Agent(
    secret="agent-token",
    dispatch_seconds=60.0,
    pause_seconds=0.01,
    poll_seconds=0.05,
    callback_port=1,
    allow_private=True,
)
# How long an agent that never answers is waited for.
SHORT = 1.0
WISH = Proposal(
    "p",
    "",
    {"size": [2048, 1024], "place": "harbour"},
    "Draw the map",
    {"style": "ink"},
    "me",
    for_agent=True,
    type="ASSET_EDIT",
)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with furnished(tmp_path) as made:
        yield made


def hire(room: Room, agent: FakeAgent, **more: Any) -> None:
    room.hire(replace(QUICK, url=agent.url, **more), KEY)


def hire_impatiently(room: Room, agent: FakeAgent) -> None:
    """As `hire`, with little time for the deliveries that are never answered, and enough for all others."""
    hire(room, agent, dispatch_seconds=SHORT)
    delivery = room.delivery
    assert delivery is not None

    def took() -> None:
        hangs = len(agent.answers) > 1 and agent.answers[0] == "hang"
        delivery.agent = replace(delivery.agent, dispatch_seconds=SHORT if hangs else QUICK.dispatch_seconds)

    agent.took = took


async def confirmed(room: Room, **more: Any) -> Row:
    row = await room.desk.create(replace(WISH, **more))
    return await room.desk.confirm("p", row["slug"], row["digest"], False)


async def ended(room: Room, row: Row) -> Row:
    return await room.until(row["slug"], lambda now: now["state"] in ("DONE", "FAILED", "CANCELED"))


async def test_the_whole_payload_is_sent_and_the_answer_kept(room: Room) -> None:
    """Every field of the agreement goes out with the token and the key; what the agent says is the result."""
    async with agent_serving(answers=[(200, {"status": "done", "result": "A map of 2048×1024."})]) as agent:
        hire(room, agent)
        async with working(room.worker(), room.worker()):
            row = await confirmed(room)
            done = await ended(room, row)
    assert (done["state"], done["result"]) == ("DONE", "A map of 2048×1024.")
    (post,) = agent.posts
    assert post.headers["authorization"] == f"Bearer {KEY}"
    assert post.headers["idempotency-key"] == post.body["idempotency_key"]
    wanted = {
        "instruction_id": "projects/p/instructions/i-0001",
        "project_slug": "p",
        "instruction_type": "asset_edit",
        "objective": "Draw the map",
        "constraints": {"style": "ink"},
        "inputs": WISH.inputs,
        "confirmation_required": True,
        "requested_by": "me",
    }
    assert {key: post.body[key] for key in wanted} == wanted
    assert json.dumps(post.body["inputs"], sort_keys=True) == json.dumps(WISH.inputs, sort_keys=True), "3 is no 3.0"
    assert post.body["execution"]["max_attempts"] == POLICY.max_attempts
    assert set(post.body["callback"]) == {"url", "token", "expire_time", "signature"}
    shown = wire.pack(done).dispatch
    assert (shown.deliveries, shown.answered_by, shown.host) == (1, "response", f"127.0.0.1:{agent.port}")
    assert KEY not in str(await room.database.read(lambda view: view.all("SELECT * FROM dispatches")))


async def test_a_time_out_is_asked_about_before_it_is_sent_again(room: Room) -> None:
    """An agent that took a delivery without saying so is found out by its key: one delivery, begun once."""
    async with agent_serving(answers=["hang"]) as agent:
        hire_impatiently(room, agent)
        async with working(room.worker()):
            row = await confirmed(room)
            await room.until(row["slug"], lambda now: wire.pack(now).dispatch.state == 4)
            agent.status = (200, {"status": "done", "result": "Late, but whole."})
            done = await ended(room, row)
    assert (done["state"], done["result"]) == ("DONE", "Late, but whole.")
    assert len(agent.posts) == 1
    assert set(agent.begun.values()) == {1}


@pytest.mark.parametrize("first", ["hang", "cut", (500, {})])
async def test_what_nobody_knows_is_sent_again_with_the_same_key(room: Room, first: Any) -> None:
    """A time-out, a broken line, a fault, and an agent that cannot be asked: two more deliveries at most, one key."""
    async with agent_serving(
        answers=[first, first, (202, {"status": "accepted"})], status=(404, b"no such page")
    ) as agent:
        if first == "hang":
            hire_impatiently(room, agent)
        else:
            hire(room, agent)
        async with working(room.worker()):
            row = await confirmed(room)
            await room.until(row["slug"], lambda now: wire.pack(now).dispatch.state == 4)
            agent.status = (200, {"status": "done"})
            done = await ended(room, row)
    assert done["state"] == "DONE"
    assert [post.headers["bullpen-delivery"] for post in agent.posts] == ["1", "2", "3"]
    assert len({post.headers["idempotency-key"] for post in agent.posts}) == 1
    assert len({json.dumps(post.body, sort_keys=True) for post in agent.posts}) == 1


async def test_after_the_last_delivery_nothing_is_sent_any_more(room: Room) -> None:
    """Three time-outs, no status, no callback: it fails as not known, and no attempt sends it a fourth time."""
    async with agent_serving(answers=["cut"], status=(500, {})) as agent:
        hire(room, agent, answer_seconds=50.0)
        async with working(room.worker()):
            row = await confirmed(room)
            await room.until(row["slug"], lambda now: wire.pack(now).dispatch.state == 3)
            room.clock.at += 60
            failed = await ended(room, row)
    assert json.loads(failed["error"])["reason"] == "AGENT_OUTCOME_UNKNOWN"
    assert (failed["state"], failed["failures"], len(agent.posts)) == ("FAILED", 1, 3)


async def test_a_dead_daemon_asks_before_it_sends_again(room: Room) -> None:
    """Killed between sending and hearing: the next worker finds the agent at work and sends nothing."""
    async with agent_serving(answers=["hang"]) as agent:
        hire(room, agent)
        async with working(room.worker()):
            row = await confirmed(room)
            async with asyncio.timeout(60):
                await agent.news.wait()
        assert (await room.row(row["slug"]))["state"] == "RUNNING"
        await room.pass_time(POLICY.lock_seconds)
        agent.status = (200, {"status": "done", "result": "Once."})
        async with working(room.worker(), room.worker()):
            done = await ended(room, row)
    assert (done["state"], done["result"], done["attempt"]) == ("DONE", "Once.", 2)
    assert (len(agent.posts), wire.pack(done).dispatch.deliveries) == (1, 1)


async def test_deliveries_of_earlier_lives_count(room: Room) -> None:
    """Crashes do not add deliveries: what was noted before them is never forgotten, whoever takes it up."""
    async with agent_serving(answers=["hang"], status=(500, {})) as agent:
        hire(room, agent)
        row = await confirmed(room)
        for life in range(5):
            async with working(room.worker()):
                taken = await room.until(row["slug"], lambda now, n=life + 1: now["attempt"] == n)  # type: ignore[misc]
                if life < 3:
                    async with asyncio.timeout(60):
                        while len(agent.posts) <= life:
                            agent.news.clear()
                            await agent.news.wait()
                else:
                    await room.until(row["slug"], lambda now: wire.pack(now).dispatch.state == 3)
            await room.database.write(
                lambda tx: tx.run("UPDATE instructions SET lock_time = 0, failures = 0 WHERE id = ?", row["id"])
            )
            assert taken["state"] == "RUNNING"
    assert [post.headers["bullpen-delivery"] for post in agent.posts] == ["1", "2", "3"]


async def test_an_agent_that_is_away_is_tried_again_later(room: Room) -> None:
    """Nothing left this machine: no delivery is counted, and the next attempt comes by the ordinary pause."""
    async with agent_serving() as agent:
        hire(room, agent)
    async with working(room.worker()):
        row = await confirmed(room)
        waiting = await room.until(row["slug"], lambda now: now["failures"] == 1)
    assert (waiting["state"], waiting["not_before"]) == ("QUEUED", room.clock.at + POLICY.backoff_seconds)
    assert json.loads(waiting["error"])["reason"] == "AGENT_UNAVAILABLE"
    assert wire.pack(waiting).dispatch.deliveries == 0


async def test_a_busy_agent_has_taken_nothing(room: Room) -> None:
    """429 and 503 turn a delivery away; it is not counted, and made again with the same key."""
    answers = [(429, {}, {"retry-after": "0"}), (503, b"full"), (200, {"status": "done"})]
    async with agent_serving(answers=answers) as agent:
        hire(room, agent)
        async with working(room.worker()):
            done = await ended(room, await confirmed(room))
    assert done["state"] == "DONE"
    assert [post.headers["bullpen-delivery"] for post in agent.posts] == ["1", "1", "1"]
    assert set(agent.begun.values()) == {1}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((401, {"error": "who are you"}), "who are you"),
        ((422, b"\x1b[31mno\x00"), "422"),
        ((302, {}, {"location": "http://169.254.169.254/"}), "not followed"),
        ((200, {"status": "failed", "error": {"message": "No pens."}}), "No pens."),
    ],
)
async def test_a_refusal_ends_it(room: Room, answer: Any, words: str) -> None:
    """What the agent will not do has failed at once, with its words made plain; a redirect is not followed."""
    async with agent_serving(answers=[answer]) as agent:
        hire(room, agent)
        async with working(room.worker()):
            failed = await ended(room, await confirmed(room))
    error = json.loads(failed["error"])
    assert (failed["state"], error["reason"]) == ("FAILED", "AGENT_REFUSED")
    assert words in error["message"]
    assert error["message"].isprintable()
    assert len(agent.posts) == 1


@pytest.mark.parametrize("garbage", [b"<html>", b"[]", b'{"status": "perhaps"}', b"[" * 100_000])
async def test_nonsense_is_not_sent_again(room: Room, garbage: bytes) -> None:
    """An agent that answers with nonsense may have taken it: it is asked, and not sent it again."""
    async with agent_serving(answers=[(200, garbage)]) as agent:
        hire(room, agent)
        async with working(room.worker()):
            row = await confirmed(room)
            await room.until(row["slug"], lambda now: wire.pack(now).dispatch.state == 4)
            agent.status = (200, {"status": "done", "result": "x" * 5000 + "\x1b[2J"})
            done = await ended(room, row)
    assert len(agent.posts) == 1
    assert len(done["result"]) == 2000
    assert done["result"].isprintable()


async def test_a_person_ends_it_and_the_agent_is_told(room: Room) -> None:
    """A canceled instruction tells the agent once; what it says later is of no account."""
    async with agent_serving() as agent:
        hire(room, agent)
        async with working(room.worker()):
            row = await confirmed(room)
            await room.until(row["slug"], lambda now: wire.pack(now).dispatch.state == 4)
            await room.desk.cancel("p", row["slug"])
            canceled = await ended(room, row)
    assert (canceled["state"], len(agent.canceled)) == ("CANCELED", 1)
    assert "it was told" in canceled["result"]
    assert wire.pack(canceled).dispatch.state == 6


async def test_waiting_for_an_agent_keeps_nothing_else_from_being_done(room: Room) -> None:
    """More instructions wait for the agent than are carried out at once here; a run goes ahead all the same."""
    async with agent_serving() as agent:
        hire(room, agent)
        async with working(room.worker()):
            for _ in range(POLICY.at_once + 1):
                await confirmed(room)
            run = await room.confirmed()
            done = await room.until(run["slug"], lambda now: now["state"] == "DONE")
    assert done["run"]


async def test_nothing_is_handed_over_unasked(room: Room) -> None:
    """It is always to be confirmed, the copilot cannot ask for it, and another agent than the one shown is refused."""
    async with agent_serving() as agent:
        hire(room, agent)
        row = await room.desk.create(replace(WISH, confirmation_required=False))
        assert (row["state"], row["confirmation_required"]) == ("DRAFT", 1)
        with pytest.raises(FieldInvalid):
            await room.desk.propose(WISH)
        room.hire(replace(QUICK, url="http://127.0.0.1:9/other"), KEY)
        with pytest.raises(InstructionStale):
            await room.desk.confirm("p", row["slug"], row["digest"], False)
    assert not agent.posts


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"inputs": {"scene": "projects/q/scenes/s1"}}, "instruction.inputs"),
        ({"inputs": {"deep": [{"er": ["projects/q/runs/r"]}]}}, "instruction.inputs"),
        ({"inputs": {"text": "x" * 70_000}}, "instruction.inputs"),
        ({"method": "bullpen.v1.VaultService/CreateSecret"}, "instruction.method"),
        ({"method": PROCESS, "inputs": {"colour": "red"}}, "instruction.method"),
        ({"type": ""}, "instruction.type"),
        ({"objective": " "}, "instruction.objective"),
        ({"constraints": {f"c{number}": "x" for number in range(21)}}, "instruction.constraints"),
        ({"constraints": {"max_cost_usd": "much"}}, "instruction.constraints.max_cost_usd"),
    ],
)
async def test_what_cannot_be_handed_over(room: Room, more: dict[str, Any], field: str) -> None:
    """Other projects, too much, unknown calls and unnamed wishes leave no draft behind."""
    room.hire(replace(QUICK, url="http://127.0.0.1:9/agent"), KEY)
    with pytest.raises(BullpenError) as refused:
        await room.desk.create(replace(WISH, **more))
    assert refused.value.field == field
    assert not await room.database.read(lambda view: view.all("SELECT 1 FROM instructions"))


@pytest.mark.parametrize(
    "url",
    [
        "http://agents.example.org/x",
        "https://127.0.0.1/x",
        "https://localhost/x",
        "https://10.1.2.3/x",
        "https://169.254.169.254/latest",
        "https://[::ffff:10.0.0.1]/x",
        "https://me:secret@agents.example.org/",
    ],
)
async def test_private_addresses_are_not_spoken_to(room: Room, url: str) -> None:
    """In clear, on this machine, in a private network, at a cloud's own address: refused before there is a card."""
    room.hire(replace(QUICK, url=url, allow_private=False), KEY)
    with pytest.raises(AddressNotAllowed) as refused:
        await room.desk.create(WISH)
    assert refused.value.field == "agent.url"


@pytest.mark.parametrize("agent", [Agent(), Agent(url="https://agents.example.org/x")])
async def test_without_an_agent_or_its_token_there_is_none(room: Room, agent: Agent) -> None:
    """No address, or no token in the vault's name: a typed refusal."""
    with pytest.raises(AgentNotConfigured):
        await room.desk.create(WISH)
    room.hire(agent, KEY)
    with pytest.raises(AgentNotConfigured):
        await room.desk.create(WISH)


async def test_a_worker_that_lost_its_lock_sends_nothing(room: Room) -> None:
    """Marking a delivery needs the instruction: the dispatch of another holder is left alone."""
    async with agent_serving() as agent:
        hire(room, agent)
        row = await confirmed(room)
        assert room.delivery is not None
        taken = await room.database.write(lambda tx: dispatches.prepare(tx, {**row, "owner": "x", "attempt": 1}, QUICK))
        assert taken is None
    assert not agent.posts
