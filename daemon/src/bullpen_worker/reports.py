"""What a worker tells its daemon, one method for each kind of frame that more than one place sends."""

from __future__ import annotations

import traceback

from bullpen_api.worker.v1 import link_pb2

from bullpen_worker.failures import WorkerError, classify
from bullpen_worker.link import FrameWriter

# Enough for any traceback that helps, far below the limit of a frame.
_MAX_TRACEBACK_CHARACTERS = 16_000


class Reports:
    """Sends frames. Every method raises OSError when the daemon no longer reads."""

    def __init__(self, writer: FrameWriter) -> None:
        self._writer = writer

    def send(self, frame: link_pb2.FromWorker) -> None:
        """Sends a frame as it is."""
        self._writer.send(frame)

    def offer(self, frame: link_pb2.FromWorker) -> None:
        """Sends a frame that may be lost while the pipe is busy."""
        self._writer.offer(frame)

    def log(self, level: str, event: str, **fields: str) -> None:
        """Puts a line into the daemon's log."""
        self._writer.send(link_pb2.FromWorker(log=link_pb2.Log(level=level, event=event, fields=fields)))

    def failure(self, error: Exception, event: str, otherwise: str = "ENGINE_FAILED", **fields: str) -> WorkerError:
        """Classifies an exception and logs it. The traceback goes to the log alone, where it was not foreseen."""
        failure = classify(error, otherwise)
        if not isinstance(error, WorkerError):
            fields["traceback"] = "".join(traceback.format_exception(error))[-_MAX_TRACEBACK_CHARACTERS:]
        self.log("warning", event, reason=failure.reason, message=failure.message, remedy=failure.remedy, **fields)
        return failure
