"""The invariants notice what they are there to notice."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest
from bullpend.scheduling import model as m
from bullpend.scheduling.invariants import InvariantBrokenError, check

from tests.scheduling.script import Story


def two_running() -> m.State:
    """Two devices, one job on each, one job waiting."""
    story = Story("a", "b")
    for name in ("j1", "j2", "j3"):
        story.submit(name)
    story.tell(m.DeviceReady("a"))
    story.tell(m.DeviceReady("b"))
    return story.state


def with_device(state: m.State, name: str, **changes: object) -> m.State:
    device = replace(state.devices[name], **changes)  # type: ignore[arg-type]
    return replace(state, devices=MappingProxyType({**state.devices, name: device}))


def test_a_sound_state_passes() -> None:
    """Nothing is said about a state that the rules made."""
    check(two_running())


def test_each_contradiction_is_told() -> None:
    """A state that was tampered with is refused with words that name what is wrong."""
    state = two_running()
    entry = state.jobs["j1"]
    waiting = state.jobs["j3"]
    broken = {
        "runs on a and on b": with_device(state, "b", job="j1"),
        "is idle while": with_device(state, "b", job=""),
        "without a worker": with_device(state, "a", phase=m.DevicePhase.COLD),
        "which nobody knows": replace(state, jobs=state.jobs.drop("j1")),
        "runs something else": replace(state, jobs=state.jobs.set("j1", replace(entry, device="b"))),
        "time to stop": with_device(state, "a", stop_by=1.0),
        "not in the queue": replace(state, queue=m.State().queue),
        "was overtaken": replace(state, jobs=state.jobs.set("j3", replace(waiting, overtaken=99))),
        "was not held": replace(state, jobs=state.jobs.set("j3", replace(waiting, deaths=99))),
        "used before": replace(state, jobs=state.jobs.set("j1", replace(entry, attempt=0))),
        "filed as": replace(state, jobs=state.jobs.set("j4", waiting)),
    }
    for words, tampered in broken.items():
        with pytest.raises(InvariantBrokenError, match=words):
            check(tampered)
