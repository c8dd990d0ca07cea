"""The GPU of a Mac, as the system's registry shows it: `ioreg` tells how busy it is and what memory it uses.

Metal itself tells neither to another process, and a temperature only to the root user; so there is none here. The
parsing is tested; the program runs on a Mac only.
"""

from __future__ import annotations

import re
import shutil
import subprocess

from bullpend.metrics.collect import GpuFigures

_COMMAND = ("-r", "-d", "1", "-w", "0", "-c", "IOAccelerator")
_PAIR = re.compile(r'"(Device Utilization %|In use system memory|Alloc system memory)"=(\d+)')
_MODEL = re.compile(r'"model"\s*=\s*"([^"]+)"')


def apple_figures(timeout_seconds: float = 2.0) -> tuple[GpuFigures, ...] | None:
    """Figures of the Mac's GPU, or None where the registry does not answer. Starts a process: call it in a thread."""
    program = shutil.which("ioreg")
    if program is None:
        return None
    try:
        answer = subprocess.run(
            [program, *_COMMAND], capture_output=True, text=True, timeout=timeout_seconds, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return parse_ioreg(answer.stdout)


def parse_ioreg(text: str) -> tuple[GpuFigures, ...] | None:
    """Reads the registry's answer; None where it has no figures. Memory is shared, so its size is the machine's: 0."""
    told = {name: int(value) for name, value in _PAIR.findall(text)}
    if not told:
        return None
    percent, model = told.get("Device Utilization %"), _MODEL.search(text)
    return (
        GpuFigures(
            index=0,
            title=model.group(1) if model else "Apple GPU",
            utilization=None if percent is None else min(1.0, percent / 100),
            memory_total_bytes=0,
            memory_used_bytes=told.get("In use system memory", told.get("Alloc system memory", 0)),
            temperature_celsius=None,
            source="IOREG",
        ),
    )
