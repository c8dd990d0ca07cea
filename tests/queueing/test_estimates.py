"""When things will begin and end, from measured speeds."""

from __future__ import annotations

from bullpend.queueing.estimates import starts, timetable
from bullpend.scheduling import model as m
from bullpend.scheduling.rules import step

SPEEDS = {"x": 0.5}


def state(*jobs: m.QueuedJob, devices: int = 1, busy: bool = True) -> m.State:
    """Jobs on ready devices; `busy` begins as many as there are devices."""
    now = m.State()
    facts: list[m.Fact] = [m.DeviceAdded(f"d{number}") for number in range(devices)]
    facts += [m.JobSubmitted(job) for job in jobs]
    facts += [m.DeviceReady(f"d{number}") for number in range(devices)] if busy else []
    for fact in facts:
        now, _ = step(now, fact, 0.0)
    return now


def job(number: int, run: str = "r", model: str = "x", **more: object) -> m.QueuedJob:
    """A job of ten steps."""
    return m.QueuedJob(f"j{number}", run, "p", model, seq=number, steps=10, **more)  # type: ignore[arg-type]  # fields by name


def test_one_after_the_other() -> None:
    """Half of what runs is taken to be done; then each job takes its steps times its model's speed."""
    table = list(starts(state(job(1), job(2), job(3)), SPEEDS))
    assert table == [("j2", 2.5, 7.5), ("j3", 7.5, 12.5)]


def test_two_devices_work_side_by_side() -> None:
    """The job goes to the device that is free first."""
    table = list(starts(state(*(job(number) for number in range(1, 6)), devices=2), SPEEDS))
    assert table == [("j3", 2.5, 7.5), ("j4", 2.5, 7.5), ("j5", 7.5, 12.5)]


def test_nothing_is_claimed_that_nobody_measured() -> None:
    """From a job of an unknown model on there are no figures, nor for a paused queue."""
    waiting = state(job(1), job(2, model="new"), job(3))
    assert [begin for _, begin, _ in starts(waiting, SPEEDS)] == [2.5, None]
    assert timetable(waiting, SPEEDS).left is None
    paused, _ = step(state(job(1), job(2)), m.QueuePaused(), 0.0)
    assert list(starts(paused, SPEEDS)) == [("j2", None, None)]


def test_a_device_that_works_on_something_unknown_is_not_reckoned_with() -> None:
    """What waits behind it begins nobody knows when, not at once; another device that is measured still counts."""
    unknown = state(job(1, model="new"), job(2))
    assert list(starts(unknown, SPEEDS)) == [("j2", None, None)]
    assert timetable(unknown, SPEEDS).left is None
    beside = state(job(1, model="new"), job(2), job(3), devices=2)
    assert list(starts(beside, SPEEDS)) == [("j3", 2.5, 7.5)]
    assert timetable(beside, SPEEDS).left is None


def test_what_is_bound_waits_for_its_own_device() -> None:
    """Others are not held up by it, nor it by them; where its device is switched off, nobody knows when it begins."""
    jobs = [job(number, device="d1") if number in (3, 5) else job(number) for number in range(1, 7)]
    table = list(starts(state(*jobs, devices=2), SPEEDS))
    assert table == [("j3", 2.5, 7.5), ("j4", 2.5, 7.5), ("j5", 7.5, 12.5), ("j6", 7.5, 12.5)]
    off, _ = step(state(*jobs, devices=2), m.DeviceSwitched("d1", m.Use.NONE), 0.0)
    assert list(starts(off, SPEEDS)) == [("j3", None, None), ("j4", 2.5, 7.5), ("j5", None, None), ("j6", 7.5, 12.5)]
    assert timetable(off, SPEEDS).left is None


def test_a_device_for_placed_work_alone_helps_nobody_else() -> None:
    """Also while it works on something."""
    placed = [job(1), job(2, device="d1"), job(3), job(4)]
    alone, _ = step(state(*placed, devices=2), m.DeviceSwitched("d1", m.Use.BOUND), 0.0)
    assert list(starts(alone, SPEEDS)) == [("j3", 2.5, 7.5), ("j4", 7.5, 12.5)]


def test_runs_in_the_order_of_their_first_job() -> None:
    """Each run with its place, what waits and what is paused; one wholly paused comes last, without a place."""
    jobs = [job(1, "a"), job(2, "b", paused=True), job(3, "c"), job(4, "a"), job(5, "a", paused=True)]
    table = timetable(state(*jobs, busy=False), SPEEDS)
    shown = [(place.run, place.position, place.waiting, place.paused) for place in table.runs]
    assert shown == [("a", 1, 2, 1), ("c", 2, 1, 0), ("b", 0, 0, 1)]
    assert [place.start for place in table.runs] == [0.0, 5.0, None]
    assert (table.runs[1].end, table.paused, table.left) == (10.0, 2, None)
