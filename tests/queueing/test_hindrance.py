"""What is in the way of work that waits, said with the way out."""

from __future__ import annotations

import pytest
from bullpend.queueing.hindrance import hindrance
from bullpend.scheduling import model as m
from bullpend.scheduling.rules import step


def state(*facts: m.Fact, device: str = "") -> m.State:
    """Two jobs wait, for `device` or for any, at the device `devices/d`; then the facts, a second apart."""
    now = m.State()
    jobs = [m.QueuedJob(f"j{number}", "r", "p", "x", seq=number, device=device) for number in (1, 2)]
    for at, fact in enumerate((m.DeviceAdded("devices/d"), *map(m.JobSubmitted, jobs), *facts)):
        now, _ = step(now, fact, float(at))
    return now


def switched(use: m.Use) -> m.Fact:
    return m.DeviceSwitched("devices/d", use)


def test_nothing_is_said_where_only_other_jobs_are_in_the_way() -> None:
    """While a worker starts or works, while the queue is paused, and of an empty queue."""
    assert hindrance(m.State()) == ""
    assert hindrance(state()) == ""
    assert hindrance(state(m.DeviceReady("devices/d"))) == ""
    assert hindrance(state(switched(m.Use.NONE), m.QueuePaused())) == ""


@pytest.mark.parametrize(
    ("use", "words"), [(m.Use.NONE, "is switched off"), (m.Use.BOUND, "takes only what is placed there")]
)
def test_no_device_takes_it(use: m.Use, words: str) -> None:
    """It is said what each device does instead, and which command gives one the work."""
    told = hindrance(state(switched(use)))
    assert f"devices/d {words}" in told
    assert "bullpen devices --on" in told


def test_what_was_placed_at_a_device_that_is_off_is_named_while_others_work() -> None:
    """The jobs that only it may take are told with their number, also while another device works."""
    facts = (m.DeviceAdded("devices/e"), m.DeviceReady("devices/e"), switched(m.Use.NONE))
    told = "2 jobs wait for devices/d, which is switched off: `bullpen devices --on d`."
    assert hindrance(state(*facts, device="devices/d")) == told
    busy = m.JobSubmitted(m.QueuedJob("j3", "r", "p", "x", seq=3))
    assert hindrance(state(busy, *facts, device="devices/d")) == told


def test_a_worker_that_was_lost_is_told_with_its_reason() -> None:
    """Only while no other device can take the work."""
    lost = m.DeviceLost("devices/d", "was killed by SIGKILL")
    assert hindrance(state(lost)) == "The worker of devices/d was killed by SIGKILL. It is started again by itself."
    again = (lost, m.Tick(), lost)
    assert "2 workers of devices/d were lost in a row; the last one was killed" in hindrance(state(*again))
    assert hindrance(state(m.DeviceAdded("devices/e"), lost)) == ""


def test_a_daemon_that_ends_says_so() -> None:
    """What waits is not lost."""
    assert "goes on with the next one" in hindrance(state(m.Draining()))
