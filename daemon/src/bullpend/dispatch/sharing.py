"""Devices that share one memory: the worker that draws and the worker that answers, on one GPU or in main memory.

Each takes what is free, and neither knows of the other. Where one runs out of memory, the models of the other that
nobody uses and nobody pinned leave; the job is tried again, once, by the scheduler's own rule, when their memory is
back. What is in use stays: a picture is not stopped for a sentence, nor the other way round.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress

from bullpend.scheduling import model as s
from bullpend.scheduling.views import ResidentView
from bullpend.workers.model import DeviceInfo

# How long memory that was asked for may take to be given up.
SECONDS = 5.0


def neighbours(device: str, devices: Mapping[str, DeviceInfo]) -> list[str]:
    """Devices whose models lie in the same memory as this one's."""
    this = devices[device]
    return [
        other.name
        for other in devices.values()
        if other.name != device and (other.kind, other.address) == (this.kind, this.address)
    ]


class Sharing:
    """Makes room on other devices' behalf. Used on the dispatcher's loop."""

    def __init__(
        self,
        devices: Mapping[str, DeviceInfo],
        residents: Callable[[], list[ResidentView]],
        tell: Callable[[s.Fact], None],
    ) -> None:
        self._devices = devices
        self._residents = residents
        self._tell = tell
        self._moved = asyncio.Event()

    def moved(self) -> None:
        """A model left a memory."""
        self._moved.set()

    def idle(self, device: str) -> list[ResidentView]:
        """Models beside the device's own that could make room for one of them."""
        beside = neighbours(device, self._devices)
        return [
            view
            for view in self._residents()
            if view.device in beside and not view.in_use and not view.pinned and view.state != "loading"
        ]

    async def make_room(self, device: str) -> None:
        """Has them leave, and waits until they are gone, or for some seconds."""
        for name in {view.device for view in self.idle(device)}:
            self._tell(s.UnloadRequested("", name))
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS):
                while self.idle(device):
                    self._moved.clear()
                    await self._moved.wait()
