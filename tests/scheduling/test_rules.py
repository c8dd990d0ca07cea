"""The decisions of docs/scheduler.md, one story each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from bullpend.scheduling import model as m
from bullpend.scheduling.rules import step

from tests.scheduling.script import Story, started

ROOT = Path(__file__).parent.parent.parent


def test_a_cold_device_is_started_with_the_first_job() -> None:
    """No worker runs before there is work; the job starts when the worker is ready."""
    story = Story("cpu")
    assert story.submit("j1") == [m.StartWorker("cpu")]
    assert story.submit("j2") == []
    assert story.tell(m.DeviceReady("cpu")) == [m.StartJob("j1", 1, "cpu", "m")]
    assert story.end("j1", 1, "cpu") == [m.SucceedJob("j1", 1), m.StartJob("j2", 1, "cpu", "m")]


def test_as_many_workers_are_started_as_jobs_wait() -> None:
    """One job starts one device, in order of preference; a second job starts the next."""
    story = Story("a", "b", "c")
    assert story.submit("j1") == [m.StartWorker("a")]
    assert story.submit("j2") == [m.StartWorker("b")]
    assert story.tell(m.DeviceReady("b")) == [m.StartJob("j1", 1, "b", "m")]
    assert story.tell(m.DeviceReady("a")) == [m.StartJob("j2", 1, "a", "m")]


def test_priority_first_then_order_of_acceptance() -> None:
    """A higher priority goes before, whenever it came; within one priority the earlier goes first."""
    story = Story("cpu")
    for name, priority in (("j1", 0), ("j2", 0), ("j3", 5), ("j4", 5)):
        story.submit(name, priority=priority)
    order = [name for name, _ in started(story.tell(m.DeviceReady("cpu")))]
    while len(order) < 4:
        order += [name for name, _ in started(story.end(order[-1], 1, "cpu"))]
    assert order == ["j3", "j4", "j1", "j2"]


def test_submitting_twice_changes_nothing() -> None:
    """A job is known once, waiting or running."""
    story = Story("cpu")
    story.submit("j1")
    before = story.state
    assert story.submit("j1", priority=9) == []
    assert story.state is before


def test_the_head_goes_where_its_model_is_warm() -> None:
    """Of two idle devices the one that has the model is taken, though the other is preferred."""
    story = Story("a", "b")
    story.submit("j1", model="x")
    story.submit("j2", model="y")
    story.tell(m.DeviceReady("a"))
    story.tell(m.DeviceReady("b"))
    story.tell(m.ModelLoaded("a", "x", 1))
    story.tell(m.ModelLoaded("b", "y", 1))
    story.end("j1", 1, "a")
    story.end("j2", 1, "b")
    assert started(story.submit("j3", model="y")) == [("j3", "b")]


def test_overtaking_is_bounded_in_times() -> None:
    """Warm jobs pass a cold one at most so often; then it runs although others are warm."""
    story = Story("cpu", policy=m.Policy(max_overtakes=3, look_ahead=8))
    story.warm("cpu", "w")
    story.submit("blocker", model="w", priority=9)
    story.submit("j1", model="cold")
    for number in range(2, 9):
        story.submit(f"j{number}", model="w")
    order = [name for name, _ in started(story.end("blocker", 1, "cpu"))]
    while order[-1] != "j1":
        order += [name for name, _ in started(story.end(order[-1], 1, "cpu"))]
    assert order == ["j2", "j3", "j4", "j1"]


def test_overtaking_is_bounded_in_places_and_never_crosses_a_priority() -> None:
    """A warm job further back than the look-ahead, or of lower priority, waits for its turn."""
    policy = m.Policy(look_ahead=2)
    for far_priority, far_place in ((0, 3), (-1, 1)):
        story = Story("cpu", policy=policy)
        story.warm("cpu", "w")
        story.submit("blocker", model="w", priority=9)
        for number in range(1, far_place + 1):
            story.submit(f"j{number}", model="cold")
        story.submit("j9", model="w", priority=far_priority)
        assert started(story.end("blocker", 1, "cpu")) == [("j1", "cpu")]


@pytest.mark.parametrize(("job", "attempt", "device"), [("j1", 2, "a"), ("j1", 0, "a"), ("j1", 1, "b"), ("no", 1, "a")])
def test_stale_ends_change_nothing(job: str, attempt: int, device: str) -> None:
    """Another attempt, another device or an unknown job: the very same state, no command."""
    story = Story("a", "b")
    story.submit("j1")
    story.tell(m.DeviceReady("a"))
    before = story.state
    for outcome in m.Outcome:
        assert story.end(job, attempt, device, outcome) == []
    assert story.state is before


def test_an_end_counts_once() -> None:
    """The second end of one attempt is an echo."""
    story = Story("cpu")
    story.submit("j1")
    story.tell(m.DeviceReady("cpu"))
    assert story.end("j1", 1, "cpu") == [m.SucceedJob("j1", 1)]
    before = story.state
    assert story.end("j1", 1, "cpu", m.Outcome.FAILED, "ENGINE_FAILED") == []
    assert story.state is before


def test_a_waiting_job_is_canceled_without_a_worker() -> None:
    """It is final at once; a second cancel finds nothing."""
    story = Story("cpu")
    story.submit("j1")
    assert story.tell(m.JobCanceled("j1")) == [m.CancelJob("j1", 0)]
    assert story.tell(m.JobCanceled("j1")) == []
    assert story.tell(m.DeviceReady("cpu")) == []


def test_a_running_job_is_asked_to_stop_once() -> None:
    """The second cancel is no command; the worker's answer makes it final and the device takes the next job."""
    story = Story("cpu")
    story.submit("j1")
    story.submit("j2")
    story.tell(m.DeviceReady("cpu"))
    assert story.tell(m.JobCanceled("j1")) == [m.StopJob("j1", 1, "cpu")]
    assert story.tell(m.JobCanceled("j1")) == []
    assert story.end("j1", 1, "cpu", m.Outcome.CANCELED) == [m.CancelJob("j1", 1), m.StartJob("j2", 1, "cpu", "m")]


@pytest.mark.parametrize(
    ("outcome", "final"), [(m.Outcome.SUCCEEDED, m.SucceedJob("j1", 1)), (m.Outcome.FAILED, m.CancelJob("j1", 1))]
)
def test_what_ended_before_it_heard_the_cancel(outcome: m.Outcome, final: m.Command) -> None:
    """A finished job stays finished; a failure after a cancel is a cancel."""
    story = Story("cpu")
    story.submit("j1")
    story.tell(m.DeviceReady("cpu"))
    story.tell(m.JobCanceled("j1"))
    assert story.end("j1", 1, "cpu", outcome, "ENGINE_FAILED") == [final]


def test_a_worker_that_does_not_stop_is_killed() -> None:
    """After the grace the worker is killed, once; its loss cancels the job and starts a new one without waiting."""
    story = Story("cpu", policy=m.Policy(stop_grace_seconds=10))
    story.submit("j1")
    story.submit("j2")
    story.tell(m.DeviceReady("cpu"))
    story.tell(m.JobCanceled("j1"))
    assert story.tell(m.Tick(), after=9.9) == []
    [kill] = story.tell(m.Tick(), after=0.1)
    assert isinstance(kill, m.KillWorker)
    assert story.tell(m.Tick(), after=20) == []
    assert story.tell(m.DeviceLost("cpu", "killed")) == [m.CancelJob("j1", 1), m.StartWorker("cpu")]
    assert story.tell(m.DeviceReady("cpu")) == [m.StartJob("j2", 1, "cpu", "m")]


def test_a_refused_lease_frees_the_device() -> None:
    """The store knew better: the job is forgotten without a word; an old refusal changes nothing."""
    story = Story("cpu")
    story.submit("j1")
    story.submit("j2")
    story.tell(m.DeviceReady("cpu"))
    assert story.tell(m.LeaseRefused("j1", 7)) == []
    assert story.tell(m.LeaseRefused("j1", 1)) == [m.StartJob("j2", 1, "cpu", "m")]
    assert "j1" not in story.state.jobs


def test_draining_starts_nothing() -> None:
    """What runs may end; what waits stays where it is; no worker is started."""
    story = Story("a", "b")
    story.submit("j1")
    story.tell(m.DeviceReady("a"))
    assert story.tell(m.Draining()) == []
    assert story.submit("j2") == []
    assert story.end("j1", 1, "a") == [m.SucceedJob("j1", 1)]
    assert list(story.state.jobs) == ["j2"]


def test_a_state_is_never_changed_in_place() -> None:
    """Stepping from one state twice gives the same both times."""
    story = Story("cpu")
    for number in range(1, 4):
        story.submit(f"j{number}")
    before = story.state
    first = step(before, m.DeviceReady("cpu"), story.now)
    step(first[0], m.JobEnded("j1", 1, "cpu", m.Outcome.SUCCEEDED), story.now)
    assert step(before, m.DeviceReady("cpu"), story.now) == first


def test_the_document_and_the_code_number_the_same_decisions() -> None:
    """Each numbered comment in the rules has its paragraph in docs/scheduler.md, and the other way round."""
    room = ROOT / "daemon" / "src" / "bullpend" / "scheduling"
    code = "".join((room / name).read_text() for name in ("rules.py", "jobs.py", "placement.py", "residency.py"))
    in_code = sorted(int(number) for number in re.findall(r"^\s*# (\d+)\. ", code, re.MULTILINE))
    document = (ROOT / "docs" / "scheduler.md").read_text()
    in_document = [int(number) for number in re.findall(r"^(\d+)\. ", document, re.MULTILINE)]
    assert in_code == in_document == list(range(1, len(in_code) + 1))
