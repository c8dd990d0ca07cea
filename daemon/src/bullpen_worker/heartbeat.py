"""The sign of life: memory figures and a counter of finished things, sent by a thread of its own.

A worker whose heartbeats come but whose counter stands still while it has work is hung; the daemon decides that.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from bullpen_api.worker.v1 import link_pb2

from bullpen_worker.link import FrameWriter


class Progress:
    """Counts finished things. Safe to count from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.count = 0

    def advance(self) -> None:
        """One more thing is finished."""
        with self._lock:
            self.count += 1


class Heartbeat:
    """Sends a Heartbeat frame at every beat, and one more on request."""

    def __init__(
        self,
        writer: FrameWriter,
        progress: Progress,
        seconds: float,
        memory_used: Callable[[], int],
        resident_bytes: Callable[[], int],
    ) -> None:
        self._writer = writer
        self._progress = progress
        self._seconds = seconds
        self._memory_used = memory_used
        self._resident_bytes = resident_bytes
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begins to beat; with `seconds` 0 or less there are beats on request only."""
        if self._seconds > 0:
            self._thread.start()

    def stop(self) -> None:
        """Ends the beats."""
        self._stopped.set()

    def beat(self) -> None:
        """Sends one heartbeat now. Raises OSError when the daemon is gone."""
        self._writer.send(
            link_pb2.FromWorker(
                heartbeat=link_pb2.Heartbeat(
                    memory_used_bytes=self._memory_used(),
                    resident_bytes=self._resident_bytes(),
                    progress=self._progress.count,
                )
            )
        )

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds):
            try:
                self.beat()
            except OSError:
                return
