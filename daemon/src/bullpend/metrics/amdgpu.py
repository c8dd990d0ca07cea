"""AMD devices as the amdgpu driver shows them in sysfs: no library, no process, no rights are needed.

https://docs.kernel.org/gpu/amdgpu/thermal.html and driver-misc.html: `gpu_busy_percent`, `mem_info_vram_*`, hwmon.
"""

from __future__ import annotations

from pathlib import Path

from bullpend.metrics.collect import GpuFigures

_DRM = Path("/sys/class/drm")
_AMD = "0x1002"


def cards(drm: Path = _DRM) -> list[Path]:
    """The folders of AMD's devices in the order of their addresses, which is that in which ROCm counts them."""
    found = [card / "device" for card in drm.glob("card[0-9]*") if card.name[4:].isdecimal()]
    return sorted((card for card in found if _text(card / "vendor") == _AMD), key=lambda card: str(card.resolve()))


def amdgpu_figures(drm: Path = _DRM) -> tuple[GpuFigures, ...] | None:
    """Figures of AMD's devices, or None where there is none. What a card does not tell is None."""
    found = tuple(_figures(index, card) for index, card in enumerate(cards(drm)))
    return found or None


def title(card: Path) -> str:
    """What a card calls itself; many tell nothing."""
    return _text(card / "product_name") or "AMD GPU"


def _figures(index: int, card: Path) -> GpuFigures:
    percent = _number(card / "gpu_busy_percent")
    heat = next((value for path in sorted(card.glob("hwmon/hwmon*/temp1_input")) if (value := _number(path))), None)
    return GpuFigures(
        index=index,
        title=title(card),
        utilization=None if percent is None else min(1.0, max(0.0, percent / 100)),
        memory_total_bytes=_number(card / "mem_info_vram_total") or 0,
        memory_used_bytes=_number(card / "mem_info_vram_used") or 0,
        temperature_celsius=None if heat is None else heat / 1000,
        source="AMDGPU",
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text.lstrip("-").isdecimal() else None
