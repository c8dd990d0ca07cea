"""Figures of the machine: processors, memory, disk, and the rate of finished candidates."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bullpend.clock import Clock


@dataclass(frozen=True, slots=True)
class MachineFigures:
    """One reading. Utilisation is a share of all cores, 0–1; sizes are bytes."""

    cpu_utilization: float
    memory_total_bytes: int
    memory_used_bytes: int
    daemon_memory_bytes: int
    disk_free_bytes: int


@dataclass(frozen=True, slots=True)
class GpuFigures:
    """One NVIDIA device, by its index. None where the driver does not tell."""

    index: int
    title: str
    utilization: float | None
    memory_total_bytes: int
    memory_used_bytes: int
    temperature_celsius: float | None


class MachineProbe:
    """Reads the machine's figures; the first utilisation is the mean since the probe was made."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def read(self) -> MachineFigures:
        """One reading; takes well under a millisecond."""
        raise NotImplementedError


def nvidia_figures(timeout_seconds: float = 2.0) -> tuple[GpuFigures, ...] | None:
    """Figures of the NVIDIA devices, or None where no driver answers. Starts a process: call it in a thread."""
    raise NotImplementedError


class Rate:
    """Events of the last minute, and in all."""

    def __init__(self, clock: Clock, window_seconds: float = 60.0) -> None:
        self._clock = clock
        self._window = window_seconds
        self.total = 0

    def add(self, count: int = 1) -> None:
        """Counts events that happen now."""
        raise NotImplementedError

    def per_minute(self) -> float:
        """Events of the window, scaled to a minute."""
        raise NotImplementedError
