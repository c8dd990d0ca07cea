"""Gathers what is known of every place where a run could be done: devices, their memory and speed, queues, prices."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bullpen_api.v1 import model_pb2, run_pb2

from bullpend.advisor.model import Memory, Place
from bullpend.advisor.rules import ahead
from bullpend.db import Database, Row
from bullpend.db.database import View
from bullpend.dispatch.dispatcher import Dispatcher
from bullpend.errors import BullpenError
from bullpend.metrics.collect import MachineFigures
from bullpend.models.model import Model
from bullpend.models.registry import Registry
from bullpend.remote.catalogue import is_remote
from bullpend.runs import estimates, store
from bullpend.runs.method import Method, method_from_json
from bullpend.runs.model import Sampling
from bullpend.runs.planning import Payer, Planning
from bullpend.runs.wire import sampling_of
from bullpend.scheduling.model import State, Use

REMOTE = "devices/remote"
# Where one network at a time may be on the device.
IN_PARTS = ("cuda",)


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done: so many pictures, with these weights, at a priority. `run` is set for one that waits."""

    project: str
    model: Model
    sampling: Sampling
    method: Method
    pictures: int
    weights: int
    priority: int
    run: str = ""


class Gathering:
    """Reads; changes nothing."""

    def __init__(
        self,
        database: Database,
        planning: Planning,
        registry: Registry,
        dispatcher: Dispatcher,
        devices: Callable[[], list[model_pb2.Device]],
        machine: Callable[[], MachineFigures],
        payer: Payer,
    ) -> None:
        """`devices` are all of this machine, `payer` gives a provider's model with the account that would pay."""
        self._database = database
        self._planning = planning
        self._registry = registry
        self._dispatcher = dispatcher
        self._devices = devices
        self._machine = machine
        self._payer = payer

    async def planned(self, project: str, spec: run_pb2.RunSpec) -> Work:
        """The work of a run that is only planned. Raises what PlanRun raises."""
        draft = await self._planning.draft(project, spec)
        weights = sum(model.size_bytes for model in draft.models)
        return Work(
            project, draft.model, draft.sampling, draft.method, draft.candidates, weights, draft.request.priority
        )

    async def waiting(self, row: Row) -> Work:
        """What is left of a run. Raises ModelNotFound."""
        model = await asyncio.to_thread(self._registry.get, row["model"])
        left = max(0, row["candidates"] - row["candidates_done"])
        return Work(
            row["project"],
            model,
            sampling_of(row),
            method_from_json(row["method"]),
            left,
            row["model_bytes"] or model.size_bytes,
            row["priority"],
            store.run_name(row),
        )

    async def places(self, work: Work) -> list[Place]:
        """All places, in the order in which work goes to them by itself; providers last."""
        speeds, timings, footprints = await self._database.read(lambda view: _measured(view, work, self._devices()))
        found = [self._device(work, device, speeds, timings, footprints) for device in self._devices()]
        found.sort(key=lambda place: place.use is not Use.ALL)
        if work.model.engine == "remote":
            return [await self._provider(work, work.model, speeds), *found]
        if not work.run:
            others = [
                model
                for model in await asyncio.to_thread(self._registry.models)
                if model.engine == "remote" and work.method.strategy.value in model.capabilities
            ]
            found += [await self._provider(work, model, speeds) for model in others]
        return found

    def _device(
        self,
        work: Work,
        device: model_pb2.Device,
        speeds: Mapping[str, Mapping[str, float]],
        timings: Mapping[str, tuple[estimates.Timing, ...]],
        footprints: Mapping[str, tuple[tuple[int, int], ...]],
    ) -> Place:
        state = self._dispatcher.state
        use = state.devices[device.name].use
        each = estimates.duration(timings[device.name], work.model, work.sampling, work.method, 1)
        jobs, wait = ahead(state, device.name, speeds, work.priority, work.run)
        return Place(
            device.name,
            device.kind,
            work.model.name,
            device.title,
            use,
            self._memory(work, device, footprints[device.kind]),
            each.seconds if each else None,
            each.basis if each else None,
            jobs,
            None if state.paused else wait,
            problem=_problem(work.model, device),
        )

    def _memory(self, work: Work, device: model_pb2.Device, footprints: tuple[tuple[int, int], ...]) -> Memory:
        free: int | None = None
        if device.kind == "cpu":
            machine = self._machine()
            free = machine.memory_total_bytes - machine.memory_used_bytes
        elif device.memory_used_bytes:
            free = device.memory_total_bytes - device.memory_used_bytes
        resident = self._dispatcher.state.devices[device.name].residents.get(work.model.name)
        return Memory(
            work.weights + estimates.work(footprints, work.sampling),
            device.memory_total_bytes,
            free,
            resident is not None and not resident.leaving,
            device.kind in IN_PARTS,
        )

    async def _provider(self, work: Work, model: Model, speeds: Mapping[str, Mapping[str, float]]) -> Place:
        problem, cost = "", None
        try:
            model = model if "@" in model.name else await self._payer(work.project, model)
            quote = await self._planning.quote(model, work.sampling.width, work.sampling.height)
            cost = quote.each.times(work.pictures) if quote else None
        except BullpenError as error:
            problem = error.message
        step = speeds.get("", {}).get(model.name)
        state = self._dispatcher.remote.state
        jobs, wait = _first_free(state, speeds, work)
        return Place(
            REMOTE,
            "remote",
            model.name,
            model.title,
            picture_seconds=None if step is None else step * estimates.steps(work.sampling, work.method),
            basis=None if step is None else estimates.Basis.MEASURED,
            jobs_ahead=jobs,
            wait=None if state.paused else wait,
            cost=cost,
            problem=problem,
        )


def _first_free(state: State, speeds: Mapping[str, Mapping[str, float]], work: Work) -> tuple[int, float | None]:
    lanes = [ahead(state, name, speeds, work.priority, work.run) for name in state.devices]
    if not lanes:
        return 0, 0.0
    jobs = sum(count for count, _ in lanes)
    return jobs, min((wait for _, wait in lanes if wait is not None), default=None)


def _problem(model: Model, device: model_pb2.Device) -> str:
    if model.engine == "remote" or is_remote(model.name):
        return "The model runs at a provider."
    if device.engine not in (model.engine, "scripted"):
        return f"The model runs on {model.engine}, and this device on {device.engine}."
    if device.state == model_pb2.Device.STATE_FAILED:
        return "Its worker was lost again and again; it is tried again by itself."
    return ""


def _measured(
    view: View, work: Work, devices: Sequence[model_pb2.Device]
) -> tuple[
    dict[str, dict[str, float]],
    dict[str, tuple[estimates.Timing, ...]],
    dict[str, tuple[tuple[int, int], ...]],
]:
    speeds: dict[str, dict[str, float]] = {}
    for row in view.all("SELECT model, device, step_seconds FROM timings"):
        speeds.setdefault(row["device"], {})[row["model"]] = row["step_seconds"]
    timings = {device.name: store.timings(view, device.name) for device in devices}
    footprints = {device.kind: store.footprints(view, work.model.digest, device.kind) for device in devices}
    return speeds, timings, footprints
