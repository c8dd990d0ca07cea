"""Which waiting job goes to which idle device. The numbers refer to docs/scheduler.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bullpend.scheduling.model import Device, Entry, Policy
from bullpend.scheduling.ordered import Ordered
from bullpend.scheduling.queue import Queue


@dataclass(frozen=True, slots=True)
class Placement:
    """A job for a device, and the jobs that it overtakes by being warm there."""

    job: Entry
    device: Device
    overtakes: tuple[Entry, ...] = ()


def place(jobs: Ordered[str, Entry], queue: Queue, idle: Sequence[Device], policy: Policy) -> Placement | None:
    """The next placement, None where nothing waits or nothing is idle. `idle` is in order of preference."""
    if not queue or not idle:
        return None

    def fits(name: str) -> bool:
        # 30. What no idle device may take is passed over, and was not overtaken.
        spec = jobs[name].spec
        return any(device.takes(spec) for device in idle)

    # The window never crosses a priority: warmth is a saving, priority is a person's wish.
    window = [jobs[name] for name in queue.window(policy.look_ahead + 1, fits)]
    if not window:
        return None
    head = window[0]

    # 11. The head of the queue goes to an idle device that has its model in memory.
    for device in idle:
        if device.takes(head.spec) and is_warm(device, head.spec.model):
            return Placement(head, device)

    # 12. Otherwise a job close behind it that is warm on an idle device overtakes, unless somebody before it was
    #     overtaken too often already.
    overtaken: list[Entry] = []
    for entry in window:
        for device in idle:
            if device.takes(entry.spec) and is_warm(device, entry.spec.model):
                return Placement(entry, device, tuple(overtaken))
        if entry.overtaken >= policy.max_overtakes:
            break
        overtaken.append(entry)

    # 13. Otherwise the head goes to the first idle device and its model is loaded there.
    return Placement(head, next(device for device in idle if device.takes(head.spec)))


def is_warm(device: Device, model: str) -> bool:
    """Whether the model is in the device's memory and stays."""
    resident = device.residents.get(model)
    return resident is not None and not resident.leaving
