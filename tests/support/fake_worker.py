"""A worker that does what its first argument says, in the framing of the private link. It imports no model library.

    python fake_worker.py BEHAVIOUR

Behaviours: `good` answers everything; `silent` is ready, then gives no heartbeat; `never-ready`; `exit-at-once`;
`garbage` writes bytes that are no frame; `huge` announces a frame over the limit; `flood` writes a lot to standard
error, then behaves; `deaf` is ready and reads no more; `stalled` beats without progress; `crash` kills itself on the
first job or task; `stubborn` ignores CancelJob and Quit; `closes` shuts its standard output and stays; `early` speaks
before Ready.

A task's title or path may ask for more: one that contains `die` kills the worker, `fail` is answered by TaskFailed,
`slow` is kept until a task that contains `release` comes, or its CancelTask; `slow progress` tells that it is half way.
A job ends when its CancelJob comes, or at once if its
prompt does not contain `wait`.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from struct import pack, unpack
from typing import BinaryIO

from bullpen_api.worker.v1 import link_pb2

_lock = threading.Lock()


def _read(stream: BinaryIO) -> link_pb2.ToWorker | None:
    head = stream.read(4)
    if len(head) < 4:
        return None
    (length,) = unpack(">I", head)
    return link_pb2.ToWorker.FromString(stream.read(length))


def _write(stream: BinaryIO, **body: object) -> None:
    payload = link_pb2.FromWorker(**body).SerializeToString()  # type: ignore[arg-type]
    with _lock:
        stream.write(pack(">I", len(payload)) + payload)
        stream.flush()


def _heartbeats(stream: BinaryIO, seconds: float, step: int) -> None:
    never = threading.Event()
    beats = 0
    while not never.wait(seconds):
        beats += step
        _write(stream, heartbeat=link_pb2.Heartbeat(memory_used_bytes=1, resident_bytes=2, progress=beats))


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class _Fake:
    def __init__(self, behaviour: str, source: BinaryIO, sink: BinaryIO) -> None:
        self.behaviour = behaviour
        self.source = source
        self.sink = sink
        self.kept: list[link_pb2.Task] = []

    def run(self) -> int:
        if self.behaviour == "exit-at-once":
            sys.stderr.write("ModuleNotFoundError: No module named 'engine'\n")
            return 3
        first = _read(self.source)
        if first is None or not first.HasField("configure"):
            return 4
        if self.behaviour == "garbage":
            self.sink.write(b"\x00\x00\x00\x05hello, I am no protobuf")
            self.sink.flush()
        elif self.behaviour == "huge":
            self.sink.write(b"\x7f\xff\xff\xff")
            self.sink.flush()
        elif self.behaviour == "early":
            _write(self.sink, model_loaded=link_pb2.ModelLoaded(model="models/x"))
        elif self.behaviour == "flood":
            sys.stderr.write("".join(f"line {number}\n" for number in range(5000)) + "x" * 100_000 + "\n")
            sys.stderr.flush()
        if self.behaviour in ("garbage", "huge", "early", "never-ready"):
            return self._until_end()
        ready = link_pb2.Ready(pid=os.getpid(), engine=first.configure.engine, device_title="a pretence")
        _write(self.sink, ready=ready)
        if self.behaviour == "closes":
            os.close(self.sink.fileno())
            return self._until_end()
        if self.behaviour == "deaf":
            threading.Event().wait()
        if self.behaviour != "silent":
            every = first.configure.heartbeat_seconds
            threading.Thread(
                target=_heartbeats, args=(self.sink, every, self.behaviour != "stalled"), daemon=True
            ).start()
        while (frame := _read(self.source)) is not None:
            if not self._answer(frame):
                return 0
        if self.behaviour == "stubborn":
            threading.Event().wait()
        return 0

    def _until_end(self) -> int:
        while _read(self.source) is not None:
            pass
        return 0

    def _answer(self, frame: link_pb2.ToWorker) -> bool:
        match frame.WhichOneof("body"):
            case "quit":
                return self.behaviour == "stubborn"
            case "run_job":
                if self.behaviour == "crash":
                    _die()
                job = frame.run_job
                _write(self.sink, model_loaded=link_pb2.ModelLoaded(model=job.model.name, size_bytes=7))
                if "wait" not in job.prompt:
                    self._end(job.job, job.attempt, link_pb2.JobEnded.OUTCOME_SUCCEEDED)
            case "cancel_job":
                if self.behaviour != "stubborn":
                    cancel = frame.cancel_job
                    self._end(cancel.job, cancel.attempt, link_pb2.JobEnded.OUTCOME_CANCELED)
            case "unload_model":
                _write(self.sink, model_unloaded=link_pb2.ModelUnloaded(model=frame.unload_model.model))
            case "task":
                self._task(frame.task)
            case "cancel_task":
                self.kept = [task for task in self.kept if task.id != frame.cancel_task.id]
                failure = link_pb2.Failure(reason="STATE_CONFLICT", message="It was stopped.")
                _write(self.sink, task_failed=link_pb2.TaskFailed(id=frame.cancel_task.id, failure=failure))
        return True

    def _end(self, job: str, attempt: int, outcome: link_pb2.JobEnded.Outcome.ValueType) -> None:
        _write(self.sink, job_ended=link_pb2.JobEnded(job=job, attempt=attempt, outcome=outcome))

    def _task(self, task: link_pb2.Task) -> None:
        wish = task.contact_sheet.title + task.import_picture.path
        if self.behaviour == "crash" or "die" in wish:
            _die()
        if "fail" in wish:
            failure = link_pb2.Failure(reason="PICTURE_UNREADABLE", message="It is no picture.", remedy="Give one.")
            _write(self.sink, task_failed=link_pb2.TaskFailed(id=task.id, failure=failure))
            return
        if "slow" in wish:
            self.kept.append(task)
            if "progress" in wish:
                _write(self.sink, task_progress=link_pb2.TaskProgress(id=task.id, step="half", share=0.5))
            return
        if "release" in wish:
            for kept in self.kept:
                self._done(kept)
            self.kept.clear()
        self._done(task)

    def _done(self, task: link_pb2.Task) -> None:
        written = link_pb2.SheetWritten(path=str(os.getpid()), width=1, height=1)
        _write(self.sink, task_done=link_pb2.TaskDone(id=task.id, sheet_written=written))


if __name__ == "__main__":
    sys.exit(_Fake(sys.argv[1], sys.stdin.buffer, sys.stdout.buffer).run())
