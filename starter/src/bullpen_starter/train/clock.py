"""Training by the clock: a budget in minutes gives the share done, and the learning rate follows that share."""

import time
from collections.abc import Callable

import torch


class Budget:
    """Minutes to spend, of which `used` seconds went in earlier runs; `now` is a monotonic clock in seconds."""

    def __init__(self, minutes: float, used: float = 0.0, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._start = now() - used
        self._seconds = minutes * 60

    @property
    def seconds(self) -> float:
        """Seconds spent so far, earlier runs included."""
        return self._now() - self._start

    @property
    def share(self) -> float:
        """How much of the budget is spent, 0 to 1."""
        return min(1.0, self.seconds / self._seconds)

    def rate(self, warmup: float = 0.02, hold: float = 0.5, floor: float = 0.01, at: float | None = None) -> float:
        """Learning rate factor: warm-up, full rate up to `hold`, then straight down to `floor`.

        `at` overrides the share, where several processes have agreed on one.
        """
        share = self.share if at is None else at
        if share < warmup:
            return max(0.02, share / warmup)
        return max(floor, min(1.0, (1 - share) / (1 - hold)))


class Average:
    """An exponential moving average of a module's parameters, with a horizon that grows with the steps."""

    def __init__(self, module: torch.nn.Module, decay: float = 0.998) -> None:
        self.decay = decay
        self.steps = 0
        self.values = {name: p.detach().clone().float() for name, p in module.named_parameters()}

    @torch.no_grad()
    def update(self, module: torch.nn.Module) -> None:
        """Follow the module by one step."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(list(self.values.values()), [p.detach() for p in module.parameters()], 1 - decay)

    @torch.no_grad()
    def copy_to(self, module: torch.nn.Module) -> None:
        """Write the averaged parameters into a module of the same shape."""
        for name, p in module.named_parameters():
            p.copy_(self.values[name])


def clock(device: str) -> Callable[[], float]:
    """The clock for one process that trains on `device`.

    On a CPU it counts the time that the process was computing, so that a busy machine trains as long as a quiet one.
    """
    return time.process_time if device == "cpu" else time.monotonic
