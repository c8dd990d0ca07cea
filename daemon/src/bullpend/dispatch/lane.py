"""Lanes beside that of the devices that draw: jobs of remote models, and answers of language models.

A job belongs to the lane of its model and never leaves it, so that a queue at a provider holds up no device, and a
conversation waits for no run, nor the other way round. Each lane is a state of the same scheduler. Facts about a job, a
device or a model are told to its lane, all others (a drain, time) to all of them.
"""

from __future__ import annotations

from bullpend.models.language import is_language
from bullpend.remote.catalogue import is_remote
from bullpend.remote.engine import PREFIX
from bullpend.scheduling import model as s
from bullpend.scheduling import views
from bullpend.scheduling.rules import step

# Jobs of the language lane are `language/000000001`, its devices `devices/language`.
LANGUAGE = "language"
LANGUAGE_DEVICE = f"devices/{LANGUAGE}"


class Lane:
    """A scheduler's state of its own."""

    def __init__(self, policy: s.Policy) -> None:
        self.state = s.State(policy=policy)

    def owns(self, fact: s.Fact) -> bool | None:
        """Whether a fact is of this lane alone; None where it concerns all."""
        raise NotImplementedError

    def tell(self, fact: s.Fact, now: float) -> tuple[s.Command, ...]:
        """Takes a fact; the commands that follow."""
        self.state, commands = step(self.state, fact, now)
        return commands

    def position(self, job: str) -> int:
        """A job's place in this lane's queue, counted from 1; 0 where it does not wait here."""
        return views.position(self.state, job)

    def wake_at(self) -> float | None:
        """When time matters next."""
        return views.wake_at(self.state)


class RemoteLane(Lane):
    """The scheduler's state for jobs at providers."""

    def owns(self, fact: s.Fact) -> bool | None:
        """By the job's model, the device, the job, or the model."""
        job = getattr(fact, "job", None)
        if isinstance(job, s.QueuedJob):
            return is_remote(job.model)
        device = getattr(fact, "device", None)
        if isinstance(device, str) and device:
            return device.startswith(PREFIX)
        if isinstance(job, str):
            return job in self.state.jobs
        model = getattr(fact, "model", None)
        return is_remote(model) if isinstance(model, str) and model else None


class LanguageLane(Lane):
    """The scheduler's state for answers. A paused queue does not silence it: pauses are about pictures."""

    def owns(self, fact: s.Fact) -> bool | None:
        """By the job's name, the device, or the model."""
        job = getattr(fact, "job", None)
        if job is not None:
            return (job.job if isinstance(job, s.QueuedJob) else str(job)).startswith(f"{LANGUAGE}/")
        device = getattr(fact, "device", None)
        if isinstance(device, str) and device:
            return device.startswith(LANGUAGE_DEVICE)
        model = getattr(fact, "model", None)
        if isinstance(model, str) and model:
            return is_language(model)
        return False if isinstance(fact, s.QueuePaused | s.QueueResumed | s.RunPaused | s.RunResumed) else None
