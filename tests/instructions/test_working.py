"""Desk and workers over a real database and a stand-in for the runs: time is moved by hand, calls are counted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from bullpend.errors import (
    BullpenError,
    ConfirmationExpired,
    FieldInvalid,
    InstructionStale,
    LimitExceeded,
    QueueFull,
    SpendNotConfirmed,
    StageUnknown,
    StateConflict,
)
from bullpend.instructions import store
from bullpend.instructions.model import CREATE_RUN, QUALITY
from bullpend.instructions.proposal import Proposal

from tests.instructions.rooms import POLICY, Room, furnished, working


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with furnished(tmp_path) as made:
        yield made


async def test_a_draft_does_nothing_until_a_person_confirms_it(room: Room) -> None:
    """What the copilot proposes waits, whatever it says of itself; confirmed, it runs once and is done."""
    row = await room.propose(confirmation_required=False, requested_by="a person, honestly")
    assert (row["state"], row["requested_by"], row["confirmation_required"]) == ("DRAFT", "copilot", 1)
    async with working(room.worker(), room.worker()):
        await room.desk.confirm("p", row["slug"], row["digest"], False)
        done = await room.until(row["slug"], lambda now: now["state"] == "DONE")
    assert done["run"] == "projects/p/runs/r-0001-style"
    assert "1 of 1 pictures" in done["result"]
    assert room.runs.asked == ["plan-1"]


async def test_a_confirmation_is_good_for_what_was_shown_once_and_in_time(room: Room) -> None:
    """A wrong digest, a second use, a moved target and a late word are refused; the last two show it anew."""
    row = await room.propose()
    with pytest.raises(InstructionStale):
        await room.desk.confirm("p", row["slug"], "0" * 64, False)
    room.runs.digest = "plan-2"
    with pytest.raises(InstructionStale) as moved:
        await room.desk.confirm("p", row["slug"], row["digest"], False)
    anew = await room.row(row["slug"])
    assert (anew["state"], moved.value.metadata["digest"]) == ("DRAFT", anew["digest"])
    assert anew["digest"] != row["digest"]
    room.clock.at += POLICY.confirm_seconds + 1
    with pytest.raises(ConfirmationExpired):
        await room.desk.confirm("p", row["slug"], anew["digest"], False)
    again = await room.row(row["slug"])
    assert again["expire_time"] > anew["expire_time"]
    await room.desk.confirm("p", row["slug"], again["digest"], False)
    with pytest.raises(StateConflict):
        await room.desk.confirm("p", row["slug"], again["digest"], False)


async def test_money_needs_a_word_of_its_own(room: Room) -> None:
    """What costs money is never queued unasked, needs `confirm_spend`, and stays below what may be spent."""
    room.runs.cost = 1.8
    inputs = {"spec": {"stage": "style", "scenes": {}}}
    said = Proposal("p", CREATE_RUN, inputs, confirmation_required=False)
    row = await room.desk.create(said)
    assert row["state"] == "DRAFT"
    with pytest.raises(SpendNotConfirmed):
        await room.desk.confirm("p", row["slug"], row["digest"], False)
    assert (await room.desk.confirm("p", row["slug"], row["digest"], True))["state"] == "QUEUED"
    with pytest.raises(LimitExceeded):
        await room.propose(constraints={"max_cost_usd": "1.50"})


async def test_two_workers_and_a_crash_make_one_run(room: Room) -> None:
    """A worker dies between making the run and noting it; the other finds the run instead of making another."""
    row = await room.confirmed()
    room.runs.gate.clear()
    async with working(room.worker()):
        await room.until(row["slug"], lambda now: now["state"] == "RUNNING" and bool(room.runs.made))
    assert (await room.row(row["slug"]))["run"] == ""
    room.runs.gate.set()
    async with working(room.worker(), room.worker()):
        assert (await room.row(row["slug"]))["state"] == "RUNNING", "the dead worker's lock holds"
        await room.pass_time(POLICY.lock_seconds)
        done = await room.until(row["slug"], lambda now: now["state"] == "DONE")
    assert (done["attempt"], len(room.runs.made)) == (2, 1)


async def test_passing_failures_are_tried_again_later(room: Room) -> None:
    """A full queue is tried again after ten seconds, then twenty; after the third time it has failed."""
    room.runs.refusals = [QueueFull("The queue is full.")] * 3
    row = await room.confirmed()
    async with working(room.worker()):
        for failures, wait in ((1, 10.0), (2, 20.0)):
            waiting = await room.until(row["slug"], lambda now, n=failures: now["failures"] == n)  # type: ignore[misc]
            assert (waiting["state"], waiting["not_before"]) == ("QUEUED", room.clock.at + wait)
            room.clock.at += wait
        failed = await room.until(row["slug"], lambda now: now["state"] == "FAILED")
    assert '"QUEUE_FULL"' in failed["error"]
    again = await room.desk.retry("p", row["slug"])
    assert (again["state"], again["retry_of"]) == ("DRAFT", store.name_of(row))
    with pytest.raises(StateConflict):
        await room.desk.retry("p", again["slug"])


async def test_lasting_failures_are_not_tried_again(room: Room) -> None:
    """What a second attempt would find unchanged has failed at once, and so has a run that failed as a whole."""
    room.runs.refusals = [StageUnknown("There is no such stage.")]
    row = await room.confirmed()
    room.runs.state = "FAILED"
    other = await room.confirmed()
    async with working(room.worker()):
        for slug, reason in ((row["slug"], "STAGE_UNKNOWN"), (other["slug"], "ENGINE_FAILED")):
            failed = await room.until(slug, lambda now: now["state"] == "FAILED")
            assert f'"{reason}"' in failed["error"]
            assert failed["failures"] == 1


async def test_canceling_reaches_the_run(room: Room) -> None:
    """A running instruction stops its run, then is canceled; a waiting one is canceled at once; an end stays an end."""
    room.runs.state = "RUNNING"
    row = await room.confirmed()
    async with working(room.worker()):
        await room.until(row["slug"], lambda now: bool(now["run"]))
        await room.desk.cancel("p", row["slug"])
        ended = await room.until(row["slug"], lambda now: now["state"] == "CANCELED")
    assert "was stopped" in ended["result"]
    draft = await room.propose()
    assert (await room.desk.cancel("p", draft["slug"]))["state"] == "CANCELED"
    assert (await room.desk.cancel("p", draft["slug"]))["state"] == "CANCELED"


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"method": "bullpen.v1.SystemService/Shutdown"}, "instruction.method"),
        ({"method": "bullpen.v1.InstructionService/ConfirmInstruction"}, "instruction.method"),
        ({"method": "bullpen.v1.VaultService/CreateSecret"}, "instruction.method"),
        ({"inputs": {"spec": {"stage": "style"}, "confirmSpend": True}}, "instruction.inputs.confirm_spend"),
        ({"inputs": {"spec": {"stage": 3}}}, "instruction.inputs"),
        ({"inputs": {"colour": "red"}}, "instruction.inputs"),
        ({"inputs": {"parent": "projects/q", "spec": {"stage": "style"}}}, "instruction.inputs.parent"),
        (
            {"inputs": {"spec": {"stage": "style", "scenes": {"scenes": ["projects/q/scenes/s1"]}}}},
            "instruction.inputs.spec.scenes.scenes",
        ),
        ({"inputs": {"spec": {"stage": "x" * 70_000}}}, "instruction.inputs"),
        ({"method": QUALITY, "inputs": {"name": "projects/p/runs/../secrets"}}, "instruction.inputs.name"),
        ({"constraints": {"mood": "good"}}, "instruction.constraints.mood"),
        ({"max_attempts": 11}, "instruction.execution.max_attempts"),
    ],
)
async def test_what_is_no_instruction_is_refused(room: Room, more: dict[str, Any], field: str) -> None:
    """Other methods, other projects, what only the daemon says, and nonsense leave no draft behind."""
    with pytest.raises(BullpenError) as refused:
        await room.propose(**more)
    assert refused.value.field == field
    assert not await room.database.read(lambda view: view.all("SELECT 1 FROM instructions"))


async def test_drafts_are_bounded(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many wait at once and no more; those that expired make room."""
    monkeypatch.setattr(store, "OPEN_LIMIT", 2)
    for _ in range(2):
        await room.propose()
    with pytest.raises(LimitExceeded):
        await room.propose()
    room.clock.at += POLICY.confirm_seconds
    assert (await room.propose())["state"] == "DRAFT"


async def test_a_refusal_of_the_call_is_the_refusal_of_the_proposal(room: Room) -> None:
    """What the call would refuse is refused before anybody sees a card."""
    with pytest.raises(StageUnknown):
        await room.propose(inputs={"spec": {"stage": "nonsense", "scenes": {}}})
    with pytest.raises(FieldInvalid):
        await room.desk.change("p", (await room.propose())["slug"], {"spec": 1}, "")
