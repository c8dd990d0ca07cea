"""Handing an instruction over to the external agent, and waiting for what it says came of it.

1. The dispatch is prepared: its key, and until when an answer is taken. One for each instruction, ever.
2. Each delivery is noted, then sent. What certainly did not leave, or was turned away unread, is not counted.
3. Where a delivery's outcome is not known, also after a crash, the agent is asked by the key before it is sent again;
   it is sent again with the same key, and no more often than the settings say. After that nothing is sent any more.
4. Then the answer is waited for: a callback, or the agent's status, which is asked for now and then.
5. What never came by the dispatch's time has failed as AGENT_OUTCOME_UNKNOWN, which no attempt repeats.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, TypeVar

import structlog

from bullpend.clock import Clock
from bullpend.db import Database, Row, Tx
from bullpend.db.database import View
from bullpend.errors import (
    AddressNotAllowed,
    AgentNotConfigured,
    AgentOutcomeUnknown,
    AgentRefused,
    AgentUnavailable,
    BullpenError,
    FieldInvalid,
)
from bullpend.events.bus import Bus
from bullpend.failpoints import reach
from bullpend.instructions.agent import payload, store
from bullpend.instructions.agent.model import ANSWERS, Agent, Answer, Said, State
from bullpend.instructions.ends import Canceled, Failed, Gone
from bullpend.remote import addresses
from bullpend.remote.exchange import Limits, Lost, NotSent, Outgoing, Reply, exchange

log = structlog.get_logger("agent")

MOST_ANSWER = 256 * 1024
# The longest pause that a busy agent may ask for.
MOST_PAUSE = 30.0
T = TypeVar("T")


class Delivery:
    """Carries instructions out by asking somebody else to."""

    def __init__(
        self, database: Database, bus: Bus, clock: Clock, agent: Agent, reveal: Callable[[str], Awaitable[str]]
    ) -> None:
        self.agent = agent
        self._database = database
        self._bus = bus
        self._clock = clock
        self._reveal = reveal

    def check(self) -> None:
        """Raises AgentNotConfigured or AddressNotAllowed where nothing can be handed over."""
        if not self.agent.url or not self.agent.secret:
            what = "agent.secret names no token for it" if self.agent.url else "agent.url is empty"
            raise AgentNotConfigured(f"There is no external agent: {what}.", field="instruction.execution.executor")
        try:
            addresses.check(self.agent.url, self.agent.allow_private)
        except AddressNotAllowed:
            raise _refused_address(self.agent) from None

    async def key(self) -> str:
        """What both sides know. Raises AgentNotConfigured or VaultLocked."""
        self.check()
        return await self._reveal(self.agent.secret)

    async def carry_out(self, row: Row) -> str:
        """Hands over what `row` says; returns what came out. Raises Failed, Canceled, Gone, or a typed error."""
        key = await self.key()
        dispatch = await self._held(lambda tx: store.prepare(tx, row, self.agent))
        if State(dispatch["state"]) in (State.PREPARED, State.SENDING):
            try:
                await self._deliver(row, dispatch, key)
            except AgentRefused:
                await self._database.write(lambda tx: store.close(tx, row["id"]))
                raise
        return await self._wait(row, key)

    # ---- sending ----------------------------------------------------------------------------------------------------

    async def _deliver(self, row: Row, dispatch: Row, key: str) -> None:
        """Sends it until the agent has it, or until nothing more may be sent."""
        given = payload.token(key, dispatch["key"])
        body = payload.whole(row, dispatch, self.agent, key)
        pause = self.agent.pause_seconds
        for tries in range(1 + self.agent.retries):
            if tries:
                await asyncio.sleep(min(pause, MOST_PAUSE))
            if await self._canceled(row):
                return
            if dispatch["state"] != State.PREPARED:
                said = await self._ask(dispatch, key)
                if said is not None and said.said is not Said.UNKNOWN:
                    await self._heard(row, said, "status")
                    return
            if dispatch["deliveries"] > self.agent.retries:
                break
            dispatch = await self._held(lambda tx: store.sending(tx, row, payload.digest(given)))
            reach("agent.marked_sent")
            headers = {"idempotency-key": dispatch["key"], "bullpen-delivery": str(dispatch["deliveries"])}
            outgoing = Outgoing(dispatch["url"], json=body, headers=headers)
            try:
                reply = await self._exchange(outgoing, key)
            except NotSent as error:
                log.info("agent.not_sent", why=str(error))
                dispatch = await self._held(lambda tx: store.unsent(tx, row))
                continue
            except AddressNotAllowed:
                dispatch = await self._held(lambda tx: store.unsent(tx, row))
                raise
            except Lost as error:
                log.warning("agent.outcome_open", instruction=row["slug"], why=str(error))
                continue
            reach("agent.answer_received")
            if reply.status in (429, 503):
                pause = _retry_after(reply, pause)
                dispatch = await self._held(lambda tx: store.unsent(tx, row))
                continue
            if await self._took(row, reply):
                return
        if dispatch["state"] == State.PREPARED:
            raise AgentUnavailable(f"The agent at {self.agent.host} could not be reached; nothing was sent.")
        await self._database.write(lambda tx: store.turn(tx, row, State.UNCERTAIN))

    async def _took(self, row: Row, reply: Reply) -> bool:
        """Whether an answer settles the delivery. Raises AgentRefused."""
        if 200 <= reply.status < 300:
            try:
                said = payload.read(reply.body) if reply.body.strip() else Answer(Said.ACCEPTED)
            except FieldInvalid as error:
                # It may have been taken: that is found out by asking, not by sending it again.
                log.warning("agent.answer_unreadable", instruction=row["slug"], why=error.message)
                await self._database.write(lambda tx: store.turn(tx, row, State.UNCERTAIN))
                return True
            await self._heard(row, said, "response")
            return True
        if reply.status == 409:
            await self._heard(row, Answer(Said.ACCEPTED), "response")
            return True
        if reply.status >= 500:
            return False
        what = "sends elsewhere, which is not followed" if 300 <= reply.status < 400 else f"says: {_words(reply)}"
        raise AgentRefused(f"The agent at {self.agent.host} answered {reply.status} and {what}", status=reply.status)

    async def _exchange(self, outgoing: Outgoing, key: str) -> Reply:
        limits = Limits(
            connect_seconds=min(10.0, self.agent.dispatch_seconds),
            answer_seconds=self.agent.dispatch_seconds,
            whole_seconds=self.agent.dispatch_seconds,
            most_bytes=MOST_ANSWER,
            allow_private=self.agent.allow_private,
        )
        try:
            return await exchange(outgoing, {"authorization": f"Bearer {key}"}, limits)
        except AddressNotAllowed:
            raise _refused_address(self.agent) from None

    # ---- what becomes of it -----------------------------------------------------------------------------------------

    async def _ask(self, dispatch: Row, key: str) -> Answer | None:
        """The agent's status by the key; None where it cannot be told. A bare 404 tells nothing."""
        outgoing = Outgoing(f"{dispatch['url']}/{dispatch['key']}", method="GET")
        try:
            reply = await self._exchange(outgoing, key)
            return payload.read(reply.body) if reply.status in (200, 404) else None
        except (NotSent, Lost, BullpenError) as error:
            log.info("agent.status_unknown", why=str(error))
            return None

    async def _heard(self, row: Row, said: Answer, by: str) -> None:
        if said.said in ANSWERS:
            await self._database.write(lambda tx: store.answer(tx, row["id"], said, by))
        elif said.said is not Said.UNKNOWN:
            await self._database.write(lambda tx: store.turn(tx, row, State.ACCEPTED))

    async def _wait(self, row: Row, key: str) -> str:
        """Waits for the answer, whoever brings it."""

        def look(view: View) -> tuple[Row | None, Any]:
            asked = view.value("SELECT cancel_time FROM instructions WHERE id = ?", row["id"])
            return store.get(view, row["id"]), asked

        loop = asyncio.get_running_loop()
        next_ask = loop.time() + self.agent.poll_seconds
        subscriber = self._bus.subscribe()
        try:
            while True:
                dispatch, canceled = await self._database.read(look)
                assert dispatch is not None
                if dispatch["answer"]:
                    return _outcome(dispatch, self.agent)
                if canceled is not None:
                    await self._stop(row, dispatch, key)
                if dispatch["state"] == State.CLOSED or self._clock.now() >= dispatch["expire_time"]:
                    await self._too_late(row)
                if loop.time() >= next_ask:
                    next_ask = loop.time() + self.agent.poll_seconds
                    said = await self._ask(dispatch, key)
                    if said is not None:
                        await self._heard(row, said, "status")
                    continue
                left = min(next_ask - loop.time(), dispatch["expire_time"] - self._clock.now(), 1.0)
                await subscriber.wait(max(left, 0.01))
        finally:
            self._bus.unsubscribe(subscriber)

    async def _stop(self, row: Row, dispatch: Row, key: str) -> NoReturn:
        """Tells the agent, once, that it is not wanted any more."""
        await self._database.write(lambda tx: store.close(tx, row["id"]))
        if not dispatch["deliveries"]:
            raise Canceled("Stopped before anything was sent to the agent.")
        heard = "it could not be told"
        try:
            reply = await self._exchange(Outgoing(f"{dispatch['url']}/{dispatch['key']}/cancel", json={}), key)
            heard = "it was told" if reply.status < 300 else f"it answered {reply.status} when it was told"
        except (NotSent, Lost, BullpenError) as error:
            log.info("agent.cancel_not_told", why=str(error))
        raise Canceled(f"Stopped here; {heard}. What the agent had done by then is not known here.")

    async def _too_late(self, row: Row) -> NoReturn:
        await self._database.write(lambda tx: store.close(tx, row["id"]))
        raise AgentOutcomeUnknown(f"The agent at {self.agent.host} did not say in time what came of it.")

    async def _canceled(self, row: Row) -> bool:
        sql = "SELECT cancel_time FROM instructions WHERE id = ?"
        return await self._database.read(lambda view: view.value(sql, row["id"])) is not None

    async def _held(self, work: Callable[[Tx], T | None]) -> T:
        """A change that only the holder of the instruction may make. Raises Gone."""
        done = await self._database.write(work)
        if done is None:
            raise Gone
        return done


def _outcome(dispatch: Row, agent: Agent) -> str:
    """What an answer means for the instruction. Raises Failed or Canceled."""
    said = json.loads(dispatch["answer"])
    if said["said"] == Said.DONE:
        return str(said["result"]) or "The agent says that it is done."
    if said["said"] == Said.CANCELED:
        raise Canceled(said["result"] or said["reason"] or "The agent stopped it.")
    refused = AgentRefused(f"The agent at {agent.host} says: {said['reason'] or said['result'] or 'it failed'}")
    raise Failed({"reason": refused.reason, "message": refused.message, "remedy": refused.remedy})


def _refused_address(agent: Agent) -> AddressNotAllowed:
    return AddressNotAllowed(
        f"The agent's address {agent.host or 'in agent.url'} is not spoken to; nothing was sent there.",
        field="agent.url",
        remedy="Use https and a public address; for a server of your own set agent.allow_private_addresses.",
    )


def _retry_after(reply: Reply, before: float) -> float:
    try:
        return max(0.0, float(reply.headers.get("retry-after", "")))
    except ValueError:
        return before * 2


def _words(reply: Reply) -> str:
    """What a refusal says, short and plain."""
    text = reply.body[:4000].decode("utf-8", "replace")
    said = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return said[:300] or "nothing"
