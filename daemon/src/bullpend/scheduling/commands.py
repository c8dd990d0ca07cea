"""What the scheduler says: commands are verbs, carried out by the dispatcher in the order given."""

from __future__ import annotations

from dataclasses import dataclass

from bullpend.scheduling.facts import Failure


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
