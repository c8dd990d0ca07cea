"""What a person is told when memory is too small: what was needed, what there is, and what can be done on this host."""

from __future__ import annotations

from collections.abc import Sequence

from bullpen_worker.failures import WorkerError
from bullpen_worker.memory_rules import Refusal, Tenant, largest_side

_UNITS = ("bytes", "KB", "MB", "GB", "TB")


def amount(size: int) -> str:
    """Bytes as people say them, such as `1.5 GB`, in steps of 1024."""
    value, unit = float(size), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.0f} {_UNITS[unit]}" if unit == 0 or value >= 100 else f"{value:.1f} {_UNITS[unit]}"


def too_little(model: str, refusal: Refusal, pinned: Sequence[Tenant], limited: bool) -> WorkerError:
    """A model that fits in no way. `limited` says that a setting keeps a part of the device from it."""
    message = (
        f"{model} needs at least {amount(refusal.needed)} of the device's memory, and {amount(refusal.available)} can "
        "be made free."
    )
    options = ["Choose a smaller model"]
    if pinned:
        held = ", ".join(f"{tenant.name} ({amount(tenant.size)})" for tenant in pinned)
        options.append(f"unpin {held}")
    if limited:
        options.append("raise the setting devices.memory_limit_mb")
    options.append("close other programs that use this memory")
    return WorkerError("DEVICE_OUT_OF_MEMORY", message, _either(options))


def work_too_large(
    model: str, pixels: int, took: int, free: int, measured: Sequence[tuple[int, int]], pinned: Sequence[str]
) -> WorkerError:
    """A job that ran out of memory beside its model. `free` is what its work can have when all others have left."""
    side = round(pixels**0.5)
    taken = f" It had taken {amount(took)} when it stopped." if took else ""
    size = f"{side}×{side} pixels or as many"
    message = f"The device ran out of memory while {model} worked on a picture of {size}.{taken}"
    fits = largest_side(measured, free) if measured else 0
    options = [f"Choose a picture of at most {fits}×{fits} pixels" if 0 < fits < side else "Choose a smaller picture"]
    options.append("a smaller model")
    if pinned:
        options.append(f"unpin {', '.join(pinned)}")
    return WorkerError("DEVICE_OUT_OF_MEMORY", message, _either(options))


def _either(options: Sequence[str]) -> str:
    return f"{', '.join(options[:-1])}, or {options[-1]}." if len(options) > 1 else f"{options[0]}."
