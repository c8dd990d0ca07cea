"""Figures of the machine and of the work."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from bullpend.clock import ManualClock
from bullpend.metrics.collect import MachineProbe, Rate, free_bytes, nvidia_figures, parse_nvidia
from hypothesis import given
from hypothesis import strategies as st


def test_the_machines_figures_are_plausible(tmp_path: Path) -> None:
    """Shares lie between 0 and 1, and used memory is a part of all memory."""
    figures = MachineProbe(tmp_path).read()
    assert 0.0 <= figures.cpu_utilization <= 1.0
    assert 0 < figures.memory_used_bytes < figures.memory_total_bytes
    assert 1_000_000 < figures.daemon_memory_bytes < figures.memory_total_bytes
    assert figures.disk_free_bytes > 0


def test_free_space_is_that_of_the_nearest_folder_that_exists(tmp_path: Path) -> None:
    """A home that was not made yet lies on its parent's disk."""
    status = os.statvfs(tmp_path)
    size = status.f_frsize * status.f_blocks
    assert 0 < free_bytes(tmp_path / "not" / "yet") <= size


def test_without_a_driver_there_are_no_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No program, a failing one and a hanging one all give None."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert nvidia_figures() is None
    program = tmp_path / "nvidia-smi"
    for script in ("#!/bin/sh\nexit 9\n", "#!/bin/sh\nexec /bin/sleep 60\n"):
        program.write_text(script)
        program.chmod(0o755)
        assert nvidia_figures(timeout_seconds=0.2) is None


def test_the_drivers_answer_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Percent becomes a share and mebibytes become bytes; what is not known is None."""
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho '0, NVIDIA H200, 37, 143771, 1024, 41'\necho '1, GPU, [N/A], 10, 1, [N/A]'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    figures = nvidia_figures(timeout_seconds=60.0)
    assert figures is not None
    assert (figures[0].title, figures[0].utilization, figures[0].temperature_celsius) == ("NVIDIA H200", 0.37, 41.0)
    assert figures[0].memory_used_bytes == 1024 * 2**20
    assert (figures[1].index, figures[1].utilization, figures[1].temperature_celsius) == (1, None, None)


@given(st.text())
def test_no_answer_of_the_driver_breaks_the_reader(text: str) -> None:
    """Lines that are none are left out."""
    assert isinstance(parse_nvidia(text), tuple)


def test_the_rate_counts_the_last_minute() -> None:
    """Events older than the window are forgotten; the total is kept."""
    clock = ManualClock()
    rate = Rate(clock)
    rate.add(3)
    clock.at += 59
    rate.add()
    assert (rate.per_minute(), rate.total) == (4.0, 4)
    clock.at += 2
    assert (rate.per_minute(), rate.total) == (1.0, 4)
    clock.at += 60
    assert (rate.per_minute(), rate.total) == (0.0, 4)


def test_a_shorter_window_is_scaled_to_a_minute() -> None:
    """Two events in ten seconds are twelve a minute."""
    rate = Rate(ManualClock(), window_seconds=10.0)
    rate.add(2)
    assert rate.per_minute() == 12.0
