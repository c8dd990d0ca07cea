"""ControlService: one stream in, one stream out, about one running job."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from bullpen_api.v1 import control_pb2, control_pb2_grpc
from bullpen_api.worker.v1 import link_pb2

from bullpend.db import Database, Row
from bullpend.db.database import View
from bullpend.dispatch.dispatcher import Dispatcher
from bullpend.dispatch.tuning import Change
from bullpend.errors import BullpenError, FieldInvalid, ShuttingDown, StateConflict
from bullpend.events.bus import Bus
from bullpend.projects import store as projects
from bullpend.rpc import names
from bullpend.runs import rules, store
from bullpend.runs.wire import pack_job

JOB = "projects/*/runs/*/jobs/*"
OPEN = ("QUEUED", "RUNNING")
CANCEL_SECONDS = 10.0
LOOK_SECONDS = 1.0
# Changes that wait for their answer at once.
MOST = 64
HEAR_OUT_SECONDS = 1.0


class ControlService(control_pb2_grpc.ControlServiceServicer):
    """Lets a person steer a picture while it is made."""

    def __init__(self, database: Database, dispatcher: Dispatcher, bus: Bus) -> None:
        self._database = database
        self._dispatcher = dispatcher
        self._bus = bus
        self._closing = False

    def close(self) -> None:
        """Ends every stream with SHUTTING_DOWN."""
        self._closing = True
        self._bus.wake_all()

    async def Control(  # noqa: N802 -- gRPC's name
        self, request_iterator: AsyncIterator[control_pb2.ControlRequest], context: Any
    ) -> AsyncIterator[control_pb2.ControlResponse]:
        """Follows a job, takes changes, and says what became of each."""
        first = await anext(aiter(request_iterator), None)
        try:
            job = await self._begin(first)
        except BullpenError:
            await _hear_out(request_iterator)
            raise
        assert first is not None
        desk = _Desk(self._dispatcher, first.name)
        subscriber = self._bus.subscribe(progress=True)
        desk.on_answer = subscriber.notify
        reading = asyncio.create_task(desk.read(first, request_iterator))
        reading.add_done_callback(lambda _: subscriber.notify())
        try:
            yield control_pb2.ControlResponse(attached=pack_job(job, self._dispatcher.position))
            while True:
                for item in subscriber.take():
                    if item.progress.candidate.startswith(f"{first.name}/"):
                        yield control_pb2.ControlResponse(progress=item.progress)
                for answer in desk.answers():
                    yield answer
                if reading.done():
                    # What the reading met, such as a client that went away, is the stream's end too.
                    reading.result()
                    if not desk.pending:
                        return
                if self._closing:
                    raise ShuttingDown("The daemon is shutting down.")
                if not self._dispatcher.knows(first.name):
                    job = await self._job(first.name)
                    if job["state"] not in OPEN:
                        for answer in desk.answers():
                            yield answer
                        yield control_pb2.ControlResponse(ended=pack_job(job))
                        return
                await subscriber.wait(LOOK_SECONDS)
        finally:
            reading.cancel()
            self._bus.unsubscribe(subscriber)

    async def _begin(self, first: control_pb2.ControlRequest | None) -> Row:
        """The job that the first message names. Raises FieldInvalid, ResourceNotFound, StateConflict."""
        if first is None:
            raise FieldInvalid("The stream names no job.", field="name")
        job = await self._job(first.name)
        if job["state"] not in OPEN:
            raise StateConflict(
                f"{first.name} has ended ({job['state'].lower()}).",
                field="name",
                remedy="Only a job that waits or runs can be controlled.",
            )
        return job

    async def _job(self, name: str) -> Row:
        project, *_ = names.parse(name, JOB)

        def read(view: View) -> Row:
            projects.get(view, project)
            return store.job(view, name)

        return await self._database.read(read)


async def _hear_out(requests: AsyncIterator[control_pb2.ControlRequest]) -> None:
    """Reads what a refused client still sends: one that cannot send on would not hear the reason."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HEAR_OUT_SECONDS):
            async for _ in requests:
                pass


class _Desk:
    """The changes of one stream, and their answers in the order in which they come."""

    def __init__(self, dispatcher: Dispatcher, job: str) -> None:
        self._dispatcher = dispatcher
        self._job = job
        self._answers: list[control_pb2.ControlResponse] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.on_answer: Callable[[], None] = lambda: None

    @property
    def pending(self) -> bool:
        """Whether something was asked for and not answered."""
        return bool(self._tasks or self._answers)

    def answers(self) -> list[control_pb2.ControlResponse]:
        """Those that came since the last call."""
        found, self._answers = self._answers, []
        return found

    async def read(
        self, first: control_pb2.ControlRequest, requests: AsyncIterator[control_pb2.ControlRequest]
    ) -> None:
        """Takes what the client sends, until it has sent its last change."""
        self._take(first, first=True)
        async for request in requests:
            while len(self._tasks) >= MOST:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            self._take(request)

    def _take(self, request: control_pb2.ControlRequest, first: bool = False) -> None:
        try:
            change = _read(request)
            if request.name and not first:
                raise FieldInvalid("The job is named once, in the first message.", field="name")
            if request.cancel:
                self._spawn(self._cancel(request.change_id))
            elif change is not None:
                answer = self._dispatcher.tune(self._job, change)
                self._spawn(self._hear(request.change_id, answer))
            elif not first:
                raise FieldInvalid("Nothing is to be changed.", field="guidance_scale", remedy="Give a new value.")
        except BullpenError as error:
            self._refuse(request.change_id, error)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _hear(self, change_id: str, answer: asyncio.Future[link_pb2.ChangeHeard]) -> None:
        heard = await answer
        if heard.refused:
            self._refuse(change_id, StateConflict(f"{heard.refused[:1].upper()}{heard.refused[1:]}."))
        # What could take effect did, also where a part of it could not.
        if heard.candidate or not heard.refused:
            taken = control_pb2.ChangeTaken(change_id=change_id, candidate=heard.candidate, step=heard.step)
            self._answers.append(control_pb2.ControlResponse(taken=taken))
        self.on_answer()

    async def _cancel(self, change_id: str) -> None:
        await self._dispatcher.cancel([self._job], CANCEL_SECONDS)
        self._answers.append(control_pb2.ControlResponse(taken=control_pb2.ChangeTaken(change_id=change_id)))
        self.on_answer()

    def _refuse(self, change_id: str, error: BullpenError) -> None:
        refused = control_pb2.ChangeRefused(
            change_id=change_id, reason=error.reason, message=error.message, remedy=error.remedy
        )
        self._answers.append(control_pb2.ControlResponse(refused=refused))
        self.on_answer()


def _read(request: control_pb2.ControlRequest) -> Change | None:
    """The change that is asked for, None where there is none. Raises FieldInvalid."""
    names.text(request.change_id, "change_id", 128)
    given = {
        field: getattr(request, field)
        for field in ("guidance_scale", "image_guidance_scale", "steps", "strength")
        if request.HasField(field)
    }
    if not given:
        return None
    change = Change(**given)
    rules.check_change(change.guidance_scale, change.image_guidance_scale, change.steps, change.strength)
    return change
