"""SQL of dispatches. Each change rewrites what the instruction shows of it, and is an event of the instruction.

A worker's changes are guarded by its hold on the instruction: one whose lock ran out notes and sends nothing any more.
"""

from __future__ import annotations

import json
from typing import Any

from bullpen_api.v1 import instruction_pb2 as pb

from bullpend.clock import new_id
from bullpend.db import Row, Tx
from bullpend.db.database import View
from bullpend.instructions import store as instructions
from bullpend.instructions.agent.model import OPEN, Agent, Answer, State
from bullpend.rpc.wire import timestamp


def get(view: View, instruction_id: int) -> Row | None:
    """The dispatch of an instruction."""
    return view.one("SELECT * FROM dispatches WHERE instruction_id = ?", instruction_id)


def by_token(view: View, token_digest: str) -> Row | None:
    """The dispatch whose callback carries this token."""
    return view.one("SELECT * FROM dispatches WHERE token_digest = ?", token_digest)


def held(tx: Tx, row: Row) -> bool:
    """Whether the worker that took `row` up still holds the instruction."""
    sql = "SELECT 1 FROM instructions WHERE id = ? AND state = 'RUNNING' AND owner = ? AND attempt = ?"
    return tx.value(sql, row["id"], row["owner"], row["attempt"]) is not None


def prepare(tx: Tx, row: Row, agent: Agent) -> Row | None:
    """The dispatch of an instruction, made once; None where it is another worker's by now."""
    if not held(tx, row):
        return None
    known = get(tx, row["id"])
    if known is None:
        tx.insert(
            "dispatches",
            {
                "instruction_id": row["id"],
                "key": new_id(16),
                "state": State.PREPARED.value,
                "url": agent.url.rstrip("/"),
                "expire_time": tx.now + agent.answer_seconds,
            },
        )
        return _shown(tx, row["id"], "dispatching")
    return known


def sending(tx: Tx, row: Row, token_digest: str) -> Row | None:
    """Notes that a delivery begins, before anything of it is sent; None where it may not."""
    if not held(tx, row):
        return None
    sql = (
        "UPDATE dispatches SET state = 'SENDING', deliveries = deliveries + 1, send_time = ?, token_digest = ? "
        "WHERE instruction_id = ? AND state IN ('PREPARED', 'SENDING', 'UNCERTAIN')"
    )
    return _shown(tx, row["id"], "sending") if tx.run(sql, tx.now, token_digest, row["id"]) else None


def unsent(tx: Tx, row: Row) -> Row | None:
    """Takes a delivery back of which nothing left this machine, or which was turned away unread."""
    sql = (
        "UPDATE dispatches SET deliveries = deliveries - 1, "
        "state = CASE WHEN deliveries > 1 THEN 'SENDING' ELSE 'PREPARED' END "
        "WHERE instruction_id = ? AND state = 'SENDING' AND deliveries > 0"
    )
    return _shown(tx, row["id"], "unsent") if held(tx, row) and tx.run(sql, row["id"]) else None


def turn(tx: Tx, row: Row, state: State) -> Row | None:
    """The agent has it (ACCEPTED), or nobody knows (UNCERTAIN); None where it has an answer already."""
    sql = "UPDATE dispatches SET state = ? WHERE instruction_id = ? AND state IN ('SENDING', 'UNCERTAIN')"
    return _shown(tx, row["id"], state.value.lower()) if tx.run(sql, state.value, row["id"]) else None


def answer(tx: Tx, instruction_id: int, said: Answer, by: str) -> Row | None:
    """What the agent says came of it: the first answer counts. None where there is one, or none is taken any more."""
    states = ", ".join(f"'{state}'" for state in OPEN)
    sql = (
        "UPDATE dispatches SET state = 'ANSWERED', answer = ?, answered_by = ?, answer_time = ? "
        f"WHERE instruction_id = ? AND state IN ({states})"
    )
    text = json.dumps({"said": said.said.value, "result": said.result, "reason": said.reason})
    return _shown(tx, instruction_id, "answered") if tx.run(sql, text, by, tx.now, instruction_id) else None


def close(tx: Tx, instruction_id: int) -> None:
    """No answer is taken any more."""
    states = ", ".join(f"'{state}'" for state in OPEN)
    sql = f"UPDATE dispatches SET state = 'CLOSED' WHERE instruction_id = ? AND state IN ({states})"
    if tx.run(sql, instruction_id):
        _shown(tx, instruction_id, "closed")


def _shown(tx: Tx, instruction_id: int, what: str) -> Row:
    row = get(tx, instruction_id)
    assert row is not None
    instructions.dispatched(tx, instruction_id, pack(row).SerializeToString(), what)
    return row


def pack(row: Row) -> pb.InstructionDispatch:
    """The wire form; nothing of the token."""
    made: dict[str, Any] = {
        name: timestamp(row[name]) for name in ("send_time", "answer_time", "expire_time") if row[name]
    }
    return pb.InstructionDispatch(
        state=pb.InstructionDispatch.State.Value(f"STATE_{row['state']}"),
        idempotency_key=row["key"],
        deliveries=row["deliveries"],
        host=row["url"].partition("://")[2].partition("/")[0],
        answered_by=row["answered_by"],
        **made,
    )
