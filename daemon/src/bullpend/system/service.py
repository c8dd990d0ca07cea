"""SystemService: unpack, call, pack."""

from __future__ import annotations

import asyncio
import platform
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from bullpen_api.v1 import model_pb2, system_pb2, system_pb2_grpc

from bullpend import __version__
from bullpend.clock import Clock
from bullpend.db import migrate
from bullpend.dispatch.dispatcher import Dispatcher
from bullpend.errors import FieldInvalid
from bullpend.events.bus import Bus
from bullpend.metrics import gpus
from bullpend.metrics.collect import GpuFigures, MachineFigures, MachineProbe
from bullpend.rpc.wire import duration, timestamp
from bullpend.scheduling.model import State
from bullpend.settings import Settings
from bullpend.system.diagnosis import Diagnosis
from bullpend.system.repair import Repairs

INTERVAL = (0.1, 3600.0)


@dataclass(frozen=True)
class Identity:
    """One start of the daemon."""

    instance: str
    pid: int
    # Wall time, and the time of the clock that is never set.
    started: float
    began: float


class Metrics:
    """Puts the figures of machine, devices and queue together."""

    def __init__(
        self,
        probe: MachineProbe,
        devices: Callable[[], list[model_pb2.Device]],
        dispatcher: Dispatcher,
        bus: Bus,
        clock: Clock,
    ) -> None:
        self._probe = probe
        self._devices = devices
        self._dispatcher = dispatcher
        self._bus = bus
        self._clock = clock

    def machine(self) -> MachineFigures:
        """Figures of the machine."""
        return self._probe.read()

    async def read(self) -> system_pb2.Metrics:
        """One reading of everything."""
        machine, devices = self._probe.read(), self._devices()
        kinds = {device.kind for device in devices} & gpus.ASKED.keys()
        told = await asyncio.to_thread(gpus.read, kinds) if kinds else {}
        state = self._dispatcher.state
        running = sum(1 for device in state.devices.values() if device.job)
        return system_pb2.Metrics(
            time=timestamp(self._clock.now()),
            cpu_utilization=machine.cpu_utilization,
            memory_total_bytes=machine.memory_total_bytes,
            memory_used_bytes=machine.memory_used_bytes,
            daemon_memory_bytes=machine.daemon_memory_bytes,
            disk_free_bytes=machine.disk_free_bytes,
            devices=[_device(device, told.get(device.name), state) for device in devices],
            queued_jobs=len(state.queue),
            running_jobs=running,
            watchers=len(self._bus),
            candidates_done=self._dispatcher.rate.total,
            candidates_per_minute=self._dispatcher.rate.per_minute(),
            revision=self._bus.revision,
            daemon_descriptors=machine.daemon_descriptors,
            daemon_threads=machine.daemon_threads,
            daemon_tasks=len(asyncio.all_tasks()),
        )


def _device(device: model_pb2.Device, gpu: GpuFigures | None, state: State) -> system_pb2.DeviceMetrics:
    known = state.devices.get(device.name)
    figures = system_pb2.DeviceMetrics(
        device=device.name,
        state=device.state,
        memory_total_bytes=device.memory_total_bytes,
        memory_used_bytes=device.memory_used_bytes,
        worker_memory_bytes=device.memory_used_bytes,
        source=system_pb2.DeviceMetrics.Source.Value(f"SOURCE_{gpus.source(device.kind, gpu)}"),
        models=[
            system_pb2.ModelMemory(model=name, size_bytes=resident.size_bytes, placement=resident.placement)
            for name, resident in (known.residents.items() if known else ())
        ],
    )
    if gpu is not None:
        # A Mac's GPU has the machine's memory.
        figures.memory_total_bytes = gpu.memory_total_bytes or device.memory_total_bytes
        figures.memory_used_bytes = gpu.memory_used_bytes
        if gpu.utilization is not None:
            figures.utilization = gpu.utilization
        if gpu.temperature_celsius is not None:
            figures.temperature_celsius = gpu.temperature_celsius
    return figures


class SystemService(system_pb2_grpc.SystemServiceServicer):
    """Tells about the daemon itself."""

    def __init__(
        self,
        settings: Settings,
        identity: Identity,
        metrics: Metrics,
        diagnosis: Diagnosis,
        repairs: Repairs,
        devices: Callable[[], list[model_pb2.Device]],
        bus: Bus,
        clock: Clock,
        stop: Callable[[bool], None],
    ) -> None:
        self._settings = settings
        self._identity = identity
        self._metrics = metrics
        self._diagnosis = diagnosis
        self._repairs = repairs
        self._devices = devices
        self._bus = bus
        self._clock = clock
        self._stop = stop

    async def GetInfo(self, request: system_pb2.GetInfoRequest, context: Any) -> system_pb2.Info:  # noqa: N802
        """Who serves, since when, from where."""
        return system_pb2.Info(
            version=__version__,
            instance=self._identity.instance,
            hostname=socket.gethostname(),
            pid=self._identity.pid,
            home=str(self._settings.home.root),
            start_time=timestamp(self._identity.started),
            uptime=duration(self._clock.monotonic() - self._identity.began),
            schema_version=migrate.newest(),
            revision=self._bus.revision,
            python_version=platform.python_version(),
            platform=platform.platform(),
            devices=self._devices(),
            model_folders=[str(folder) for folder in self._settings.model_folders()],
            settings_folder=str(self._settings.folder),
        )

    async def GetMetrics(self, request: system_pb2.GetMetricsRequest, context: Any) -> system_pb2.Metrics:  # noqa: N802
        """One reading."""
        return await self._metrics.read()

    async def WatchMetrics(  # noqa: N802
        self, request: system_pb2.WatchMetricsRequest, context: Any
    ) -> AsyncIterator[system_pb2.Metrics]:
        """A reading at once, then one each interval."""
        given = request.interval
        seconds = given.seconds + given.nanos / 1e9 if request.HasField("interval") else 1.0
        if not INTERVAL[0] <= seconds <= INTERVAL[1]:
            raise FieldInvalid(
                f"`interval` is {seconds:g} s; it must lie between {INTERVAL[0]:g} s and {INTERVAL[1]:g} s.",
                field="interval",
            )
        while True:
            yield await self._metrics.read()
            await asyncio.sleep(seconds)

    async def ListSettings(  # noqa: N802
        self, request: system_pb2.ListSettingsRequest, context: Any
    ) -> system_pb2.ListSettingsResponse:
        """Every setting with its source."""
        return system_pb2.ListSettingsResponse(
            settings=[
                system_pb2.Setting(name=i.name, value=i.value, source=i.source, description=i.description)
                for i in self._settings.items()
            ]
        )

    async def Diagnose(self, request: system_pb2.DiagnoseRequest, context: Any) -> system_pb2.DiagnoseResponse:  # noqa: N802
        """All checks."""
        return system_pb2.DiagnoseResponse(checks=await self._diagnosis.run(request.deep))

    async def Repair(self, request: system_pb2.RepairRequest, context: Any) -> system_pb2.RepairResponse:  # noqa: N802
        """Mends what can be mended."""
        return system_pb2.RepairResponse(repairs=await self._repairs.run(request.dry_run))

    async def Shutdown(self, request: system_pb2.ShutdownRequest, context: Any) -> system_pb2.ShutdownResponse:  # noqa: N802
        """Ends the daemon after this answer."""
        self._stop(request.now)
        return system_pb2.ShutdownResponse()
