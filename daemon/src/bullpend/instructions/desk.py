"""The desk: where instructions are proposed, shown, confirmed and canceled.

Two doors lead here. A person's is `InstructionService`. The copilot's is `Proposals`, which can propose and nothing
else: no word of a language model, of a character's description or of an imported file reaches a confirmation.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

import structlog
from bullpen_api.v1.instruction_pb2 import InstructionPreview
from google.protobuf.message import Message

from bullpend.db import Database, Row, Tx
from bullpend.db.database import View
from bullpend.errors import (
    AgentNotConfigured,
    ConfirmationExpired,
    FieldInvalid,
    InstructionStale,
    LimitExceeded,
    SpendNotConfirmed,
    StateConflict,
)
from bullpend.instructions import rules, store
from bullpend.instructions.agent.delivery import Delivery
from bullpend.instructions.cards import Shown, money
from bullpend.instructions.looking import Look
from bullpend.instructions.model import METHODS, Executor, Move, Policy, State
from bullpend.instructions.proposal import Proposal
from bullpend.projects import store as projects
from bullpend.rpc import names
from bullpend.rpc.inside import Calls

log = structlog.get_logger("instructions")

COPILOT = "copilot"
# Takes the transaction and what makes the row; the edge puts its request_id around it.
Once = Callable[[Tx, Callable[[], str]], str]


class Proposals(Protocol):
    """The copilot's only door: what it proposes waits for a person."""

    async def propose(self, proposal: Proposal) -> Row:
        """A draft. Raises what the call itself would refuse at once."""
        ...

    async def propose_errand(self, project: str, objective: str, chat_session: str) -> Row:
        """A draft for the external agent, in a person's own words. Raises AgentNotConfigured."""
        ...


class Desk:
    """Keeps drafts, and takes what people decide about them."""

    def __init__(self, database: Database, calls: Calls, policy: Policy, delivery: Delivery | None = None) -> None:
        self._delivery = delivery
        self.database = database
        self.policy = policy
        self.wake = asyncio.Event()
        self._calls = calls
        self._look = Look(database, calls)

    async def propose(self, proposal: Proposal) -> Row:
        """A draft of the copilot's: always to be confirmed, whatever the proposal says."""
        return await self.create(replace(proposal, confirmation_required=True, requested_by=COPILOT, for_agent=False))

    async def propose_errand(self, project: str, objective: str, chat_session: str) -> Row:
        """A draft for the external agent. The grammar makes it of a person's sentence; it is always to be confirmed."""
        errand = Proposal(project, "", {}, objective, chat_session=chat_session, for_agent=True, type="CUSTOM")
        return await self.create(replace(errand, confirmation_required=True, requested_by=COPILOT))

    async def create(self, said: Proposal, once: Once | None = None) -> Row:
        """A draft, or a queued instruction where nobody needs to confirm it and it costs nothing."""
        said = self._typed(said)
        names.text(said.objective, "instruction.objective", 2000)
        names.text(said.requested_by, "instruction.requested_by", 200)
        if not 0 <= said.max_attempts <= 10:
            raise FieldInvalid(
                f"`instruction.execution.max_attempts` is {said.max_attempts}; it must be 1 to 10.",
                field="instruction.execution.max_attempts",
            )
        rules.check_constraints(said.constraints, said.for_agent)
        request, shown = await self._looked_at(said)
        asks = said.confirmation_required or said.for_agent or bool(money(shown.preview))
        row: Row = {
            "project": said.project,
            "type": said.type,
            "objective": said.objective or shown.preview.summary,
            "method": said.method,
            "constraints": json.dumps(dict(said.constraints)),
            "requested_by": said.requested_by or "client",
            "chat_session": said.chat_session,
            "confirmation_required": int(asks),
            "executor": (Executor.AGENT if said.for_agent else Executor.DAEMON).value,
            "max_attempts": said.max_attempts or self.policy.max_attempts,
            "retry_of": said.retry_of,
            **self._columns(said, request, shown),
        }

        def write(tx: Tx) -> Row:
            def work() -> str:
                projects.get(tx, said.project, "parent")
                if store.open_drafts(tx, said.project) >= store.OPEN_LIMIT:
                    raise LimitExceeded(
                        f"{store.OPEN_LIMIT} drafts of this project wait already.",
                        field="parent",
                        remedy="Confirm or cancel some.",
                        limit=store.OPEN_LIMIT,
                    )
                made = store.create(tx, {**row, "expire_time": self._until(tx, shown)})
                if not row["confirmation_required"]:
                    store.queue_unasked(tx, made)
                return str(made["slug"])

            return store.get(tx, said.project, once(tx, work) if once else work())

        made = await self.database.write(write)
        self.wake.set()
        return made

    async def show(self, project: str, slug: str) -> Row:
        """A draft as it would be now. Raises StateConflict for anything else."""
        row = await self._draft(project, slug, Move.SHOW)
        return await self._shown_anew(row, json.loads(row["inputs"]), row["objective"])

    async def change(self, project: str, slug: str, inputs: Mapping[str, Any] | None, objective: str) -> Row:
        """Another call or objective of a draft, shown anew."""
        row = await self._draft(project, slug, Move.SHOW)
        names.text(objective, "instruction.objective", 2000)
        return await self._shown_anew(row, json.loads(row["inputs"]) if inputs is None else inputs, objective)

    async def confirm(self, project: str, slug: str, digest: str, spend: bool) -> Row:
        """A person's word. Raises InstructionStale, ConfirmationExpired, SpendNotConfirmed or StateConflict."""
        row = await self._draft(project, slug, Move.CONFIRM)
        name = store.name_of(row)
        if digest != row["digest"]:
            raise InstructionStale(
                "The digest is not the one that is shown now.", field="digest", resource=name, digest=row["digest"]
            )
        fresh = await self._shown_anew(row, json.loads(row["inputs"]), row["objective"], keep_unmoved=True)
        if fresh["digest"] != digest:
            raise InstructionStale(
                "Its target has moved since it was shown; it is shown anew.",
                field="digest",
                resource=name,
                digest=fresh["digest"],
            )
        cost = money(InstructionPreview.FromString(fresh["preview"]))
        if cost and not spend:
            raise SpendNotConfirmed(f"It costs about {cost}.", field="confirm_spend")

        def write(tx: Tx) -> Row | None:
            return store.confirm(tx, row, digest, spend)

        confirmed = await self.database.write(write)
        if confirmed is None:
            now = await self._draft(project, slug, Move.CONFIRM)
            now = await self._shown_anew(now, json.loads(now["inputs"]), now["objective"])
            raise ConfirmationExpired(
                "What was shown is too old to be confirmed; it is shown anew.",
                field="digest",
                resource=name,
                digest=now["digest"],
            )
        log.info("instruction.confirmed", instruction=name, method=row["method"])
        self.wake.set()
        return confirmed

    async def cancel(self, project: str, slug: str) -> Row:
        """Ends an instruction, or asks a running one to end."""

        def write(tx: Tx) -> Row:
            row = self._known(tx, project, slug)
            return store.cancel(tx, row) or row

        row = await self.database.write(write)
        self.wake.set()
        return row

    async def retry(self, project: str, slug: str, once: Once | None = None) -> Row:
        """A failed or canceled one as a new draft. Raises StateConflict for others."""
        row = await self.database.read(lambda view: self._known(view, project, slug))
        if row["state"] not in (State.FAILED, State.CANCELED):
            raise StateConflict(
                f"The instruction is {row['state'].lower()}; only a failed or canceled one is proposed again.",
                field="name",
                resource=store.name_of(row),
            )
        return await self.create(replace(_proposal(row), retry_of=store.name_of(row)), once)

    def methods(self) -> list[Any]:
        """What this daemon can be instructed to do."""
        return [method for method in METHODS.values() if method.name in self._calls]

    async def _draft(self, project: str, slug: str, move: Move) -> Row:
        row = await self.database.read(lambda view: self._known(view, project, slug))
        rules.move(State(row["state"]), move, store.name_of(row))
        return row

    def _known(self, view: View, project: str, slug: str) -> Row:
        projects.get(view, project)
        return store.get(view, project, slug)

    async def _shown_anew(self, row: Row, inputs: Mapping[str, Any], objective: str, keep_unmoved: bool = False) -> Row:
        said = replace(_proposal(row), inputs=inputs, objective=objective)
        request, shown = await self._looked_at(said)
        columns = self._columns(said, request, shown)
        if keep_unmoved and columns["digest"] == row["digest"]:
            return {**row, "preview": columns["preview"]}

        def write(tx: Tx) -> Row | None:
            when = {"expire_time": self._until(tx, shown)}
            return store.show(tx, row, **{**columns, **when, "objective": objective or shown.preview.summary})

        fresh = await self.database.write(write)
        if fresh is None:
            raise StateConflict(f"{store.name_of(row)} is no draft any more.", field="name")
        return fresh

    def _until(self, tx: Tx, shown: Shown) -> float:
        """Until when it can be confirmed as shown: never longer than its price holds."""
        until = tx.now + self.policy.confirm_seconds
        return min(until, shown.confirm_until) if shown.confirm_until is not None else until

    def _typed(self, said: Proposal) -> Proposal:
        """What is proposed with its type. Raises FieldInvalid, or AgentNotConfigured."""
        if not said.for_agent or said.method:
            method = rules.method_of(said.method)
            if said.method not in self._calls:
                raise FieldInvalid(f"This daemon does not serve {said.method}.", field="instruction.method")
            return replace(said, type=method.type)
        if not said.type:
            raise FieldInvalid("`instruction.type` or a method must be given.", field="instruction.type")
        names.text(said.objective, "instruction.objective", 2000, required=True)
        return said

    async def _looked_at(self, said: Proposal) -> tuple[Message, Shown]:
        """The call of a proposal, checked, and what it would do."""
        if not said.for_agent:
            request = rules.request_of(self._calls.request_of(said.method), said.inputs, said.project)
            return request, await self._look.at(said.project, said.method, request, said.constraints)
        if self._delivery is None:
            raise AgentNotConfigured("This daemon has no external agent.", field="instruction.execution.executor")
        self._delivery.check()
        if said.method:
            rules.request_of(self._calls.request_of(said.method), said.inputs, said.project)
        agent = self._delivery.agent
        free = rules.free_of(said.inputs, said.project)
        return free, await self._look.handed_over(said, rules.as_json(free), agent.url, agent.host)

    def _columns(self, said: Proposal, request: Message, shown: Shown) -> Row:
        return {
            "inputs": json.dumps(rules.as_json(request)),
            "preview": shown.preview.SerializeToString(),
            "plan": shown.plan.SerializeToString() if shown.plan is not None else b"",
            "plan_digest": shown.plan_digest,
            "digest": rules.digest(said.method, request, said.constraints, shown.target),
        }


def _proposal(row: Row) -> Proposal:
    """What was proposed as an instruction."""
    return Proposal(
        row["project"],
        row["method"],
        json.loads(row["inputs"]),
        row["objective"],
        json.loads(row["constraints"]),
        row["requested_by"],
        row["chat_session"],
        max_attempts=row["max_attempts"],
        for_agent=row["executor"] == Executor.AGENT,
        type=row["type"],
    )
