"""Finds out what can compute here, without importing a model library.

The daemon must be serving within half a second and stay small, so it reads what the system and the installed packages
say about themselves: the NVIDIA driver's folder, the platform, and torch's version file. A worker finds the rest out.
"""

from __future__ import annotations

import importlib.util
import platform
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from bullpend import errors
from bullpend.metrics import amdgpu
from bullpend.workers.model import DeviceInfo

_DRIVER = Path("/proc/driver/nvidia/gpus")
_KINDS = ("auto", "cuda", "mps", "cpu", "scripted")
SCRIPTED = DeviceInfo(
    name="devices/scripted",
    kind="scripted",
    address="scripted",
    title="Scripted engine",
    engine="scripted",
    reason="The settings ask for it; it draws test patterns, no pictures.",
)


@dataclass(frozen=True, slots=True)
class Machine:
    """What the probe reads of a machine, so that tests can make one up."""

    # Names of the GPUs that the NVIDIA driver lists, in its order; None where there is no driver.
    nvidia_gpus: tuple[str, ...] | None
    # Such as `linux`, `darwin`, and `x86_64`, `arm64`.
    platform: str
    architecture: str
    processor: str
    memory_bytes: int
    torch_installed: bool
    # The CUDA version that the installed torch was built with; empty for none.
    torch_cuda: str
    # Names of the GPUs of the amdgpu driver, and the ROCm version of the installed torch.
    amd_gpus: tuple[str, ...] = ()
    torch_rocm: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """What was found, best first, and why the other kinds were not."""

    devices: tuple[DeviceInfo, ...]
    # Reason by kind: `cuda`, `mps`.
    absent: dict[str, str]


def probe() -> Probe:
    """Looks for devices in the order cuda, mps, cpu. Reads a few files; takes milliseconds."""
    return assess(read_machine())


def read_machine() -> Machine:
    """Reads this machine."""
    spec = importlib.util.find_spec("torch")
    folder = None if spec is None or spec.origin is None else Path(spec.origin).parent
    return Machine(
        nvidia_gpus=_nvidia_gpus(_DRIVER),
        platform=sys.platform,
        architecture=platform.machine().lower(),
        processor=_processor(Path("/proc/cpuinfo")),
        memory_bytes=psutil.virtual_memory().total,
        torch_installed=folder is not None,
        torch_cuda="" if folder is None else _torch_built_for("cuda", folder / "version.py"),
        amd_gpus=tuple(amdgpu.title(card) for card in amdgpu.cards()),
        torch_rocm="" if folder is None else _torch_built_for("hip", folder / "version.py"),
    )


def assess(machine: Machine) -> Probe:
    """What the machine's facts mean. The cpu is always there."""
    devices: list[DeviceInfo] = []
    absent: dict[str, str] = {}
    if machine.amd_gpus and machine.torch_rocm:
        # Torch calls them as it calls NVIDIA's.
        for index, title in enumerate(machine.amd_gpus):
            reason = f"An AMD GPU with a driver, and torch built for ROCm {machine.torch_rocm}."
            devices.append(DeviceInfo(f"devices/cuda-{index}", "cuda", f"cuda:{index}", title, "torch", reason))
    elif machine.amd_gpus and machine.nvidia_gpus is None:
        absent["cuda"] = "An AMD GPU is here, but no torch that was built for ROCm."
    elif machine.nvidia_gpus is None:
        absent["cuda"] = "No NVIDIA driver is loaded."
    elif not machine.nvidia_gpus:
        absent["cuda"] = "The NVIDIA driver is loaded but lists no GPU."
    elif not machine.torch_installed:
        absent["cuda"] = "An NVIDIA GPU is here, but torch is not installed."
    elif not machine.torch_cuda:
        absent["cuda"] = "An NVIDIA GPU is here, but the installed torch was built without CUDA."
    else:
        for index, title in enumerate(machine.nvidia_gpus):
            reason = f"An NVIDIA GPU with a driver, and torch built for CUDA {machine.torch_cuda}."
            devices.append(DeviceInfo(f"devices/cuda-{index}", "cuda", f"cuda:{index}", title, "torch", reason))
    if machine.platform != "darwin" or machine.architecture != "arm64":
        absent["mps"] = "This is no Mac with an Apple processor."
    elif not machine.torch_installed:
        absent["mps"] = "An Apple GPU is here, but torch is not installed."
    else:
        reason = "A Mac with an Apple processor; its GPU shares the memory."
        devices.append(
            DeviceInfo("devices/mps", "mps", "mps", machine.processor, "torch", reason, machine.memory_bytes)
        )
    cpu_reason = "The processor; always there, slower than a GPU."
    if not machine.torch_installed:
        cpu_reason = "The processor; but torch is not installed, so no model runs. Install bullpen[starter]."
    elif not devices:
        cpu_reason = f"The processor, as there is no usable GPU. {absent['cuda']}"
    devices.append(
        DeviceInfo("devices/cpu", "cpu", "cpu", machine.processor, "torch", cpu_reason, machine.memory_bytes)
    )
    return Probe(tuple(devices), absent)


def choose(found: Probe, wanted: Sequence[str]) -> tuple[DeviceInfo, ...]:
    """The devices to be used. `auto` (or nothing): every accelerator, or the cpu where there is none. Otherwise each
    name is a kind (`cpu`, `cuda`, `mps`, `scripted`) or an address (`cuda:1`). Raises SettingInvalid for a name that
    is unknown or a scripted one beside others, and DeviceUnavailable for a device that is not here.
    """
    chosen: dict[str, DeviceInfo] = {}
    for name in wanted or ("auto",):
        for device in _matching(found, name):
            chosen.setdefault(device.name, device)
    kinds = {device.kind for device in chosen.values()}
    if "scripted" in kinds and len(kinds) > 1:
        raise errors.SettingInvalid(
            "The scripted device plays every model and stands beside no real one.",
            field="devices.use",
            remedy="Leave scripted out; it is for tests. Several of it are scripted,scripted:1.",
        )
    return tuple(chosen.values())


def others(found: Probe, chosen: Sequence[DeviceInfo]) -> tuple[DeviceInfo, ...]:
    """The devices that were found and not chosen: they are kept for runs that somebody places there. None beside a
    scripted one, which is for tests.
    """
    if any(device.kind == "scripted" for device in chosen):
        return ()
    return tuple(device for device in found.devices if device not in chosen)


def _matching(found: Probe, name: str) -> Sequence[DeviceInfo]:
    kind = name.partition(":")[0]
    if kind not in _KINDS or (kind not in ("cuda", "scripted") and ":" in name):
        known = ", ".join(_KINDS)
        raise errors.SettingInvalid(
            f"No device is called {name!r}.", field="devices", remedy=f"Use one of {known}, or an address like cuda:0."
        )
    if name == "auto":
        return [device for device in found.devices if device.kind != "cpu"] or found.devices
    if kind == "scripted":
        return (_scripted(name.partition(":")[2]),)
    matching = [device for device in found.devices if name in (device.kind, device.address)]
    if not matching:
        why = found.absent.get(kind, f"This machine has no {name}.")
        raise errors.DeviceUnavailable(
            f"The settings ask for {name}, which is not here. {why}",
            field="devices",
            remedy="Set devices to auto, or to a device that `bullpen devices` shows.",
        )
    return matching


def _scripted(number: str) -> DeviceInfo:
    """The scripted device, or with a number another one of the kind. Raises SettingInvalid for what is no number."""
    if not number:
        return SCRIPTED
    if not number.isdecimal():
        raise errors.SettingInvalid(
            f"No device is called 'scripted:{number}'.", field="devices", remedy="Give a number, such as scripted:1."
        )
    return replace(SCRIPTED, name=f"{SCRIPTED.name}-{int(number)}")


def _nvidia_gpus(driver: Path) -> tuple[str, ...] | None:
    """Models of the GPUs in the driver's folder, one sub-folder each with an `information` file."""
    if not driver.is_dir():
        return None
    titles = []
    for folder in sorted(driver.iterdir()):
        try:
            text = (folder / "information").read_text(encoding="utf-8", errors="replace")
        except OSError:
            text = ""
        match = re.search(r"^Model:\s*(.+?)\s*$", text, re.MULTILINE)
        titles.append(match.group(1) if match else "NVIDIA GPU")
    return tuple(titles)


def _torch_built_for(library: str, version_file: Path) -> str:
    """The version of `cuda` or `hip` that a torch build names in its version file; empty for a build without."""
    try:
        text = version_file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    match = re.search(rf"^{library}\b[^=]*=\s*['\"]([^'\"]+)['\"]", text, re.MULTILINE)
    return match.group(1) if match else ""


def _processor(cpuinfo: Path) -> str:
    """The processor's name for people."""
    try:
        match = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        match = None
    return match.group(1).strip() if match else (platform.processor() or platform.machine() or "Processor")
