"""One worker process: started by exec, spoken to in frames over its pipes, watched, and its end told once.

All of it runs in callbacks on the event loop that started it: a single writer, no tasks, no locks. The state moves
only by the table in model.py. The pipe ends are not inheritable, so a worker sees the end of its standard input as
soon as the daemon is gone, however it went.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import cast

import structlog
from bullpen_api.worker.v1 import link_pb2
from google.protobuf.message import DecodeError

from bullpend.workers.frames import FrameError, FrameReader, encode
from bullpend.workers.launch import exit_words, worker_environment
from bullpend.workers.model import Lost, WorkerEvent, WorkerSettings, WorkerState, WorkerStatus, advance
from bullpend.workers.spawn import spawn
from bullpend.workers.stderr import StderrLines

# Seconds in which what a dead worker wrote last may still arrive.
_DRAIN_SECONDS = 0.25
# Seconds that a worker may live on after closing one of its pipes.
_CLOSED_SECONDS = 1.0
# A late heartbeat is looked for once more after this long: it may lie unread because the daemon itself stood still.
_SECOND_LOOK_SECONDS = 1.0
_LEVELS = frozenset({"debug", "info", "warning", "error"})

Heard = Callable[["WorkerProcess", "link_pb2.FromWorker | Lost"], None]


class WorkerProcess(asyncio.SubprocessProtocol):
    """A worker from its start to its end. `heard` gets every frame except log lines, and Lost as the last thing."""

    def __init__(self, name: str, settings: WorkerSettings, configure: link_pb2.Configure, heard: Heard) -> None:
        self.name = name
        self.state = WorkerState.STARTING
        self.ready: link_pb2.Ready | None = None
        self.pid = 0
        self._settings = settings
        self._configure = configure
        self._heard = heard
        self._log = structlog.get_logger("bullpend.workers").bind(worker=name)
        self._loop = asyncio.get_running_loop()
        self._gone: asyncio.Future[None] = self._loop.create_future()
        self._started_at = self._heard_at = self._loop.time()
        self._reader = FrameReader()
        self._stderr = StderrLines(lambda line: self._log.warning("worker_stderr", line=line))
        self._heartbeat: link_pb2.Heartbeat | None = None
        # Jobs that were sent and have not ended, and when the device was last seen to finish something.
        self._jobs: set[tuple[str, int]] = set()
        self._moved_at = self._started_at
        self._why = ""
        self._exited = False
        self._transport: asyncio.SubprocessTransport | None = None
        self._stdin: asyncio.WriteTransport | None = None
        self._timers: dict[str, asyncio.TimerHandle] = {}

    # ---- what others may do with it ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """Starts the process and sends its configuration. Where that cannot be, Lost is heard instead."""
        if self.state is not WorkerState.STARTING:
            # It was given up before its turn came.
            self._finish()
            return
        try:
            # A session of its own: the terminal's Ctrl-C is for the daemon, which ends its workers itself.
            await spawn(self, self._settings.command, worker_environment(os.environ))
        except OSError as error:
            self._why = f"could not be started: {error}"
            self._finish()
            return
        self.send(link_pb2.ToWorker(configure=self._configure))

    def send(self, frame: link_pb2.ToWorker) -> bool:
        """Hands a frame over without waiting; False where the worker is ending. Raises FrameError for one too large."""
        if self.state not in (WorkerState.STARTING, WorkerState.READY) or self._stdin is None or self._exited:
            return False
        if self._stdin.is_closing():
            # Its end of the pipe is closed, and the word that it ended is on its way.
            return False
        self._stdin.write(encode(frame))
        if frame.HasField("run_job"):
            self._jobs.add((frame.run_job.job, frame.run_job.attempt))
            self._moved_at = self._loop.time()
        if self._stdin.get_write_buffer_size() > self._settings.max_unsent_bytes:
            self.kill("does not read what it is sent")
        return True

    def quit(self) -> None:
        """Asks the worker to exit at once, and closes its standard input."""
        if self.state is WorkerState.DEAD:
            return
        self.send(link_pb2.ToWorker(quit=link_pb2.Quit()))
        self._why = self._why or "was told to quit"
        self.state = advance(self.state, WorkerEvent.STOPPED)
        if self._stdin is not None:
            self._stdin.close()

    def kill(self, reason: str) -> None:
        """Kills the worker and what it started. The first reason given is the one that is told."""
        if self.state is WorkerState.DEAD:
            return
        self._why = self._why or reason
        self.state = advance(self.state, WorkerEvent.STOPPED)
        self._signal_kill()

    def _signal_kill(self) -> None:
        if self._exited or not self.pid:
            return
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self.pid, signal.SIGKILL)
            elif self._transport is not None:
                self._transport.kill()

    async def gone(self) -> None:
        """Waits until the process has ended and Lost was heard."""
        await asyncio.shield(self._gone)

    def status(self) -> WorkerStatus:
        """The worker as it is now."""
        return WorkerStatus(
            pid=self.pid,
            state=self.state,
            uptime_seconds=self._loop.time() - self._started_at,
            ready=self.ready,
            heartbeat=self._heartbeat,
        )

    # ---- what the event loop tells ----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The process exists."""
        self._transport = cast(asyncio.SubprocessTransport, transport)
        self._stdin = cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0))
        self.pid = self._transport.get_pid()
        self._heard_at = self._loop.time()
        self._timer("watch", self._settings.ready_seconds, self._watch_ready)
        if self.state is WorkerState.STOPPING:
            # It was given up while it was being started.
            self._signal_kill()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Bytes on standard output are frames, on standard error lines for the log."""
        if fd == 2:
            self._stderr.feed(data, self._loop.time())
            return
        if self.state is WorkerState.DEAD:
            return
        try:
            for payload in self._reader.feed(data):
                self._frame(link_pb2.FromWorker.FromString(payload))
        except (FrameError, DecodeError) as error:
            self.kill(f"sent something that is no frame: {error}")

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """A pipe was closed, usually because the process ended; if it did not, it has a moment to."""
        if fd == 2:
            self._stderr.close(self._loop.time())
        elif self._exited:
            if fd == 1:
                self._finish()
        elif self.state is not WorkerState.DEAD:
            side = "input" if fd == 0 else "output"
            self._timer("closed", _CLOSED_SECONDS, lambda: self.kill(f"closed its standard {side} and stayed"))

    def process_exited(self) -> None:
        """The process ended; its last frames may still be on their way."""
        self._exited = True
        self._timer("drain", _DRAIN_SECONDS, self._finish)

    def connection_lost(self, exc: Exception | None) -> None:
        """The process ended and all its pipes are read."""
        self._finish()

    # ---- what follows from it ---------------------------------------------------------------------------------------

    def _frame(self, frame: link_pb2.FromWorker) -> None:
        self._heard_at = self._loop.time()
        match frame.WhichOneof("body"):
            case "log":
                self._log_line(frame.log)
                return
            case "heartbeat":
                self._beat(frame.heartbeat)
            case "job_ended":
                self._jobs.discard((frame.job_ended.job, frame.job_ended.attempt))
            case "ready":
                if self.state is WorkerState.READY:
                    self.kill("said twice that it is ready")
                    return
                self.state = advance(self.state, WorkerEvent.ANSWERED)
                self.ready = frame.ready
                self._timer("watch", self._settings.hung_seconds, self._watch_heartbeat)
            case None:
                self.kill("sent an empty frame")
                return
        if self.state is not WorkerState.STARTING or frame.HasField("heartbeat"):
            self._heard(self, frame)
        else:
            self.kill("spoke before it was ready")

    def _beat(self, heartbeat: link_pb2.Heartbeat) -> None:
        """A heart that beats over a device that finishes nothing is a hang all the same."""
        before, self._heartbeat = self._heartbeat, heartbeat
        if not self._jobs or before is None or before.progress != heartbeat.progress:
            self._moved_at = self._heard_at
        elif self._heard_at - self._moved_at >= self._settings.stalled_seconds:
            self.kill(
                f"hung: its heart beats, but the device finished nothing for {self._settings.stalled_seconds:g} s"
            )

    def _log_line(self, line: link_pb2.Log) -> None:
        level = line.level if line.level in _LEVELS else "info"
        fields = {key: value for key, value in line.fields.items() if key not in ("event", "worker")}
        getattr(self._log, level)(line.event, **fields)

    def _watch_ready(self) -> None:
        self.kill(f"was not ready within {self._settings.ready_seconds:g} s")

    def _watch_heartbeat(self) -> None:
        silent = self._loop.time() - self._heard_at
        if silent < self._settings.hung_seconds:
            self._timer("watch", self._settings.hung_seconds - silent, self._watch_heartbeat)
        else:
            self._timer("watch", _SECOND_LOOK_SECONDS, self._second_look)

    def _second_look(self) -> None:
        if self._loop.time() - self._heard_at < self._settings.hung_seconds:
            self._watch_heartbeat()
        else:
            self.kill(f"hung: no heartbeat for {self._settings.hung_seconds:g} s")

    def _timer(self, name: str, seconds: float, then: Callable[[], None]) -> None:
        if (old := self._timers.get(name)) is not None:
            old.cancel()
        self._timers[name] = self._loop.call_later(seconds, then)

    def _finish(self) -> None:
        if self.state is WorkerState.DEAD:
            return
        for timer in self._timers.values():
            timer.cancel()
        self._stderr.close(self._loop.time())
        status = None if self._transport is None else self._transport.get_returncode()
        reason = self._why or exit_words(0 if status is None else status, self._stderr.last)
        self.state = advance(self.state, WorkerEvent.EXITED)
        if self._transport is not None:
            self._transport.close()
        self._log.info("worker_gone", pid=self.pid, reason=reason)
        self._gone.set_result(None)
        self._heard(self, Lost(reason))
