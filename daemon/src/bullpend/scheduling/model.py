"""What the scheduler knows, hears and says: state, facts and commands, all immutable.

Facts are in the past tense and come from the world; commands are verbs and are carried out by the dispatcher in the
order given. Times are seconds of one clock that the caller chooses once (a monotonic one); the core has no clock.

A job's `attempt` counts its leases from 1 and is the fence: an answer that carries another attempt than the one that
runs is stale and changes nothing. `deaths` counts the attempts that ended because the worker was lost; only they make
a job suspicious, a daemon that was stopped does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from bullpend.scheduling.ordered import EMPTY, Ordered
from bullpend.scheduling.queue import NOTHING, LaneKey, Queue


@dataclass(frozen=True, slots=True)
class Policy:
    """The numbers of the policy; docs/scheduler.md says what each of them bounds."""

    # Worker deaths after which a job is held.
    max_attempts: int = 3
    # Leases of any kind after which a job is held: it may be what brings the daemon down.
    max_leases: int = 50
    # Places behind the head of the queue in which a warm job is looked for.
    look_ahead: int = 8
    # Times that one job may be overtaken by warm ones.
    max_overtakes: int = 8
    # Seconds that an unused model stays in memory.
    keep_alive_seconds: float = 300.0
    # Seconds that a worker has to stop a job before it is killed.
    stop_grace_seconds: float = 10.0
    # First wait before a lost worker is started again; doubles with each loss in a row.
    backoff_seconds: float = 0.5
    max_backoff_seconds: float = 60.0


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


# ---- state ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """A job as it is handed to the scheduler. `attempt` and `deaths` count what lies behind it, 0 for a new one."""

    job: str
    run: str
    project: str
    model: str
    # Higher runs first.
    priority: int = 0
    # Order of acceptance, unique; kept when the job goes back to the queue.
    seq: int = 0
    attempt: int = 0
    deaths: int = 0
    # Where it stands among the jobs of its project; None takes the order of acceptance.
    place: float | None = None
    # Somebody paused this very job.
    paused: bool = False
    # Denoising steps that it takes in all, for estimates.
    steps: int = 0
    # Seconds that its model stays in memory afterwards; None leaves that to the model.
    keep_alive: float | None = None

    def key(self) -> LaneKey:
        """Its place among the jobs of its project and priority."""
        return (float(self.seq) if self.place is None else self.place, self.seq, self.job)


class Phase(Enum):
    """Where an accepted job is until it is forgotten with its final state."""

    QUEUED = "queued"
    # Waits for somebody to resume it, its run, or both; it is not in the queue meanwhile.
    PAUSED = "paused"
    RUNNING = "running"
    # Asked to stop; the worker has not answered yet.
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class Entry:
    """A job in the scheduler's care. `attempt` is the lease that runs, or the last one while it is queued."""

    spec: QueuedJob
    phase: Phase = Phase.QUEUED
    attempt: int = 0
    deaths: int = 0
    overtaken: int = 0
    # It ran out of device memory once already.
    starved: bool = False
    device: str = ""
    # While it stops: it is only to wait again, not to end.
    pausing: bool = False


class DevicePhase(Enum):
    """What is known of a device's worker."""

    # No worker; one is started when there is work, not before `retry_at`.
    COLD = "cold"
    STARTING = "starting"
    READY = "ready"
    # Told to be killed; its loss is awaited.
    DYING = "dying"


@dataclass(frozen=True, slots=True)
class Resident:
    """A model in a device's memory. `last_used` is when its last job ended, or when it was loaded."""

    model: str
    size_bytes: int
    since: float
    last_used: float
    # UnloadModel was sent; the answer is awaited.
    leaving: bool = False
    # `whole`, `parts` or `pieces`, as bullpen.v1.Resident has it.
    placement: str = "whole"
    # What the last request that used it said; None where it said nothing.
    keep_alive: float | None = None


@dataclass(frozen=True, slots=True)
class Keeping:
    """What was set for a model: whether it is pinned, and its keep-alive in seconds, None for the policy's."""

    pinned: bool = False
    keep_alive: float | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A model that was asked for ahead of its jobs. `sent` says whether the worker knows."""

    keep_alive: float | None
    since: float
    sent: bool = False


@dataclass(frozen=True, slots=True)
class Device:
    """One device and its worker. `job` is the one that runs there, or empty."""

    device: str
    phase: DevicePhase = DevicePhase.COLD
    job: str = ""
    # When a job that was asked to stop makes the worker be killed.
    stop_by: float | None = None
    # Losses in a row without a job that ended in between.
    losses: int = 0
    retry_at: float = 0.0
    lost_reason: str = ""
    residents: Mapping[str, Resident] = field(default_factory=lambda: MappingProxyType({}))
    wanted: Mapping[str, Wanted] = field(default_factory=lambda: MappingProxyType({}))
    # The model that the worker was last told to read ahead.
    read_ahead: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """Everything that the scheduler knows. Devices are in order of preference."""

    policy: Policy = field(default_factory=Policy)
    jobs: Ordered[str, Entry] = field(default_factory=lambda: EMPTY)
    queue: Queue = field(default_factory=lambda: NOTHING)
    devices: Mapping[str, Device] = field(default_factory=lambda: MappingProxyType({}))
    draining: bool = False
    # Nothing is begun until somebody resumes the queue.
    paused: bool = False
    # Runs whose jobs wait until somebody resumes them.
    paused_runs: frozenset[str] = frozenset()
    # By model; those that nothing was set for are not in it.
    keepings: Mapping[str, Keeping] = field(default_factory=lambda: MappingProxyType({}))


# ---- facts ----------------------------------------------------------------------------------------------------------


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
    | Tick
    | Draining
)


# ---- commands -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StartWorker:
    """Start the device's worker; answered by DeviceReady or DeviceLost."""

    device: str


@dataclass(frozen=True, slots=True)
class KillWorker:
    """Kill the device's worker now; answered by DeviceLost."""

    device: str
    reason: str


@dataclass(frozen=True, slots=True)
class StartJob:
    """Write the lease (job, attempt, device), then send the job to the device's worker. Answered by JobEnded,
    DeviceLost or LeaseRefused.
    """

    job: str
    attempt: int
    device: str
    model: str


@dataclass(frozen=True, slots=True)
class StopJob:
    """Ask the worker to stop the attempt; said once."""

    job: str
    attempt: int
    device: str


@dataclass(frozen=True, slots=True)
class UnloadModel:
    """Ask the worker to free a model's memory; answered by ModelUnloaded."""

    device: str
    model: str


@dataclass(frozen=True, slots=True)
class LoadModel:
    """Have the worker load a model; answered by ModelLoaded or ModelFailed."""

    device: str
    model: str


@dataclass(frozen=True, slots=True)
class ReadAhead:
    """Have the worker bring a model's files into the page cache; not answered."""

    device: str
    model: str


@dataclass(frozen=True, slots=True)
class RequeueJob:
    """Write that the job waits again. `attempt` is the lease that ended, `deaths` the new count to be stored."""

    job: str
    attempt: int
    deaths: int
    reason: str


@dataclass(frozen=True, slots=True)
class SucceedJob:
    """Final: every candidate of the attempt was made."""

    job: str
    attempt: int


@dataclass(frozen=True, slots=True)
class FailJob:
    """Final: the engine refused or failed, and would again."""

    job: str
    attempt: int
    failure: Failure


@dataclass(frozen=True, slots=True)
class CancelJob:
    """Final: canceled. `attempt` is 0 where the job never ran."""

    job: str
    attempt: int


@dataclass(frozen=True, slots=True)
class HoldJob:
    """Final until somebody retries it: too many attempts were lost."""

    job: str
    attempt: int
    failure: Failure


Command = (
    StartWorker
    | KillWorker
    | StartJob
    | StopJob
    | UnloadModel
    | LoadModel
    | ReadAhead
    | RequeueJob
    | SucceedJob
    | FailJob
    | CancelJob
    | HoldJob
)
