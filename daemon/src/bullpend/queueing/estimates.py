"""When what waits will begin and end, as far as the speed of its models was measured here. Pure.

One job after the other goes to the device that is free first; loading of models, warmth and storing are left out, and
of what runs now half is taken to be done. So these are estimates of a quarter of an hour, not of a second.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bullpend.scheduling.model import Phase, State, Use


@dataclass(slots=True)
class RunPlace:
    """Where a run stands. Times are seconds from now, None where nothing like it was measured."""

    run: str
    priority: int
    position: int = 0
    waiting: int = 0
    paused: int = 0
    start: float | None = None
    end: float | None = None


@dataclass(slots=True)
class Timetable:
    """The whole queue at one moment."""

    runs: list[RunPlace] = field(default_factory=list)
    paused: int = 0
    left: float | None = None


def job_seconds(state: State, job: str, speeds: Mapping[str, float]) -> float | None:
    """What a job takes on a device, None where its model was never measured. `speeds` are seconds of a step."""
    spec = state.jobs[job].spec
    speed = speeds.get(spec.model)
    return None if speed is None else speed * spec.steps


def starts(state: State, speeds: Mapping[str, float]) -> Iterator[tuple[str, float | None, float | None]]:
    """(job, seconds until it begins, seconds until it ends) in the order of the queue.

    Nothing is known from the first job on whose model nobody has measured, and nothing of a paused queue. A device
    whose work nobody has measured is not reckoned with. What is bound to a device waits for that one alone, and begins
    nobody knows when where it is switched off. The jobs of a run are taken to be alike, so that of thousands only one
    each is looked at.
    """
    ends = _ends(state, speeds)
    free = _free(state, ends)
    known = not state.paused and bool(free)
    of_run: dict[str, float | None] = {}
    for job in state.queue:
        run = job.rpartition("/jobs/")[0] or job
        if run not in of_run:
            of_run[run] = job_seconds(state, job, speeds)
        seconds = of_run[run]
        bound = state.jobs[job].spec.device if state.bound else ""
        if bound:
            begin = None if state.paused else ends.get(bound)
            end = None if begin is None or seconds is None else begin + seconds
            if bound in ends:
                ends[bound] = end
                free = _free(state, ends)
            yield job, begin, end
            continue
        if not known or not free:
            yield job, None, None
            continue
        begin, device = free[0]
        if seconds is None:
            known = False
            yield job, begin, None
            continue
        ends[device] = begin + seconds
        heapq.heapreplace(free, (begin + seconds, device))
        yield job, begin, begin + seconds


def timetable(state: State, speeds: Mapping[str, float]) -> Timetable:
    """Every run that waits, in the order of its first job; those that only wait to be resumed come last."""
    found: dict[str, RunPlace] = {}
    table = Timetable(left=_left(state, speeds))
    for position, (job, begin, end) in enumerate(starts(state, speeds), 1):
        spec = state.jobs[job].spec
        place = found.get(spec.run)
        if place is None:
            place = found[spec.run] = RunPlace(spec.run, spec.priority, position, start=begin, end=end)
        place.waiting += 1
        place.end = None if end is None or place.end is None else max(place.end, end)
        table.left = None if end is None or table.left is None else max(table.left, end)
    for entry in state.jobs.values():
        if entry.phase is Phase.PAUSED:
            place = found.setdefault(entry.spec.run, RunPlace(entry.spec.run, entry.spec.priority))
            place.paused += 1
            place.end = None
            table.paused += 1
    if state.paused or table.paused:
        table.left = None
    table.runs = list(found.values())
    return table


def _ends(state: State, speeds: Mapping[str, float]) -> dict[str, float | None]:
    """When each device that is not switched off is free next; None where it works on something of unknown length."""
    ends: dict[str, float | None] = {}
    for device in state.devices.values():
        if device.use is Use.NONE:
            continue
        whole = job_seconds(state, device.job, speeds) if device.job in state.jobs else 0.0
        ends[device.device] = None if whole is None else 0.5 * whole
    return ends


def _free(state: State, ends: Mapping[str, float | None]) -> list[tuple[float, str]]:
    """The devices in general use of which it is known when they are free, as a heap of that time and their names."""
    free = [(end, name) for name, end in ends.items() if end is not None and state.devices[name].use is Use.ALL]
    heapq.heapify(free)
    return free


def _left(state: State, speeds: Mapping[str, float]) -> float | None:
    """Seconds until nothing runs any more; None where something of unknown length does."""
    running = [job_seconds(state, device.job, speeds) for device in state.devices.values() if device.job in state.jobs]
    return None if None in running else max((0.5 * whole for whole in running if whole is not None), default=0.0)
