"""The part of the port about devices: switching them, and where a run is best done."""

from __future__ import annotations

from typing import Protocol

from bullpen_api.v1 import advisor_pb2, model_pb2, run_pb2


class MachinePort(Protocol):
    """Every call may raise `BullpenError`."""

    async def switch_device(
        self, name: str, use: model_pb2.Device.Use.ValueType, now: bool, force: bool
    ) -> model_pb2.Device:
        """What may be given to a device from now on; `now` stops what runs there, `force` takes the last one too."""
        ...

    async def keep_alive(self, model: str, seconds: float | None) -> model_pb2.ModelKeeping:
        """How long a model stays in memory after its last use; nothing goes back to the daemon's default."""
        ...

    async def advise(self, run: str) -> advisor_pb2.Advice:
        """The devices, and the providers' models, that could do what is left of a run."""
        ...

    async def place_run(self, run: str, device: str, agreed: bool) -> run_pb2.Run:
        """Has what is left of a run done by a device; by any in general use where none is named."""
        ...
