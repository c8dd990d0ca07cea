"""Answers while they are written: each in a task of its own, kept as it grows, and shown to whoever listens.

An answer goes on when its client leaves. What there is of it is written down several times a second, so that a daemon
that dies leaves no more than the last moment unsaid; the next one marks it as interrupted.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from bullpen_api.v1 import copilot_pb2
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

from bullpend.clock import new_id
from bullpend.copilot import store, wire
from bullpend.copilot.engines import Asked, Engine, Part, Status, Turn, Words
from bullpend.copilot.gathering import Gathering
from bullpend.copilot.pieces import failed
from bullpend.copilot.reading import Reading
from bullpend.db import Database, Row
from bullpend.db.database import View
from bullpend.errors import BullpenError, Internal, LimitExceeded, ShuttingDown, WorkerLost
from bullpend.instructions import store as instructions
from bullpend.instructions import wire as instruction_wire
from bullpend.instructions.desk import Proposals
from bullpend.instructions.proposal import Proposal

log = structlog.get_logger("copilot")

pb = copilot_pb2
Response = pb.SendChatMessageResponse
KEEP_SECONDS = 0.25
HISTORY = 200
# Cards of one answer; an engine that wants more is stopped there.
MOST_CARDS = 8
MOST_CHARACTERS = 200_000
# Deltas that a slow listener may be behind; then it only gets the whole answer at the end.
BACKLOG = 2000


@dataclass
class Live:
    """An answer that is being written."""

    session: Row
    answer: Row
    said: pb.ChatMessage = field(default_factory=pb.ChatMessage)
    listeners: set[asyncio.Queue[Response | None]] = field(default_factory=set)
    task: asyncio.Task[None] | None = None
    canceled: bool = False
    changed: bool = False

    @property
    def name(self) -> str:
        """Name of the answer."""
        return store.message_name(self.session, self.answer)

    def let_go(self) -> None:
        """Nothing more comes."""
        for queue in self.listeners:
            queue.put_nowait(None)

    def tell(self, item: Response) -> None:
        """Sends something to every listener that keeps up."""
        for queue in self.listeners:
            if queue.qsize() < BACKLOG:
                queue.put_nowait(item)


class Conversations:
    """Writes answers."""

    def __init__(
        self,
        database: Database,
        engines: Mapping[str, Engine],
        gathering: Gathering,
        reading: Reading,
        proposals: Proposals,
    ) -> None:
        self._database = database
        self._engines = engines
        self._gathering = gathering
        self._reading = reading
        self._proposals = proposals
        self._live: dict[int, Live] = {}

    def begin(self, session: Row, answer: Row, text: str, asked: Asked | None) -> Live:
        """Begins to write an answer that is stored as begun."""
        live = Live(session, answer)
        self._live[session["id"]] = live
        live.task = asyncio.create_task(self._write(live, text, asked), name=f"answer {live.name}")
        return live

    def follow(self, live: Live) -> AsyncIterator[Response]:
        """What is added to an answer from now on, and the whole of it last."""
        queue: asyncio.Queue[Response | None] = asyncio.Queue()
        live.listeners.add(queue)
        return self._heard(live, queue)

    @staticmethod
    async def _heard(live: Live, queue: asyncio.Queue[Response | None]) -> AsyncIterator[Response]:
        try:
            while (item := await queue.get()) is not None:
                yield item
        finally:
            live.listeners.discard(queue)

    def live(self, session_id: int) -> Live | None:
        """The answer that is being written in a session."""
        return self._live.get(session_id)

    async def cancel(self, session_id: int) -> None:
        """Stops an answer, and waits until what there is of it is stored."""
        live = self._live.get(session_id)
        if live is not None and live.task is not None:
            live.canceled = True
            live.task.cancel()
            await asyncio.wait([live.task])

    async def close(self) -> None:
        """Lets go of every answer; the next daemon marks them as interrupted."""
        tasks = [live.task for live in self._live.values() if live.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _write(self, live: Live, text: str, asked: Asked | None) -> None:
        keeper = asyncio.create_task(self._keep(live), name=f"keeping {live.name}")
        state, waiting = "COMPLETE", None
        try:
            waiting = await self._answer(live, text, asked)
        except asyncio.CancelledError:
            if not live.canceled:
                live.let_go()
                raise
            state = "CANCELED"
        except ShuttingDown:
            live.let_go()
            return
        except BullpenError as error:
            # What a lost worker has said stays, as what a lost daemon has said does.
            state = "INTERRUPTED" if isinstance(error, WorkerLost) and live.said.parts else "FAILED"
            self._add(live, failed(error))
        except Exception as fault:
            incident = new_id(4)
            log.error("copilot.fault", answer=live.name, incident=incident, exc_info=fault)
            state = "FAILED"
            self._add(live, failed(Internal("The daemon met a fault of its own.", incident=incident)))
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
            self._live.pop(live.session["id"], None)
        await self._end(live, state, waiting)

    async def _end(self, live: Live, state: str, waiting: Asked | None) -> None:
        said = json.dumps([waiting.before, waiting.slot]) if waiting is not None else ""
        try:
            done = await self._database.write(
                lambda tx: store.finish(tx, live.session, live.answer, live.said, state, said)
            )
            if done is not None:
                cards = await self._database.read(lambda view: cards_now(view, [done[1]]))
                live.tell(Response(message=wire.pack_message(live.name, done[1], cards)))
        except ShuttingDown:
            log.info("copilot.left", answer=live.name)
        finally:
            live.let_go()

    async def _answer(self, live: Live, text: str, asked: Asked | None) -> Asked | None:
        session = live.session
        project = session["project"]
        history = await self._database.read(lambda view: self._history(view, session, live.answer))
        cards = 0

        async def read(method: str, inputs: Mapping[str, Any]) -> Message:
            return await self._reading.read(project, method, inputs)

        async def propose(method: str, inputs: Mapping[str, Any], objective: str) -> Row:
            nonlocal cards
            cards += 1
            if cards > MOST_CARDS:
                raise LimitExceeded(f"One answer proposes at most {MOST_CARDS} instructions.", limit=MOST_CARDS)
            proposal = Proposal(project, method, inputs, objective, chat_session=store.name_of(session))
            return await self._proposals.propose(proposal)

        async def hand_over(objective: str) -> Row:
            return await self._proposals.propose_errand(project, objective, store.name_of(session))

        turn = Turn(
            project=project,
            text=text,
            history=history,
            asked=asked,
            sampling=lambda: ParseDict(json.loads(live.session["sampling"]), pb.ChatSampling()),
            world=lambda: self._gathering.world(project),
            read=read,
            propose=propose,
            hand_over=hand_over,
        )
        waiting: Asked | None = None
        written = 0
        async for piece in self._engines[live.answer["engine"]].answer(turn):
            if isinstance(piece, Asked):
                waiting = piece
                continue
            self._add(live, piece)
            written += len(piece.text) if isinstance(piece, Words) else 1000
            if written > MOST_CHARACTERS:
                break
        return waiting

    @staticmethod
    def _history(view: View, session: Row, answer: Row) -> list[pb.ChatMessage]:
        after = max(0, answer["number"] - HISTORY)
        rows = store.messages(view, session, after, HISTORY)
        return [
            wire.pack_message(store.message_name(session, row), row)
            for row in rows
            if row["number"] < answer["number"] - 1
        ]

    def _add(self, live: Live, piece: Words | Part | Status | Any) -> None:
        """Adds a piece to the answer, and tells the listeners."""
        if isinstance(piece, Status):
            live.tell(Response(status=pb.ChatStatus(text=piece.text, share=piece.share)))
            return
        parts = live.said.parts
        if isinstance(piece, Words):
            if not piece.text:
                return
            if not parts or not parts[-1].HasField("text"):
                parts.add(text="")
            parts[-1].text += piece.text
            delta = pb.ChatDelta(message=live.name, part=len(parts) - 1, text=piece.text)
        else:
            parts.append(piece.part)
            delta = pb.ChatDelta(message=live.name, part=len(parts) - 1, whole=piece.part)
        live.changed = True
        live.tell(Response(delta=delta))

    async def _keep(self, live: Live) -> None:
        """Writes down what there is, several times a second."""
        while True:
            await asyncio.sleep(KEEP_SECONDS)
            if live.changed:
                live.changed = False
                said = pb.ChatMessage.FromString(live.said.SerializeToString())
                await self._database.write(lambda tx, said=said: store.keep(tx, live.answer, said))  # type: ignore[misc]


def cards_now(view: View, rows: list[Row]) -> dict[str, Any]:
    """The instructions that messages show, as they are now."""
    found = {}
    for name in wire.cards_of(rows):
        _, project, _, slug = name.split("/")
        found[name] = instruction_wire.pack(instructions.get(view, project, slug))
    return found
