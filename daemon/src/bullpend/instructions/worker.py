"""The worker: takes up what is queued, carries it out by the code of the call itself, and follows runs and exports to
their end.

Each instruction that is taken up has a lock, which is renewed while it is carried out; a worker that lost its lock
stops and changes nothing any more. Calls that make something carry a request_id that is the instruction's name, so that
whoever takes it up again finds what was made instead of making it twice.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog
from bullpen_api.v1 import quality_pb2, run_pb2, storage_pb2
from google.protobuf.message import Message

from bullpend.clock import new_id
from bullpend.db import Database, Row, Tx
from bullpend.db.database import View
from bullpend.errors import AgentNotConfigured, BullpenError, Internal, ShuttingDown, StateConflict, WorkerLost
from bullpend.events.bus import Bus, Subscriber
from bullpend.instructions import model, rules, store
from bullpend.instructions.agent.delivery import Delivery
from bullpend.instructions.ends import Canceled, Failed, Gone
from bullpend.instructions.made import KINDS, Kind
from bullpend.instructions.model import METHODS, Executor, Policy
from bullpend.rpc.inside import Calls

log = structlog.get_logger("instructions")

LOOK_SECONDS = 0.25


class Worker:
    """Carries instructions out, several at once. `owner` names this worker among others."""

    def __init__(
        self,
        database: Database,
        calls: Calls,
        bus: Bus,
        policy: Policy,
        wake: asyncio.Event,
        delivery: Delivery | None = None,
        owner: str = "",
    ) -> None:
        self.owner = owner or new_id()
        self._delivery = delivery
        self._database = database
        self._calls = calls
        self._bus = bus
        self._policy = policy
        self._wake = wake
        self._tasks: set[asyncio.Task[None]] = set()
        # Those that wait for somebody else; they keep nothing here from being done.
        self._away: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Works until it is cancelled. What is cut off then is taken up by the next daemon."""
        try:
            while True:
                self._wake.clear()
                await self.step()
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._policy.poll_seconds):
                        await self._wake.wait()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def step(self) -> int:
        """Takes up everything that is due; returns how many that were."""
        taken = 0
        while len(self._tasks) - len(self._away) < self._policy.at_once:
            try:
                row = await self._database.write(lambda tx: store.claim(tx, self.owner, self._policy.lock_seconds))
            except BullpenError as error:
                log.warning("instructions.not_claimed", reason=error.reason, message=error.message)
                break
            if row is None:
                break
            taken += 1
            task = asyncio.create_task(self._carry_out(row), name=f"instruction {row['slug']}")
            self._tasks.add(task)
            if row["executor"] == Executor.AGENT:
                self._away.add(task)
            task.add_done_callback(self._ended)
        return taken

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._away.discard(task)
        self._wake.set()
        if not task.cancelled() and task.exception() is not None:
            log.error("instructions.fault", exc_info=task.exception())

    async def _carry_out(self, row: Row) -> None:
        name = store.name_of(row)
        work = asyncio.create_task(self._work(row), name=f"work of {row['slug']}")
        keeper = asyncio.create_task(self._keep(row), name=f"lock of {row['slug']}")
        try:
            await asyncio.wait({work, keeper}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                await self._close(row, work)
            elif keeper.done():
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
                error = keeper.exception()
                if isinstance(error, Canceled):
                    await self._database.write(lambda tx: store.canceled(tx, row, str(error)))
                else:
                    log.warning("instructions.lock_lost", instruction=name, owner=self.owner)
        finally:
            for task in (work, keeper):
                task.cancel()
            await asyncio.gather(work, keeper, return_exceptions=True)

    async def _close(self, row: Row, work: asyncio.Task[str]) -> None:
        """Writes what came of it; ShuttingDown leaves it to the next daemon."""
        try:
            result = work.result()
        except (Gone, ShuttingDown):
            return
        except Canceled as end:
            said = str(end)
            await self._write(lambda tx: store.canceled(tx, row, said))
        except Failed as end:
            why = end.said
            await self._write(lambda tx: store.fail(tx, row, why))
        except BullpenError as error:
            await self._failed(row, error)
        except Exception as fault:
            incident = new_id(4)
            log.error("instructions.fault", instruction=store.name_of(row), incident=incident, exc_info=fault)
            await self._failed(row, Internal("The daemon met a fault of its own.", incident=incident))
        else:
            await self._write(lambda tx: store.finish(tx, row, result))

    async def _write(self, work: Callable[[Tx], Row | None]) -> None:
        with suppress(ShuttingDown):
            await self._database.write(work)

    async def _failed(self, row: Row, error: BullpenError) -> None:
        said = {"reason": error.reason, "message": error.message, "remedy": error.remedy}
        failures = row["failures"] + 1
        wait = rules.after_failure(error, failures, row["max_attempts"], self._policy.backoff_seconds)
        log.info("instruction.failed", instruction=store.name_of(row), reason=error.reason, again=wait)
        if wait is None:
            await self._write(lambda tx: store.fail(tx, row, said))
        else:
            await self._write(lambda tx: store.retry(tx, row, said, wait))

    async def _keep(self, row: Row) -> None:
        """Renews the lock, and hears of a person's wish to end it. Ends by Gone or Canceled."""
        subscriber, cursor, name = self._bus.subscribe(), self._bus.revision, store.name_of(row)
        try:
            while True:
                current = await self._database.write(lambda tx: store.renew(tx, row, self._policy.lock_seconds))
                if current is None:
                    raise Gone
                if current["cancel_time"] is not None and not _stops_itself(row):
                    raise Canceled("Stopped on request.")
                cursor = await self._changed(subscriber, cursor, name)
        finally:
            self._bus.unsubscribe(subscriber)

    async def _changed(self, subscriber: Subscriber, cursor: int, subject: str) -> int:
        """Waits for an event about a resource, at most a third of the lock's time; returns how far it looked."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._policy.lock_seconds / 3
        while (left := end - loop.time()) > 0:
            await subscriber.wait(left)
            events = self._bus.recent(cursor, 4096)
            cursor = self._bus.revision
            if events is None or any(event.subject == subject for event in events):
                break
        return cursor

    async def _work(self, row: Row) -> str:
        """Does what the instruction says; returns what came out."""
        if row["failures"] >= row["max_attempts"]:
            raise WorkerLost(f"It was taken up {row['failures']} times, and never ended.")
        if row["executor"] == Executor.AGENT:
            if self._delivery is None:
                raise AgentNotConfigured("This daemon has no external agent.")
            return await self._delivery.carry_out(row)
        method = METHODS[row["method"]]
        if row["cancel_time"] is not None and method.makes is None:
            raise Canceled("Stopped on request.")
        request = rules.request_of(self._calls.request_of(row["method"]), json.loads(row["inputs"]), row["project"])
        if method.makes is not None:
            return await self._make(row, request, KINDS[method.makes])
        answers = await self._calls.listed(row["method"], _complete(request, row))
        return _result(row["method"], answers)

    async def _make(self, row: Row, request: Message, kind: Kind) -> str:
        name = row["run"] or await self._made_before(row)
        if row["cancel_time"] is not None and not name:
            raise Canceled("Stopped before anything was started.")
        if not name:
            made: Any = await self._calls.call(row["method"], _complete(request, row))
            name = made.name
        if kind.noted and not row["run"]:
            await self._database.write(lambda tx: store.started(tx, row, name))
        return await self._follow(row, name, kind)

    async def _made_before(self, row: Row) -> str:
        """What an earlier attempt made before it could note it."""
        sql = "SELECT answer FROM requests WHERE request_id = ?"
        return str(await self._database.read(lambda view: view.value(sql, store.name_of(row))) or "")

    async def _follow(self, row: Row, name: str, kind: Kind) -> str:
        """Waits for the end of what was made; stops it when a person ends the instruction."""
        stopping = False

        def look(view: View) -> tuple[Row, Any]:
            asked = view.value("SELECT cancel_time FROM instructions WHERE id = ?", row["id"])
            return kind.read(view, name), asked

        subscriber = self._bus.subscribe()
        try:
            while True:
                found, asked = await self._database.read(look)
                if found["state"] in kind.cut_off and asked is None:
                    await self._calls.call(kind.again, self._named(kind.again, name))
                    continue
                if found["state"] in kind.ended:
                    return kind.outcome(found)
                if asked is not None and not stopping:
                    stopping = True
                    # What ended a moment before is found to have ended.
                    with suppress(StateConflict):
                        await self._calls.call(kind.cancel, self._named(kind.cancel, name))
                    continue
                await subscriber.wait(self._policy.poll_seconds)
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            self._bus.unsubscribe(subscriber)

    def _named(self, method: str, name: str) -> Message:
        """The request of a call that takes a name."""
        request: Any = self._calls.request_of(method)
        request.name = name
        named: Message = request
        return named


def _stops_itself(row: Row) -> bool:
    """Whether what carries it out hears of its end itself, and has something to stop first."""
    return bool(row["executor"] == Executor.AGENT or METHODS[row["method"]].makes is not None)


def _complete(request: Any, row: Row) -> Any:
    """The request with what the daemon says itself: that a person confirmed it, and which instruction it is."""
    fields = request.DESCRIPTOR.fields_by_name
    if "request_id" in fields:
        request.request_id = store.name_of(row)
    if "plan_digest" in fields:
        request.plan_digest = row["plan_digest"]
    if "confirm_spend" in fields:
        request.confirm_spend = bool(row["confirm_spend"])
    return request


def _result(method: str, answers: list[Message]) -> str:
    last = answers[-1] if answers else None
    if isinstance(last, quality_pb2.QualitySummary):
        if not last.candidates:
            return "No candidate is finished yet."
        return (
            f"{last.candidates} candidates finished, {last.passed} passed ({last.passed / last.candidates:.0%}), "
            f"{last.clean} without any finding."
        )
    if isinstance(last, storage_pb2.SyncStorageResponse):
        return _synced(last.report)
    if method == model.PROCESS:
        made = sum(1 for answer in answers if getattr(answer, "HasField", lambda _: False)("made"))
        return f"{made} picture was made." if made == 1 else f"{made} pictures were made."
    if isinstance(last, run_pb2.Run):
        return f"{last.name.rpartition('/')[2]} is {run_pb2.Run.State.Name(last.state).removeprefix('STATE_').lower()}."
    return "Done."


def _synced(report: storage_pb2.SyncReport) -> str:
    copied = "1 picture was copied" if report.copied == 1 else f"{report.copied} pictures were copied"
    lost = f" {len(report.lost)} could not be: they are lost or damaged here." if report.lost else ""
    return f"{copied} to {report.place}, {report.unchanged} lay there already.{lost}"
