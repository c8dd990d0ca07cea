"""Finds out whether language models can run here, and on what, without importing llama.cpp.

Which GPUs the installed llama.cpp was built for is seen by the libraries that it brings. Its worker is a device of its
own beside those that draw; where both use the same memory, `dispatch/sharing.py` says who makes room.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import psutil

from bullpend.workers.model import DeviceInfo

NAME = "devices/language"
ENGINE = "llama"
# Kinds of devices by the libraries that drive them.
_LIBRARIES = {"cuda": "ggml-cuda", "mps": "ggml-metal"}


def find(devices: Sequence[DeviceInfo], gpu_layers: int) -> DeviceInfo | None:
    """The device of language models; None where llama.cpp is not installed. `devices` are those that draw."""
    spec = importlib.util.find_spec("llama_cpp")
    if spec is None or spec.origin is None:
        return None
    return choose(_built(Path(spec.origin).parent / "lib"), devices, gpu_layers)


def choose(built: Sequence[str], devices: Sequence[DeviceInfo], gpu_layers: int) -> DeviceInfo:
    """The first GPU of a kind that llama.cpp was built for, else the processor. Pure."""
    for device in devices if gpu_layers else ():
        if device.kind in built:
            reason = f"llama.cpp was built for it; it shares its memory with {device.name}."
            return DeviceInfo(NAME, device.kind, device.address, f"llama.cpp on {device.title}", ENGINE, reason)
    if not gpu_layers:
        reason = "The setting copilot.gpu_layers keeps language models on the processor."
    else:
        reason = "The processor, as the installed llama.cpp was built for no GPU of this machine."
    memory = psutil.virtual_memory().total
    return DeviceInfo(NAME, "cpu", "cpu", "llama.cpp on the processor", ENGINE, reason, memory)


def _built(folder: Path) -> list[str]:
    """Kinds of GPUs that the libraries in a folder are for."""
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError:
        return []
    return [kind for kind, library in _LIBRARIES.items() if any(library in name for name in names)]
