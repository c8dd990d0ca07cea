"""QueueService: unpack, call, pack. What is decided is durable first; then the scheduler is told."""

from __future__ import annotations

from typing import Any

from bullpen_api.v1 import event_pb2, queue_pb2, queue_pb2_grpc, run_pb2

from bullpend.db import Database, Row, Tx
from bullpend.db.database import View
from bullpend.dispatch.dispatcher import Dispatcher
from bullpend.errors import ExactlyOneOf, FieldInvalid, StateConflict
from bullpend.projects import store as projects
from bullpend.queueing import store
from bullpend.queueing.board import Board
from bullpend.queueing.rules import arrange
from bullpend.rpc import names, paging
from bullpend.runs import saying
from bullpend.runs import store as runs
from bullpend.runs.wire import pack_job, pack_run
from bullpend.scheduling import model as s

RUN = "projects/*/runs/*"
JOB = "projects/*/runs/*/jobs/*"
MOST_SKIPPED = 1_000_000_000


class QueueService(queue_pb2_grpc.QueueServiceServicer):
    """Shows the queue, and takes decisions about it."""

    def __init__(self, database: Database, dispatcher: Dispatcher, board: Board) -> None:
        self._database = database
        self._dispatcher = dispatcher
        self._board = board

    async def GetQueue(self, request: queue_pb2.GetQueueRequest, context: Any) -> queue_pb2.Queue:  # noqa: N802 -- gRPC's names from here on
        """The queue as a whole."""
        return await self._board.read()

    async def ListQueuedJobs(  # noqa: N802
        self, request: queue_pb2.ListQueuedJobsRequest, context: Any
    ) -> queue_pb2.ListQueuedJobsResponse:
        """What waits, in its order."""
        project = ""
        if request.parent not in ("", "projects/-"):
            (project,) = names.parse(request.parent, "projects/*", "parent")
            await self._database.read(lambda view: projects.get(view, project, "parent"))
        page = paging.page(request.page_size, request.page_token, f"{project}/queue", (int,))
        skip = min(max(0, int(page.after[0])), MOST_SKIPPED) if page.after else 0
        found, revision = await self._board.page(project, skip, page.limit + 1)
        shown, token = page.cut(found, [(skip + number,) for number in range(1, len(found) + 1)])
        return queue_pb2.ListQueuedJobsResponse(jobs=shown, next_page_token=token, revision=revision)

    # ---- pauses -----------------------------------------------------------------------------------------------------

    async def PauseQueue(self, request: queue_pb2.PauseQueueRequest, context: Any) -> queue_pb2.Queue:  # noqa: N802
        """Begins nothing more."""
        await self._database.write(lambda tx: _pause_queue(tx, True))
        self._dispatcher.tell(s.QueuePaused(request.now))
        return await self._board.read()

    async def ResumeQueue(self, request: queue_pb2.ResumeQueueRequest, context: Any) -> queue_pb2.Queue:  # noqa: N802
        """Goes on."""
        await self._database.write(lambda tx: _pause_queue(tx, False))
        self._dispatcher.tell(s.QueueResumed())
        return await self._board.read()

    async def PauseRun(self, request: queue_pb2.PauseRunRequest, context: Any) -> run_pb2.Run:  # noqa: N802
        """Lets a run wait."""
        return await self._pause_run(request.name, True)

    async def ResumeRun(self, request: queue_pb2.ResumeRunRequest, context: Any) -> run_pb2.Run:  # noqa: N802
        """Lets a run go on."""
        return await self._pause_run(request.name, False)

    async def PauseJob(self, request: queue_pb2.PauseJobRequest, context: Any) -> run_pb2.Job:  # noqa: N802
        """Lets a job wait."""
        return await self._pause_job(request.name, True)

    async def ResumeJob(self, request: queue_pb2.ResumeJobRequest, context: Any) -> run_pb2.Job:  # noqa: N802
        """Lets a job go on."""
        return await self._pause_job(request.name, False)

    async def _pause_run(self, name: str, paused: bool) -> run_pb2.Run:
        project, slug = names.parse(name, RUN)

        def write(tx: Tx) -> Row:
            projects.get(tx, project)
            return store.pause_run(tx, project, slug, paused)

        row = await self._database.write(write)
        self._dispatcher.tell(s.RunPaused(name) if paused else s.RunResumed(name))
        return pack_run(row)

    async def _pause_job(self, name: str, paused: bool) -> run_pb2.Job:
        project, *_ = names.parse(name, JOB)

        def write(tx: Tx) -> Row:
            projects.get(tx, project)
            return store.pause_job(tx, name, paused)

        row = await self._database.write(write)
        self._dispatcher.tell(s.JobPaused(name) if paused else s.JobResumed(name))
        return pack_job(row, self._dispatcher.position)

    # ---- order ------------------------------------------------------------------------------------------------------

    async def MoveRun(self, request: queue_pb2.MoveRunRequest, context: Any) -> run_pb2.Run:  # noqa: N802
        """Another place for a run's waiting jobs."""
        project, slug = names.parse(request.name, RUN)

        def write(tx: Tx) -> tuple[Row, list[Row]]:
            projects.get(tx, project)
            run = store.open_run(tx, project, slug, "name")
            changed = _move(tx, run, store.waiting(tx, run["id"]), request.name, request.place)
            saying.emit_run(tx, run["id"], "run.moved")
            return runs.by_id(tx, run["id"]), changed

        row, changed = await self._database.write(write)
        self._moved(changed, request.place.front)
        return pack_run(row)

    async def MoveJob(self, request: queue_pb2.MoveJobRequest, context: Any) -> run_pb2.Job:  # noqa: N802
        """Another place for a waiting job."""
        project, *_ = names.parse(request.name, JOB)

        def write(tx: Tx) -> tuple[Row, list[Row]]:
            projects.get(tx, project)
            job, run = store.open_job(tx, request.name, "name")
            moving = [job["id"]] if job["state"] == "QUEUED" else []
            changed = _move(tx, run, moving, request.name, request.place)
            return saying.emit_job(tx, project, job["id"], "job.moved"), changed

        row, changed = await self._database.write(write)
        self._moved(changed, request.place.front)
        return pack_job(row, self._dispatcher.position)

    async def PrioritizeRun(self, request: queue_pb2.PrioritizeRunRequest, context: Any) -> run_pb2.Run:  # noqa: N802
        """Another priority for a run."""
        project, slug = names.parse(request.name, RUN)

        def write(tx: Tx) -> tuple[Row, list[Row]]:
            projects.get(tx, project)
            row = store.prioritize(tx, project, slug, request.priority)
            return row, runs.open_jobs(tx, "r.id = ?", row["id"])

        row, changed = await self._database.write(write)
        self._moved(changed, False)
        return pack_run(row)

    def _moved(self, changed: list[Row], front: bool) -> None:
        for row in changed:
            self._dispatcher.tell(s.JobMoved(row["name"], row["place"], row["priority"], front))


def _pause_queue(tx: Tx, paused: bool) -> None:
    if not store.set_paused(tx, paused):
        return
    words = "The queue is paused: nothing more begins." if paused else "The queue goes on."
    payload = event_pb2.Event(notice=event_pb2.Notice(message=words, details={"paused": str(paused).lower()}))
    tx.emit("", "queue", "queue.paused" if paused else "queue.resumed", payload.SerializeToString())


def _move(tx: Tx, run: Row, moving: list[int], name: str, place: queue_pb2.QueuePlace) -> list[Row]:
    """Gives waiting jobs their new places; returns the rows that changed."""
    given = [field for field in ("front", "before", "after") if getattr(place, field)]
    if len(given) != 1:
        raise ExactlyOneOf(
            "One of `front`, `before` and `after` says where.", field="place", remedy="Give exactly one of them."
        )
    if not moving:
        raise StateConflict(f"Nothing of {name} waits.", field="name", remedy="What runs already has no place.")
    standing = store.standings(tx, run["project"], run["priority"])
    if given == ["front"]:
        others = [each.id for each in standing if each.id not in set(moving)]
        return store.set_places(tx, arrange(standing, moving, others[0] if others else None))
    field = f"place.{given[0]}"
    beside = [each for each in _beside(tx, run, getattr(place, given[0]), field) if each not in set(moving)]
    if not beside:
        raise FieldInvalid(f"`{field}` names what is to be moved itself.", field=field)
    if given == ["before"]:
        return store.set_places(tx, arrange(standing, moving, beside[0]))
    order = [each.id for each in standing if each.id not in set(moving)]
    at = order.index(beside[-1]) + 1
    return store.set_places(tx, arrange(standing, moving, order[at] if at < len(order) else None))


def _beside(view: View, run: Row, name: str, field: str) -> list[int]:
    """The waiting jobs of the run or job that is named, of the same project and priority."""
    if name.count("/") == JOB.count("/"):
        project, *_ = names.parse(name, JOB, field)
        _same_project(run, project, field)
        job, other = store.open_job(view, name, field)
        found = [job["id"]] if job["state"] == "QUEUED" else []
    else:
        project, slug = names.parse(name, RUN, field)
        _same_project(run, project, field)
        other = store.open_run(view, project, slug, field)
        found = store.waiting(view, other["id"])
    if not found:
        raise StateConflict(f"Nothing of {name} waits.", field=field, remedy="Name something that waits, or the front.")
    if other["priority"] != run["priority"]:
        raise StateConflict(
            f"{name} has priority {other['priority']}, not {run['priority']}.",
            field=field,
            remedy="Priorities come before places: give both runs the same priority first.",
        )
    return found


def _same_project(run: Row, project: str, field: str) -> None:
    if project != run["project"]:
        raise FieldInvalid(
            f"`{field}` belongs to project {project}, not to {run['project']}.",
            field=field,
            remedy="Projects take turns; name a run or a job of the same project.",
        )
