"""Requests about models in memory: what is there, bring one in, let one go, keep one."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from bullpen_api.v1 import model_pb2

from bullpend.dispatch.dispatcher import Dispatcher
from bullpend.errors import DeviceUnavailable, ExactlyOneOf, ModelUnsupported, StateConflict
from bullpend.models.keeping import keep_alive
from bullpend.models.language import ENGINE
from bullpend.models.model import Model
from bullpend.models.registry import Registry
from bullpend.models.rules import KINDS
from bullpend.rpc.wire import duration, timestamp
from bullpend.scheduling import model as s
from bullpend.scheduling.views import ResidentView
from bullpend.workers.model import DeviceInfo


class Residents:
    """The models in the devices' memories, as requests see them. Used on the dispatcher's loop."""

    def __init__(self, registry: Registry, dispatcher: Dispatcher) -> None:
        self._registry = registry
        self._dispatcher = dispatcher

    def all(self) -> list[model_pb2.Resident]:
        """What is in memory, or on its way there or out of it."""
        return [self._pack(view) for view in self._dispatcher.residents()]

    async def load(self, request: model_pb2.LoadModelRequest) -> model_pb2.LoadModelResponse:
        """Brings a model in, and returns when it is there."""
        seconds = keep_alive(request)
        model = await self._model(request.name, verify=True)
        device = self._device(request.device, model)
        took = await self._dispatcher.memory.load(
            model.name, device.name, seconds, self._view(model.name, device.name) is not None
        )
        view = self._view(model.name, device.name)
        # With a keep-alive of 0 it may be gone again already.
        packed = self._pack(view) if view else model_pb2.Resident(model=model.name, device=device.name)
        return model_pb2.LoadModelResponse(resident=packed, load_time=duration(took))

    async def unload(self, request: model_pb2.UnloadModelRequest) -> model_pb2.UnloadModelResponse:
        """Lets one model go, or all that may."""
        if bool(request.name) == request.all:
            raise ExactlyOneOf("Either a model's name or `all` is needed.", field="name")
        if request.device:
            self._device(request.device)
        name = (await self._model(request.name)).name if request.name else ""
        there = [
            view
            for view in self._dispatcher.residents()
            if view.state != "loading" and name in ("", view.model) and request.device in ("", view.device)
        ]
        kept = [view for view in there if view.state == "ready" and (view.in_use or view.pinned)]
        if name and kept:
            _refuse(kept[0])
        places = [(view.device, view.model) for view in there if view not in kept]
        await self._dispatcher.memory.unload(name, request.device, places)
        leaving = [
            view
            for view in self._dispatcher.residents()
            if view.state == "unloading" and (view.device, view.model) in places
        ]
        return model_pb2.UnloadModelResponse(
            devices=[device for device, _ in places],
            kept=[self._pack(view) for view in kept],
            leaving=[self._pack(view) for view in leaving],
        )

    async def pin(self, name: str, pinned: bool) -> model_pb2.ModelKeeping:
        """Keeps a model without end, or no longer."""
        model = await self._model(name)
        if pinned:
            self._device("", model)
        kind = "model.pinned" if pinned else "model.unpinned"
        kept = await self._dispatcher.memory.keep(model.name, lambda before: replace(before, pinned=pinned), kind)
        return _keeping(model.name, kept)

    async def set_keep_alive(self, request: model_pb2.SetModelKeepAliveRequest) -> model_pb2.ModelKeeping:
        """Sets how long a model stays where a request says nothing."""
        seconds = keep_alive(request)
        model = await self._model(request.name)
        kept = await self._dispatcher.memory.keep(model.name, lambda before: replace(before, keep_alive=seconds))
        return _keeping(model.name, kept)

    # ---- inside -----------------------------------------------------------------------------------------------------

    async def _model(self, name: str, verify: bool = False) -> Model:
        return await asyncio.to_thread(self._registry.verify if verify else self._registry.get, name)

    def _device(self, name: str, model: Model | None = None) -> DeviceInfo:
        """A device by name, or for a model the first whose engine it runs on.

        Raises DeviceUnavailable, ModelUnsupported.
        """
        # Nothing is loaded at a provider; the scripted device plays every model.
        devices = {name: info for name, info in self._dispatcher.devices.items() if info.engine != "remote"}
        known = ", ".join(devices) or "none"
        if name:
            if name not in devices:
                raise DeviceUnavailable(
                    f"There is no device {name}; there is: {known}.",
                    field="device",
                    remedy="Name one of these, or none to take the first.",
                    device=name,
                )
            known_state = self._dispatcher.device(name)
            if model is not None and known_state is not None and known_state.use is s.Use.NONE:
                raise DeviceUnavailable(
                    f"{name} is switched off.",
                    field="device",
                    remedy=f"Switch it on again: `bullpen devices --on {name.removeprefix('devices/')}`.",
                    device=name,
                )
            if model is not None and not _stays(model):
                raise _beside(model)
            if model is not None and not _fits(devices[name], model):
                raise DeviceUnavailable(
                    f"{name} runs {devices[name].engine}, and {model.name} runs on {model.engine}.",
                    field="device",
                    remedy="Name another device, or none to take the first that fits.",
                    device=name,
                )
            return devices[name]
        fitting = [device for device in devices.values() if model is None or _fits(device, model)]
        if not fitting:
            assert model is not None
            if not _stays(model):
                raise _beside(model)
            raise ModelUnsupported(
                f"{model.name} stays in no device's memory: it runs on {model.engine}, and there is: {known}.",
                field="name",
                remedy="Install llama.cpp: pip install 'bullpen[llama]'."
                if model.engine == ENGINE
                else "See which engine each device runs: `bullpen devices`.",
            )
        states = self._dispatcher.state.devices
        return next((d for d in fitting if d.name in states and states[d.name].use is s.Use.ALL), fitting[0])

    def _view(self, model: str, device: str) -> ResidentView | None:
        for view in self._dispatcher.residents():
            if (view.model, view.device, view.state) == (model, device, "ready"):
                return view
        return None

    def _pack(self, view: ResidentView) -> model_pb2.Resident:
        return model_pb2.Resident(
            model=view.model,
            device=view.device,
            size_bytes=view.size_bytes,
            since=timestamp(view.since),
            expires=timestamp(view.expires),
            reason=view.reason,
            in_use=view.in_use,
            state=model_pb2.Resident.State.Value(f"STATE_{view.state.upper()}"),
            pinned=view.pinned,
            keep_alive=duration(view.keep_alive),
            placement=view.placement,
            working_bytes=self._dispatcher.memory.working_bytes(view.device, view.model),
        )


def _fits(device: DeviceInfo, model: Model) -> bool:
    """Whether a device's engine runs a model; the scripted one plays every model that draws."""
    if not _stays(model):
        return False
    return device.engine == model.engine or (device.engine == "scripted" and model.engine != ENGINE)


def _stays(model: Model) -> bool:
    """Whether a model can be in a device's memory by itself: it draws, or answers in words."""
    return model.family not in KINDS and model.engine != "remote"


def _beside(model: Model) -> ModelUnsupported:
    what = "it runs at a provider" if model.engine == "remote" else f"{model.family} models act beside one that draws"
    return ModelUnsupported(
        f"{model.name} stays in no device's memory by itself: {what}, or on finished pictures.",
        field="name",
        remedy="Nothing needs to be done; whatever uses it loads it for that time.",
    )


def _refuse(view: ResidentView) -> None:
    if view.in_use:
        raise StateConflict(f"{view.model} is in use.", field="name", remedy="Wait for its jobs, or cancel them.")
    remedy = f"Take the pin back first: `bullpen models unpin {view.model.removeprefix('models/')}`."
    raise StateConflict(f"{view.model} is pinned.", field="name", remedy=remedy)


def _keeping(model: str, keeping: s.Keeping) -> model_pb2.ModelKeeping:
    return model_pb2.ModelKeeping(model=model, pinned=keeping.pinned, keep_alive=duration(keeping.keep_alive))
