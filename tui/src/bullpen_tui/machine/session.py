# ruff: noqa: D102 - the port documents every call
"""The calls of `MachinePort` over the client library."""

from __future__ import annotations

from bullpen_api.v1 import advisor_pb2, model_pb2, run_pb2
from bullpen_client.connect import Session


class MachineCalls:
    """`MachinePort` over a session."""

    _session: Session

    async def switch_device(
        self, name: str, use: model_pb2.Device.Use.ValueType, now: bool, force: bool
    ) -> model_pb2.Device:
        request = model_pb2.SwitchDeviceRequest(name=name, use=use, now=now, force=force)
        return await self._session.devices.SwitchDevice(request)

    async def keep_alive(self, model: str, seconds: float | None) -> model_pb2.ModelKeeping:
        request = model_pb2.SetModelKeepAliveRequest(name=model)
        if seconds is not None:
            request.keep_alive.FromMilliseconds(round(seconds * 1000))
        return await self._session.models.SetModelKeepAlive(request)

    async def advise(self, run: str) -> advisor_pb2.Advice:
        return await self._session.advisor.AdviseRun(advisor_pb2.AdviseRunRequest(run=run))

    async def place_run(self, run: str, device: str, agreed: bool) -> run_pb2.Run:
        request = advisor_pb2.PlaceRunRequest(name=run, device=device, confirm_offload=agreed)
        return await self._session.advisor.PlaceRun(request)
