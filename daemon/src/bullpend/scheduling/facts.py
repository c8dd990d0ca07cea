"""What the scheduler hears: facts in the past tense, from services, the dispatcher and the workers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bullpend.scheduling.state import Keeping, QueuedJob, Use


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something failed: `reason` is a bullpen.v1.ErrorReason without its prefix."""

    reason: str
    message: str
    remedy: str = ""


class Outcome(Enum):
    """How a worker says that a job ended."""

    SUCCEEDED = "succeeded"
    CANCELED = "canceled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class DeviceAdded:
    """A device may be used from now on; the first added is preferred."""

    device: str


@dataclass(frozen=True, slots=True)
class DeviceReady:
    """The device's worker answered its configuration."""

    device: str


@dataclass(frozen=True, slots=True)
class DeviceLost:
    """The device's worker is gone; `reason` is words for a person. Also said of one that could not be started."""

    device: str
    reason: str


@dataclass(frozen=True, slots=True)
class JobSubmitted:
    """A job was accepted durably, or found in the store when the daemon started."""

    job: QueuedJob


@dataclass(frozen=True, slots=True)
class JobCanceled:
    """Somebody asked to cancel a job; asking again changes nothing."""

    job: str


@dataclass(frozen=True, slots=True)
class LeaseRefused:
    """The store did not let the job start: it is final there already. The job is forgotten, the device is free."""

    job: str
    attempt: int


@dataclass(frozen=True, slots=True)
class JobEnded:
    """The worker is done with an attempt. `failure` is set where the outcome is FAILED."""

    job: str
    attempt: int
    device: str
    outcome: Outcome
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class ModelLoaded:
    device: str
    model: str
    size_bytes: int
    placement: str = "whole"


@dataclass(frozen=True, slots=True)
class ModelFailed:
    """A model could not be loaded."""

    device: str
    model: str


@dataclass(frozen=True, slots=True)
class LoadRequested:
    """Somebody wants a model in a device's memory, for `keep_alive` seconds without use; None leaves that open."""

    model: str
    device: str
    keep_alive: float | None


@dataclass(frozen=True, slots=True)
class KeepingChanged:
    """A model was pinned or let go of, or its keep-alive was set. Also said at the start of the daemon."""

    model: str
    keeping: Keeping


@dataclass(frozen=True, slots=True)
class ModelUnloaded:
    device: str
    model: str


@dataclass(frozen=True, slots=True)
class UnloadRequested:
    """Somebody asked to free a model's memory wherever it is not in use and not pinned; empty means any model, or any
    device.
    """

    model: str
    device: str = ""


@dataclass(frozen=True, slots=True)
class QueuePaused:
    """Nothing more is to begin. What runs may end, or with `now` goes back to the queue."""

    now: bool = False


@dataclass(frozen=True, slots=True)
class QueueResumed:
    """Work is to go on."""


@dataclass(frozen=True, slots=True)
class RunPaused:
    """The jobs of a run are to wait; those that run stop and go back. Also said at the start of the daemon."""

    run: str


@dataclass(frozen=True, slots=True)
class RunResumed:
    """The jobs of a run may begin, but for those that were paused themselves."""

    run: str


@dataclass(frozen=True, slots=True)
class JobPaused:
    """A job is to wait; if it runs, it stops and goes back."""

    job: str


@dataclass(frozen=True, slots=True)
class JobResumed:
    """A job may begin, unless its run is paused."""

    job: str


@dataclass(frozen=True, slots=True)
class JobMoved:
    """A job has another place or priority. With `next_turn` its project is the next one to be served."""

    job: str
    place: float | None
    priority: int
    next_turn: bool = False


@dataclass(frozen=True, slots=True)
class DeviceSwitched:
    """A device may be given something else from now on. What it must not run any more ends, or with `now` stops and
    waits again.
    """

    device: str
    use: Use
    now: bool = False


@dataclass(frozen=True, slots=True)
class JobBound:
    """A job may run on this device only; empty means on any. If it runs elsewhere, it stops and goes back."""

    job: str
    device: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passed; due at views.wake_at, harmless at any other time."""


@dataclass(frozen=True, slots=True)
class Draining:
    """The daemon is about to stop: nothing new is started, what runs may end."""


Fact = (
    DeviceAdded
    | DeviceReady
    | DeviceLost
    | JobSubmitted
    | JobCanceled
    | LeaseRefused
    | JobEnded
    | ModelLoaded
    | ModelUnloaded
    | ModelFailed
    | LoadRequested
    | KeepingChanged
    | UnloadRequested
    | QueuePaused
    | QueueResumed
    | RunPaused
    | RunResumed
    | JobPaused
    | JobResumed
    | JobMoved
    | JobBound
    | DeviceSwitched
    | Tick
    | Draining
)
