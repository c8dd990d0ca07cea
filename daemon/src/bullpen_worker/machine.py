"""Figures of this machine and process that need no library: memory and the processor's name."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path


def process_memory() -> int:
    """Resident memory of this process in bytes."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    import psutil

    return int(psutil.Process().memory_info().rss)


def total_memory() -> int:
    """Main memory of the machine in bytes."""
    if hasattr(os, "sysconf"):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    import psutil

    return int(psutil.virtual_memory().total)


def available_memory() -> int:
    """Main memory in bytes that can be taken without swapping: what the machine has, within this group's limit."""
    import psutil

    free = int(psutil.virtual_memory().available)
    limit = _group_room()
    return free if limit is None else min(free, limit)


def _group_room(group: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Bytes that the control group of this process may still take; None where it has no limit.

    Source: https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files. Page cache that the kernel would
    give up is not counted as taken.
    """
    try:
        limit = (group / "memory.max").read_text(encoding="ascii").strip()
        if limit == "max":
            return None
        taken = int((group / "memory.current").read_text(encoding="ascii"))
        cache = dict(line.split() for line in (group / "memory.stat").read_text(encoding="ascii").splitlines())
        return max(0, int(limit) - taken + int(cache.get("inactive_file", 0)))
    except (OSError, ValueError):
        return None


def forget_peak() -> bool:
    """Begins to watch anew how much memory this process takes at the most. False where that cannot be watched.

    Source: https://docs.kernel.org/filesystems/proc.html, `clear_refs`.
    """
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def peak_memory() -> int:
    """The most bytes that this process had in memory since `forget_peak`; 0 where that is not known."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def give_back_memory() -> None:
    """Has the C library return freed memory to the system, where it can be asked to."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def processor_title() -> str:
    """The processor's name as people know it, with the number of its cores."""
    cores = os.cpu_count() or 1
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return f"{name} ({cores} cores)"
