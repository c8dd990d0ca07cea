"""Finds out what can compute here, without importing a model library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bullpend.workers.model import DeviceInfo


@dataclass(frozen=True, slots=True)
class Probe:
    """What was found, best first, and why the other kinds were not."""

    devices: tuple[DeviceInfo, ...]
    # Reason by kind: `cuda`, `mps`.
    absent: dict[str, str]


def probe() -> Probe:
    """Looks for devices in the order cuda, mps, cpu. Reads a few files; takes milliseconds."""
    raise NotImplementedError


def choose(found: Probe, wanted: Sequence[str]) -> tuple[DeviceInfo, ...]:
    """The devices to be used. `auto` (or nothing): every accelerator, or the cpu where there is none. Otherwise each
    name is a kind (`cpu`, `cuda`, `mps`, `scripted`) or an address (`cuda:1`). Raises SettingInvalid for a name that
    is unknown and DeviceUnavailable for a device that is not here.
    """
    raise NotImplementedError
