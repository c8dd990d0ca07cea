"""What came of commands about devices, as messages."""

from __future__ import annotations

from bullpen_api.v1 import advisor_pb2, model_pb2, run_pb2
from bullpen_client.errors import BullpenError
from textual.message import Message


class DeviceSwitched(Message):
    """A device may be given something else than before."""

    def __init__(self, device: model_pb2.Device) -> None:
        super().__init__()
        self.device = device


class LastDevice(Message):
    """It is the last device that work may go to; nothing was switched."""

    def __init__(self, device: str, use: model_pb2.Device.Use.ValueType, now: bool, error: BullpenError) -> None:
        super().__init__()
        self.device = device
        self.use = use
        self.now = now
        self.error = error


class KeepAliveSet(Message):
    """How long a model stays in memory after its last use."""

    def __init__(self, keeping: model_pb2.ModelKeeping) -> None:
        super().__init__()
        self.keeping = keeping


class Advised(Message):
    """The ways to have a run done."""

    def __init__(self, run: str, advice: advisor_pb2.Advice) -> None:
        super().__init__()
        self.run = run
        self.advice = advice


class AdviceMissed(Message):
    """There is no advice for a run, such as for one that has ended meanwhile."""

    def __init__(self, run: str, error: BullpenError) -> None:
        super().__init__()
        self.run = run
        self.error = error


class RunPlaced(Message):
    """A run is done elsewhere from now on; on any device where `device` is empty."""

    def __init__(self, run: run_pb2.Run, device: str) -> None:
        super().__init__()
        self.run = run
        self.device = device
