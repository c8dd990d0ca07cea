"""ModelService and DeviceService: what can be run, on what, and what is in memory now."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from bullpen_api.v1 import model_pb2, model_pb2_grpc

from bullpend.clock import Clock
from bullpend.dispatch.dispatcher import Dispatcher
from bullpend.events.bus import Bus
from bullpend.models import language
from bullpend.models.model import Model
from bullpend.models.registry import Registry
from bullpend.models.residents import Residents
from bullpend.models.uses import Switching, wire
from bullpend.rpc import paging
from bullpend.rpc.wire import duration
from bullpend.scheduling import views
from bullpend.workers.model import DeviceInfo
from bullpend.workers.supervisor import Supervisor


def pack(model: Model) -> model_pb2.Model:
    """The wire form of a model."""
    return model_pb2.Model(
        name=model.name,
        title=model.title,
        state=model_pb2.Model.State.Value(f"STATE_{model.state}"),
        family=model.family,
        licence=model.licence,
        path=model.path,
        size_bytes=model.size_bytes,
        capabilities=model.capabilities,
        default_width=model.default_width,
        default_height=model.default_height,
        default_steps=model.default_steps,
        problem=model.problem,
        engine=model.engine,
        base_model=model.base_model,
        digest=model.digest,
        language=_language(model),
    )


def _language(model: Model) -> model_pb2.LanguageModel | None:
    said = model.language
    if said is None:
        return None
    return model_pb2.LanguageModel(
        architecture=said.architecture,
        context_length=said.context_length,
        chat_template=said.chat_template,
        quantization=said.quantization,
        parameters=said.parameters,
    )


Complete = Callable[[Sequence[model_pb2.Model]], Awaitable[None]]


class Devices:
    """Devices as they are shown: what was found, what the scheduler knows, what their workers last said."""

    def __init__(self, dispatcher: Dispatcher, supervisor: Supervisor, clock: Clock) -> None:
        self._dispatcher = dispatcher
        self._supervisor = supervisor
        self._clock = clock

    def all(self) -> list[model_pb2.Device]:
        """Every device, the default first."""
        return [self._pack(info) for info in self._dispatcher.devices.values() if self._shows(info)]

    def drawing(self) -> list[model_pb2.Device]:
        """Those that make pictures, the default first."""
        return [device for device in self.all() if device.engine != language.ENGINE]

    def _shows(self, info: DeviceInfo) -> bool:
        """What talks is shown where there is a model for it."""
        if info.engine != language.ENGINE:
            return info.kind != "remote"
        return any(model.engine == language.ENGINE for model in self._dispatcher.memory.seen())

    def _pack(self, info: DeviceInfo) -> model_pb2.Device:
        known = self._dispatcher.device(info.name)
        state = views.device_state(known, self._clock.monotonic()) if known else "cold"
        status = self._supervisor.status(info.name)
        ready = self._dispatcher.ready.get(info.name)
        beat = status.heartbeat if status else None
        return model_pb2.Device(
            name=info.name,
            kind=info.kind,
            title=(ready.device_title if ready else "") or info.title,
            state=model_pb2.Device.State.Value(f"STATE_{state.upper()}"),
            engine=info.engine,
            reason=(known.lost_reason if known and state == "failed" else "") or info.reason,
            memory_total_bytes=(ready.memory_total_bytes if ready else 0) or info.memory_total_bytes,
            memory_used_bytes=beat.memory_used_bytes if beat else 0,
            job=known.job if known else "",
            worker_pid=status.pid if status else 0,
            uptime=duration(status.uptime_seconds) if status else None,
            use=wire(known.use) if known else model_pb2.Device.USE_ALL,
        )


class ModelService(model_pb2_grpc.ModelServiceServicer):
    """The registry of models, and which of them are in memory."""

    def __init__(self, registry: Registry, dispatcher: Dispatcher, bus: Bus, complete: Complete | None = None) -> None:
        """`complete` adds what is known of models that run at providers."""
        self._complete = complete or _nothing_more
        self._registry = registry
        self._residents = Residents(registry, dispatcher)
        self._bus = bus

    async def GetModel(self, request: model_pb2.GetModelRequest, context: Any) -> model_pb2.Model:  # noqa: N802
        """One model."""
        model = pack(await asyncio.to_thread(self._registry.get, request.name))
        await self._complete([model])
        return model

    async def ListModels(self, request: model_pb2.ListModelsRequest, context: Any) -> model_pb2.ListModelsResponse:  # noqa: N802
        """Installed models by name; looks at the folders anew."""
        page = paging.page(request.page_size, request.page_token, f"models/{request.capability}", (str,))
        models = sorted(await asyncio.to_thread(self._registry.scan), key=lambda model: model.name)
        after = str(page.after[0]) if page.after else ""
        wanted = {request.capability} - {""}
        rest = [model for model in models if model.name > after and wanted <= set(model.capabilities)][: page.limit + 1]
        shown, token = page.cut(rest, [(model.name,) for model in rest])
        packed = [pack(model) for model in shown]
        await self._complete(packed)
        return model_pb2.ListModelsResponse(models=packed, next_page_token=token, revision=self._bus.revision)

    async def ListResidents(  # noqa: N802
        self, request: model_pb2.ListResidentsRequest, context: Any
    ) -> model_pb2.ListResidentsResponse:
        """What is in memory now."""
        return model_pb2.ListResidentsResponse(residents=self._residents.all(), revision=self._bus.revision)

    async def LoadModel(self, request: model_pb2.LoadModelRequest, context: Any) -> model_pb2.LoadModelResponse:  # noqa: N802
        """Brings a model into a device's memory."""
        return await self._residents.load(request)

    async def UnloadModel(self, request: model_pb2.UnloadModelRequest, context: Any) -> model_pb2.UnloadModelResponse:  # noqa: N802
        """Frees a model's memory."""
        return await self._residents.unload(request)

    async def PinModel(self, request: model_pb2.PinModelRequest, context: Any) -> model_pb2.ModelKeeping:  # noqa: N802
        """Keeps a model in memory."""
        return await self._residents.pin(request.name, True)

    async def UnpinModel(self, request: model_pb2.UnpinModelRequest, context: Any) -> model_pb2.ModelKeeping:  # noqa: N802
        """Takes a pin back."""
        return await self._residents.pin(request.name, False)

    async def SetModelKeepAlive(  # noqa: N802
        self, request: model_pb2.SetModelKeepAliveRequest, context: Any
    ) -> model_pb2.ModelKeeping:
        """Sets how long a model stays."""
        return await self._residents.set_keep_alive(request)


async def _nothing_more(models: Sequence[model_pb2.Model]) -> None:
    """Where no provider is known."""


class DeviceService(model_pb2_grpc.DeviceServiceServicer):
    """What can compute here."""

    def __init__(self, devices: Devices, bus: Bus, switching: Switching) -> None:
        self._devices = devices
        self._bus = bus
        self._switching = switching

    async def ListDevices(self, request: model_pb2.ListDevicesRequest, context: Any) -> model_pb2.ListDevicesResponse:  # noqa: N802
        """Every device, the default first."""
        return model_pb2.ListDevicesResponse(devices=self._devices.all(), revision=self._bus.revision)

    async def SwitchDevice(self, request: model_pb2.SwitchDeviceRequest, context: Any) -> model_pb2.Device:  # noqa: N802
        """Switches a device while the daemon runs."""
        name = await self._switching.switch(request)
        return next(device for device in self._devices.all() if device.name == name)
