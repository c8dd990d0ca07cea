"""The pool of post workers: any of them may do any task.

Tasks wait here, not in a worker's pipe: each worker is handed a few at a time, pictures before contact sheets, since
jobs wait for their pictures and nothing waits for a sheet. When a worker dies, what it had in
hand is done once more, each task alone on a worker, so that the one that kills workers takes no other with it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

import structlog
from bullpen_api.worker.v1 import link_pb2

from bullpend import errors
from bullpend.workers.frames import MAX_FRAME_BYTES
from bullpend.workers.model import Lost, WorkerSettings, WorkerState, WorkerStatus
from bullpend.workers.process import WorkerProcess

# Told how far a task is, on the event loop. It must not block.
Follow = Callable[[link_pb2.TaskProgress], None]

# Deaths that one task may cause.
_MAX_DEATHS = 2
# Workers in a row that never became ready, after which waiting tasks are refused.
_MAX_BAD_STARTS = 3
_BACKOFF_SECONDS = 0.2
# Bytes that wrapping a task in a frame may add.
_FRAME_MARGIN = 64


@dataclass(eq=False, slots=True)
class _Pending:
    """A task that somebody awaits."""

    task: link_pb2.Task
    done: asyncio.Future[link_pb2.TaskDone]
    follow: Follow | None = None
    deaths: int = 0


@dataclass(eq=False, slots=True)
class _Post:
    """A post worker and what it has in hand, by id."""

    process: WorkerProcess
    in_hand: dict[int, _Pending] = field(default_factory=dict)
    overdue: dict[int, asyncio.TimerHandle] = field(default_factory=dict)

    def takes(self, pending: _Pending, limit: int) -> bool:
        """Whether the task may be handed over now."""
        if self.process.state is not WorkerState.READY:
            return False
        if pending.deaths:
            return not self.in_hand
        return len(self.in_hand) < limit and not any(other.deaths for other in self.in_hand.values())


class PostPool:
    """Starts post workers as they are needed and hands tasks to them, first come first served."""

    def __init__(
        self,
        settings: WorkerSettings,
        configure: link_pb2.Configure,
        spawn: Callable[[WorkerProcess], None],
        title: str = "post",
    ) -> None:
        self._settings = settings
        self._title = title
        self._configure = configure
        self._spawn = spawn
        self._log = structlog.get_logger("bullpend.workers")
        self._size = settings.pool_size()
        self._ids = count(1)
        self._names = count(1)
        self._posts: list[_Post] = []
        self._waiting: deque[_Pending] = deque()
        self._sheets: deque[_Pending] = deque()
        self._bad_starts = 0
        self._retry: asyncio.TimerHandle | None = None
        self._closed = False
        self._first_ready: asyncio.Future[None] | None = None

    def statuses(self) -> list[WorkerStatus]:
        """The post workers as they are now."""
        return [post.process.status() for post in self._posts]

    def processes(self) -> list[WorkerProcess]:
        """The worker processes themselves."""
        return [post.process for post in self._posts]

    async def start(self) -> None:
        """Starts all post workers and waits until one is ready. Raises WorkerLost where none can be."""
        if any(post.process.state is WorkerState.READY for post in self._posts):
            return
        if self._first_ready is None:
            self._first_ready = asyncio.get_running_loop().create_future()
        while len(self._posts) < self._size:
            self._start_one()
        await asyncio.shield(self._first_ready)

    async def run(self, task: link_pb2.Task, follow: Follow | None = None) -> link_pb2.TaskDone:
        """Has a task done; `follow` is told how far it is. Whoever stops waiting for it stops it.

        Raises the worker's typed error, WorkerLost, or ShuttingDown.
        """
        if self._closed:
            raise errors.ShuttingDown("The daemon is stopping; the task was not begun.")
        own = link_pb2.Task()
        own.CopyFrom(task)
        own.id = next(self._ids)
        if own.ByteSize() > MAX_FRAME_BYTES - _FRAME_MARGIN:
            raise errors.LimitExceeded(f"A task of {own.ByteSize()} bytes is too large for a worker.")
        pending = _Pending(own, asyncio.get_running_loop().create_future(), follow)
        self._queue(pending).append(pending)
        self._pump()
        try:
            return await pending.done
        except asyncio.CancelledError:
            self._cancel(own.id)
            raise

    def close(self) -> None:
        """Refuses what waits and what comes; the processes are ended by their owner."""
        self._closed = True
        if self._retry is not None:
            self._retry.cancel()
        error = errors.ShuttingDown("The daemon is stopping; the task was not finished.")
        self._tell_first(error)
        self._refuse_waiting(error)
        for post in self._posts:
            for task_id in list(post.in_hand):
                _refuse(self._take_back(post, task_id), error)

    # ---- handing over -----------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        """Hands waiting tasks over as far as it goes, and starts a worker where that is not far enough."""
        while queue := self._waiting or self._sheets:
            pending = queue[0]
            if pending.done.done():
                queue.popleft()
                continue
            free = [post for post in self._posts if post.takes(pending, self._settings.tasks_in_flight)]
            if not free:
                break
            queue.popleft()
            self._hand(min(free, key=lambda post: len(post.in_hand)), pending)
        starting = any(post.process.state is WorkerState.STARTING for post in self._posts)
        waiting = self._waiting or self._sheets
        if waiting and not starting and self._retry is None and len(self._posts) < self._size:
            self._start_one()

    def _hand(self, post: _Post, pending: _Pending) -> None:
        task = pending.task
        post.in_hand[task.id] = pending
        seconds = self._settings.task_seconds
        post.overdue[task.id] = asyncio.get_running_loop().call_later(
            seconds, post.process.kill, f"took longer than {seconds:g} s over one task"
        )
        post.process.send(link_pb2.ToWorker(task=task))

    def _cancel(self, task_id: int) -> None:
        """Stops a task that a worker has in hand; one that waits is passed over when its turn comes."""
        for post in self._posts:
            if task_id in post.in_hand:
                post.process.send(link_pb2.ToWorker(cancel_task=link_pb2.CancelTask(id=task_id)))

    def _take_back(self, post: _Post, task_id: int) -> _Pending | None:
        timer = post.overdue.pop(task_id, None)
        if timer is not None:
            timer.cancel()
        return post.in_hand.pop(task_id, None)

    # ---- workers ----------------------------------------------------------------------------------------------------

    def _start_one(self) -> None:
        process = WorkerProcess(f"{self._title}-{next(self._names)}", self._settings, self._configure, self._heard)
        self._posts.append(_Post(process))
        self._spawn(process)

    def _heard(self, process: WorkerProcess, frame: link_pb2.FromWorker | Lost) -> None:
        post = next(post for post in self._posts if post.process is process)
        if isinstance(frame, Lost):
            self._lost(post, frame.reason)
            return
        match frame.WhichOneof("body"):
            case "ready":
                self._bad_starts = 0
                self._tell_first(None)
            case "task_done":
                pending = self._take_back(post, frame.task_done.id)
                if pending is not None and not pending.done.done():
                    pending.done.set_result(frame.task_done)
            case "task_progress":
                known = post.in_hand.get(frame.task_progress.id)
                if known is not None and known.follow is not None and not known.done.done():
                    known.follow(frame.task_progress)
                return
            case "task_failed":
                pending = self._take_back(post, frame.task_failed.id)
                failure = frame.task_failed.failure
                if pending is not None and not pending.done.done():
                    error = errors.from_failure(failure.reason, failure.message, failure.remedy, failure.step)
                    pending.done.set_exception(error)
            case _:
                return
        self._pump()

    def _lost(self, post: _Post, reason: str) -> None:
        self._posts.remove(post)
        for task_id, pending in reversed(list(post.in_hand.items())):
            self._take_back(post, task_id)
            pending.deaths += 1
            if pending.deaths < _MAX_DEATHS:
                self._queue(pending).appendleft(pending)
            elif not pending.done.done():
                pending.done.set_exception(
                    errors.WorkerLost(f"{pending.deaths} post workers were lost over this task; the last one {reason}.")
                )
        if self._closed:
            return
        if post.process.ready is None:
            self._bad_start(reason)
        self._pump()

    def _bad_start(self, reason: str) -> None:
        """A worker that never became ready: try again later, and after some in a row give up what waits."""
        self._bad_starts += 1
        if any(other.process.state is WorkerState.READY for other in self._posts):
            return
        if self._bad_starts >= _MAX_BAD_STARTS:
            self._bad_starts = 0
            error = errors.WorkerLost(
                f"The post worker {reason}.", remedy="Run `bullpen doctor`; the daemon's log has the worker's lines."
            )
            self._tell_first(error)
            self._refuse_waiting(error)
        elif self._retry is None:
            wait = _BACKOFF_SECONDS * 2 ** (self._bad_starts - 1)
            self._retry = asyncio.get_running_loop().call_later(wait, self._try_again)

    def _try_again(self) -> None:
        self._retry = None
        if self._first_ready is not None and not self._posts:
            self._start_one()
        self._pump()

    def _tell_first(self, error: errors.BullpenError | None) -> None:
        waiter, self._first_ready = self._first_ready, None
        if waiter is None or waiter.done():
            return
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(_same(error))
            # Whoever waited may have been canceled meanwhile; then nobody reads it.
            waiter.exception()

    def _refuse_waiting(self, error: errors.BullpenError) -> None:
        while queue := self._waiting or self._sheets:
            _refuse(queue.popleft(), error)

    def _queue(self, pending: _Pending) -> deque[_Pending]:
        return self._sheets if pending.task.HasField("contact_sheet") else self._waiting


def _same(error: errors.BullpenError) -> errors.BullpenError:
    """An error of its own for each wait: one exception raised in two places would mix their traces."""
    return type(error)(error.message, remedy=error.remedy)


def _refuse(pending: _Pending | None, error: errors.BullpenError) -> None:
    if pending is not None and not pending.done.done():
        pending.done.set_exception(_same(error))
