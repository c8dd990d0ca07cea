"""What others may ask of the scheduler's state: places in the queue, devices, models in memory, the next wake."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from bullpend.scheduling import residency
from bullpend.scheduling.model import Device, DevicePhase, Keeping, State, Use, Wanted, work_for


@dataclass(frozen=True, slots=True)
class ResidentView:
    """A model in memory, or on its way there or out of it. Times are of the scheduler's clock plus the offset that was
    given; `expires` is None while the model is in use, pinned or not there yet, `keep_alive` where it is pinned.
    """

    model: str
    device: str
    size_bytes: int
    since: float
    expires: float | None
    reason: str
    in_use: bool
    # `loading`, `ready` or `unloading`.
    state: str = "ready"
    pinned: bool = False
    keep_alive: float | None = None
    placement: str = ""


def positions(state: State) -> Iterator[tuple[int, str]]:
    """Waiting jobs in the order of the queue, counted from 1. A warm job may still start before its turn."""
    return zip(count(1), state.queue, strict=False)


def position(state: State, job: str) -> int:
    """A job's place in the queue, counted from 1; 0 when it does not wait."""
    entry = state.jobs.get(job)
    return 0 if entry is None else state.queue.position(entry.spec.priority, entry.spec.project, entry.spec.key())


def device_state(device: Device, now: float) -> str:
    """`cold`, `starting`, `idle`, `busy` or `failed`, as bullpen.v1.Device.State has them in lower case."""
    if device.phase is DevicePhase.COLD:
        return "failed" if device.losses > 1 and device.retry_at > now else "cold"
    if device.phase is DevicePhase.STARTING:
        return "starting"
    return "busy" if device.job or device.phase is DevicePhase.DYING else "idle"


def residents(state: State, *, offset: float = 0.0) -> list[ResidentView]:
    """Models in memory by device. `offset` turns the scheduler's clock into the one that is shown: wall − monotonic."""
    found = []
    for device in state.devices.values():
        found += [_resident(state, device, model, offset) for model in device.residents]
        found += [
            _wanted(state, device, model, wanted, offset)
            for model, wanted in device.wanted.items()
            if model not in device.residents
        ]
    return found


def _resident(state: State, device: Device, model: str, offset: float) -> ResidentView:
    entry = device.residents[model]
    in_use, pinned = uses(state, device, model), state.keepings.get(model, Keeping()).pinned
    end, seconds = residency.expires(state, entry), residency.keep_alive(state, entry)
    if entry.leaving:
        reason = "is being unloaded"
    elif in_use:
        reason = f"in use by {device.job}"
    elif pinned or seconds is None:
        reason = "pinned"
    else:
        reason = f"kept for {in_words(seconds)} after its last use"
    return ResidentView(
        model=model,
        device=device.device,
        size_bytes=entry.size_bytes,
        since=entry.since + offset,
        expires=None if in_use or end is None else end + offset,
        reason=reason,
        in_use=in_use,
        state="unloading" if entry.leaving else "ready",
        pinned=pinned,
        keep_alive=seconds,
        placement=entry.placement,
    )


def in_words(seconds: float) -> str:
    """A keep-alive as a person would say it: `90 s`, `5 min`, `2 h`; only whole ones."""
    for length, unit in ((3600, "h"), (60, "min")):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s"


def _wanted(state: State, device: Device, model: str, wanted: Wanted, offset: float) -> ResidentView:
    if device.phase is not DevicePhase.READY:
        reason = "is loaded as soon as the device's worker runs"
    else:
        reason = f"is loaded after {device.job}" if device.job else "is being loaded"
    pinned = state.keepings.get(model, Keeping()).pinned
    return ResidentView(
        model, device.device, 0, wanted.since + offset, None, reason, False, "loading", pinned, wanted.keep_alive
    )


def uses(state: State, device: Device, model: str) -> bool:
    """Whether the job that runs on a device needs this model."""
    entry = state.jobs.get(device.job) if device.job else None
    return entry is not None and entry.spec.model == model


def model_in_use(state: State, model: str) -> bool:
    """Whether a running job needs this model; unloading it is then a conflict."""
    return any(uses(state, device, model) for device in state.devices.values())


def wake_at(state: State) -> float | None:
    """When the next Tick is due, None where nothing waits for time. Cheap: looks at devices only."""
    due: list[float] = []
    starting = sum(device.phase is DevicePhase.STARTING for device in state.devices.values())
    waiting = len(state.queue)
    short_of_workers = waiting > starting and not state.draining and not state.paused
    for device in state.devices.values():
        if device.stop_by is not None and device.phase is DevicePhase.READY:
            due.append(device.stop_by)
        if device.phase is DevicePhase.COLD and device.use is not Use.NONE:
            wished = device.wanted and not state.draining
            if wished or (short_of_workers and work_for(device, waiting, state.bound)):
                due.append(device.retry_at)
        if device.phase is not DevicePhase.READY:
            continue
        for resident in device.residents.values():
            end = residency.expires(state, resident)
            if end is not None and not resident.leaving and not uses(state, device, resident.model):
                due.append(end)
    return min(due, default=None)
