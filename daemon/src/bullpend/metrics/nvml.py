"""NVIDIA devices by NVML, where the library `pynvml` (package nvidia-ml-py) is installed: no process for each reading.

The library is opened once, in the first reading, and stays open. Whatever it cannot tell is None; where it fails as a
whole, the reading is None and the caller asks nvidia-smi.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

from bullpend.metrics.collect import GpuFigures

T = TypeVar("T")
_opened: dict[str, ModuleType] = {}


def nvml_figures() -> tuple[GpuFigures, ...] | None:
    """Figures of the NVIDIA devices, or None where there is no library or no driver. Takes a millisecond or two."""
    library = _library()
    if library is None:
        return None
    try:
        return tuple(_device(library, index) for index in range(library.nvmlDeviceGetCount()))
    except library.NVMLError:
        return None


def _library() -> ModuleType | None:
    if "pynvml" not in _opened:
        if importlib.util.find_spec("pynvml") is None:
            return None
        library = importlib.import_module("pynvml")
        try:
            library.nvmlInit()
        except library.NVMLError:
            # No driver, or one that is being exchanged; the next reading tries again.
            return None
        _opened["pynvml"] = library
    return _opened["pynvml"]


def _device(library: Any, index: int) -> GpuFigures:
    handle = library.nvmlDeviceGetHandleByIndex(index)
    memory = library.nvmlDeviceGetMemoryInfo(handle)
    title = library.nvmlDeviceGetName(handle)
    percent = _told(library, lambda: library.nvmlDeviceGetUtilizationRates(handle).gpu)
    heat = _told(library, lambda: library.nvmlDeviceGetTemperature(handle, library.NVML_TEMPERATURE_GPU))
    return GpuFigures(
        index=index,
        title=title.decode() if isinstance(title, bytes) else str(title),
        utilization=None if percent is None else min(1.0, max(0.0, percent / 100)),
        memory_total_bytes=int(memory.total),
        memory_used_bytes=int(memory.used),
        temperature_celsius=None if heat is None else float(heat),
        source="NVML",
    )


def _told(library: Any, ask: Callable[[], T]) -> T | None:
    """An answer, or None where this device does not tell, as parts of a device do not."""
    try:
        return ask()
    except library.NVMLError:
        return None
