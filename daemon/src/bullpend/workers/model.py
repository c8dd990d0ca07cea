"""What is said about devices and worker processes: settings, states and their table, events."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from bullpen_api.worker.v1 import link_pb2


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """Something that can compute. `name` is `devices/{id}`; `address` is what the engine calls it, such as `cuda:0`."""

    name: str
    kind: str
    address: str
    title: str
    # `torch`, `llama` or `scripted`.
    engine: str
    # Why it was chosen.
    reason: str
    # 0 where it is not known before the worker says so.
    memory_total_bytes: int = 0


class InProcess(Protocol):
    """What does a device's work inside this process, where there is nothing to compute here: a provider does it."""

    def start(self, device: str) -> None:
        """Says Ready."""
        ...

    def send(self, device: str, frame: link_pb2.ToWorker) -> bool:
        """Takes a frame without waiting."""
        ...

    def kill(self, device: str, reason: str) -> None:
        """Gives up what runs there, and says Lost."""
        ...


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """The numbers of the workers room."""

    # Program and arguments of a worker; -P keeps the current folder out of its imports.
    command: tuple[str, ...] = (sys.executable, "-P", "-m", "bullpen_worker")
    # Seconds from start to Ready; importing torch on a cold disk takes long.
    ready_seconds: float = 120.0
    heartbeat_seconds: float = 1.0
    # Seconds without a heartbeat after which a worker is killed.
    hung_seconds: float = 15.0
    # Seconds that a device may work on a job without finishing anything, though its heart beats: longer than the
    # longest step and the longest loading of a model.
    stalled_seconds: float = 600.0
    # Seconds that one task of a post worker may take.
    task_seconds: float = 120.0
    # 0 chooses by the number of cores.
    post_workers: int = 0
    # Tasks that one post worker is handed at a time.
    tasks_in_flight: int = 4
    # Threads per worker; 0 leaves the library's choice.
    threads: int = 0
    max_pixels: int = 0
    # Bytes of a device's memory that models and their work may take; 0 is all of it.
    memory_limit_bytes: int = 0
    # Of language models: layers that go to a GPU, negative for as many as fit; tokens of a window, 0 for the model's.
    gpu_layers: int = -1
    context_tokens: int = 0
    # The same as `stalled_seconds` where words are made: loading tells how far it is, and a word takes a moment.
    speechless_seconds: float = 120.0
    # Bytes that may wait for a worker that does not read; beyond, it is killed.
    max_unsent_bytes: int = 32 * 1024 * 1024

    def pool_size(self) -> int:
        """Post workers to be run: one on up to two cores, then one for each two cores, four at most."""
        return self.post_workers or max(1, min(4, (os.cpu_count() or 1) // 2))


class WorkerState(Enum):
    """Where a worker process is in its one life."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    DEAD = "dead"


class WorkerEvent(Enum):
    """What moves a worker process on."""

    ANSWERED = "answered"
    STOPPED = "stopped"
    EXITED = "exited"


# Every pair is here or is refused. A worker that is being stopped may still answer; that no longer matters.
TRANSITIONS: dict[tuple[WorkerState, WorkerEvent], WorkerState] = {
    (WorkerState.STARTING, WorkerEvent.ANSWERED): WorkerState.READY,
    (WorkerState.STARTING, WorkerEvent.STOPPED): WorkerState.STOPPING,
    (WorkerState.STARTING, WorkerEvent.EXITED): WorkerState.DEAD,
    (WorkerState.READY, WorkerEvent.STOPPED): WorkerState.STOPPING,
    (WorkerState.READY, WorkerEvent.EXITED): WorkerState.DEAD,
    (WorkerState.STOPPING, WorkerEvent.ANSWERED): WorkerState.STOPPING,
    (WorkerState.STOPPING, WorkerEvent.STOPPED): WorkerState.STOPPING,
    (WorkerState.STOPPING, WorkerEvent.EXITED): WorkerState.DEAD,
}


class IllegalTransitionError(RuntimeError):
    """A worker was moved in a way that the table does not have."""


def advance(state: WorkerState, event: WorkerEvent) -> WorkerState:
    """The next state; raises IllegalTransitionError and changes nothing where the table has no such pair."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransitionError(f"a {state.value} worker cannot be {event.value}") from None


@dataclass(frozen=True, slots=True)
class Lost:
    """The last thing heard of a worker process: why it is gone, in words."""

    reason: str


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """A worker as it is shown: process id, state, seconds since it was started, last heartbeat if there was one."""

    pid: int
    state: WorkerState
    uptime_seconds: float
    ready: link_pb2.Ready | None
    heartbeat: link_pb2.Heartbeat | None
