"""What the scheduler knows: its policy, jobs, devices, and what is in their memory; all immutable.

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
    # The only device that may take it; empty where any in general use may.
    device: str = ""

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


class Use(Enum):
    """What a device may be given. The names are those of bullpen.v1.Device.Use."""

    # Whatever waits.
    ALL = "all"
    # Only jobs that somebody bound to it.
    BOUND = "bound"
    # Nothing; it is switched off.
    NONE = "none"


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
    use: Use = Use.ALL

    def takes(self, job: QueuedJob) -> bool:
        """Whether a job may run here."""
        if job.device:
            return job.device == self.device and self.use is not Use.NONE
        return self.use is Use.ALL


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
    # How many jobs in the queue are bound, by device; those with none are not in it.
    bound: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


def work_for(device: Device, waiting: int, bound: Mapping[str, int]) -> int:
    """How many of the `waiting` jobs a device may take, of which `bound` says where those that are bound may run."""
    if device.use is Use.NONE:
        return 0
    own = bound.get(device.device, 0)
    return waiting - sum(bound.values()) + own if device.use is Use.ALL else own
