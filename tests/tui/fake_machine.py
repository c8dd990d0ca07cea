"""The part of the fake daemon about devices: a graphics card that is kept for requests, a processor, and a provider."""

from __future__ import annotations

from bullpen_api.v1 import advisor_pb2, cost_pb2, model_pb2, run_pb2
from bullpen_client.errors import StateConflict
from google.protobuf import duration_pb2

from tests.tui import story

Option = advisor_pb2.ComputeOption


def advice(bound_to: str = "") -> advisor_pb2.Advice:
    return advisor_pb2.Advice(
        recommended="devices/cpu",
        reason="The processor does it now; the card would be faster, and is kept for requests.",
        pictures=5,
        bound_to=bound_to,
        options=[
            Option(
                device="devices/cpu",
                kind="cpu",
                title="Processor, 2 cores",
                use=model_pb2.Device.USE_ALL,
                fit=Option.FIT_NOW,
                resident=True,
                picture_time=duration_pb2.Duration(seconds=4),
                total=duration_pb2.Duration(seconds=72),
                memory_needed_bytes=1 << 30,
                memory_free_bytes=4 << 30,
                memory_total_bytes=8 << 30,
            ),
            Option(
                device="devices/cuda-0",
                kind="cuda",
                title="H200",
                use=model_pb2.Device.USE_BOUND,
                fit=Option.FIT_AFTER_MAKING_ROOM,
                needs_consent=True,
                jobs_ahead=2,
                total=duration_pb2.Duration(seconds=9),
            ),
            Option(
                device="devices/remote",
                kind="remote",
                model="models/openai:gpt-image-1",
                fit=Option.FIT_NOT_NEEDED,
                cost=cost_pb2.Money(currency_code="USD", micros=210_000),
                needs_consent=True,
            ),
            Option(device="devices/cuda-1", kind="cuda", title="Old card", fit=Option.FIT_NOT, problem="It is off."),
        ],
    )


class FakeMachine:
    """Implements `MachinePort`."""

    _runs: dict[str, run_pb2.Run]
    last_device = True
    bound_to = ""

    def _note(self, name: str, *details: object) -> None:
        raise NotImplementedError

    async def switch_device(
        self, name: str, use: model_pb2.Device.Use.ValueType, now: bool, force: bool
    ) -> model_pb2.Device:
        self._note("switch_device", name, use, now, force)
        if self.last_device and use == model_pb2.Device.USE_NONE and not force:
            raise StateConflict("devices/cpu is the last device that work may go to.")
        found = story.devices().devices[0]
        found.use = use
        return found

    async def keep_alive(self, model: str, seconds: float | None) -> model_pb2.ModelKeeping:
        self._note("keep_alive", model, seconds)
        keeping = model_pb2.ModelKeeping(model=model)
        if seconds is not None:
            keeping.keep_alive.FromSeconds(int(seconds))
        return keeping

    async def advise(self, run: str) -> advisor_pb2.Advice:
        self._note("advise", run)
        return advice(self.bound_to)

    async def place_run(self, run: str, device: str, agreed: bool) -> run_pb2.Run:
        self._note("place_run", run, device, agreed)
        self.bound_to = device
        return self._runs[run]
