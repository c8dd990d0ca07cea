"""Models in memory, on the daemon's side: what the scheduler commands about them is sent to workers, what workers say
of them becomes facts, events and rows, and whoever asked for a model hears when it is there.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

import structlog
from bullpen_api.v1 import event_pb2
from bullpen_api.worker.v1 import link_pb2

from bullpend.db import Database
from bullpend.errors import BY_REASON, BullpenError, EngineFailed, ShuttingDown, WorkerLost
from bullpend.models import keeping as store
from bullpend.models.loading import Loading
from bullpend.models.model import Model
from bullpend.models.options import options
from bullpend.scheduling import model as s
from bullpend.scheduling.views import in_words
from bullpend.workers.model import DeviceInfo
from bullpend.workers.supervisor import Supervisor

log = structlog.get_logger("dispatch")

# How long somebody who unloads a model waits for its memory: a worker waits up to five seconds for it itself.
PARTING_SECONDS = 8.0

_OUT_OF_MEMORY = "DEVICE_OUT_OF_MEMORY"


class Memory:
    """The models in the devices' memories. Used on the dispatcher's loop."""

    def __init__(
        self,
        database: Database,
        models: Loading,
        devices: Mapping[str, DeviceInfo],
        tell: Callable[[s.Fact], None],
        spawn: Callable[[Coroutine[Any, Any, None]], Any],
    ) -> None:
        self._database = database
        self._models = models
        self._devices = devices
        self._tell = tell
        self._spawn = spawn
        self._supervisor: Supervisor
        self.keepings: dict[str, s.Keeping] = {}
        # The most that was measured, by digest and kind of device, then by pixels.
        self._footprints: dict[tuple[str, str], dict[int, int]] = {}
        # The digest of what is in memory, by (device, model).
        self._digests: dict[tuple[str, str], str] = {}
        self._waiting: dict[tuple[str, str], list[asyncio.Future[float]]] = {}
        # Who waits until a model has left, by (device, model).
        self._parting: dict[tuple[str, str], asyncio.Event] = {}
        self._changing = asyncio.Lock()

    async def start(self, supervisor: Supervisor) -> None:
        """Reads what earlier daemons left, and tells the scheduler. Called once."""
        self._supervisor = supervisor
        for digest, kind, pixels, size in await self._database.read(store.footprints):
            self._footprints.setdefault((digest, kind), {})[pixels] = size
        self.keepings = await self._database.read(store.all_keepings)
        for model, keeping in self.keepings.items():
            self._tell(s.KeepingChanged(model, keeping))

    def close(self) -> None:
        """Whoever waits for a model will not get it."""
        for key in list(self._waiting):
            self._answer(key, ShuttingDown("The daemon is stopping."))
        for key in list(self._parting):
            self._parted(key)

    # ---- what services ask ------------------------------------------------------------------------------------------

    async def load(self, model: str, device: str, keep_alive: float | None, there: bool) -> float:
        """Brings a model into a device's memory; returns the seconds that it took, 0 where it is `there` already.

        Raises the worker's typed error, WorkerLost, ShuttingDown.
        """
        if there:
            self._tell(s.LoadRequested(model, device, keep_alive))
            return 0.0
        arrival: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault((device, model), []).append(arrival)
        self._tell(s.LoadRequested(model, device, keep_alive))
        return await arrival

    async def unload(self, model: str, device: str, places: Sequence[tuple[str, str]]) -> None:
        """Lets a model go, or with an empty name all that may, and waits until those of `places`, (device, model), have
        left; not longer than a worker is likely to need for something else.
        """
        gone = [self._parting.setdefault(place, asyncio.Event()).wait() for place in places]
        self._tell(s.UnloadRequested(model, device))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PARTING_SECONDS):
                await asyncio.gather(*gone)

    async def keep(
        self, model: str, change: Callable[[s.Keeping], s.Keeping], kind: str = "model.keeping_changed"
    ) -> s.Keeping:
        """Changes how long a model stays, durably, and says so; a change that changes nothing does neither."""
        async with self._changing:
            before = self.keepings.get(model, s.Keeping())
            after = change(before)
            if after == before:
                return after
            notice = _notice(_kept(model, after), model, pinned="true" if after.pinned else "false")

            def write(tx: Any) -> None:
                store.put(tx, model, after)
                tx.emit("", model, kind, notice)

            await self._database.write(write)
            self.keepings[model] = after
        self._tell(s.KeepingChanged(model, after))
        if before.pinned != after.pinned:
            for device in self._devices:
                self._pin(device)
        return after

    def seen(self) -> Sequence[Model]:
        """The models that were found when somebody looked last."""
        return self._models.seen()

    def working_bytes(self, device: str, model: str) -> int:
        """The most that jobs of the model in a device's memory took so far; 0 where nothing is known."""
        digest, kind = self._digests.get((device, model), ""), self._devices[device].kind
        return max(self._footprints.get((digest, kind), {}).values(), default=0)

    # ---- what the scheduler commands --------------------------------------------------------------------------------

    def carry_out(self, command: s.LoadModel | s.ReadAhead | s.UnloadModel) -> None:
        """Has a worker load, read ahead or unload a model."""
        device, model = command.device, command.model
        if device not in self._devices:
            return
        match command:
            case s.UnloadModel():
                self._send(device, unload_model=link_pb2.UnloadModel(model=model))
            case s.LoadModel():
                self._spawn(self._load(device, model))
            case s.ReadAhead():
                self._spawn(self._read_ahead(device, model))

    async def _load(self, device: str, model: str) -> None:
        try:
            ref = await asyncio.to_thread(self._models.judge, model)
        except BullpenError as error:
            self._tell(s.ModelFailed(device, model))
            self._answer((device, model), error)
            return
        self._emit("model.loading", model, device, f"{model} is being loaded on {device}.")
        self._send(device, load_model=link_pb2.LoadModel(model=ref))

    async def _read_ahead(self, device: str, model: str) -> None:
        try:
            ref = await asyncio.to_thread(self._models.judge, model)
        except BullpenError:
            return  # the job itself will say what is wrong with its model
        self._send(device, read_ahead=link_pb2.ReadAhead(model=ref))

    # ---- what workers say -------------------------------------------------------------------------------------------

    def ready(self, device: str) -> None:
        """A worker begins: it is told what is pinned and what was measured before it."""
        kind = self._devices[device].kind
        known = [
            link_pb2.FootprintMeasured(
                digest=digest, footprint=link_pb2.Footprint(pixels=pixels, working_bytes=working_bytes)
            )
            for (digest, of), points in self._footprints.items()
            for pixels, working_bytes in points.items()
            if of == kind
        ]
        if known:
            self._send(device, remember_footprints=link_pb2.RememberFootprints(known=known))
        if any(keeping.pinned for keeping in self.keepings.values()):
            self._pin(device)

    def lost(self, device: str, reason: str) -> None:
        """A worker is gone, and all models with it."""
        for key in [key for key in self._digests if key[0] == device]:
            del self._digests[key]
        for key in [key for key in self._waiting if key[0] == device]:
            self._answer(key, WorkerLost(f"The worker of {device} was lost while it loaded {key[1]}: {reason}."))
        for key in [key for key in self._parting if key[0] == device]:
            self._parted(key)

    def heard(self, device: str, said: link_pb2.FromWorker) -> None:
        """Takes what a worker says of models."""
        match said.WhichOneof("body"):
            case "model_loaded":
                self._loaded(device, said.model_loaded)
            case "model_unloaded":
                gone = said.model_unloaded
                self._tell(s.ModelUnloaded(device, gone.model))
                self._parted((device, gone.model))
                why = f": it {gone.reason}" if gone.reason else ""
                text = f"{gone.model} left the memory of {device}{why}."
                self._emit("model.unloaded", gone.model, device, text, reason=gone.reason)
            case "model_failed":
                self._failed(device, said.model_failed)
            case "footprint_measured":
                self._measured(device, said.footprint_measured)

    def _loaded(self, device: str, loaded: link_pb2.ModelLoaded) -> None:
        placement = loaded.placement or "whole"
        self._digests[device, loaded.model] = loaded.digest
        self._tell(s.ModelLoaded(device, loaded.model, loaded.size_bytes, placement))
        self._answer((device, loaded.model), loaded.seconds)
        how = "" if placement == "whole" else f", in {placement}: it does not fit as a whole"
        text = f"{loaded.model} is in memory of {device}{how}."
        seconds, size = f"{loaded.seconds:.2f}", str(loaded.size_bytes)
        self._emit("model.loaded", loaded.model, device, text, seconds=seconds, size_bytes=size, placement=placement)

    def _failed(self, device: str, failed: link_pb2.ModelFailed) -> None:
        failure = failed.failure
        log.warning("model.failed", device=device, model=failed.model, reason=failure.reason)
        self._tell(s.ModelFailed(device, failed.model))
        remedy = self.remedy(failure.reason, failure.remedy, failed.model, device)
        error = BY_REASON.get(failure.reason, EngineFailed)
        self._answer((device, failed.model), error(failure.message, remedy=remedy, model=failed.model))
        text = f"{failed.model} could not be loaded on {device}: {failure.message}"
        self._emit("model.failed", failed.model, device, text, reason=failure.reason)

    def _measured(self, device: str, said: link_pb2.FootprintMeasured) -> None:
        kind, pixels, size = self._devices[device].kind, said.footprint.pixels, said.footprint.working_bytes
        points = self._footprints.setdefault((said.digest, kind), {})
        points[pixels] = max(points.get(pixels, 0), size)
        if said.digest:
            self._spawn(self._write(lambda tx: store.measured(tx, said.digest, kind, pixels, size)))

    def remedy(self, reason: str, remedy: str, model: str, device: str) -> str:
        """What can be done about a failure here; where memory ran out, with what else this host has."""
        if reason != _OUT_OF_MEMORY:
            return remedy
        return options(remedy, model, device, self._models.known(), list(self._devices.values()))

    # ---- inside -----------------------------------------------------------------------------------------------------

    def _pin(self, device: str) -> None:
        pinned = sorted(model for model, keeping in self.keepings.items() if keeping.pinned)
        self._send(device, pin_models=link_pb2.PinModels(models=pinned))

    def _send(self, device: str, **body: Any) -> None:
        self._supervisor.send(device, link_pb2.ToWorker(**body))

    def _answer(self, key: tuple[str, str], answer: float | BullpenError) -> None:
        for arrival in self._waiting.pop(key, []):
            if arrival.done():
                continue
            if isinstance(answer, BullpenError):
                arrival.set_exception(answer)
            else:
                arrival.set_result(answer)

    def _parted(self, key: tuple[str, str]) -> None:
        event = self._parting.pop(key, None)
        if event is not None:
            event.set()

    def _emit(self, kind: str, model: str, device: str, text: str, **details: str) -> None:
        said = {name: value for name, value in details.items() if value}
        payload = _notice(text, model, device=device, **said)
        self._spawn(self._write(lambda tx: tx.emit("", model, kind, payload)))

    async def _write(self, work: Callable[[Any], Any]) -> None:
        await self._database.write(work)


def _notice(text: str, model: str, **details: str) -> bytes:
    notice = event_pb2.Notice(message=text, details={"model": model, **details})
    return event_pb2.Event(notice=notice).SerializeToString()


def _kept(model: str, keeping: s.Keeping) -> str:
    if keeping.pinned:
        return f"{model} is pinned."
    if keeping.keep_alive is None:
        return f"{model} stays in memory as long as others do."
    return f"{model} stays in memory for {in_words(keeping.keep_alive)} after its last use."
