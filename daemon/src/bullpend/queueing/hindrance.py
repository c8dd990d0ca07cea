"""What keeps work that waits from beginning, besides other jobs and pauses. Pure.

A queue that goes on and does nothing is the worst that a person can find: here it is said what is in the way and what
to do about it.
"""

from __future__ import annotations

from bullpend.scheduling.model import Device, DevicePhase, State, Use, work_for


def hindrance(state: State) -> str:
    """Sentences for a person; empty where nothing is in the way, where nothing waits, and while the queue is paused."""
    if state.paused or not state.queue:
        return ""
    if state.draining:
        return "The daemon is ending; what waits goes on with the next one."
    waiting = len(state.queue)
    able = [device for device in state.devices.values() if work_for(device, waiting, state.bound)]
    told = [
        f"{_jobs(count)} for {name}, which is switched off: `bullpen devices --on {_short(name)}`."
        for name, count in sorted(state.bound.items())
        if count and name in state.devices and state.devices[name].use is Use.NONE
    ]
    if not able and waiting > sum(state.bound.values()):
        told.append(f"No device may take what waits. {_shut(state)}".rstrip())
    if able and all(device.phase is DevicePhase.COLD and device.losses for device in able):
        told += [_lost(device) for device in able]
    return " ".join(told)


def _shut(state: State) -> str:
    """Why no device takes anything, with the way out for the first of them."""
    why = []
    for device in state.devices.values():
        if device.use is not Use.ALL:
            is_off = device.use is Use.NONE
            why.append(f"{device.device} {'is switched off' if is_off else 'takes only what is placed there'}")
    return f"{'; '.join(why)}. `bullpen devices --on NAME` gives one what waits." if why else ""


def _lost(device: Device) -> str:
    # The reason follows "the worker", as in `was killed by SIGSEGV`.
    why = device.lost_reason.rstrip(".") or "was lost"
    if device.losses == 1:
        return f"The worker of {device.device} {why}. It is started again by itself."
    many = f"{device.losses} workers of {device.device} were lost in a row; the last one {why}."
    return f"{many} One is started again by itself: `bullpen logs --level warning`."


def _jobs(count: int) -> str:
    return "1 job waits" if count == 1 else f"{count} jobs wait"


def _short(name: str) -> str:
    return name.removeprefix("devices/")
