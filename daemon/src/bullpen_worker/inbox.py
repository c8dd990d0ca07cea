"""What the daemon asked of a device worker and the device thread has not taken up yet.

The reader thread delivers; the device thread takes commands one by one and, between two denoising steps, what concerns
the job under way. Order is kept, but for cancels and changes: those reach their job wherever it stands in the line.
"""

from __future__ import annotations

from collections import deque
from queue import SimpleQueue

from bullpen_api.worker.v1 import link_pb2

JobKey = tuple[str, int]


class Inbox:
    """Commands for the device thread. `deliver` may be called from any thread, the rest from the device thread."""

    def __init__(self) -> None:
        self._arrivals: SimpleQueue[link_pb2.ToWorker] = SimpleQueue()
        self._line: deque[link_pb2.ToWorker] = deque()
        self._waiting: set[JobKey] = set()
        self._canceled: set[JobKey] = set()
        self._changes: dict[JobKey, list[link_pb2.TuneJob]] = {}

    def deliver(self, message: link_pb2.ToWorker) -> None:
        """Puts a message at the end of the line."""
        self._arrivals.put(message)

    def take(self) -> link_pb2.ToWorker:
        """The next command; waits for one. A job that is taken counts as under way until `finish`."""
        message = self._line.popleft() if self._line else self._arrivals.get()
        if message.WhichOneof("body") == "run_job":
            key = (message.run_job.job, message.run_job.attempt)
            self._waiting.add(key)
        return message

    def canceled(self, key: JobKey) -> bool:
        """Reads what arrived, and says whether the job is to stop."""
        if self._arrivals.qsize():
            self._drain()
        return key in self._canceled

    def changes(self, key: JobKey) -> list[link_pb2.TuneJob]:
        """The changes of parameters asked for since the last call, oldest first."""
        return self._changes.pop(key, []) if self._changes else []

    def finish(self, key: JobKey) -> None:
        """Forgets a job that has ended."""
        self._waiting.discard(key)
        self._canceled.discard(key)
        self._changes.pop(key, None)

    def _drain(self) -> None:
        while self._arrivals.qsize():
            message = self._arrivals.get()
            body = message.WhichOneof("body")
            if body == "cancel_job":
                key = (message.cancel_job.job, message.cancel_job.attempt)
                if key in self._waiting:
                    self._canceled.add(key)
            elif body == "tune_job":
                key = (message.tune_job.job, message.tune_job.attempt)
                if key in self._waiting:
                    self._changes.setdefault(key, []).append(message.tune_job)
            else:
                if body == "run_job":
                    self._waiting.add((message.run_job.job, message.run_job.attempt))
                self._line.append(message)
