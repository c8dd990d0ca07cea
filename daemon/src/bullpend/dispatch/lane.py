"""Jobs of remote models beside those of the machine's devices: two queues, two states of the same scheduler.

A job belongs to the lane of its model and never leaves it, so that a queue at a provider holds up no device, nor the
other way round. Facts about a job or a device are told to its lane, all others (a pause, a drain, time) to both.
"""

from __future__ import annotations

from bullpend.remote.catalogue import is_remote
from bullpend.remote.engine import PREFIX
from bullpend.scheduling import model as s
from bullpend.scheduling import views
from bullpend.scheduling.rules import step


class RemoteLane:
    """The scheduler's state for jobs at providers."""

    def __init__(self, policy: s.Policy) -> None:
        self.state = s.State(policy=policy)

    def owns(self, fact: s.Fact) -> bool | None:
        """Whether a fact is of this lane alone; None where it concerns both."""
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
