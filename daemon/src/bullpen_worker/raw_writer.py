"""Raw pictures on their way to the disk, and what has to be said after them: on a thread of its own.

The device thread hands over a picture and goes on; it waits only where `_MOST` pictures are still to be written, so
that a slow disk cannot fill the memory. Order is kept: the end of a job is said after its last picture is.
"""

from __future__ import annotations

import itertools
import os
import queue
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from bullpen_api.worker.v1 import link_pb2

from bullpen_worker.failpoints import reach
from bullpen_worker.failures import WorkerError
from bullpen_worker.inbox import JobKey
from bullpen_worker.reports import Reports

_MOST = 2


@dataclass(frozen=True, slots=True)
class _Finished:
    frame: link_pb2.CandidateReady
    folder: str
    rgb: bytes


class RawWriter:
    """Writes pictures and says that they are there. `put`, `end` and `settle` are for the device thread."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports
        self._files = itertools.count(1)
        self._waiting: queue.Queue[_Finished | link_pb2.JobEnded] = queue.Queue(_MOST)
        self._failed: dict[JobKey, WorkerError] = {}
        self._broken: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="raw-writer", daemon=True)
        self._thread.start()

    def put(self, frame: link_pb2.CandidateReady, folder: str, rgb: bytes) -> None:
        """Hands over a picture; its path is put into the frame, which is then sent. Raises WorkerError where an earlier
        picture of the job could not be written, and OSError when the daemon no longer reads.
        """
        self._check()
        failure = self._failed.get((frame.job, frame.attempt))
        if failure is not None:
            raise failure
        self._waiting.put(_Finished(frame, folder, rgb))

    def end(self, frame: link_pb2.JobEnded) -> None:
        """Says after all its pictures how a job ended: failed where one of them could not be written."""
        self._check()
        self._waiting.put(frame)

    def settle(self) -> None:
        """Waits until everything that was handed over is said. Raises OSError when the daemon no longer reads."""
        self._waiting.join()
        self._check()

    def _check(self) -> None:
        if self._broken is not None:
            raise self._broken

    def _run(self) -> None:
        while True:
            task = self._waiting.get()
            try:
                if self._broken is None:
                    self._do(task)
            except OSError as error:
                # Only the link is left to fail here; the reader's thread ends the process when the daemon is gone.
                self._broken = error
            finally:
                self._waiting.task_done()

    def _do(self, task: _Finished | link_pb2.JobEnded) -> None:
        if isinstance(task, link_pb2.JobEnded):
            failure = self._failed.pop((task.job, task.attempt), None)
            if failure is not None and task.outcome != link_pb2.JobEnded.OUTCOME_CANCELED:
                task.outcome = link_pb2.JobEnded.OUTCOME_FAILED
                task.failure.CopyFrom(failure.to_link())
            self._reports.send(link_pb2.FromWorker(job_ended=task))
            return
        key = (task.frame.job, task.frame.attempt)
        if key in self._failed:
            return
        try:
            task.frame.raw_path = self._write(task.folder, task.rgb)
        except Exception as error:  # noqa: BLE001 - whatever hinders a picture fails its job, in words
            self._failed[key] = self._reports.failure(error, "picture_not_written", job=task.frame.job)
            return
        self._reports.send(link_pb2.FromWorker(candidate_ready=task.frame))

    def _write(self, folder: str, rgb: bytes) -> str:
        path = Path(folder, f"{os.getpid()}-{time.time_ns():x}-{next(self._files)}.rgb")
        try:
            path.write_bytes(rgb)
            reach("raw.written")
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return str(path)
