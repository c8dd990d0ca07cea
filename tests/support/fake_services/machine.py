# ruff: noqa: N802 - methods are named as the contract names them
"""The fake daemon's journal, models, devices and the daemon itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import grpc
from bullpen_api.v1 import (
    event_pb2,
    event_pb2_grpc,
    model_pb2,
    model_pb2_grpc,
    system_pb2,
    system_pb2_grpc,
)

from tests.support.fake_daemon import Refusal

if TYPE_CHECKING:
    pass
from tests.support.fake_services.base import Service, refuse


class Events(Service, event_pb2_grpc.EventServiceServicer):
    async def Watch(self, request: Any, context: Any) -> AsyncIterator[event_pb2.WatchResponse]:
        """The journal after a revision, then what is told; `None` ends the stream, a refusal breaks it."""
        daemon = self.daemon
        after = request.after_revision if request.HasField("after_revision") else daemon.revision
        if after > daemon.revision:
            await refuse(context, Refusal("REVISION_UNKNOWN", grpc.StatusCode.OUT_OF_RANGE, field="after_revision"))
        queue: asyncio.Queue[event_pb2.WatchResponse | Refusal | None] = asyncio.Queue()
        daemon.watchers.add(queue)
        daemon.alone.clear()
        daemon.watched.set()
        try:
            for event in [event for event in daemon.journal if event.revision > after]:
                yield event_pb2.WatchResponse(event=event)
            yield event_pb2.WatchResponse(bookmark=event_pb2.Bookmark(revision=daemon.revision))
            while (message := await queue.get()) is not None:
                if isinstance(message, Refusal):
                    await refuse(context, message)
                if request.progress or message.WhichOneof("item") != "progress":
                    yield message
        finally:
            daemon.watchers.discard(queue)
            if not daemon.watchers:
                daemon.alone.set()


class Models(Service, model_pb2_grpc.ModelServiceServicer):
    async def GetModel(self, request: Any, context: Any) -> model_pb2.Model:
        if request.name != "models/starter-edit":
            missing = Refusal("MODEL_NOT_FOUND", grpc.StatusCode.NOT_FOUND, "Not installed.", "name", "Install it.")
            await refuse(context, missing)
        return model_pb2.Model(name=request.name, title="Starter", family="instruct-pix2pix")

    async def ListModels(self, request: Any, context: Any) -> model_pb2.ListModelsResponse:
        edit = model_pb2.Model(name="models/starter-edit", title="Starter", capabilities=["instruction_edit"])
        lora = model_pb2.Model(name="models/mara", family="lora", base_model=edit.name, capabilities=["lora"])
        listed = [model for model in (lora, edit) if request.capability in ("", *model.capabilities)]
        return model_pb2.ListModelsResponse(models=listed)

    async def ListResidents(self, request: Any, context: Any) -> model_pb2.ListResidentsResponse:
        resident = model_pb2.Resident(model="models/starter-edit", device="devices/cpu", size_bytes=1000, reason="job")
        return model_pb2.ListResidentsResponse(residents=[resident])

    async def UnloadModel(self, request: Any, context: Any) -> model_pb2.UnloadModelResponse:
        return model_pb2.UnloadModelResponse(devices=["devices/cpu"])

    async def LoadModel(self, request: Any, context: Any) -> model_pb2.LoadModelResponse:
        return model_pb2.LoadModelResponse(resident=model_pb2.Resident(model=request.name, device="devices/cpu"))

    async def PinModel(self, request: Any, context: Any) -> model_pb2.ModelKeeping:
        return model_pb2.ModelKeeping(model=request.name, pinned=True)

    async def UnpinModel(self, request: Any, context: Any) -> model_pb2.ModelKeeping:
        return model_pb2.ModelKeeping(model=request.name)

    async def SetModelKeepAlive(self, request: Any, context: Any) -> model_pb2.ModelKeeping:
        return model_pb2.ModelKeeping(model=request.name, keep_alive=request.keep_alive)


class Devices(Service, model_pb2_grpc.DeviceServiceServicer):
    async def ListDevices(self, request: Any, context: Any) -> model_pb2.ListDevicesResponse:
        return model_pb2.ListDevicesResponse(devices=[model_pb2.Device(name="devices/cpu", kind="cpu")])

    async def SwitchDevice(self, request: Any, context: Any) -> model_pb2.Device:
        return model_pb2.Device(name=request.name, kind="cpu", use=request.use)


class System(Service, system_pb2_grpc.SystemServiceServicer):
    async def GetInfo(self, request: Any, context: Any) -> system_pb2.Info:
        instance = f"instance-{self.daemon.starts}"
        return system_pb2.Info(
            version="0.0.0", instance=instance, home=str(self.daemon.home), revision=self.daemon.revision
        )

    async def GetMetrics(self, request: Any, context: Any) -> system_pb2.Metrics:
        return system_pb2.Metrics(cpu_utilization=0.5, queued_jobs=3)

    async def WatchMetrics(self, request: Any, context: Any) -> AsyncIterator[system_pb2.Metrics]:
        for queued in range(3):
            yield system_pb2.Metrics(queued_jobs=queued)

    async def ListSettings(self, request: Any, context: Any) -> system_pb2.ListSettingsResponse:
        return system_pb2.ListSettingsResponse(settings=[system_pb2.Setting(name="a", value="1", source="default")])

    async def Diagnose(self, request: Any, context: Any) -> system_pb2.DiagnoseResponse:
        check = system_pb2.Check(name="database", status=system_pb2.Check.STATUS_OK, message="sound")
        return system_pb2.DiagnoseResponse(checks=[check])

    async def Repair(self, request: Any, context: Any) -> system_pb2.RepairResponse:
        return system_pb2.RepairResponse()

    async def Shutdown(self, request: Any, context: Any) -> system_pb2.ShutdownResponse:
        return system_pb2.ShutdownResponse()
