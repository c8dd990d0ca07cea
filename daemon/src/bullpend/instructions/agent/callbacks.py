"""What an agent sends by itself: looked at, and taken once.

In this order: the token must be one that was given out, the body signed with the key that both sides know and signed
now; then the token must not be used, the dispatch still open, and the body about its instruction. Who cannot sign
learns nothing but that.
"""

from __future__ import annotations

import structlog

from bullpend.clock import Clock
from bullpend.db import Database, Row, Tx
from bullpend.db.database import View
from bullpend.errors import CallbackExpired, CallbackRefused, CallbackReplayed, FieldInvalid
from bullpend.instructions.agent import payload, store
from bullpend.instructions.agent.delivery import Delivery
from bullpend.instructions.agent.model import State
from bullpend.instructions.model import ENDED
from bullpend.instructions.store import name_of

log = structlog.get_logger("agent")

TOKEN_CHARACTERS = 64


class Callbacks:
    """The door for answers."""

    def __init__(self, database: Database, delivery: Delivery, clock: Clock) -> None:
        self._database = database
        self._delivery = delivery
        self._clock = clock

    async def receive(self, body: bytes, token: str, timestamp: str, signature: str) -> str:
        """Takes an answer; returns the instruction's name.

        Raises CallbackRefused, CallbackReplayed, CallbackExpired, FieldInvalid, AgentNotConfigured or VaultLocked.
        """
        if len(body) > payload.MOST_BODY:
            raise FieldInvalid(f"A callback is longer than {payload.MOST_BODY} bytes.", field="body")
        key = await self._delivery.key()
        known = payload.digest(token) if len(token) == TOKEN_CHARACTERS else ""
        found = await self._database.read(lambda view: _find(view, known))
        if found is None:
            raise CallbackRefused("The callback's token is none that was given out.", field="token")
        payload.check_signed(key, token, timestamp, signature, body, self._clock.now())
        dispatch, name = found
        self._check_open(dispatch, name)
        answer = payload.read_callback(body, name)

        def write(tx: Tx) -> Row | None:
            now = _find(tx, known)
            if now is not None:
                self._check_open(*now)
            return store.answer(tx, dispatch["instruction_id"], answer, "callback")

        if await self._database.write(write) is None:
            raise CallbackExpired(f"{name} takes no answer any more.", field="token", resource=name)
        log.info("agent.called_back", instruction=name, status=answer.said.value)
        return name

    def _check_open(self, dispatch: Row, name: str) -> None:
        if dispatch["state"] == State.ANSWERED:
            raise CallbackReplayed(f"{name} has its answer already.", field="token", resource=name)
        late = self._clock.now() >= dispatch["expire_time"]
        if late or dispatch["ended"] or dispatch["state"] == State.CLOSED:
            raise CallbackExpired(f"{name} takes no answer any more.", field="token", resource=name)


def _find(view: View, digest: str) -> tuple[Row, str] | None:
    dispatch = store.by_token(view, digest) if digest else None
    if dispatch is None:
        return None
    row = view.one("SELECT project, slug, state FROM instructions WHERE id = ?", dispatch["instruction_id"])
    assert row is not None
    return {**dispatch, "ended": row["state"] in ENDED}, name_of(row)
