"""Figures of the machine: processors, memory, disk, NVIDIA devices, and the rate of finished candidates."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import psutil

from bullpend.clock import Clock

_QUERY = "index,name,utilization.gpu,memory.total,memory.used,temperature.gpu"


@dataclass(frozen=True, slots=True)
class MachineFigures:
    """One reading. Utilisation is a share of all cores, 0–1; sizes are bytes."""

    cpu_utilization: float
    memory_total_bytes: int
    memory_used_bytes: int
    daemon_memory_bytes: int
    disk_free_bytes: int
    daemon_descriptors: int = 0
    daemon_threads: int = 0


@dataclass(frozen=True, slots=True)
class GpuFigures:
    """One GPU, by its index. None where the driver does not tell; `source` is a name of
    bullpen.v1.DeviceMetrics.Source.
    """

    index: int
    title: str
    utilization: float | None
    memory_total_bytes: int
    memory_used_bytes: int
    temperature_celsius: float | None
    source: str = "NVIDIA_SMI"


class MachineProbe:
    """Reads the machine's figures; the utilisation is the mean since the reading before."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._process = psutil.Process()
        # The first call only sets the mark that the next one measures from.
        psutil.cpu_percent(interval=None)

    def read(self) -> MachineFigures:
        """One reading; takes about a millisecond and never waits."""
        memory, own = psutil.virtual_memory(), self._process
        return MachineFigures(
            cpu_utilization=min(1.0, max(0.0, psutil.cpu_percent(interval=None) / 100)),
            memory_total_bytes=memory.total,
            memory_used_bytes=memory.total - memory.available,
            daemon_memory_bytes=own.memory_info().rss,
            disk_free_bytes=free_bytes(self._home),
            daemon_descriptors=getattr(own, "num_handles" if sys.platform == "win32" else "num_fds")(),
            daemon_threads=own.num_threads(),
        )


def free_bytes(place: Path) -> int:
    """Bytes that this user may still write on the disk of `place`, or of its nearest parent that exists."""
    for folder in (place, *place.parents):
        try:
            return shutil.disk_usage(folder).free
        except FileNotFoundError:
            continue
    return 0


def nvidia_figures(timeout_seconds: float = 2.0) -> tuple[GpuFigures, ...] | None:
    """Figures of the NVIDIA devices, or None where no driver answers. Starts a process: call it in a thread."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    command = [program, f"--query-gpu={_QUERY}", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=timeout_seconds, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return parse_nvidia(answer.stdout)


def parse_nvidia(text: str) -> tuple[GpuFigures, ...]:
    """Reads the answer of nvidia-smi; lines that are not of six fields with an index are left out."""
    rows = [[field.strip() for field in row] for row in csv.reader(text.splitlines())]
    return tuple(
        GpuFigures(
            index=int(row[0]),
            title=row[1],
            utilization=_share(row[2]),
            memory_total_bytes=int((_number(row[3]) or 0.0) * 2**20),
            memory_used_bytes=int((_number(row[4]) or 0.0) * 2**20),
            temperature_celsius=_number(row[5]),
        )
        for row in rows
        if len(row) == 6 and row[0].isdigit()
    )


def _number(text: str) -> float | None:
    """A number, or None for what the driver writes in its place, such as `[N/A]`."""
    try:
        return float(text)
    except ValueError:
        return None


def _share(text: str) -> float | None:
    percent = _number(text)
    return None if percent is None else percent / 100


class Rate:
    """Events of the last minute, and in all."""

    def __init__(self, clock: Clock, window_seconds: float = 60.0) -> None:
        self._clock = clock
        self._window = window_seconds
        self._times: deque[tuple[float, int]] = deque()
        self.total = 0

    def add(self, count: int = 1) -> None:
        """Counts events that happen now."""
        self._times.append((self._clock.monotonic(), count))
        self.total += count
        self._forget()

    def per_minute(self) -> float:
        """Events of the window, scaled to a minute."""
        self._forget()
        return sum(count for _, count in self._times) * 60.0 / self._window

    def _forget(self) -> None:
        oldest = self._clock.monotonic() - self._window
        while self._times and self._times[0][0] <= oldest:
            self._times.popleft()
