"""What is true of every state that the rules hand out. Tests check all of it after each step; `device_problems` costs
next to nothing and may be asked at any time.
"""

from __future__ import annotations

from collections import Counter

from bullpend.scheduling.model import DevicePhase, Phase, State, Use, work_for


class InvariantBrokenError(AssertionError):
    """The scheduler's state contradicts itself; the message lists how."""


def check(state: State) -> None:
    """Raises InvariantBrokenError with all problems. Looks at every job."""
    problems = device_problems(state) + queue_problems(state)
    if problems:
        raise InvariantBrokenError("; ".join(problems))


def device_problems(state: State) -> list[str]:
    """Contradictions between devices and the jobs that they run. Looks at devices only."""
    problems: list[str] = []
    seen: dict[str, str] = {}
    for device in state.devices.values():
        name = device.device
        has_worker = device.phase in (DevicePhase.READY, DevicePhase.DYING)
        if device.residents and not has_worker:
            problems.append(f"{name} has models in memory but no worker")
        if not device.job:
            if device.stop_by is not None:
                problems.append(f"{name} waits for a stop but runs nothing")
            work = work_for(device, len(state.queue), state.bound)
            if device.phase is DevicePhase.READY and work and not state.draining and not state.paused:
                problems.append(f"{name} is idle while {work} jobs wait")
            if device.phase is DevicePhase.READY and device.use is Use.NONE:
                problems.append(f"{name} is switched off and has a worker")
            continue
        if not has_worker:
            problems.append(f"{name} runs {device.job} without a worker")
        if device.job in seen:
            problems.append(f"{device.job} runs on {seen[device.job]} and on {name}")
        seen[device.job] = name
        entry = state.jobs.get(device.job)
        if entry is None:
            problems.append(f"{name} runs {device.job}, which nobody knows")
        elif entry.device != name or entry.phase in (Phase.QUEUED, Phase.PAUSED):
            problems.append(f"{name} runs {device.job}, which is {entry.phase.value} on {entry.device or 'no device'}")
        elif (entry.phase is Phase.STOPPING) != (device.stop_by is not None):
            problems.append(f"{device.job} is {entry.phase.value} but the time to stop is {device.stop_by}")
    return problems


def queue_problems(state: State) -> list[str]:
    """Contradictions between the queue, the jobs and the policy. Looks at every job."""
    problems: list[str] = []
    waiting = 0
    for name, entry in state.jobs.items():
        spec = entry.spec
        if spec.job != name:
            problems.append(f"{spec.job} is filed as {name}")
        if entry.phase is Phase.QUEUED:
            waiting += 1
            if not state.queue.has(spec.priority, spec.project, spec.key()):
                problems.append(f"{name} waits but is not in the queue")
            if spec.paused or spec.run in state.paused_runs:
                problems.append(f"{name} waits for its turn although it is paused")
        elif entry.phase is Phase.PAUSED:
            if state.queue.has(spec.priority, spec.project, spec.key()):
                problems.append(f"{name} is paused but in the queue")
            if not spec.paused and spec.run not in state.paused_runs:
                problems.append(f"{name} waits for a resume that nobody owes it")
        else:
            device = state.devices.get(entry.device)
            if device is None or device.job != name:
                problems.append(f"{name} is {entry.phase.value} on {entry.device}, which runs something else")
            if entry.attempt <= spec.attempt:
                problems.append(f"{name} runs with an attempt that was used before")
        if entry.phase in (Phase.QUEUED, Phase.PAUSED) and entry.device:
            problems.append(f"{name} waits but has a device")
        if entry.pausing and entry.phase is not Phase.STOPPING:
            problems.append(f"{name} is {entry.phase.value} and on its way to a pause")
        if entry.overtaken > state.policy.max_overtakes:
            problems.append(f"{name} was overtaken {entry.overtaken} times")
        if entry.deaths >= state.policy.max_attempts:
            problems.append(f"{name} cost {entry.deaths} workers and was not held")
    bound = Counter(e.spec.device for e in state.jobs.values() if e.phase is Phase.QUEUED and e.spec.device)
    if bound != state.bound:
        problems.append(f"{dict(bound)} wait for single devices, and {dict(state.bound)} are counted")
    if waiting != len(state.queue):
        problems.append(f"the queue has {len(state.queue)} places for {waiting} waiting jobs")
    return problems
