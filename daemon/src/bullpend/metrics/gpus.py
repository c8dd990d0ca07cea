"""Figures of a machine's GPUs by device, from whoever tells them here; and a word for each that nobody tells."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from bullpend.metrics.amdgpu import amdgpu_figures
from bullpend.metrics.apple import apple_figures
from bullpend.metrics.collect import GpuFigures, nvidia_figures
from bullpend.metrics.nvml import nvml_figures

Ask = Callable[[], tuple[GpuFigures, ...] | None]
# Who is asked for which kind of device, one after the other until one answers.
ASKED: dict[str, tuple[Ask, ...]] = {
    "cuda": (nvml_figures, nvidia_figures, amdgpu_figures),
    "mps": (apple_figures,),
}
NONE, SILENT = "NONE", "SILENT"


def read(kinds: Collection[str]) -> dict[str, GpuFigures]:
    """Figures by device. May start a process: call it in a thread, and only where such a device is here."""
    found: dict[str, GpuFigures] = {}
    for kind in kinds:
        for gpu in _first(ASKED.get(kind, ())):
            found[f"devices/cuda-{gpu.index}" if kind == "cuda" else f"devices/{kind}"] = gpu
    return found


def source(kind: str, figures: GpuFigures | None) -> str:
    """Who told, as bullpen.v1.DeviceMetrics.Source has it: a device without sensors is not one that keeps silent."""
    if figures is not None:
        return figures.source
    return SILENT if kind in ASKED else NONE


def _first(asked: Sequence[Ask]) -> tuple[GpuFigures, ...]:
    for ask in asked:
        if (answer := ask()) is not None:
            return answer
    return ()
