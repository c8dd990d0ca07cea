"""A scheduler that is told facts one by one, for tests that read like a story."""

from __future__ import annotations

from bullpend.scheduling import model as m
from bullpend.scheduling.invariants import check
from bullpend.scheduling.rules import step


class Story:
    """Holds the state and the clock; checks the invariants after every fact."""

    def __init__(self, *devices: str, policy: m.Policy | None = None) -> None:
        self.state = m.State(policy=policy or m.Policy())
        self.now = 100.0
        for device in devices:
            assert self.tell(m.DeviceAdded(device)) == []

    def tell(self, fact: m.Fact, *, after: float = 0.0) -> list[m.Command]:
        """The commands that follow a fact told some seconds after the one before."""
        self.now += after
        self.state, commands = step(self.state, fact, self.now)
        check(self.state)
        return list(commands)

    def submit(self, name: str, *, model: str = "m", priority: int = 0, seq: int | None = None) -> list[m.Command]:
        number = int("".join(filter(str.isdigit, name)) or 0) if seq is None else seq
        return self.tell(m.JobSubmitted(m.QueuedJob(name, "r", "p", model, priority=priority, seq=number)))

    def end(
        self, job: str, attempt: int, device: str, outcome: m.Outcome = m.Outcome.SUCCEEDED, reason: str = ""
    ) -> list[m.Command]:
        failure = m.Failure(reason, "words") if reason else None
        return self.tell(m.JobEnded(job, attempt, device, outcome, failure))

    def warm(self, device: str, *models: str) -> None:
        """Brings a cold device to ready, idle, with these models in memory."""
        self.submit("opener", model=models[0] if models else "m", priority=100)
        self.tell(m.DeviceReady(device))
        for model in models:
            self.tell(m.ModelLoaded(device, model, 10))
        self.end("opener", 1, device)


def started(commands: list[m.Command]) -> list[tuple[str, str]]:
    """(job, device) of each StartJob."""
    return [(command.job, command.device) for command in commands if isinstance(command, m.StartJob)]
