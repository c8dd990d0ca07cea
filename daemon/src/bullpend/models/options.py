"""What else this host has for a job that ran out of a device's memory. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from bullpend.models.language import ENGINE
from bullpend.models.model import Model, ModelState
from bullpend.workers.model import DeviceInfo

_MOST = 3


def options(remedy: str, model: str, device: str, models: Sequence[Model], devices: Sequence[DeviceInfo]) -> str:
    """The worker's remedy, and after it the smaller models that can do the same, and the other devices."""
    sentences = [remedy] if remedy else []
    smaller = smaller_models(model, models)
    if smaller:
        named = ", ".join(f"{other.name} ({_size(other.size_bytes)})" for other in smaller)
        sentences.append(f"Smaller models here that can do the same: {named}.")
    here = next((other.engine for other in devices if other.name == device), "")
    # The scripted engine plays all of them but those that talk.
    talks = here == ENGINE
    others = [
        other
        for other in devices
        if other.name != device and other.engine != "remote" and (other.engine == ENGINE) == talks
    ]
    if others:
        named = ", ".join(_device(other) for other in others)
        sentences.append(f"Other devices here: {named} (setting devices.use).")
    elif device.startswith("devices/cuda"):
        sentences.append("The processor can do it too, slowly: set devices.use to cpu.")
    return " ".join(sentences)


def smaller_models(name: str, models: Sequence[Model]) -> list[Model]:
    """Ready models that can do all that this one can, and are smaller; the largest of them first."""
    this = next((model for model in models if model.name == name), None)
    if this is None:
        return []
    fit = [
        model
        for model in models
        if model.state is ModelState.READY
        and set(this.capabilities) <= set(model.capabilities)
        and 0 < model.size_bytes < this.size_bytes
    ]
    return sorted(fit, key=lambda model: -model.size_bytes)[:_MOST]


def _device(info: DeviceInfo) -> str:
    memory = f" with {_size(info.memory_total_bytes)}" if info.memory_total_bytes else ""
    return f"{info.name}{memory}"


def _size(size: int) -> str:
    return f"{size / (1 << 30):.1f} GB" if size >= 1 << 30 else f"{size / (1 << 20):.0f} MB"
